package reports

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func summarize(info RunInfo, trials ...harness.Trial) Summary {
	s := NewSummarizer(info)
	for _, trial := range trials {
		s.Add(trial)
	}
	return s.Summary()
}

func TestSummaryOfARun(t *testing.T) {
	late := trialOf("a", 2, verdict.Violation, 40*time.Millisecond)
	late.Observation.Strike.Planned -= 2 * time.Millisecond
	late.Observation.Degradations = []observation.Degradation{{What: "realtime", Why: "not permitted"}}
	late.Observation.Exit.Status = 1 << 8
	late.Judgement.Findings = append(late.Judgement.Findings,
		verdict.Finding{Check: "exit", Kind: "not-accepted", Message: "again"},
		verdict.Finding{Check: "survivors", Kind: "alive", Message: "one is left"})
	unstruck := trialOf("a", 3, verdict.Inconclusive, 0)
	unstruck.Observation.Strike = nil
	got := summarize(infoOf("a", "b"),
		trialOf("a", 0, verdict.Graceful, 10*time.Millisecond), late, unstruck,
		trialOf("a", 1, verdict.Violation, 20*time.Millisecond))

	if got.Verdict != verdict.Violation || len(got.Scenarios) != 2 {
		t.Fatalf("summary %+v", got)
	}
	a, b := got.Scenarios[0], got.Scenarios[1]
	if want := (Counts{4, verdict.Tally{Graceful: 1, Violation: 2, Inconclusive: 1}}); a.Trials != want {
		t.Errorf("counts %+v", a.Trials)
	}
	wantFindings := []Findings{
		{Check: "exit", Kind: "not-accepted", Message: "exited with code 0", Group: Group{2, []int{1, 2}},
			Evidence: []string{"a fact"}, Hint: "a hint", Shot: "TERM/10s/KILL to process at ready+100ms"},
		{Check: "survivors", Kind: "alive", Message: "one is left", Group: Group{1, []int{2}}, Shot: "TERM/10s/KILL to process at ready+100ms"},
	}
	if diff := cmp.Diff(wantFindings, a.Findings); diff != "" {
		t.Errorf("findings:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"clean": 2, "code 1": 1}, a.Endings); diff != "" {
		t.Errorf("endings:\n%s", diff)
	}
	if *a.Latency.P50 != 20 || *a.Latency.Max != 40 || a.Latency.Count != 3 || a.Late != 1 {
		t.Errorf("latency %v %v of %d, late %d", *a.Latency.P50, *a.Latency.Max, a.Latency.Count, a.Late)
	}
	if diff := cmp.Diff([]Unproven{{Verdict: verdict.Inconclusive, Reason: "it was inconclusive", Group: Group{1, []int{3}}}}, a.Unproven); diff != "" {
		t.Errorf("unproven:\n%s", diff)
	}
	if diff := cmp.Diff([]CheckCount{{"exit", 4, 0}, {"deadline", 4, 0}, {"output", 0, 4}}, a.Checks); diff != "" {
		t.Errorf("checks:\n%s", diff)
	}
	if diff := cmp.Diff([]Degraded{{"realtime", "not permitted", 1}}, got.Degradations); diff != "" {
		t.Errorf("degradations:\n%s", diff)
	}
	if b.Verdict != verdict.Inconclusive || b.Reason == "" || b.Latency.P50 != nil {
		t.Errorf("a scenario without trials: %+v", b)
	}
}

// The contract of the JSON form, on a scenario that has nothing to tell.
func TestSummaryHasItsKeysAlsoWhenEmpty(t *testing.T) {
	text, err := json.Marshal(summarize(infoOf("a")))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Schema    int
		Verdict   string
		Scenarios []map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"name": `"a"`, "verdict": `"inconclusive"`, "findings": `[]`, "endings": `{}`,
		"trials":     `{"total":0,"graceful":0,"violation":0,"inconclusive":0,"error":0}`,
		"latency_ms": `{"p50":null,"p95":null,"p99":null,"max":null,"count":0}`,
	}
	for name, value := range want {
		if string(got.Scenarios[0][name]) != value {
			t.Errorf("%s is %s; want %s", name, got.Scenarios[0][name], value)
		}
	}
	if got.Schema != 1 || got.Verdict != "inconclusive" {
		t.Errorf("schema %d, verdict %q", got.Schema, got.Verdict)
	}
}

