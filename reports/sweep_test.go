package reports

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// swept is a run of one sweep.
func swept(s scenario.Sweep) RunInfo {
	info := infoOf("a")
	s.Syscall = "write"
	info.Scenarios[0].Strike.Sweep = &s
	return info
}

// at is a trial of a sweep whose reference run made so many calls and ended by itself.
func at(index, nth int, side scenario.Side, calls int, v verdict.Verdict) harness.Trial {
	t := trialOf("a", index, v, time.Millisecond)
	t.Reference = &harness.Reference{Calls: calls, Ended: true}
	t.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: "write", Nth: nth, Side: side, Count: scenario.PerTree}}
	t.Observation.Calls = &observation.Calls{Seen: nth}
	return t
}

// absent is a trial whose target ended after so many calls, before its point.
func absent(index, nth, made, calls int) harness.Trial {
	t := at(index, nth, scenario.Before, calls, verdict.Inconclusive)
	t.Observation.Strike, t.Observation.Sent = nil, nil
	t.Observation.Exit.Step = -1
	t.Observation.Calls.Seen = made
	return t
}

// struckAll are graceful trials at the calls 1 to n on both sides.
func struckAll(n, calls int) (trials []harness.Trial) {
	for nth := 1; nth <= n; nth++ {
		for _, side := range both {
			trials = append(trials, at(len(trials), nth, side, calls, verdict.Graceful))
		}
	}
	return trials
}

var both = []scenario.Side{scenario.Before, scenario.After}

func TestWhatASweepCovered(t *testing.T) {
	sides := scenario.Sweep{Sides: both}
	endless := func(trials []harness.Trial) []harness.Trial {
		for i := range trials {
			trials[i].Reference.Ended = false
		}
		return trials
	}
	for _, c := range []struct {
		name     string
		sweep    scenario.Sweep
		trials   []harness.Trial
		points   int
		covered  int
		complete bool
		reason   string
	}{
		{"complete", sides, append(struckAll(3, 3), absent(6, 4, 3, 3)), 3, 3, true, "all 3 points covered, before and after (the run behind them made no further call)"},
		{"without a proof", sides, struckAll(3, 3), 3, 3, false, "3 of 3 points, before and after: no run proved that there is no further call"},
		{"proof of a run that made fewer", sides, append(struckAll(3, 3), absent(6, 4, 2, 3)), 3, 3, false, "3 of 3 points, before and after: the number of calls differs from run to run, 2 to 3, and no run proved that there is no further one"},
		{"a point did not come", scenario.Sweep{}, []harness.Trial{at(0, 1, scenario.Before, 3, verdict.Graceful), absent(1, 2, 1, 3), at(2, 3, scenario.Before, 3, verdict.Graceful), absent(3, 4, 3, 3)}, 3, 2, false,
			"2 of 3 points, before: the number of calls differs from run to run, 1 to 3"},
		{"more calls than the reference run", scenario.Sweep{}, []harness.Trial{at(0, 1, scenario.Before, 1, verdict.Graceful), at(1, 2, scenario.Before, 1, verdict.Graceful), absent(2, 3, 2, 1)}, 2, 2, true,
			"all 2 points covered, before (the run behind them made no further call)"},
		{"budget", scenario.Sweep{Sides: both, Budget: scenario.Duration(time.Minute)}, struckAll(1, 200), 200, 1, false, "1 of 200 points, before and after: --budget 1m0s was used up"},
		{"budget, without a proof", scenario.Sweep{Sides: both, Budget: scenario.Duration(time.Minute)}, struckAll(2, 2), 2, 2, false, "2 of 2 points, before and after: --budget 1m0s was used up before a run proved that there is no further call"},
		{"trials", scenario.Sweep{Sides: both, Trials: 3}, struckAll(2, 5)[:3], 5, 1, false, "2 of 5 points before, 1 after: --trials 3 allows no more"},
		{"trials enough for all", scenario.Sweep{Sides: both, Trials: 4}, struckAll(2, 2), 2, 2, false, "2 of 2 points, before and after: --trials 4 leaves none to prove that there is no further call"},
		{"a part", scenario.Sweep{Sides: both, Points: scenario.Span{First: 1, Step: 1, Last: 2}}, struckAll(2, 2), 2, 2, true, "all 2 points covered, before and after (of 1..2)"},
		{"a part that is not there", scenario.Sweep{Sides: both, Points: scenario.Span{First: 1, Step: 1, Last: 9}}, struckAll(2, 2), 2, 2, true, "all 2 points covered, before and after (1..9 asks for more, and the reference run made 2 calls)"},
		{"every second", scenario.Sweep{Points: scenario.Span{First: 2, Step: 2}}, []harness.Trial{at(0, 2, scenario.Before, 5, verdict.Graceful), at(1, 4, scenario.Before, 5, verdict.Graceful), absent(2, 6, 5, 5)}, 2, 2, true, "all 2 points covered, before (the run behind them made no further call)"},
		{"endless", sides, endless(struckAll(2, 2)), 2, 2, false, "2 of 2 points, before and after: the target does not end by itself: bound it with --points 1..2"},
		{"endless, bounded", scenario.Sweep{Sides: both, Points: scenario.Span{First: 1, Step: 1, Last: 2}}, endless(struckAll(2, 2)), 2, 2, true, "all 2 points covered, before and after (of 1..2)"},
		{"nothing fits", sides, []harness.Trial{absent(0, 0, 0, 0)}, 0, 0, false, "there is no point to strike at: no system call fits write"},
		{"one", scenario.Sweep{}, []harness.Trial{at(0, 1, scenario.Before, 1, verdict.Graceful), absent(1, 2, 1, 1)}, 1, 1, true, "the only point covered, before (the run behind them made no further call)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := summarize(swept(c.sweep), c.trials...).Scenarios[0].Sweep
			if got == nil {
				t.Fatal("no sweep")
			}
			if got.Points != c.points || got.Covered != c.covered || got.Complete != c.complete || got.Reason != c.reason {
				t.Errorf("%d of %d, complete %t: %s\nwant %d of %d, complete %t: %s",
					got.Covered, got.Points, got.Complete, got.Reason, c.covered, c.points, c.complete, c.reason)
			}
		})
	}
}

