package verdict

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

func TestLatencyNamesWhatExceedsItsBudget(t *testing.T) {
	at := func(name string, most, latency time.Duration) Measured {
		return Measured{scenario.Budget{Name: name, Most: scenario.Duration(most)}, latency}
	}
	if f, ok := Latency([]Measured{at("p50", time.Second, time.Second), at("max", 2*time.Second, time.Millisecond)}, 20); ok {
		t.Errorf("as long as allowed: %+v", f)
	}
	if f, ok := Latency(nil, 20); ok {
		t.Errorf("no budget: %+v", f)
	}
	got, ok := Latency([]Measured{at("p50", time.Second, 900*time.Millisecond), at("p99", time.Second, 3*time.Second)}, 1)
	want := Finding{
		Check: "deadline", Kind: "latency-budget",
		Message:  "the shutdown latency of 1 trial exceeds its budget: p99 is 3 s, 1 s allowed",
		Evidence: []string{"p50: 900 ms of 1 s, kept", "p99: 3 s of 1 s, exceeded"},
		Hint:     "see in the trials listed what the target waited for; where it needs the time, allow more in expect.latency",
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(diff)
	}
}
