package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// Limits say what of a difference counts.
type Limits struct {
	// Alpha is how often two runs of the same program may show a regression anywhere in
	// all their scenarios, from 0 to 1. Default: 0.05.
	Alpha float64 `json:"alpha"`
	// Shift and Change are how much slower the median or the 95th percentile must be for
	// a regression: by so much time, and by such a share of what it was. Both must hold.
	// Default: 5 ms and 0.1.
	Shift  time.Duration `json:"shift_ns"`
	Change float64       `json:"change"`
}

// DefaultLimits are those that count where nothing else is said.
var DefaultLimits = Limits{Alpha: stats.DefaultAlpha, Shift: 5 * time.Millisecond, Change: 0.1}

// Comparison is what lies between a baseline and a later run.
type Comparison struct {
	Schema int    `json:"schema"`
	Limits Limits `json:"limits"`
	// Regressions is how many of all changes are for the worse.
	Regressions int `json:"regressions"`
	// Scenarios are those that both have, in the order of their names; never nil.
	Scenarios []Compared `json:"scenarios"`
	// Gone and New are the scenarios that only the baseline, and only the run, has.
	Gone []string `json:"gone,omitempty"`
	New  []string `json:"new,omitempty"`
}

// Compared is one scenario before and after.
type Compared struct {
	Name    string   `json:"name"`
	Before  KeptRun  `json:"before"`
	After   KeptRun  `json:"after"`
	Changes []Change `json:"changes"`
	// Warnings tells why a difference, or that there is none, may mean little.
	Warnings []string `json:"warnings,omitempty"`
}

// Change is one figure before and after.
type Change struct {
	// What is violations, ending, finding or latency.
	What string `json:"what"`
	// Name is the ending, or CHECK/KIND of the finding.
	Name   string  `json:"name,omitempty"`
	Before Measure `json:"before"`
	After  Measure `json:"after"`
	// P is the probability that two runs of one program differ as much as this; nil for
	// the points of a sweep, which are not drawn. Corrected is P with regard to how many
	// figures were compared (Holm): it is what counts.
	P         *float64 `json:"p,omitempty"`
	Corrected *float64 `json:"p_corrected,omitempty"`
	Outcome   Outcome  `json:"outcome"`
	// Note says it in a word or two: new, gone, more often, less often, slower, faster.
	Note string `json:"note,omitempty"`
}

// Measure is a figure of one side: a count, or a latency in milliseconds.
type Measure struct {
	Count int `json:"count"`
	// Of is what Count is a part of; 0 for a latency, of which Count is the number.
	Of  int      `json:"of,omitempty"`
	P50 *float64 `json:"p50,omitempty"`
	P95 *float64 `json:"p95,omitempty"`
}

// Outcome is what a change comes to.
type Outcome string

// The outcomes.
const (
	Regression  Outcome = "regression"
	Improvement Outcome = "improvement"
	Changed     Outcome = "changed"    // different, and neither better nor worse: an ending that is accepted
	Negligible  Outcome = "negligible" // different for sure, and by too little to count
	Undecided   Outcome = "undecided"  // it may well be chance, or there is no difference
)

// What is compared.
const (
	Violations = "violations"
	EndingOf   = "ending"
	FindingOf  = "finding"
	LatencyOf  = "latency"
)

// Compare holds a run against a baseline, scenario by scenario.
func Compare(before, after Baseline, limits Limits) Comparison {
	c := Comparison{Schema: Schema, Limits: limits, Scenarios: []Compared{}}
	var tests []*test
	for _, b := range before.Scenarios {
		a, both := after.scenario(b.Name)
		if !both {
			c.Gone = append(c.Gone, b.Name)
			continue
		}
		p := pair{b, a}
		one := p.tests()
		c.Scenarios = append(c.Scenarios, Compared{Name: b.Name, Before: b.Run, After: a.Run, Warnings: p.warnings()})
		for _, t := range one {
			t.scenario = len(c.Scenarios) - 1
		}
		tests = append(tests, one...)
	}
	for _, a := range after.Scenarios {
		if _, both := before.scenario(a.Name); !both {
			c.New = append(c.New, a.Name)
		}
	}
	c.decide(tests)
	return c
}

func (b Baseline) scenario(name string) (Kept, bool) {
	i := slices.IndexFunc(b.Scenarios, func(k Kept) bool { return k.Name == name })
	if i < 0 {
		return Kept{}, false
	}
	return b.Scenarios[i], true
}