// Counted by process, the calls of the reference run are those of all processes.
func TestASweepThatCountsByProcess(t *testing.T) {
	trials := []harness.Trial{at(0, 1, scenario.Before, 6, verdict.Graceful), at(1, 2, scenario.Before, 6, verdict.Graceful)}
	for nth := 3; nth <= 7; nth++ {
		trials = append(trials, absent(nth-1, nth, 6, 6))
	}
	for i := range trials {
		trials[i].Shot.Point.Call.Count = scenario.PerProcess
	}
	c := summarize(swept(scenario.Sweep{Count: scenario.PerProcess}), trials...).Scenarios[0]
	if !c.Sweep.Complete || c.Sweep.Points != 2 || c.Verdict != verdict.Graceful || c.Trials.Absent != 5 {
		t.Errorf("%+v, %s, %+v", c.Sweep, c.Verdict, c.Trials)
	}
}

func TestACompleteSweepIsNotInconclusive(t *testing.T) {
	info := swept(scenario.Sweep{})
	info.Scenarios[0].Expect.MinConclusive = &scenario.Quota{Percent: 100}
	trials := []harness.Trial{at(0, 1, scenario.Before, 3, verdict.Graceful), absent(1, 2, 1, 3), absent(2, 3, 1, 3), absent(3, 4, 1, 3)}
	c := summarize(info, trials...).Scenarios[0]
	if c.Verdict != verdict.Graceful || len(c.Unproven) > 0 || c.Trials.Total != 4 || c.Trials.Inconclusive != 3 || c.Trials.Absent != 3 {
		t.Errorf("%s, %+v, %+v", c.Verdict, c.Trials, c.Unproven)
	}
	if diff := cmp.Diff([]CheckCount{{"exit", 1, 0}, {"deadline", 1, 0}, {"output", 0, 1}}, c.Checks); diff != "" {
		t.Error(diff)
	}
	// One that was struck and starved counts, and so does a target that was not followed.
	starved := at(4, 2, scenario.Before, 3, verdict.Inconclusive)
	if c := summarize(info, append(trials, starved)...).Scenarios[0]; c.Verdict != verdict.Inconclusive || len(c.Unproven) != 1 {
		t.Errorf("starved: %s, %+v", c.Verdict, c.Unproven)
	}
	lost := absent(4, 2, 1, 3)
	lost.Observation.Missed = "the system calls could not be followed"
	if c := summarize(info, append(trials, lost)...).Scenarios[0]; c.Verdict != verdict.Inconclusive || len(c.Unproven) != 1 {
		t.Errorf("not followed: %s, %+v", c.Verdict, c.Unproven)
	}
	// Without a single one that proved something nothing is graceful.
	if c := summarize(info, trials[1:]...).Scenarios[0]; c.Verdict != verdict.Inconclusive {
		t.Errorf("none struck: %s", c.Verdict)
	}
}

