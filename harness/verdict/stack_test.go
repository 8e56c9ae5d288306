package verdict

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func TestStanding(t *testing.T) {
	save := observation.Frame{Function: "save", File: "/srv/app.py", Line: 41}
	module := observation.Frame{Function: "<module>", File: "/srv/app.py", Line: 77}
	goFrame := func(function string) observation.Frame {
		return observation.Frame{Function: function, Module: "/bin/ledger"}
	}
	for _, c := range []struct {
		stack observation.Stack
		want  string
	}{
		{observation.Stack{Frames: []observation.Frame{save, module}}, "stood in save (app.py:41) < <module> (app.py:77)"},
		{observation.Stack{Frames: []observation.Frame{save}, Truncated: true}, "stood in save (app.py:41) < …"},
		{observation.Stack{Frames: []observation.Frame{save}, How: "guess"}, "stood in save (app.py:41) (partly guessed)"},
		{observation.Stack{Frames: []observation.Frame{{Function: "write", Module: "/lib/libc.so.6"}, {Module: "/bin/ledger", Offset: 0x1223}}},
			"stood in write (libc.so.6) < ledger+0x1223"},
		{observation.Stack{Frames: []observation.Frame{{Function: "a\x1b[2J", File: "b\n", Line: 1}}}, `stood in a\x1b[2J (b\n:1)`},
		{observation.Stack{Unknown: "it was running"}, "stood at a place that is not known: it was running"},
		{observation.Stack{Frames: []observation.Frame{save}, Unknown: "no frame of Python"}, "stood in save (app.py:41); no frame of Python"},
		{observation.Stack{Language: "go", Frames: []observation.Frame{goFrame("internal/runtime/syscall/linux.Syscall6"), goFrame("syscall.Syscall"),
			goFrame("syscall.write"), goFrame("internal/poll.(*FD).Write"), goFrame("os.(*File).Write"), goFrame("main.save")}},
			"stood in internal/runtime/syscall/linux.Syscall6 (ledger) < … < os.(*File).Write (ledger) < main.save (ledger)"},
		{observation.Stack{Language: "node", Frames: []observation.Frame{{Function: "read", Module: "/lib/libc.so.6"}, {Function: "uv_fs_read", Module: "/bin/node"},
			{Function: "node::fs::Read", Module: "/bin/node"}, {Function: "JS:~save app.js:3:14", Module: "[JIT]"}}},
			"stood in read (libc.so.6) < … < JS:~save app.js:3:14 ([JIT])"},
		{observation.Stack{Language: "go", Frames: []observation.Frame{goFrame("runtime.futex"), goFrame("main.main")}},
			"stood in runtime.futex (ledger) < main.main (ledger)"},
	} {
		if got := standing(c.stack); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestStood(t *testing.T) {
	stack := observation.Stack{At: 199 * time.Millisecond, PID: 100, TID: 100, Frames: []observation.Frame{{Function: "save"}}}
	f := facts{o: observation.Observation{Process: observation.Identity{PID: 100}, Strike: &observation.Strike{Actual: 200 * time.Millisecond}}}
	for want, who := range map[string][2]int{
		"1 ms before the signal it stood in save":             {100, 100},
		"1 ms before the signal its thread 101 stood in save": {100, 101},
		"1 ms before the signal process 200 stood in save":    {200, 200},
	} {
		stack.PID, stack.TID = who[0], who[1]
		if got := f.stood(stack); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Of many threads those count that tell something new, and the main thread.
func TestLastStacks(t *testing.T) {
	at := func(tid int, unknown string, functions ...string) observation.Stack {
		s := observation.Stack{PID: 1, TID: tid, Unknown: unknown}
		for _, name := range functions {
			s.Frames = append(s.Frames, observation.Frame{Function: name})
		}
		return s
	}
	f := facts{o: observation.Observation{Process: observation.Identity{PID: 1}, Forensics: &observation.Forensics{Stacks: []observation.Stack{
		at(1, "it was running"), at(2, "", "wait"), at(3, "", "wait"), at(4, "it was gone"), at(5, "", "a"), at(6, "", "b"), at(7, "", "c"),
	}}}}
	want := "it stood at a place that is not known: it was running|its thread 2 stood in wait|its thread 5 stood in a|its thread 6 stood in b"
	if got := strings.Join(f.lastStacks(), "|"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Whatever a stack holds, its line is one printable line.
func TestStandingIsPrintable(t *testing.T) {
	frame := rapid.Custom(func(t *rapid.T) observation.Frame {
		return observation.Frame{
			Function: rapid.String().Draw(t, "function"), File: rapid.String().Draw(t, "file"),
			Line: rapid.Int().Draw(t, "line"), Module: rapid.String().Draw(t, "module"), Offset: rapid.Uint64().Draw(t, "offset"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := observation.Stack{
			Language: rapid.SampledFrom([]string{"go", "python", ""}).Draw(t, "language"), Unknown: rapid.String().Draw(t, "unknown"),
			Frames: rapid.SliceOfN(frame, 0, observation.MaxFrames).Draw(t, "frames"), Truncated: rapid.Bool().Draw(t, "truncated"),
		}
		if line := standing(s); line != plainWhole(line) {
			t.Fatalf("%q", line)
		}
	})
}

// plainWhole is plain without its bound.
func plainWhole(line string) string {
	var b strings.Builder
	for _, r := range line {
		b.WriteString(plain(string(r)))
	}
	return b.String()
}