// test is a change on its way to its outcome.
type test struct {
	Change
	scenario int
	// idle says that no outcome could have been a difference: nothing is tested.
	idle bool
	// direction is the outcome if the difference is no chance.
	direction Outcome
}

// decide corrects for the number of tests over all scenarios and gives each its outcome.
func (c *Comparison) decide(tests []*test) {
	c.correct(tests)
	for _, t := range tests {
		switch {
		case t.P == nil:
			t.Outcome = t.direction // a sweep's points are not drawn
		case *t.Corrected > c.Limits.Alpha:
			t.Outcome = Undecided
		default:
			t.Outcome = t.direction
		}
		if t.What == LatencyOf && t.Outcome == t.direction && t.Outcome != Undecided && !c.Limits.matters(t.Change) {
			t.Outcome = Negligible
		}
		if t.Outcome == Regression {
			c.Regressions++
		}
		one := &c.Scenarios[t.scenario]
		one.Changes = append(one.Changes, t.Change)
	}
	for i := range c.Scenarios {
		c.warnOfFew(&c.Scenarios[i], tests)
	}
}

// correct leaves out what could not have been a difference whatever had come: that
// depends on the sums alone, and such tests cannot be wrong.
func (c *Comparison) correct(tests []*test) {
	var p []float64
	for _, t := range tests {
		if t.P != nil && !t.idle {
			p = append(p, *t.P)
		}
	}
	corrected, next := stats.Holm(p), 0
	for _, t := range tests {
		switch {
		case t.P == nil:
		case t.idle:
			one := 1.0
			t.Corrected = &one
		default:
			t.Corrected = &corrected[next]
			next++
		}
	}
}

// matters says whether a difference of latencies is large enough to count.
func (l Limits) matters(c Change) bool {
	return l.far(c.Before.P50, c.After.P50, c.Note) || l.far(c.Before.P95, c.After.P95, c.Note)
}

func (l Limits) far(before, after *float64, note string) bool {
	shift := *after - *before
	if note == faster {
		shift = -shift
	}
	return shift >= float64(l.Shift)/float64(time.Millisecond) && shift >= l.Change**before
}

// pair is one scenario on both sides.
type pair struct{ before, after Kept }

// swept says that the points were enumerated, so that nothing is drawn.
func (p pair) swept() bool { return p.before.Sweep != nil && p.after.Sweep != nil }

func (p pair) tests() []*test {
	list := []*test{p.violations()}
	list = append(list, p.endings()...)
	list = append(list, p.findings()...)
	if t := p.latency(); t != nil {
		list = append(list, t)
	}
	return list
}

// rate makes the test of a thing that came so often on each side.
func (p pair) rate(what, name string, before, after stats.Rate, more, less Outcome) *test {
	t := &test{Change: Change{
		What: what, Name: name,
		Before: Measure{Count: before.Count, Of: before.Of}, After: Measure{Count: after.Count, Of: after.Of},
		Note: oftener(before, after),
	}}
	switch {
	case after.Share() > before.Share():
		t.direction = more
	case after.Share() < before.Share():
		t.direction = less
	default:
		t.direction = Undecided
	}
	chance := stats.Fisher(before, after)
	t.P, t.idle = &chance, !stats.MayDiffer(before, after)
	return t
}

// oftener says how a rate changed; "" where it did not.
func oftener(before, after stats.Rate) string {
	switch {
	case before.Share() == after.Share():
		return ""
	case before.Count == 0:
		return "new"
	case after.Count == 0:
		return "gone"
	case after.Share() > before.Share():
		return "more often"
	}
	return "less often"
}

// violations compares how many of the conclusive trials failed. In a sweep the points
// of each finding say more, and this is for the reader.
func (p pair) violations() *test {
	of := func(k Kept) stats.Rate { return stats.Rate{Count: k.Trials.Violation, Of: k.Trials.Conclusive()} }
	t := p.rate(Violations, "", of(p.before), of(p.after), Regression, Improvement)
	if p.swept() {
		t.P, t.direction = nil, Undecided
	}
	return t
}

