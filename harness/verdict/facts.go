package verdict

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// facts is an observation with what several checks derive from it.
type facts struct {
	scenario.Scenario
	o observation.Observation
	// main is what the main process is called, fit to be shown.
	main    string
	ending  observation.Ending
	latency time.Duration // from the first signal to the end of the main process
	// excuse says why a missed deadline proves nothing; empty when it was met, or
	// when the miss is the target's own.
	excuse string
}

// gather derives the facts. Those that need a strike and an end are zero without them.
func gather(s scenario.Scenario, o observation.Observation) facts {
	f := facts{Scenario: s, o: o, main: mainName(s, o)}
	f.ending, _ = o.Ending()
	f.latency, _ = o.Latency()
	f.excuse = f.starved()
	return f
}

// mainName is the kernel's name of the main process, or the command's base name
// where nobody looked at the process.
func mainName(s scenario.Scenario, o observation.Observation) string {
	if o.Strike != nil && o.Strike.Doing != nil && o.Strike.Doing.Main.Command != "" {
		return plain(o.Strike.Doing.Main.Command)
	}
	if p := lastLook(o); p != nil && p.Command != "" {
		return plain(p.Command)
	}
	if len(s.Target.Command) > 0 && s.Target.Command[0] != "" {
		return plain(path.Base(s.Target.Command[0]))
	}
	return "the target"
}

// lastLook is the main process as the forensics show it; nil where they do not.
func lastLook(o observation.Observation) *observation.Process {
	if o.Forensics == nil {
		return nil
	}
	for i, p := range o.Forensics.Stubborn {
		if p.Identity == o.Process {
			return &o.Forensics.Stubborn[i]
		}
	}
	return nil
}

// unproved says why the checks cannot be held at all; v is empty when they can.
func (f facts) unproved() (v Verdict, reason string) {
	switch {
	case f.o.Failure != nil:
		return Error, failure(*f.o.Failure)
	case f.o.Missed != "":
		return Inconclusive, plain(f.o.Missed)
	case f.o.Exit == nil:
		return Error, fmt.Sprintf("the observation is incomplete: it ends at the stage %q without a failure and without the end of %s", f.o.Stage, f.main)
	case f.leftEarly():
		return Inconclusive, fmt.Sprintf("it ended by itself, %s, %s after launch, %s", f.howEnded(), span(f.o.Exit.At), f.notDue())
	case f.undelivered() && f.ending.Kind == observation.Killed:
		return Error, fmt.Sprintf("%s could not be sent to %s: %s", f.first(), f.main, plain(f.o.Sent[0].Error))
	case f.undelivered():
		return Inconclusive, fmt.Sprintf("it ended by itself, %s, before %s could be sent (%s)", f.howEnded(), f.first(), plain(f.o.Sent[0].Error))
	}
	return "", ""
}

func failure(failed observation.Failure) string {
	reason := plain(failed.Message)
	if reason == "" {
		reason = "the trial failed at " + plain(failed.Kind)
	}
	if failed.Remedy != "" {
		reason += "; " + plain(failed.Remedy)
	}
	return reason
}

// notDue says what it left before: the signal's moment, or the system call to strike at.
func (f facts) notDue() string {
	calls, path := f.strikesAt()
	switch {
	case f.Strike.Handlers != nil && f.o.Strike == nil:
		return fmt.Sprintf("before it had installed a handler for %s", f.first())
	case f.o.Calls == nil || f.o.Strike != nil || calls == "":
		return "before the signal was due"
	case f.o.Calls.Seen > 0:
		return fmt.Sprintf("before the signal was due: it had made %s of %s", count(f.o.Calls.Seen, "call", "calls"), plain(string(calls)))
	case path == "":
		return fmt.Sprintf("and made no system call that fits %s", plain(string(calls)))
	}
	return fmt.Sprintf("and made no system call that fits %s on %s; a path is relative to the work folder, and ** stands for any folders", plain(string(calls)), plain(path))
}

// strikesAt names the system calls that the scenario strikes at; empty for another trigger.
func (f facts) strikesAt() (calls scenario.Calls, path string) {
	switch {
	case f.Strike.Sweep != nil && f.Strike.Sweep.Signal != scenario.Second:
		return f.Strike.Sweep.Syscall, f.Strike.Sweep.Path
	case f.Strike.Syscall != nil:
		return f.Strike.Syscall.Call, f.Strike.Syscall.Path
	}
	return "", ""
}

