package verdict

import (
	"fmt"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// starved says in one line why a missed deadline proves nothing: without the time
// that the machine took from it, the target could have left in time. It is empty when
// the deadline was met, and when the miss is the target's own.
func (f facts) starved() string {
	if !f.missed() {
		return ""
	}
	stolen, how := f.stolen()
	within := f.Expect.Within.D()
	if stolen <= 0 || f.latency-stolen > within || f.killed() && !f.couldHaveLeft(stolen) {
		return ""
	}
	left := "left"
	if f.killed() {
		left = "had to be killed"
	}
	return fmt.Sprintf("%s %s %s after %s, %s allowed, but %s: the miss proves nothing", f.main, left, span(f.latency), f.first(), span(within), how)
}

// stolen is how much of the latency the machine took. The harness' own lateness makes
// it notice an end late, and so counts for a target that left; one that was killed
// was only given more time by it.
func (f facts) stolen() (stolen time.Duration, how string) {
	s := f.o.Starvation
	if s.Harness > s.Waiting && !f.killed() {
		return s.Harness, fmt.Sprintf("sigprobe itself ran up to %s late", span(s.Harness))
	}
	how = fmt.Sprintf("it waited %s of that for a processor", span(s.Waiting))
	if s.By != "" {
		how += " (" + plain(s.By) + ")"
	}
	return s.Waiting, how
}

// couldHaveLeft says whether a target that was killed might have left in the time that
// the machine took from it. A kill comes right at the deadline, so any wait at all
// would excuse it. What does excuse is a tenth of the time allowed, when something of
// the tree was still waiting for a processor at the last look, or half of it, when
// nothing was. A target that no processor would have moved has no excuse. One that was
// sent nothing but KILL is measured like one that left.
func (f facts) couldHaveLeft(stolen time.Duration) bool {
	asked := f.asked()
	if len(asked) == 0 {
		return true
	}
	if kind := f.cause(asked[len(asked)-1]).kind; kind != "no-reaction" && kind != "deferred" {
		return false
	}
	share := f.Expect.Within.D() / 2
	if f.runnable() {
		share = f.Expect.Within.D() / 10
	}
	return stolen >= share
}

// runnable says whether something of the tree wanted a processor at the last look.
func (f facts) runnable() bool {
	return f.o.Forensics != nil && slices.ContainsFunc(f.o.Forensics.Stubborn, func(p observation.Process) bool {
		return p.State == "R" || slices.ContainsFunc(p.Threads, func(t observation.Thread) bool { return t.State == "R" })
	})
}
