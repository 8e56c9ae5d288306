package reports

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// keptOf is a scenario with so many graceful and failed trials, all clean, whose
// latencies rise by a millisecond from the first one on.
func keptOf(name string, graceful, failed int, first float64) Kept {
	k := Kept{Name: name, Endings: map[string]int{"clean": graceful + failed}}
	k.Trials = Counts{graceful + failed, verdict.Tally{Graceful: graceful, Violation: failed}}
	if failed > 0 {
		k.Findings = []KeptFinding{{Check: "survivors", Kind: "orphan", Count: failed}}
	}
	for i := range graceful + failed {
		k.Latency.Sample = append(k.Latency.Sample, first+float64(i))
	}
	k.Latency.Count = len(k.Latency.Sample)
	return k
}

func baselineOf(kept ...Kept) Baseline {
	return Baseline{Schema: Schema, Kind: BaselineKind, Scenarios: kept}
}

// outcomes are the changes that came to something, as "figure: outcome note".
func outcomes(c Comparison) (list []string) {
	for _, one := range c.Scenarios {
		for _, change := range one.Changes {
			if change.Outcome != Undecided {
				list = append(list, fmt.Sprintf("%s %s: %s %s", one.Name, change.Figure(), change.Outcome, change.Note))
			}
		}
	}
	return list
}

