package observation_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// full has a value in every sort of field.
func full() observation.Observation {
	at := 40 * time.Millisecond
	id := observation.Identity{PID: 100, StartTicks: 1 << 60}
	member := observation.Member{Identity: id, Parent: 1, Command: "sleep", State: "S", Session: 100, Group: 100}
	socket := observation.Socket{Network: "tcp", Address: "127.0.0.1:80", Inode: 1 << 63, PID: 100}
	file := observation.OpenFile{FD: 3, Path: "/tmp/a", Mode: "wa", Offset: 7, Size: 9}
	stack := observation.Stack{At: at, PID: 100, TID: 101, Language: "python", How: "interpreter", Truncated: true, Unknown: "u",
		Frames: []observation.Frame{{Function: "save", File: "app.py", Line: 41, Module: "m", Offset: 1 << 63}}}
	main := observation.Process{
		Identity: id, Command: "worker", State: "S", Syscall: "futex", WChan: "futex_wait", NSPid: 1,
		Ignored: signals.SetOf(signals.HUP), Caught: signals.SetOf(signals.TERM, 64), Pending: signals.SetOf(1),
		Threads: []observation.Thread{{TID: 100, State: "S", Syscall: "read", WChan: "pipe_read", Blocked: signals.SetOf(34), Pending: signals.SetOf(signals.INT)}},
	}
	return observation.Observation{
		Stage: observation.Settled, Failure: &observation.Failure{Kind: "cleanup", Message: "m", Remedy: "r"},
		Layers:       []observation.Layer{observation.Cgroup, observation.Subreaper},
		Degradations: []observation.Degradation{{What: "realtime", Why: "EPERM"}},
		Process:      id, Launched: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), LaunchCost: 7,
		Ready: &observation.Readiness{By: "output", Auto: true, Detail: "ready", At: at}, HandlerSeen: &at,
		Strike: &observation.Strike{Planned: at, Actual: at + 1, RealTime: true, Event: "line",
			Doing: &observation.Doing{At: at, Main: main, Descendants: []observation.Member{member}, Files: []observation.OpenFile{file}, Stack: &stack}},
		Sent: []observation.Sent{{Signal: 37, To: signals.ToGroup, At: at, Receivers: 2, Error: "e", Disposition: observation.Caught, Final: true}},
		Forensics: &observation.Forensics{At: at, Stubborn: []observation.Process{main}, Tree: []observation.Member{member},
			Files: []observation.OpenFile{file}, LastLine: "l", Stacks: []observation.Stack{stack}},
		Exit: &observation.Exit{At: at, Status: 0x8b, Step: -1, Caught: signals.SetOf(signals.TERM),
			Usage: observation.Usage{User: 1, System: 2, MaxRSS: 3, Voluntary: 4, Involuntary: 5}},
		TreeEmpty: &at, OutputClosed: &at,
		Lingering: []observation.Lingerer{{Member: member, Gone: 600 * time.Millisecond}},
		Survivors: []observation.Survivor{{Member: member, Lineage: []observation.Member{member}, CommandLine: "sleep 9", User: "root", Memory: 1 << 40,
			Sockets: []observation.Socket{socket}, Disposition: observation.Ignored, OwnSession: true, HoldsOutput: true, Killed: true}},
		Unreaped:  []observation.Unreaped{{Member: member, For: time.Second}},
		Listening: []observation.Socket{socket}, StillListening: []observation.Socket{socket},
		Output: observation.Output{
			Stdout: observation.Captured{Bytes: 10, Lines: 2, Dropped: 3}, Last: "last", HeldOpen: true,
			Seen: []observation.Seen{{Pattern: "p", Count: 2, First: 1, Last: 2, Line: "p"}},
		},
		Starvation: observation.Starvation{Waiting: 1, By: "pressure", Harness: 2},
	}
}

func TestRoundTrip(t *testing.T) {
	for name, want := range map[string]observation.Observation{"full": full(), "empty": {}} {
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(name, err)
		}
		var got observation.Observation
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What a target printed stands in the evidence folder, not in the record of the trial.
func TestCapturedBytesAreNotRecorded(t *testing.T) {
	text, err := json.Marshal(observation.Captured{Bytes: 6, Lines: 1, Head: []byte("secret"), Tail: []byte("secret")})
	if want := `{"bytes":6,"lines":1}`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}

func TestCapturedText(t *testing.T) {
	for _, c := range []struct {
		name     string
		captured observation.Captured
		want     string
	}{
		{"nothing", observation.Captured{}, ""},
		{"all kept", observation.Captured{Head: []byte("a\nb")}, "a\nb"},
		{"head and tail that meet", observation.Captured{Head: []byte("a\nb"), Tail: []byte("c\n")}, "a\nbc\n"},
		{"cut inside a line", observation.Captured{Head: []byte("a\nb"), Tail: []byte("z\n"), Dropped: 9}, "a\nb\n[… 9 bytes not kept …]\nz\n"},
		{"cut behind a line", observation.Captured{Head: []byte("a\n"), Tail: []byte("z\n"), Dropped: 9}, "a\n[… 9 bytes not kept …]\nz\n"},
		{"no head", observation.Captured{Tail: []byte("z"), Dropped: 1}, "[… 1 bytes not kept …]\nz"},
	} {
		if got := c.captured.Text(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
