package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/stats"
)

func trialsOf(name string, graceful, failed int) (list []harness.Trial) {
	for i := range graceful + failed {
		v := verdict.Graceful
		if i >= graceful {
			v = verdict.Violation
		}
		list = append(list, trialOf(name, i, v, time.Duration(i)*time.Millisecond))
	}
	return list
}

func TestTheSummaryBoundsTheFailureRate(t *testing.T) {
	got := summarize(infoOf("a"), trialsOf("a", 300, 0)...).Scenarios[0].FailureRate
	if got == nil || got.Failures != 0 || got.Trials != 300 || got.Below > 0.01 || got.Below < 0.0099 || got.Needed != 0 {
		t.Errorf("0 of 300: %+v", got)
	}
	got = summarize(infoOf("a"), trialsOf("a", 18, 2)...).Scenarios[0].FailureRate
	if got == nil || got.Failures != 2 || got.Needed != stats.TrialsNeeded(2, 0.01, 0.95) {
		t.Errorf("2 of 20: %+v", got)
	}
	info := infoOf("a")
	info.Statistics = &Statistics{Confidence: 0.99, FailureRate: 0.2}
	got = summarize(info, trialsOf("a", 20, 0)...).Scenarios[0].FailureRate
	if got == nil || got.Confidence != 0.99 || got.Wanted != 0.2 || got.Needed != 21 {
		t.Errorf("asked for: %+v", got)
	}
}

