package observation_test

import (
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

func TestDisposition(t *testing.T) {
	term := signals.SetOf(signals.TERM)
	blocking, open := observation.Thread{Blocked: term}, observation.Thread{}
	for _, c := range []struct {
		name    string
		process observation.Process
		signal  signals.Signal
		want    observation.Disposition
	}{
		{"default", observation.Process{}, signals.TERM, observation.Default},
		{"caught", observation.Process{Caught: term}, signals.TERM, observation.Caught},
		{"ignored", observation.Process{Ignored: term}, signals.TERM, observation.Ignored},
		{"blocked by every thread", observation.Process{Caught: term, Threads: []observation.Thread{blocking, blocking}}, signals.TERM, observation.Blocked},
		{"blocked by one of two", observation.Process{Caught: term, Threads: []observation.Thread{blocking, open}}, signals.TERM, observation.Caught},
		{"KILL", observation.Process{Ignored: ^signals.Set(0)}, signals.KILL, observation.Uncatchable},
		{"STOP", observation.Process{}, signals.STOP, observation.Uncatchable},
	} {
		if got := c.process.Disposition(c.signal); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLate(t *testing.T) {
	strike := observation.Strike{Planned: time.Second, Actual: time.Second + 12}
	if strike.Late() != 12 {
		t.Errorf("late by %s", strike.Late())
	}
}
