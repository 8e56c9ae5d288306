package verdict

import (
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// exit expects the ending to be one of those that are accepted. An ending by KILL is
// the business of [deadline], unless nothing but KILL was sent.
func exit(f facts) outcome {
	switch {
	case f.excusedKill():
		return outcome{undecided: f.excuse}
	case f.accepts(f.ending), f.killed() && len(f.asked()) > 0:
		return outcome{}
	}
	return outcome{findings: []Finding{{
		Check:    "exit",
		Kind:     string(f.ending.Kind),
		Message:  fmt.Sprintf("%s %s, %s after %s; accepted: %s", f.main, f.ending.Describe(), span(f.latency), f.first(), f.accepted()),
		Evidence: f.exitEvidence(),
		Hint:     f.exitHint(),
	}}}
}

// accepted lists the accepted endings as `--accept` takes them.
func (f facts) accepted() string {
	var names []string
	for _, a := range f.Expect.Exit {
		names = append(names, plain(a.String()))
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func (f facts) exitEvidence() []string {
	lines := f.story()
	if f.o.HandlerSeen != nil {
		lines = append(lines, fmt.Sprintf("a handler for %s was first seen %s after launch", f.first(), span(*f.o.HandlerSeen)))
	}
	if f.ending.Kind == observation.Crashed {
		lines = append(lines, "largest resident memory: "+size(uint64(max(f.o.Exit.Usage.MaxRSS, 0))))
	}
	return lines
}

func (f facts) exitHint() string {
	switch f.ending.Kind {
	case observation.DefaultAction:
		return f.defaultActionHint()
	case observation.SignalCode:
		return "it trapped the signal and exited with 128 + its number, a convention of some projects; where it is this one's: --accept signal-code"
	case observation.ReRaised:
		if f.runtimeCaught() {
			return fmt.Sprintf("it caught nearly every signal there is, as a language's runtime does (Go's) before the program says what it wants: %s has most likely no handler of its own for %s; install one (signal.NotifyContext in Go), or --accept re-raised", f.main, f.ending.Signal)
		}
		return "it handled the signal, took the handler off and died of the signal, as the C library's manual advises; where that is wanted: --accept re-raised"
	case observation.Crashed:
		return f.crashHint()
	case observation.Killed:
		return "the schedule begins with KILL, which no program can handle: --accept killed, or begin with TERM or INT"
	case observation.Clean:
		return "it ended with code 0, as most programs do; where that is right: --accept clean"
	}
	return f.codeHint()
}

// runtimeCaught says that the handlers were a language runtime's when the target was
// struck.
func (f facts) runtimeCaught() bool {
	return f.o.Strike != nil && f.o.Strike.Doing != nil && observation.CaughtByRuntime(f.o.Strike.Doing.Main.Caught)
}

func (f facts) defaultActionHint() string {
	seen, name := f.o.HandlerSeen, f.ending.Signal
	if seen != nil && name == f.first() && *seen > f.o.Strike.Actual {
		return fmt.Sprintf("the signal came %s before the handler was installed: install it first thing in the program, or strike later with a ready condition that is true only then", span(*seen-f.o.Strike.Actual))
	}
	hint := fmt.Sprintf("no handler for %s was installed when the signal came: install one that finishes the work at hand and exits with 0", name)
	if f.isShell() {
		hint = fmt.Sprintf("%s has no trap for %s and died of it: start the program with exec, so that the signal reaches it, or trap and forward", f.main, name)
	}
	return hint + "; if dying of the signal is fine for this program: --accept default-action"
}

func (f facts) crashHint() string {
	switch died := f.ending.Signal; {
	case died == signals.KILL:
		return "nobody here sent KILL: the kernel's out-of-memory killer or another process did; look at the kernel log"
	case f.ending.Core:
		return fmt.Sprintf("%s came from the program itself while it stopped; it left a core: open that in a debugger", died)
	default:
		return fmt.Sprintf("nobody here sent %s: it came from the program itself while it stopped, or from one of its own processes; look at what it printed last", died)
	}
}

func (f facts) codeHint() string {
	code := f.ending.Code
	switch {
	case code == 126 || code == 127:
		return fmt.Sprintf("shells exit with %d when a command cannot be started: look at what it printed last", code)
	case code > 128 && code <= 128+int(signals.Max):
		return fmt.Sprintf("128 + %s, which was not sent to it: shells exit so when the child they waited for died of that signal; where that is fine: --accept code:%d", signals.Signal(code-128), code)
	}
	return fmt.Sprintf("where %d is this program's way to say that it was told to stop: --accept code:%d; else look at what it printed last", code, code)
}