// What was not drawn at random has no rate: a sweep, and one shot again and again.
func TestTheSummaryBoundsNothingThatIsNotDrawn(t *testing.T) {
	sweep := infoOf("a")
	sweep.Scenarios[0].Strike.Sweep = &scenario.Sweep{Syscall: "write"}
	one := infoOf("a")
	one.Statistics = &Statistics{OneShot: true}
	for name, info := range map[string]RunInfo{"a sweep": sweep, "one shot": one} {
		if got := summarize(info, trialsOf("a", 20, 0)...).Scenarios[0].FailureRate; got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := summarize(infoOf("a")).Scenarios[0].FailureRate; got != nil {
		t.Errorf("no trial: %+v", got)
	}
}

func TestTrialsForAWantedBound(t *testing.T) {
	for _, c := range []struct {
		asked *Statistics
		want  int
	}{
		{nil, 0}, {&Statistics{Confidence: 0.9}, 0}, {&Statistics{FailureRate: 0.01}, 299},
		{&Statistics{FailureRate: 0.005, Confidence: 0.99}, 919}, {&Statistics{FailureRate: 0.02, Sequential: true}, 628},
	} {
		if got := c.asked.Trials(); got != c.want {
			t.Errorf("%+v: %d", c.asked, got)
		}
	}
}

// A stopped run has a decision and no bound.
func TestASequentialTestIsSummedUp(t *testing.T) {
	info := infoOf("a")
	info.Statistics = &Statistics{FailureRate: 0.02, Sequential: true}
	trials := trialsOf("a", 159, 1)
	c := summarize(info, trials...).Scenarios[0]
	if c.FailureRate != nil || c.Sequential == nil {
		t.Fatalf("bound %+v, test %+v", c.FailureRate, c.Sequential)
	}
	// The failure came behind the decision.
	if s := *c.Sequential; s.Decision != stats.Accept || s.Trials != 157 || s.Failures != 0 {
		t.Errorf("%+v", s)
	}
	if s := summarize(info, trials[:100]...).Scenarios[0].Sequential; s.Decision != stats.GoOn || s.Trials != 100 {
		t.Errorf("of a hundred: %+v", s)
	}
}

// Trials end in another order than they were planned in, and slow ones, which may be
// those that fail, come last. The decision must not depend on it.
func TestASequentialTestDoesNotDependOnTheOrder(t *testing.T) {
	asked := &Statistics{FailureRate: 0.2, Sequential: true}
	rapid.Check(t, func(t *rapid.T) {
		verdicts := []verdict.Verdict{verdict.Graceful, verdict.Graceful, verdict.Graceful, verdict.Violation, verdict.Inconclusive}
		var trials []harness.Trial
		for i := range rapid.IntRange(0, 80).Draw(t, "n") {
			trials = append(trials, trialOf("a", i, rapid.SampledFrom(verdicts).Draw(t, "verdict"), time.Millisecond))
		}
		one, two := asked.Deciding(), asked.Deciding()
		for _, trial := range trials {
			one.Judge(trial)
		}
		for _, trial := range rapid.Permutation(trials).Draw(t, "order") {
			two.Judge(trial)
		}
		if diff := cmp.Diff(one.Sequential(), two.Sequential()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLatencyIsSplitByWhereTheSignalLanded(t *testing.T) {
	never := trialOf("a", 3, verdict.Graceful, 900*time.Millisecond) // it was not ready before it left
	early := trialOf("a", 0, verdict.Graceful, 900*time.Millisecond)
	early.Observation.Ready = ready(200 * time.Millisecond)
	twice := trialOf("a", 1, verdict.Graceful, 500*time.Millisecond)
	twice.Observation.Ready = ready(0)
	twice.Observation.Exit.Step = 1
	late := trialOf("a", 2, verdict.Graceful, 5*time.Millisecond)
	late.Observation.Ready = ready(50 * time.Millisecond)
	got := summarize(infoOf("a"), early, never, twice, late).Scenarios[0].LatencyBy
	want := map[Where]float64{Startup: 900, Work: 5, Second: 500}
	trials := map[Where]int{Startup: 2, Work: 1, Second: 1}
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	for _, part := range got {
		if part.Count != trials[part.Where] || *part.P50 != want[part.Where] {
			t.Errorf("%s: %v of %d", part.Where, *part.P50, part.Count)
		}
	}
	if got := summarize(infoOf("a"), late, late).Scenarios[0].LatencyBy; got != nil {
		t.Errorf("all at work: %+v", got)
	}
}

func TestTheSummaryHasTheMediansIntervalAndTheDistribution(t *testing.T) {
	var trials []harness.Trial
	for i := range 100 {
		trials = append(trials, trialOf("a", i, verdict.Graceful, time.Duration(i+1)*time.Millisecond))
	}
	got := summarize(infoOf("a"), trials...).Scenarios[0].Latency
	if got.P50Interval == nil || *got.P50Interval != (Interval{40, 61, 0.95}) {
		t.Errorf("%+v", got.P50Interval)
	}
	sum := 0
	for _, b := range got.Histogram {
		sum += b.Count
	}
	if sum != 100 || got.Histogram[0] != (Bin{1, 1.26, 1}) {
		t.Errorf("%+v", got.Histogram)
	}
	if got := summarize(infoOf("a"), trials[:5]...).Scenarios[0].Latency.P50Interval; got != nil {
		t.Errorf("five trials: %+v", got)
	}
}

func TestLatencyBudgets(t *testing.T) {
	ms := func(n int) *scenario.Duration { d := scenario.Duration(time.Duration(n) * time.Millisecond); return &d }
	for name, c := range map[string]struct {
		budget scenario.LatencyBudget
		want   string // the message's end; "" for a budget that is kept
		slow   int
	}{
		"kept":       {scenario.LatencyBudget{P50: ms(50), P95: ms(95), P99: ms(99), Max: ms(100)}, "", 0},
		"p99":        {scenario.LatencyBudget{P99: ms(98)}, "100 trials exceeds its budget: p99 is 99 ms, 98 ms allowed", 2},
		"two":        {scenario.LatencyBudget{P50: ms(40), Max: ms(99)}, "p50 is 50 ms, 40 ms allowed; max is 100 ms, 99 ms allowed", 60},
		"the loose":  {scenario.LatencyBudget{P50: ms(50), Max: ms(90)}, "max is 100 ms, 90 ms allowed", 10},
		"not broken": {scenario.LatencyBudget{}, "", 0},
	} {
		info := infoOf("a")
		info.Scenarios[0].Expect.Latency = &c.budget
		var trials []harness.Trial
		for i := range 100 {
			trials = append(trials, trialOf("a", i, verdict.Graceful, time.Duration(i+1)*time.Millisecond))
		}
		// A trial that proved nothing was slow for another reason.
		trials = append(trials, trialOf("a", 100, verdict.Inconclusive, time.Hour))
		got := summarize(info, trials...).Scenarios[0]
		if c.want == "" {
			if got.Verdict != verdict.Graceful || len(got.Findings) > 0 {
				t.Errorf("%s: %s, %+v", name, got.Verdict, got.Findings)
			}
			continue
		}
		if got.Verdict != verdict.Violation || len(got.Findings) != 1 {
			t.Errorf("%s: %s, %+v", name, got.Verdict, got.Findings)
			continue
		}
		f := got.Findings[0]
		if f.Check != "deadline" || f.Kind != "latency-budget" || f.Count != c.slow || f.Shot == "" || got.Reason != f.Message || !strings.HasSuffix(f.Message, c.want) {
			t.Errorf("%s: %+v, reason %q", name, f, got.Reason)
		}
	}
}

func ready(at time.Duration) *observation.Readiness {
	return &observation.Readiness{By: "output", At: at}
}