// leftEarly says that the main process was gone before it was struck. A signal to a
// process that is dead and not yet reaped succeeds, so a strike alone proves nothing.
func (f facts) leftEarly() bool {
	return f.o.Strike == nil || f.o.Exit.Step < 0 || f.latency < 0 || f.struckDead()
}

// struckDead says that the last look before the strike showed a dead process. A zombie
// with threads that are not dead is alive: only its first thread has left.
func (f facts) struckDead() bool {
	doing := f.o.Strike.Doing
	return doing != nil && doing.At <= f.o.Strike.Actual && doing.Main.State == "Z" &&
		!slices.ContainsFunc(doing.Main.Threads, func(t observation.Thread) bool { return t.State != "Z" && t.State != "X" })
}

// spared says that a sweep of the second signal did not come to send it at its point.
func (f facts) spared() bool {
	sweep := f.Strike.Sweep
	return sweep != nil && sweep.Signal == scenario.Second && (len(f.o.Sent) < 2 || f.o.Sent[1].Event == "")
}

// undelivered says that the kernel refused every signal that the target could have
// stopped for.
func (f facts) undelivered() bool {
	return len(f.o.Sent) > 0 && f.o.Sent[0].Error != "" &&
		!slices.ContainsFunc(f.o.Sent, func(s observation.Sent) bool { return s.Error == "" && s.Signal != signals.KILL })
}

// howEnded is the ending in a few words: "code 0", "crashed with SEGV".
func (f facts) howEnded() string {
	switch f.ending.Kind {
	case observation.Clean, observation.Code, observation.SignalCode:
		return fmt.Sprintf("code %d", f.ending.Code)
	}
	return f.ending.Describe()
}

// first is the signal that asked the target to stop.
func (f facts) first() signals.Signal {
	if len(f.o.Sent) > 0 {
		return f.o.Sent[0].Signal
	}
	return f.Stop.Schedule.First()
}

// asked lists the signals that the target could have stopped for: those that reached
// it before its end and that a program can handle.
func (f facts) asked() []observation.Sent {
	var asked []observation.Sent
	for i, s := range f.o.Sent {
		if i <= f.o.Exit.Step && s.Error == "" && s.Signal != signals.KILL {
			asked = append(asked, s)
		}
	}
	return asked
}

// killed says that the target had to be killed.
func (f facts) killed() bool { return f.ending.Kind == observation.Killed }

// forced says that the target was asked to stop and had to be killed: what it could not
// do any more follows from that.
func (f facts) forced() bool { return f.killed() && len(f.asked()) > 0 }

// excusedKill says that the target was killed while the machine starved it: what
// follows from the kill, such as children without a parent, is then not its fault.
func (f facts) excusedKill() bool { return f.killed() && f.excuse != "" }

// treeKilled says that the harness killed the whole tree when the schedule was
// exhausted: who would have outlived the main process cannot be known then.
func (f facts) treeKilled() bool {
	return slices.ContainsFunc(f.o.Sent, func(s observation.Sent) bool { return s.Final })
}

const treeKilled = "the whole tree was killed when the schedule was exhausted"

func (f facts) accepts(e observation.Ending) bool {
	return slices.ContainsFunc(f.Expect.Exit, func(a scenario.Accept) bool { return a.Matches(e) })
}

// settle is how long descendants were given after the end of the main process.
func (f facts) settle() time.Duration {
	if f.Stop.Settle == nil {
		return scenario.DefaultSettle
	}
	return f.Stop.Settle.D()
}

// isShell says whether the main process is a shell. A script that was started by its
// own name bears that name; the file that it runs is the shell's.
func (f facts) isShell() bool {
	return slices.Contains(shells, f.main) || slices.Contains(shells, path.Base(f.program()))
}

// program is the path of the file that the main process runs; empty where nobody looked.
func (f facts) program() string {
	if f.o.Strike != nil && f.o.Strike.Doing != nil && f.o.Strike.Doing.Main.Program != "" {
		return f.o.Strike.Doing.Main.Program
	}
	if p := lastLook(f.o); p != nil {
		return p.Program
	}
	return ""
}

// shells run a trap only when their foreground child has ended, and forward nothing.
var shells = []string{"sh", "dash", "bash", "ash", "ksh", "mksh", "zsh", "busybox"}
