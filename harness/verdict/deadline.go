package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// deadline expects the main process to leave by itself within the time allowed.
func deadline(f facts) outcome {
	asked := f.asked()
	switch {
	case !f.missed():
		return outcome{}
	case f.excuse != "":
		return outcome{undecided: f.excuse}
	case !f.killed() || len(asked) == 0:
		return outcome{findings: []Finding{f.late()}}
	}
	c := f.cause(asked[len(asked)-1])
	return outcome{findings: []Finding{{
		Check:    "deadline",
		Kind:     c.kind,
		Message:  fmt.Sprintf("%s had to be killed %s after %s: %s", f.main, span(f.latency), f.first(), c.why),
		Evidence: append(f.story(), f.lastLookLines()...),
		Hint:     c.hint,
	}}}
}

// missed says whether the target left too late or had to be killed. Where killed is
// accepted, waiting for the schedule's KILL is accepted too, unless a deadline before
// it was asked for.
func (f facts) missed() bool {
	within := f.Expect.Within.D()
	switch {
	case f.o.Strike == nil || f.o.Exit == nil:
		return false
	case !f.killed() || len(f.asked()) == 0:
		return f.latency > within
	case f.accepts(f.ending):
		return within < f.Stop.Schedule.Patience() && f.latency > within
	}
	return true
}

// late is the finding on a target that left too late, or that died too late of the
// KILL that was all it was sent.
func (f facts) late() Finding {
	verb := "left"
	if f.killed() {
		verb = "died"
	}
	return Finding{
		Check:    "deadline",
		Kind:     "late",
		Message:  fmt.Sprintf("%s %s %s after %s, %s allowed%s", f.main, verb, span(f.latency), f.first(), span(f.Expect.Within.D()), f.escalation()),
		Evidence: append(f.story(), f.lastLookLines()...),
		Hint:     f.lateHint(),
	}
}

func (f facts) lateHint() string {
	if f.killed() {
		return "a process in an uninterruptible system call dies only when that is over; one with much memory needs time to give it back"
	}
	if step := f.o.Exit.Step; step > 0 && step < len(f.o.Sent) {
		return fmt.Sprintf("make it stop for %s too, or send %s first: --signal %s", f.first(), f.o.Sent[step].Signal, f.o.Sent[step].Signal)
	}
	return fmt.Sprintf("let the handler interrupt what the program waits for (a flag that is looked at once a second costs up to a second); where it needs the time: --within %s", f.latency.Truncate(time.Second)+time.Second)
}

// escalation tells which later signal the target left for: "; INT did nothing
// (ignored), TERM ended it after 120 ms".
func (f facts) escalation() string {
	step := f.o.Exit.Step
	if step < 1 || step >= len(f.o.Sent) {
		return ""
	}
	var without []string
	for _, s := range f.o.Sent[:step] {
		without = append(without, s.Signal.String()+" did nothing"+inBrackets(s.Disposition))
	}
	return fmt.Sprintf("; %s, %s ended it after %s", strings.Join(bounded(without), ", "), f.o.Sent[step].Signal, span(f.o.Exit.At-f.o.Sent[step].At))
}

func inBrackets(d observation.Disposition) string {
	if d == observation.Unknown {
		return ""
	}
	return " (" + plain(string(d)) + ")"
}

// lastLookLines shows the last look at what did not leave, a process or thread a line.
func (f facts) lastLookLines() []string {
	if f.o.Forensics == nil {
		return nil
	}
	var lines []string
	for _, p := range f.o.Forensics.Stubborn {
		lines = append(lines, process(p.Command, p.PID)+": "+busy(p.State, p.Syscall, p.WChan)+pending(p))
		for _, t := range p.Threads {
			if t.TID != p.PID {
				lines = append(lines, fmt.Sprintf("  thread %d: %s", t.TID, busy(t.State, t.Syscall, t.WChan)))
			}
		}
	}
	lines = append(bounded(lines), f.lastStacks()...)
	if f.o.Forensics.LastLine != "" {
		lines = append(lines, "last line: "+quote(f.o.Forensics.LastLine))
	}
	return lines
}

func pending(p observation.Process) string {
	set := p.Pending
	for _, t := range p.Threads {
		set |= t.Pending
	}
	if set == 0 {
		return ""
	}
	return ", pending: " + set.String()
}