func TestCompareTellsWhatBecameWorse(t *testing.T) {
	coded := keptOf("a", 100, 0, 10)
	coded.Endings = map[string]int{"clean": 60, "code 1": 40}
	accepted := coded
	accepted.Accepts = []string{"clean", "code:1"}
	heavy := keptOf("a", 100, 0, 10)
	for i := 50; i < 100; i++ {
		heavy.Latency.Sample[i] += 500
	}
	slow := keptOf("a", 100, 0, 200)
	shifted := keptOf("a", 100, 0, 12)
	for i := range shifted.Latency.Sample {
		shifted.Latency.Sample[i] = 10 + float64(i)/1000
	}
	little := shifted
	little.Latency.Sample = slices.Clone(shifted.Latency.Sample)
	for i := range little.Latency.Sample {
		little.Latency.Sample[i] += 0.1
	}
	// around has its latencies within a hundredth of a millisecond.
	around := func(ms float64) Kept {
		k := keptOf("a", 100, 0, 0)
		for i := range k.Latency.Sample {
			k.Latency.Sample[i] = ms + float64(i)/10_000
		}
		return k
	}
	for name, c := range map[string]struct {
		before, after Kept
		want          []string
	}{
		"twice a little":   {around(1), around(2), []string{"a latency: negligible slower"}},
		"a small share":    {around(1000), around(1006), []string{"a latency: negligible slower"}},
		"just enough":      {around(50), around(55.1), []string{"a latency: regression slower"}},
		"the same":         {keptOf("a", 100, 0, 10), keptOf("a", 100, 0, 10), nil},
		"slower":           {keptOf("a", 100, 0, 10), slow, []string{"a latency: regression slower"}},
		"faster":           {slow, keptOf("a", 100, 0, 10), []string{"a latency: improvement faster"}},
		"a slow tail":      {keptOf("a", 100, 0, 10), heavy, []string{"a latency: regression slower"}},
		"by 0.1 ms":        {shifted, little, []string{"a latency: negligible slower"}},
		"orphans":          {keptOf("a", 100, 0, 10), keptOf("a", 90, 10, 10), []string{"a violations: regression new", "a finding survivors/orphan: regression new"}},
		"no orphans":       {keptOf("a", 90, 10, 10), keptOf("a", 100, 0, 10), []string{"a violations: improvement gone", "a finding survivors/orphan: improvement gone"}},
		"more orphans":     {keptOf("a", 90, 10, 10), keptOf("a", 50, 50, 10), []string{"a violations: regression more often", "a finding survivors/orphan: regression more often"}},
		"one orphan":       {keptOf("a", 100, 0, 10), keptOf("a", 99, 1, 10), nil},
		"another ending":   {keptOf("a", 100, 0, 10), coded, []string{"a ending clean: regression less often", "a ending code 1: regression new"}},
		"accepted":         {keptOf("a", 100, 0, 10), accepted, []string{"a ending clean: regression less often", "a ending code 1: changed new"}},
		"cleaner":          {coded, keptOf("a", 100, 0, 10), []string{"a ending clean: improvement more often", "a ending code 1: improvement gone"}},
		"without latency":  {keptOf("a", 100, 0, 10), Kept{Name: "a", Trials: Counts{100, verdict.Tally{Graceful: 100}}}, nil},
		"three of a kind":  {keptOf("a", 3, 0, 10), keptOf("a", 0, 3, 1000), nil},
		"nothing was made": {keptOf("a", 0, 0, 0), keptOf("a", 0, 0, 0), nil},
	} {
		got := Compare(baselineOf(c.before), baselineOf(c.after), DefaultLimits)
		if diff := cmp.Diff(c.want, outcomes(got)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		worse := 0
		for _, line := range c.want {
			if strings.Contains(line, "regression") {
				worse++
			}
		}
		if got.Regressions != worse {
			t.Errorf("%s: %d regressions, not %d", name, got.Regressions, worse)
		}
	}
}

// Ten orphans of a hundred are clear for one scenario, and not for one of a thousand.
func TestCompareCorrectsForManyScenarios(t *testing.T) {
	var before, after []Kept
	for i := range 1000 {
		name := fmt.Sprintf("s%04d", i)
		before, after = append(before, keptOf(name, 100, 0, 10)), append(after, keptOf(name, 100, 0, 10))
	}
	after[7] = keptOf("s0007", 90, 10, 10)
	if got := Compare(baselineOf(before...), baselineOf(after...), DefaultLimits); got.Regressions != 0 {
		t.Errorf("among a thousand: %v", outcomes(got))
	}
	if got := Compare(baselineOf(before[7]), baselineOf(after[7]), DefaultLimits); got.Regressions != 2 {
		t.Errorf("alone: %v", outcomes(got))
	}
}

func TestCompareWarns(t *testing.T) {
	few := Compare(baselineOf(keptOf("a", 3, 0, 10)), baselineOf(keptOf("a", 3, 0, 10)), DefaultLimits)
	want := []string{
		"violations: 3 against 3 trials show no difference however large; 4 on each side would",
		"latency: 3 against 3 trials show no difference however large; 4 on each side would",
	}
	if diff := cmp.Diff(want, few.Scenarios[0].Warnings); diff != "" {
		t.Errorf("few trials:\n%s", diff)
	}
	before, after := keptOf("a", 50, 0, 10), keptOf("a", 50, 0, 10)
	before.Run.Machine = Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", Cores: 2}
	after.Run.Machine = Machine{OS: "linux", Arch: "amd64", Kernel: "6.2", Cores: 64}
	after.Run.Cut = "the run was interrupted by INT"
	after.Trials.Inconclusive, after.Trials.Total = 70, 120
	got := Compare(baselineOf(before, keptOf("old", 1, 0, 1)), baselineOf(after, keptOf("new", 1, 0, 1)), DefaultLimits)
	want = []string{
		"another kernel: 6.1 in the baseline, 6.2 now; latencies may differ for that",
		"another number of processors: 2 in the baseline, 64 now; latencies may differ for that",
		"the run is not complete: the run was interrupted by INT",
		"70 of 120 trials in the run proved nothing; those that are left may be a choice of them",
	}
	if diff := cmp.Diff(want, got.Scenarios[0].Warnings); diff != "" {
		t.Errorf("doubts:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"old", "new"}, append(got.Gone, got.New...)); diff != "" {
		t.Errorf("scenarios of one side:\n%s", diff)
	}
}

// sweptOf is a sweep of so many points that fails at some of them.
func sweptOf(points int, complete bool, fails ...int) Kept {
	k := keptOf("a", points-len(fails), len(fails), 10)
	k.Sweep = &KeptSweep{Points: points, Covered: points, Complete: complete}
	k.Findings = nil
	if len(fails) > 0 {
		k.Findings = []KeptFinding{{Check: "exit", Kind: "code", Count: len(fails), Points: []Struck{{Side: scenario.Before, Count: len(fails), Nth: fails}}}}
	}
	return k
}

// The points of a sweep are the same ones each time: one that fails and did not is
// enough, and without a new one nothing is worse.
func TestCompareSweepsPointByPoint(t *testing.T) {
	for name, c := range map[string]struct {
		before, after Kept
		want          []string
	}{
		"the same":                {sweptOf(200, true, 3, 7), sweptOf(200, true, 3, 7), nil},
		"one new":                 {sweptOf(200, true), sweptOf(200, true, 3), []string{"a finding exit/code: regression new at #3 before"}},
		"another point":           {sweptOf(200, true, 3), sweptOf(200, true, 7), []string{"a finding exit/code: regression new at #7 before"}},
		"many new":                {sweptOf(200, true), sweptOf(200, true, 1, 2, 3, 4, 5, 6, 7), []string{"a finding exit/code: regression new at #1 before, #2 before, #3 before, #4 before, #5 before and 2 more"}},
		"gone":                    {sweptOf(200, true, 3), sweptOf(200, true), []string{"a finding exit/code: improvement gone at #3 before"}},
		"gone, but not looked at": {sweptOf(200, true, 3), sweptOf(200, false), nil},
		"other points":            {sweptOf(200, true, 3), sweptOf(198, true, 5), nil},
		"other points, all new":   {sweptOf(200, true), sweptOf(198, true, 5), []string{"a finding exit/code: regression new at #5 before"}},
	} {
		c.before.Latency, c.after.Latency = KeptLatency{}, KeptLatency{}
		got := Compare(baselineOf(c.before), baselineOf(c.after), DefaultLimits)
		if diff := cmp.Diff(c.want, outcomes(got)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

// A baseline lists the first hundred points; what lies behind them may have failed too.
func TestPointsBehindTheListAreNotCalledNew(t *testing.T) {
	before := sweptOf(200, true)
	before.Findings = []KeptFinding{{Check: "exit", Kind: "code", Count: 150, Points: []Struck{{Side: scenario.Before, Count: 150, Nth: []int{1, 2, 3}}}}}
	none := sweptOf(200, true)
	none.Findings = []KeptFinding{{Check: "exit", Kind: "code", Count: 150, Points: []Struck{{Side: scenario.Before, Count: 150}}}}
	if got := Compare(baselineOf(none), baselineOf(sweptOf(200, true, 3)), DefaultLimits); got.Regressions > 0 {
		t.Errorf("a list of none: %v", outcomes(got))
	}
	for _, point := range []int{3, 4, 200} {
		if got := Compare(baselineOf(before), baselineOf(sweptOf(200, true, point)), DefaultLimits); got.Regressions > 0 {
			t.Errorf("point %d: %v", point, outcomes(got))
		}
	}
}

// anyKept draws a scenario's figures.
func anyKept(name string) *rapid.Generator[Kept] {
	return rapid.Custom(func(t *rapid.T) Kept {
		k := keptOf(name, rapid.IntRange(0, 60).Draw(t, "graceful"), rapid.IntRange(0, 60).Draw(t, "failed"), rapid.Float64Range(0, 1000).Draw(t, "first"))
		if rapid.Bool().Draw(t, "codes") {
			k.Endings["code 1"] = rapid.IntRange(0, 60).Draw(t, "code 1")
		}
		return k
	})
}

func TestComparingTheOtherWayRoundTurnsOutcomes(t *testing.T) {
	turned := map[Outcome]Outcome{Regression: Improvement, Improvement: Regression, Undecided: Undecided, Negligible: Negligible, Changed: Changed}
	rapid.Check(t, func(t *rapid.T) {
		a := baselineOf(anyKept("a").Draw(t, "a"), anyKept("b").Draw(t, "b"))
		b := baselineOf(anyKept("a").Draw(t, "a later"), anyKept("b").Draw(t, "b later"))
		limits := DefaultLimits
		limits.Shift, limits.Change = 0, 0 // a share of what it was is another share the other way round
		there, back := Compare(a, b, limits), Compare(b, a, limits)
		for i, one := range there.Scenarios {
			for j, change := range one.Changes {
				other := back.Scenarios[i].Changes[j]
				if turned[change.Outcome] != other.Outcome || change.Figure() != other.Figure() {
					t.Fatalf("%s is %s, and the other way round %s %s", change.Figure(), change.Outcome, other.Figure(), other.Outcome)
				}
			}
		}
	})
}

func TestNothingIsWorseThanItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := baselineOf(anyKept("a").Draw(t, "a"), anyKept("b").Draw(t, "b"))
		if got := Compare(a, a, DefaultLimits); len(outcomes(got)) > 0 {
			t.Fatalf("%v", outcomes(got))
		}
	})
}

func TestABaselineIsReadBackAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "baseline.json")
	rapid.Check(t, func(t *rapid.T) {
		b := baselineOf(anyKept("a").Draw(t, "a"), anyKept(`b "sample": [1, 2]`).Draw(t, "b"))
		for i := range b.Scenarios {
			for j, ms := range b.Scenarios[i].Latency.Sample {
				b.Scenarios[i].Latency.Sample[j] = float64(int(ms*1000)) / 1000
			}
		}
		text, err := b.Encode()
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		got, warnings, err := ReadBaseline(path)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%v %v", err, warnings)
		}
		again, err := got.Encode()
		if err != nil || string(again) != string(text) {
			t.Fatalf("%v: written %s, read %s", err, text, again)
		}
	})
}

