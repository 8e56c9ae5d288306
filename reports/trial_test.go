package reports

import (
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// trialOf is a struck trial whose main process left with code 0 after the latency.
func trialOf(name string, index int, v verdict.Verdict, latency time.Duration) harness.Trial {
	after := 100 * time.Millisecond
	t := harness.Trial{
		Scenario: name, Index: index,
		Shot: plan.Shot{
			Point:    plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: after}},
			Schedule: signals.DefaultSchedule, To: signals.ToProcess,
		},
		Observation: observation.Observation{
			Stage:  observation.Settled,
			Strike: &observation.Strike{Planned: after, Actual: after},
			Sent:   []observation.Sent{{Signal: signals.TERM, To: signals.ToProcess, At: after, Receivers: 1}},
			Exit:   &observation.Exit{At: after + latency, Step: 0},
		},
		Judgement: verdict.Judgement{Verdict: v, Checked: []string{"exit", "deadline"}, Unchecked: []string{"output"}},
	}
	switch v {
	case verdict.Violation:
		t.Judgement.Findings = []verdict.Finding{{Check: "exit", Kind: "not-accepted", Message: "exited with code 0", Evidence: []string{"a fact"}, Hint: "a hint"}}
	case verdict.Inconclusive, verdict.Error:
		t.Judgement.Reason = "it was " + string(v)
	}
	return t
}

func infoOf(names ...string) RunInfo {
	info := RunInfo{Version: "0.1.0", Seed: 42}
	for _, name := range names {
		info.Scenarios = append(info.Scenarios, scenario.Scenario{Name: name, Target: scenario.Target{Command: []string{"./" + name}}})
	}
	return info
}
