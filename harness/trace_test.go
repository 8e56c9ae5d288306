package harness

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
)

// TestATraceEndsAtTheSignal runs a shell that writes to one file until it is asked to
// stop, and to another one then.
func TestATraceEndsAtTheSignal(t *testing.T) {
	s := scenario.Scenario{Name: "writer"}
	s.Target.Command = []string{"/bin/sh", "-c", `trap 'echo bye >late; exit 0' TERM; echo ready; while :; do echo x >>early; done`}
	s.Target.Workdir = scenario.Fresh
	s.Ready.Output = scenario.MustRegexp("^ready$")
	s = s.WithDefaults()
	e, err := Open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	for name, point := range map[string]plan.Point{
		"at a moment": {Time: &plan.TimePoint{From: scenario.FromReady, After: 20 * time.Millisecond}},
		"at a call":   {Call: &plan.CallPoint{Calls: "write", Path: "early", Nth: 7, Side: scenario.After, Count: scenario.PerTree}},
	} {
		t.Run(name, func(t *testing.T) {
			shot := plan.Shot{Point: point, Schedule: s.Stop.Schedule, To: s.Stop.To}
			o, err := e.observe(context.Background(), s, shot, look{trace: shrink.Traced})
			if err != nil || o.Failure != nil || o.Strike == nil || o.Calls == nil {
				t.Fatalf("%v, %+v", err, o)
			}
			checkTrace(t, o, point)
		})
	}
}

func checkTrace(t *testing.T, o observation.Observation, point plan.Point) {
	t.Helper()
	early, at := 0, time.Duration(0)
	for _, call := range o.Calls.Trace {
		switch {
		case slices.Contains(call.Files, "late"):
			t.Errorf("%s of the clean-up is in the trace", call.Name)
		case call.Name == "write" && slices.Contains(call.Files, "early"):
			early++
		}
		if call.At < at || call.At > o.Strike.Actual {
			t.Errorf("%s at %s, behind one at %s and the signal at %s", call.Name, call.At, at, o.Strike.Actual)
		}
		at = call.At
	}
	if early == 0 || point.Call != nil && early != point.Call.Nth {
		t.Errorf("%d writes to the first file are in the trace of %s", early, point)
	}
}
