package observation_test

import (
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

func sent(s signals.Signal, d observation.Disposition) observation.Sent {
	return observation.Sent{Signal: s, To: signals.ToProcess, Receivers: 1, Disposition: d}
}

func TestEnding(t *testing.T) {
	var (
		caught  = []observation.Sent{sent(signals.TERM, observation.Caught)}
		bare    = []observation.Sent{sent(signals.TERM, observation.Default)}
		refused = []observation.Sent{{Signal: signals.TERM, Disposition: observation.Caught, Error: "operation not permitted"}}
		killed  = []observation.Sent{sent(signals.TERM, observation.Caught), sent(signals.KILL, observation.Uncatchable)}
		twice   = []observation.Sent{sent(signals.TERM, observation.Caught), sent(signals.TERM, observation.Default)}
	)
	for _, c := range []struct {
		name   string
		status uint32
		sent   []observation.Sent
		step   int
		want   observation.Ending
		says   string
	}{
		{"clean", 0, caught, 0, observation.Ending{Kind: observation.Clean}, "exited with code 0"},
		{"code", 3 << 8, caught, 0, observation.Ending{Kind: observation.Code, Code: 3}, "exited with code 3"},
		{"signal-code", 143 << 8, caught, 0, observation.Ending{Kind: observation.SignalCode, Code: 143}, "exited with code 143 (128 + TERM)"},
		{"code of a signal that was not sent", 130 << 8, caught, 0, observation.Ending{Kind: observation.Code, Code: 130}, "exited with code 130"},
		{"code of a signal that was refused", 143 << 8, refused, 0, observation.Ending{Kind: observation.Code, Code: 143}, "exited with code 143"},
		{"code of a signal sent too late", 137 << 8, killed, 0, observation.Ending{Kind: observation.Code, Code: 137}, "exited with code 137"},
		{"code 128", 128 << 8, caught, 0, observation.Ending{Kind: observation.Code, Code: 128}, "exited with code 128"},
		{"re-raised", 15, caught, 0, observation.Ending{Kind: observation.ReRaised, Signal: signals.TERM}, "handled TERM, then died of it"},
		{"default-action", 15, bare, 0, observation.Ending{Kind: observation.DefaultAction, Signal: signals.TERM}, "died of TERM, which it had no handler for"},
		{"default-action by the second of two", 15, twice, 1, observation.Ending{Kind: observation.DefaultAction, Signal: signals.TERM}, "died of TERM, which it had no handler for"},
		{"re-raised by the first of two", 15, twice, 0, observation.Ending{Kind: observation.ReRaised, Signal: signals.TERM}, "handled TERM, then died of it"},
		{"crashed", 11, caught, 0, observation.Ending{Kind: observation.Crashed, Signal: 11}, "crashed with SEGV"},
		{"crashed with a core", 6 | 0x80, caught, 0, observation.Ending{Kind: observation.Crashed, Signal: 6, Core: true}, "crashed with ABRT and dumped core"},
		{"crashed of a signal that was refused", 15, refused, 0, observation.Ending{Kind: observation.Crashed, Signal: signals.TERM}, "crashed with TERM"},
		{"crashed of a KILL from outside", 9, killed, 0, observation.Ending{Kind: observation.Crashed, Signal: signals.KILL}, "crashed with KILL"},
		{"crashed before anything was sent", 15, nil, -1, observation.Ending{Kind: observation.Crashed, Signal: signals.TERM}, "crashed with TERM"},
		{"killed", 9, killed, 1, observation.Ending{Kind: observation.Killed, Signal: signals.KILL}, "had to be killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := observation.Observation{Sent: c.sent, Exit: &observation.Exit{Status: c.status, Step: c.step}}
			got, ok := o.Ending()
			if !ok || got != c.want {
				t.Errorf("%+v, %t; want %+v", got, ok, c.want)
			}
			if got.Describe() != c.says {
				t.Errorf("%q, want %q", got.Describe(), c.says)
			}
		})
	}
}

func TestEndingUnseen(t *testing.T) {
	if ending, ok := (observation.Observation{}).Ending(); ok {
		t.Errorf("nothing ended, and yet: %+v", ending)
	}
}

func TestEndingString(t *testing.T) {
	if got := (observation.Ending{Kind: observation.Code, Code: 3}).String(); got != "code 3" {
		t.Errorf("%q", got)
	}
	if got := (observation.Ending{Kind: observation.SignalCode, Code: 143}).String(); got != "signal-code" {
		t.Errorf("%q", got)
	}
}

func TestLatency(t *testing.T) {
	strike, exit := &observation.Strike{Actual: 200 * time.Millisecond}, &observation.Exit{At: 3 * time.Second}
	if got, ok := (observation.Observation{Strike: strike, Exit: exit}).Latency(); !ok || got != 2800*time.Millisecond {
		t.Errorf("%s, %t", got, ok)
	}
	for _, o := range []observation.Observation{{Strike: strike}, {Exit: exit}} {
		if got, ok := o.Latency(); ok {
			t.Errorf("a latency of %s out of half of the facts", got)
		}
	}
}

func TestParseKind(t *testing.T) {
	for text, want := range map[string]observation.Ending{
		"clean": {Kind: observation.Clean}, "killed": {Kind: observation.Killed},
		"code:7": {Kind: observation.Code, Code: 7}, "code:255": {Kind: observation.Code, Code: 255},
	} {
		if kind, code, err := observation.ParseKind(text); err != nil || kind != want.Kind || code != want.Code {
			t.Errorf("%q: %s, %d, %v", text, kind, code, err)
		}
	}
	for _, text := range []string{"", "code", "code 7", "code:256", "code:-1", "code:x", "gone"} {
		if kind, code, err := observation.ParseKind(text); err == nil {
			t.Errorf("%q was read as %s, %d", text, kind, code)
		}
	}
}