func TestARunOfNothingIsInconclusive(t *testing.T) {
	got := summarize(RunInfo{})
	if text, err := json.Marshal(got.Scenarios); got.Verdict != verdict.Inconclusive || string(text) != "[]" || err != nil {
		t.Errorf("verdict %s, scenarios %s, %v", got.Verdict, text, err)
	}
}

func TestGroupsListTheFirstHundredByIndex(t *testing.T) {
	var g Group
	for trial := 999; trial >= 0; trial-- {
		if !g.add(trial) {
			t.Fatalf("trial %d is not the first so far", trial)
		}
	}
	if g.add(1000) || g.Count != 1001 || len(g.Trials) != maxListed || g.Trials[0] != 0 || g.Trials[99] != 99 {
		t.Errorf("%d trials, listed %v", g.Count, g.Trials)
	}
}

func TestSummaryDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		info := infoOf("a", "b")
		var trials []harness.Trial
		for i := range rapid.IntRange(0, 300).Draw(t, "n") {
			name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "scenario")
			v := rapid.SampledFrom([]verdict.Verdict{verdict.Graceful, verdict.Violation, verdict.Inconclusive, verdict.Error}).Draw(t, "verdict")
			trial := trialOf(name, i, v, time.Duration(rapid.IntRange(0, 1000).Draw(t, "latency"))*time.Millisecond)
			for j := range trial.Judgement.Findings {
				trial.Judgement.Findings[j].Message = fmt.Sprint("trial ", i)
			}
			trials = append(trials, trial)
		}
		shuffled := rapid.Permutation(trials).Draw(t, "order")
		one, two := summarize(info, trials...), summarize(info, shuffled...)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("another order gives another summary:\n%s", diff)
		}
		for _, c := range one.Scenarios {
			checkSums(t, c)
		}
	})
}

// checkSums holds what is true of every campaign.
func checkSums(t *rapid.T, c Campaign) {
	if c.Trials.Total != c.Trials.Graceful+c.Trials.Violation+c.Trials.Inconclusive+c.Trials.Error {
		t.Errorf("counts %+v do not add up", c.Trials)
	}
	for _, f := range c.Findings {
		if f.Count != c.Trials.Violation || len(f.Trials) != min(f.Count, maxListed) || !slices.IsSorted(f.Trials) {
			t.Errorf("finding in %d of %d trials lists %d", f.Count, c.Trials.Violation, len(f.Trials))
		}
		if f.Message != fmt.Sprint("trial ", f.Example()) {
			t.Errorf("the worked example of trial %d says %q", f.Example(), f.Message)
		}
	}
	if l := c.Latency; l.Count > 0 && !(*l.P50 <= *l.P95 && *l.P95 <= *l.P99 && *l.P99 <= *l.Max) {
		t.Errorf("quantiles %v %v %v %v", *l.P50, *l.P95, *l.P99, *l.Max)
	}
}

func TestNearestRank(t *testing.T) {
	var sample []timed
	for ms := 100; ms >= 1; ms-- {
		sample = append(sample, timed{latency: time.Duration(ms) * time.Millisecond})
	}
	if l := latencyOf(sample, 0.95); *l.P50 != 50 || *l.P95 != 95 || *l.P99 != 99 || *l.Max != 100 {
		t.Errorf("of 1..100: %v %v %v %v", *l.P50, *l.P95, *l.P99, *l.Max)
	}
	if l := latencyOf(sample[:1], 0.95); *l.P50 != 100 || *l.P99 != 100 {
		t.Errorf("of one: %v %v", *l.P50, *l.P99)
	}
	if l := latencyOf(sample[97:], 0.95); *l.P50 != 2 || *l.P95 != 3 {
		t.Errorf("of three: %v %v", *l.P50, *l.P95)
	}
}

func TestReasonsThatNeverRepeatAreBounded(t *testing.T) {
	s := NewSummarizer(infoOf("a"))
	for i := range 1000 {
		trial := trialOf("a", i, verdict.Error, 0)
		trial.Judgement.Reason = fmt.Sprint("PID ", i)
		trial.Observation.Degradations = []observation.Degradation{{What: "cgroup", Why: fmt.Sprint("PID ", i)}}
		s.Add(trial)
	}
	got := s.Summary()
	sum := 0
	for _, u := range got.Scenarios[0].Unproven {
		sum += u.Count
	}
	if n := len(got.Scenarios[0].Unproven); n != maxGroups+1 || sum != 1000 {
		t.Errorf("%d reasons for %d trials", n, sum)
	}
	if len(got.Degradations) != maxGroups+1 {
		t.Errorf("%d degradations", len(got.Degradations))
	}
}
