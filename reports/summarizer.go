package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// maxGroups bounds what is kept apart where the text comes from a trial. Reasons that
// name a PID or a path would otherwise be as many as the trials.
const maxGroups = 50

// restReason stands for the reasons beyond maxGroups.
const restReason = "other reasons: see the record"

// Summarizer sums up trials as they come. The order in which they come does not
// matter, unless there are more than fifty different reasons. It keeps counts, one worked example for each kind of finding, and a latency
// for each trial.
type Summarizer struct {
	info      RunInfo
	campaigns map[string]*tally
	order     []string // names, as the run lists them, then as they come
	degraded  map[observation.Degradation]int
	cut       string // why the run ended early
}

// tally is the running sum of one campaign.
type tally struct {
	scenario  scenario.Scenario
	counts    verdict.Tally
	findings  map[kindKey]*Findings
	found     map[kindKey]int // in how many trials of the plan
	unproven  map[reasonKey]*Unproven
	latencies []timed
	deciding  *Deciding // nil without a sequential test
	endings   map[string]int
	checks    map[string]*CheckCount
	late      int
	coverage  coverage
	replayed  verdict.Tally
	shrunk    map[kindKey]*shrink.Result
}

type kindKey struct{ check, kind string }

type reasonKey struct {
	verdict verdict.Verdict
	reason  string
}

// NewSummarizer starts a summary of the run. Scenarios that the run lists stand in it
// even if no trial of them comes.
func NewSummarizer(info RunInfo) *Summarizer {
	s := &Summarizer{info: info, campaigns: map[string]*tally{}, degraded: map[observation.Degradation]int{}, cut: info.Shard.elsewhere()}
	for _, planned := range info.Scenarios {
		c := s.campaign(planned.Name)
		c.scenario = planned.WithDefaults()
		if drawn(planned) {
			c.deciding = info.Statistics.Deciding()
		}
	}
	return s
}

// campaign is the tally of a scenario, made when it is first asked for.
func (s *Summarizer) campaign(name string) *tally {
	t, known := s.campaigns[name]
	if !known {
		t = &tally{
			scenario: scenario.Scenario{Name: name}.WithDefaults(),
			findings: map[kindKey]*Findings{}, found: map[kindKey]int{}, unproven: map[reasonKey]*Unproven{},
			endings: map[string]int{}, checks: map[string]*CheckCount{},
			shrunk: map[kindKey]*shrink.Result{},
		}
		s.campaigns[name] = t
		s.order = append(s.order, name)
	}
	return t
}

// Ended notes how the run ended, nil for a run that has not: a sweep that is not
// complete is so for this reason. Without it the run counts as ended in its time.
func (s *Summarizer) Ended(f *Finished) {
	if s.cut = f.cutShort(); s.cut == "" {
		s.cut = s.info.Shard.elsewhere()
	}
}

// Add counts a trial. Each trial must be added once; [Reader] sees to that.
func (s *Summarizer) Add(t harness.Trial) {
	c := s.campaign(t.Scenario)
	c.addFindings(t)
	if t.Again {
		c.replayed.Add(t.Judgement.Verdict)
		c.addReason(t)
	} else {
		c.addPlanned(t)
	}
	for _, d := range t.Observation.Degradations {
		if _, known := s.degraded[d]; !known && len(s.degraded) >= maxGroups {
			d.Why = restReason
		}
		s.degraded[d]++
	}
}

// addPlanned counts a trial of the plan.
func (c *tally) addPlanned(t harness.Trial) {
	c.counts.Add(t.Judgement.Verdict)
	c.coverage.add(t)
	if c.deciding != nil {
		c.deciding.Judge(t)
	}
	if t.Absent() {
		c.counts.Absent++
		return // the sweep tells of it
	}
	c.addReason(t)
	c.addStop(t)
	c.addChecks(t.Judgement)
}

// addFindings counts a trial once for each kind, however often it shows it.
func (c *tally) addFindings(t harness.Trial) {
	counted := map[kindKey]bool{}
	for _, f := range t.Judgement.Findings {
		k := kindKey{f.Check, f.Kind}
		if counted[k] {
			continue
		}
		counted[k] = true
		if !t.Again {
			c.found[k]++
		}
		g := c.findings[k]
		if g == nil {
			g = &Findings{Check: f.Check, Kind: f.Kind}
			c.findings[k] = g
		}
		if g.add(t.Index) {
			g.Message, g.Evidence, g.Hint, g.Shot = f.Message, f.Evidence, f.Hint, t.Shot.String()
		}
		g.addPoint(t)
	}
}

// addReason counts a trial that proved nothing.
func (c *tally) addReason(t harness.Trial) {
	v := t.Judgement.Verdict
	if v == verdict.Graceful || v == verdict.Violation {
		return
	}
	k := reasonKey{v, t.Judgement.Reason}
	if _, known := c.unproven[k]; !known && len(c.unproven) >= maxGroups {
		k.reason = restReason
	}
	g := c.unproven[k]
	if g == nil {
		g = &Unproven{Verdict: k.verdict, Reason: k.reason}
		c.unproven[k] = g
	}
	if failure := t.Observation.Failure; g.add(t.Index) && failure != nil {
		g.Remedy = failure.Remedy
	}
}

// addStop counts how and how fast the main process ended, when it was struck. A
// target that ended before the signal says nothing about its stop.
func (c *tally) addStop(t harness.Trial) {
	o := t.Observation
	if o.Strike == nil {
		return
	}
	if o.Strike.Late() > LateShot {
		c.late++
	}
	latency, ended := o.Latency()
	if !ended || latency < 0 {
		return
	}
	stop := timed{trial: t.Index, latency: latency, where: landed(o), proved: conclusive(t)}
	if c.scenario.Expect.Latency != nil {
		stop.shot = t.Shot.String()
	}
	c.latencies = append(c.latencies, stop)
	if ending, ok := o.Ending(); ok {
		c.endings[ending.String()]++
	}
}

