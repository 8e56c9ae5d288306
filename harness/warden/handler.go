package warden

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/internal/trap"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// handlerCall is the system call that installs the handler which a point is about.
func handlerCall(p plan.HandlerPoint) *plan.CallPoint {
	return &plan.CallPoint{
		Calls: "=rt_sigaction", Nth: p.Nth, Side: scenario.After, Count: scenario.PerTree, Delay: max(0, p.Offset),
	}
}

// installs says whether the call installs a handler in the main process. The handler is
// the first word of the kernel's struct sigaction (rt_sigaction(2)) on amd64 and arm64;
// 0 and 1 stand for the default and for ignoring.
func (c *callCounter) installs(call trap.Call) bool {
	var handler [8]byte
	return signals.Signal(call.Args[0]) == c.installed && call.Args[1] != 0 &&
		readMemory(call.TID, call.Args[1], handler[:]) == len(handler) &&
		binary.NativeEndian.Uint64(handler[:]) > sigIgn && proc.ThreadGroup(call.TID) == c.main
}

// afterHandler waits until the handler is there, and then for the time after that.
func (t *trial) afterHandler(held *heldCall, delay time.Duration) bool {
	if !t.stepBehind(held) {
		return false
	}
	due := t.clock.Now() + delay
	t.check(t.calls.step.Release())
	t.calls.step = nil
	return !t.until(due, t.over)
}

// strikeBeforeHandler sends the first signal at the time that was foretold for it, but
// never behind the installation: a target that comes to it earlier than foretold is struck
// right in front of it, where it is held.
func (t *trial) strikeBeforeHandler(point plan.HandlerPoint) bool {
	planned := max(0, t.req.HandlerAt+point.Offset)
	s := observation.Strike{Planned: planned, Event: fmt.Sprintf("the handler for %s was foretold for %s after launch", point.Signal, t.req.HandlerAt)}
	t.until(planned-strike.SpinLead-t.lookLead(), t.callCame)
	if t.callsFailed() || t.over() {
		return false
	}
	front := plan.CallPoint{Side: scenario.Before}
	if held := t.calls.held; held != nil {
		s.Event = fmt.Sprintf("the handler for %s was about to be installed %s after launch, earlier than foretold", point.Signal, held.at)
		return t.strikeHeld(held, front, &s)
	}
	t.sharpen()
	defer t.blunt()
	s.RealTime = t.edge.RealTime
	if !t.aim(planned, &s) {
		return false
	}
	t.fire(&s)
	t.noteCalls()
	if held := t.calls.held; held != nil {
		t.letGo(held, front, t.firstSignal())
	}
	t.calls.struck()
	return true
}