func TestBaselinesAreReadLeniently(t *testing.T) {
	for name, c := range map[string]struct {
		text, err string
		warning   string
		scenarios int
	}{
		"no baseline":  {`{"schema":1,"scenarios":[]}`, "is no baseline", "", 0},
		"torn":         {`{"schema":1,"kind":"sigprobe-base`, "make it anew", "", 0},
		"newer":        {`{"schema":99,"kind":"sigprobe-baseline","scenarios":[{"name":"a","future":1}]}`, "", "format 99", 1},
		"twice":        {`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"a"},{"name":"a"}]}`, "", "twice", 1},
		"nameless":     {`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{}]}`, "", "no name", 0},
		"negative":     {`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"a","trials":{"graceful":-1}}]}`, "", "negative", 0},
		"below zero":   {`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"a","latency_ms":{"sample":[-1]}}]}`, "", "negative", 0},
		"not in order": {`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"b","latency_ms":{"sample":[2,1]}},{"name":"a"}]}`, "", "", 2},
	} {
		path := filepath.Join(t.TempDir(), "b.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, warnings, err := ReadBaseline(path)
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if len(b.Scenarios) != c.scenarios && c.err == "" {
			t.Errorf("%s: %d scenarios", name, len(b.Scenarios))
		}
		if (len(warnings) > 0) != (c.warning != "") || len(warnings) > 0 && !strings.Contains(warnings[0].String(), c.warning) {
			t.Errorf("%s: warnings %v", name, warnings)
		}
		for _, k := range b.Scenarios {
			if !slices.IsSorted(k.Latency.Sample) {
				t.Errorf("%s: latencies %v", name, k.Latency.Sample)
			}
		}
	}
	if _, _, err := ReadBaseline(filepath.Join(t.TempDir(), "none.json")); err == nil || !strings.Contains(err.Error(), "sigprobe baseline update") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Whatever stands in a baseline file, reading and comparing it come to an end.
func FuzzBaseline(f *testing.F) {
	f.Add([]byte(`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"a","trials":{"graceful":9,"violation":1},"endings":{"clean":10},"findings":[{"check":"exit","kind":"code","count":1}],"latency_ms":{"count":3,"sample":[1,2,3]}}]}`))
	f.Add([]byte(`{"schema":1,"kind":"sigprobe-baseline","scenarios":[{"name":"a","sweep":{"points":3},"findings":[{"check":"exit","kind":"code","count":1,"points":[{"side":"before","count":9,"nth":[]}]}]}]}`))
	path := filepath.Join(f.TempDir(), "b.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, _, err := ReadBaseline(path)
		if err != nil {
			return
		}
		for _, k := range b.Scenarios {
			if k.Trials.Total > 10_000 || k.Trials.Graceful > 10_000 || k.Trials.Violation > 10_000 || total(k.Endings) > 10_000 {
				t.Skip()
			}
		}
		if got := Compare(b, b, DefaultLimits); len(outcomes(got)) > 0 {
			t.Errorf("it differs from itself: %v", outcomes(got))
		}
	})
}

func TestUpdateKeepsWhatTheRunDoesNotHave(t *testing.T) {
	b := baselineOf(keptOf("a", 1, 0, 1), keptOf("c", 1, 0, 1))
	b.Update(baselineOf(keptOf("c", 5, 0, 1), keptOf("b", 2, 0, 1)))
	var got []string
	for _, k := range b.Scenarios {
		got = append(got, fmt.Sprint(k.Name, k.Trials.Graceful))
	}
	if diff := cmp.Diff([]string{"a1", "b2", "c5"}, got); diff != "" {
		t.Error(diff)
	}
}

// A baseline has what the plan's trials showed; shots that were repeated for having
// failed before would count what fails twice.
func TestABaselineLeavesReplayedShotsOut(t *testing.T) {
	s := NewSummarizer(infoOf("a"))
	for i := range 10 {
		s.Add(trialOf("a", i, verdict.Graceful, time.Duration(10-i)*time.Millisecond))
	}
	s.Add(trialOf("a", 10, verdict.Violation, 11*time.Millisecond+1234))
	again := trialOf("a", 11, verdict.Violation, time.Second)
	again.Again = true
	s.Add(again)
	got := s.Baseline().Scenarios[0]
	if got.Trials.Violation != 1 || len(got.Findings) != 1 || got.Findings[0].Count != 1 {
		t.Errorf("%+v %+v", got.Trials, got.Findings)
	}
	if diff := cmp.Diff(KeptLatency{11, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11.001}}, got.Latency); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"clean"}, got.Accepts); diff != "" {
		t.Error(diff)
	}
}

func TestALargeSampleIsThinned(t *testing.T) {
	s := NewSummarizer(infoOf("a"))
	for i := range 5000 {
		s.Add(trialOf("a", i, verdict.Graceful, time.Duration(i)*time.Microsecond))
	}
	got := s.Baseline().Scenarios[0].Latency
	if got.Count != 5000 || len(got.Sample) != maxSample || got.Sample[0] != 0 || got.Sample[maxSample-1] != 4.999 {
		t.Errorf("%d of %d, from %v to %v", len(got.Sample), got.Count, got.Sample[0], got.Sample[len(got.Sample)-1])
	}
	if text, err := json.Marshal(got); err != nil || len(text) > 12*maxSample {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}