func (c *tally) addChecks(j verdict.Judgement) {
	for _, name := range j.Checked {
		c.check(name).Checked++
	}
	for _, name := range j.Unchecked {
		c.check(name).Unchecked++
	}
}

func (c *tally) check(name string) *CheckCount {
	if c.checks[name] == nil {
		c.checks[name] = &CheckCount{Check: name}
	}
	return c.checks[name]
}

// Campaign is what was added so far of one scenario.
func (s *Summarizer) Campaign(name string) Campaign {
	c := s.campaign(name).summary(name, s.cut, s.info.Statistics)
	if shard := s.info.Shard; shard.Of > 1 && c.Trials.Total == 0 && s.cut == shard.elsewhere() {
		c.Reason = fmt.Sprintf("none of its trials is in shard %s", shard)
	}
	return c
}

// Summary is what was added so far. Later additions do not change it.
func (s *Summarizer) Summary() Summary {
	summary := Summary{
		Schema: Schema, Run: s.info.ID, Started: s.info.Started, Seed: s.info.Seed,
		Scenarios: []Campaign{}, Degradations: s.degradations(),
	}
	var verdicts []verdict.Verdict
	for _, name := range s.order {
		c := s.Campaign(name)
		summary.Scenarios = append(summary.Scenarios, c)
		verdicts = append(verdicts, c.Verdict)
	}
	summary.Verdict = verdict.Worst(verdicts...)
	return summary
}

func (c *tally) summary(name, cut string, asked *Statistics) Campaign {
	sweep := c.coverage.sweep(c.scenario.Strike.Sweep, cut)
	v, reason := c.verdict(sweep)
	confidence := asked.confidence()
	sum := Campaign{
		Name: name, Verdict: v, Reason: reason, Trials: Counts{c.counts.Total(), c.counts}, Sweep: sweep, Replayed: c.again(),
		Findings: c.sortedFindings(), Unproven: c.sortedReasons(),
		Latency: latencyOf(c.latencies, confidence), LatencyBy: latencyBy(c.latencies, confidence), Endings: maps.Clone(c.endings),
		Checks: c.sortedChecks(), Late: c.late, Sequential: c.deciding.Sequential(),
	}
	if drawn(c.scenario) && sum.Sequential == nil {
		sum.FailureRate = asked.failureRate(c.counts.Violation, c.counts.Conclusive())
	}
	c.holdBudget(&sum)
	return sum
}

// verdict is that of the plan's trials, or of the replayed ones where these are worse.
// What was replayed proves nothing about the plan, so it cannot make it better.
func (c *tally) verdict(sweep *Sweep) (v verdict.Verdict, reason string) {
	v, reason = verdict.Campaign(c.scenario, c.counts)
	if v == verdict.Inconclusive && sweep != nil && sweep.Points == 0 {
		reason = sweep.Reason
	}
	switch r := c.replayed; {
	case r.Violation > 0 && v != verdict.Violation:
		return verdict.Violation, fmt.Sprintf("%d of %s that failed before still fail", r.Violation, counted(r.Total(), "shot"))
	case r.Error > 0 && v != verdict.Violation && v != verdict.Error:
		return verdict.Error, fmt.Sprintf("%d of %s that failed before could not be repeated", r.Error, counted(r.Total(), "shot"))
	}
	return v, reason
}

func (c *tally) again() *Counts {
	if c.replayed.Total() == 0 {
		return nil
	}
	return &Counts{c.replayed.Total(), c.replayed}
}

// sortedFindings puts the most frequent first, so that the first screen shows it.
func (c *tally) sortedFindings() []Findings {
	sorted := []Findings{}
	for _, f := range c.findings {
		f := *f
		f.Shrunk = c.shrunk[kindKey{f.Check, f.Kind}]
		f.Group, f.Points = f.clone(), slices.Clone(f.Points)
		for i := range f.Points {
			f.Points[i].Nth = slices.Clone(f.Points[i].Nth)
		}
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, moreFrequent)
	return sorted
}

func moreFrequent(a, b Findings) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Check, b.Check), cmp.Compare(a.Kind, b.Kind))
}

// sortedReasons puts errors, which somebody has to mend, before the rest.
func (c *tally) sortedReasons() []Unproven {
	var sorted []Unproven
	for _, u := range c.unproven {
		u := *u
		u.Group = u.clone()
		sorted = append(sorted, u)
	}
	slices.SortFunc(sorted, func(a, b Unproven) int {
		return cmp.Or(cmp.Compare(a.Verdict, b.Verdict), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return sorted
}

// sortedChecks keeps the order of package verdict; checks that it does not know, from
// a newer sigprobe's record, come last.
func (c *tally) sortedChecks() []CheckCount {
	known := verdict.Checks()
	var sorted []CheckCount
	for _, count := range c.checks {
		sorted = append(sorted, *count)
	}
	place := func(name string) int {
		if at := slices.Index(known, name); at >= 0 {
			return at
		}
		return len(known)
	}
	slices.SortFunc(sorted, func(a, b CheckCount) int {
		return cmp.Or(cmp.Compare(place(a.Check), place(b.Check)), cmp.Compare(a.Check, b.Check))
	})
	return sorted
}

func (s *Summarizer) degradations() []Degraded {
	var sorted []Degraded
	for d, count := range s.degraded {
		sorted = append(sorted, Degraded{d.What, d.Why, count})
	}
	slices.SortFunc(sorted, func(a, b Degraded) int {
		return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Why, b.Why))
	})
	return sorted
}