// endings compares each kind. That a program leaves cleanly less often is worse, also
// where its scenario accepts what it does in place of that.
func (p pair) endings() (list []*test) {
	before, after := total(p.before.Endings), total(p.after.Endings)
	for _, name := range union(maps.Keys(p.before.Endings), maps.Keys(p.after.Endings)) {
		more, less := Regression, Improvement
		switch {
		case name == string(observation.Clean):
			more, less = Improvement, Regression
		case slices.Contains(p.after.Accepts, strings.Replace(name, "code ", "code:", 1)):
			more, less = Changed, Changed
		}
		t := p.rate(EndingOf, name, stats.Rate{Count: p.before.Endings[name], Of: before}, stats.Rate{Count: p.after.Endings[name], Of: after}, more, less)
		if p.swept() {
			t.P, t.direction = nil, Undecided
		}
		list = append(list, t)
	}
	return list
}

func total(counts map[string]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// findings compares how often each kind came; in a sweep, at which points.
func (p pair) findings() (list []*test) {
	before, after := p.before.byName(), p.after.byName()
	for _, name := range union(maps.Keys(before), maps.Keys(after)) {
		b, a := before[name], after[name]
		t := p.rate(FindingOf, name,
			stats.Rate{Count: b.Count, Of: max(p.before.Trials.Conclusive(), b.Count)},
			stats.Rate{Count: a.Count, Of: max(p.after.Trials.Conclusive(), a.Count)}, Regression, Improvement)
		if p.swept() {
			p.points(t, b, a)
		}
		list = append(list, t)
	}
	return list
}

func (k Kept) byName() map[string]KeptFinding {
	byName := map[string]KeptFinding{}
	for _, f := range k.Findings {
		byName[f.Check+"/"+f.Kind] = f
	}
	return byName
}

// points compares a finding in two sweeps: a point that fails now and did not is a
// regression, and no test is needed for it, nor could one be made. Points of sweeps with
// different numbers of calls are not the same ones; only what is all new or gone counts.
func (p pair) points(t *test, before, after KeptFinding) {
	t.P, t.direction = nil, Undecided
	fresh, healed := after.beyond(before), before.beyond(after)
	if p.before.Sweep.Points != p.after.Sweep.Points && before.Count > 0 && after.Count > 0 {
		return
	}
	switch {
	case len(fresh) > 0:
		t.direction = Regression
		t.Note = "new at " + few(fresh)
	case after.Count == 0 && !p.after.Sweep.Complete:
		// What was not struck at did not heal.
	case len(healed) > 0:
		t.direction = Improvement
		t.Note = "gone at " + few(healed)
	}
}

// beyond lists the points that the other finding does not have.
func (f KeptFinding) beyond(other KeptFinding) (points []string) {
	for _, s := range f.Points {
		for _, nth := range s.Nth {
			if !other.at(s, nth) {
				points = append(points, fmt.Sprintf("#%d %s", nth, s.Side))
			}
		}
	}
	return points
}

// at says whether the finding came at a point. A list that was cut short may have it.
func (f KeptFinding) at(s Struck, nth int) bool {
	i := slices.IndexFunc(f.Points, func(own Struck) bool { return own.Side == s.Side })
	if i < 0 {
		return false
	}
	own := f.Points[i]
	if cut := own.Count > len(own.Nth); cut && (len(own.Nth) == 0 || nth > own.Nth[len(own.Nth)-1]) {
		return true
	}
	return slices.Contains(own.Nth, nth)
}

// few is "#3 before, #7 before and 12 more".
func few(points []string) string {
	const shown = 5
	text := strings.Join(points[:min(len(points), shown)], ", ")
	if rest := len(points) - shown; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

const (
	slower = "slower"
	faster = "faster"
)

// latency compares how long the stops took; nil where a side has none.
func (p pair) latency() *test {
	before, after := p.before.Latency.Sample, p.after.Latency.Sample
	if len(before) == 0 || len(after) == 0 {
		return nil
	}
	shift := stats.MannWhitney(before, after)
	t := &test{Change: Change{What: LatencyOf, Before: measured(p.before.Latency), After: measured(p.after.Latency), P: &shift.P}, direction: Undecided}
	switch {
	case shift.Larger > 0.5:
		t.direction, t.Note = Regression, slower
	case shift.Larger < 0.5:
		t.direction, t.Note = Improvement, faster
	}
	return t
}

func measured(l KeptLatency) Measure {
	p50, p95 := stats.Quantile(l.Sample, 0.5), stats.Quantile(l.Sample, 0.95)
	return Measure{Count: l.Count, P50: &p50, P95: &p95}
}

// union is the names of both, sorted.
func union(a, b func(func(string) bool)) []string {
	names := slices.AppendSeq(slices.Collect(a), b)
	slices.Sort(names)
	return slices.Compact(names)
}