func TestAnInterruptedSweepSaysSo(t *testing.T) {
	for want, finished := range map[string]*Finished{
		"1 of 3 points, before and after: the run was interrupted by INT": {InterruptedBy: "INT"},
		"1 of 3 points, before and after: the run is not finished":        nil,
		"1 of 3 points, before and after: the run was given up":           {Error: "no space"},
		"1 of 3 points, before and after: --budget 1m0s was used up":      {},
	} {
		s := NewSummarizer(swept(scenario.Sweep{Sides: both, Budget: scenario.Duration(time.Minute)}))
		for _, trial := range struckAll(1, 3) {
			s.Add(trial)
		}
		s.Ended(finished)
		if got := s.Summary().Scenarios[0].Sweep.Reason; got != want {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

func TestASweepDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		calls := rapid.IntRange(1, 20).Draw(t, "calls")
		var trials []harness.Trial
		for nth := 1; nth <= calls+2; nth++ {
			switch rapid.IntRange(0, 3).Draw(t, "outcome") {
			case 0:
				trials = append(trials, at(len(trials), nth, scenario.Before, calls, verdict.Violation))
			case 1:
				trials = append(trials, absent(len(trials), nth, rapid.IntRange(0, nth-1).Draw(t, "made"), calls))
			case 2:
				trials = append(trials, at(len(trials), nth, scenario.After, calls, verdict.Violation))
			}
		}
		info := swept(scenario.Sweep{Sides: both})
		one := summarize(info, trials...)
		two := summarize(info, rapid.Permutation(trials).Draw(t, "order")...)
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatalf("another order gives another summary:\n%s", diff)
		}
		if s := one.Scenarios[0].Sweep; s != nil && (s.Covered > s.Points || s.Covered > min(s.Sides[scenario.Before], s.Sides[scenario.After]) || s.Complete && s.Covered < s.Points) {
			t.Fatalf("%+v", s)
		}
	})
}

func TestFindingsNameTheirPoints(t *testing.T) {
	c := summarize(swept(scenario.Sweep{Sides: both}),
		at(5, 7, scenario.After, 9, verdict.Violation), at(0, 3, scenario.After, 9, verdict.Violation), at(1, 4, scenario.Before, 9, verdict.Violation)).Scenarios[0]
	want := []Struck{{scenario.Before, 1, []int{4}}, {scenario.After, 2, []int{3, 7}}}
	if diff := cmp.Diff(want, c.Findings[0].Points); diff != "" {
		t.Error(diff)
	}
}

func TestReplayedShotsCountApart(t *testing.T) {
	again := func(index int, v verdict.Verdict) harness.Trial {
		t := trialOf("a", index, v, time.Second)
		t.Again = true
		return t
	}
	for _, c := range []struct {
		planned, replayed []verdict.Verdict
		want              verdict.Verdict
		reason            string
	}{
		{[]verdict.Verdict{verdict.Graceful}, []verdict.Verdict{verdict.Graceful, verdict.Violation}, verdict.Violation, "1 of 2 shots that failed before still fail"},
		{[]verdict.Verdict{verdict.Graceful}, []verdict.Verdict{verdict.Graceful, verdict.Inconclusive}, verdict.Graceful, ""},
		{[]verdict.Verdict{verdict.Graceful}, []verdict.Verdict{verdict.Error}, verdict.Error, "1 of 1 shot that failed before could not be repeated"},
		{[]verdict.Verdict{verdict.Inconclusive}, []verdict.Verdict{verdict.Graceful}, verdict.Inconclusive, "0 of 1 trial proved something, and min_conclusive asks for 1"},
		{nil, []verdict.Verdict{verdict.Graceful}, verdict.Inconclusive, "no trial was carried out"},
		{[]verdict.Verdict{verdict.Violation}, []verdict.Verdict{verdict.Graceful}, verdict.Violation, "1 of 1 trial violated an expectation"},
	} {
		var trials []harness.Trial
		for i, v := range c.planned {
			trials = append(trials, trialOf("a", i, v, time.Millisecond))
		}
		for i, v := range c.replayed {
			trials = append(trials, again(10+i, v))
		}
		got := summarize(infoOf("a"), trials...).Scenarios[0]
		if got.Verdict != c.want || got.Reason != c.reason {
			t.Errorf("%v and %v again: %s, %q; want %s, %q", c.planned, c.replayed, got.Verdict, got.Reason, c.want, c.reason)
		}
		if got.Trials.Total != len(c.planned) || got.Replayed.Total != len(c.replayed) || got.Latency.Count != len(c.planned) {
			t.Errorf("%v and %v again: %+v, %+v, %d latencies", c.planned, c.replayed, got.Trials, got.Replayed, got.Latency.Count)
		}
		if fmt.Sprint(got.Endings["clean"]) != fmt.Sprint(len(c.planned)) {
			t.Errorf("endings %v", got.Endings)
		}
	}
}
