package warden

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/calls"
	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/trap"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// callCounter counts the tree's system calls that fit the point, and holds the one to
// strike at.
type callCounter struct {
	point   plan.CallPoint
	dir     string // what the point's path is relative to
	numbers []int  // all that the target is held at
	wanted  []int  // those that count for the point
	// installed is the signal whose handler is waited for; 0 for another point.
	installed signals.Signal
	main      int // the main process
	trap      *trap.Trap
	hungUp    bool
	done      bool // the signal was sent

	seen       int
	perProcess map[int]int
	wantPlaces bool
	places     []uint64
	codes      map[int]proc.Ranges

	// traced are the calls that are described whatever the point, while tracing.
	traced  []int
	tracing bool
	trace   []observation.Call

	// held is the call to strike at, from the moment it came until it was let go.
	held *heldCall
	// moved says that the held thread has made another call since it was let go.
	moved bool
	// again is a call that was given up for a signal's sake and will be made once more.
	again *trap.Call
	step  *trap.Step
	// failed is the first error of the mechanism.
	failed error
	// detours are the ways, noticed so far, on which the target works without calls.
	detours map[string]bool
}

// heldCall is a call that a thread is held at.
type heldCall struct {
	trap.Call
	at    time.Duration
	about string // the call and its file, to be shown
}

// errTrap marks what went wrong with the trap and not with the program.
var errTrap = errors.New("cannot hold its system calls")

const trapRemedy = "system call points need ptrace(2) and seccomp(2): look at kernel.yama.ptrace_scope (3 forbids it), and at the container's seccomp profile; points in time and at output lines need neither"

// prepareCalls makes a counter for the system calls that the shot is about: those to
// strike at, and those at which the second signal lands.
func (t *trial) prepareCalls() *observation.Failure {
	first := t.firstCall()
	second := t.secondCall()
	if first == nil && second == nil && t.req.Trace == "" {
		return nil
	}
	c := &callCounter{dir: t.req.Dir, wantPlaces: t.req.Places, codes: map[int]proc.Ranges{}, done: true}
	for _, point := range []*plan.CallPoint{second, first} {
		if point == nil {
			continue
		}
		if err := c.arm(*point); err != nil {
			return &observation.Failure{Kind: "launch", Message: err.Error()}
		}
		c.numbers = append(c.numbers, c.wanted...)
	}
	if err := c.follow(t.req.Trace); err != nil {
		return &observation.Failure{Kind: "launch", Message: err.Error()}
	}
	c.done = first == nil
	if point := t.req.Shot.Point.Handler; point != nil {
		c.installed = point.Signal
	}
	slices.Sort(c.numbers)
	c.numbers = slices.Compact(c.numbers)
	t.calls = c
	return nil
}

// firstCall is the system call to strike at; nil for a point of another kind. A handler
// is installed by one.
func (t *trial) firstCall() *plan.CallPoint {
	if point := t.req.Shot.Point.Handler; point != nil {
		return handlerCall(*point)
	}
	return t.req.Shot.Point.Call
}

func (t *trial) secondCall() *plan.CallPoint {
	if t.req.Shot.Second == nil {
		return nil
	}
	return t.req.Shot.Second.Call
}

// arm begins to count for a point.
func (c *callCounter) arm(point plan.CallPoint) (err error) {
	c.point, c.seen, c.perProcess, c.done, c.installed = point, 0, map[int]int{}, false, 0
	c.wanted, err = point.Calls.Numbers()
	return err
}

// follow begins to describe calls, until the first signal.
func (c *callCounter) follow(traced scenario.Calls) (err error) {
	if traced == "" {
		return nil
	}
	c.tracing = true
	c.traced, err = traced.Numbers()
	c.numbers = append(c.numbers, c.traced...)
	return err
}

// set puts the trap into the target, which is stopped at its exec, and lets it run.
func (c *callCounter) set(pid, pidfd int) (err error) {
	c.main = pid
	if c.trap, err = trap.Set(pid, pidfd, c.numbers); err == nil {
		return nil
	}
	// It never ran an instruction of its own; nothing else can be of its tree.
	unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0) //nolint:errcheck // it is an unreaped child
	unix.Close(pidfd)                                 //nolint:errcheck // nothing was written
	for {
		if _, waited := unix.Wait4(pid, nil, unix.WALL, nil); !errors.Is(waited, unix.EINTR) {
			return fmt.Errorf("%w: %w", errTrap, err)
		}
	}
}

// degradations says what the trap changes or cannot do on this machine.
func (c *callCounter) degradations() []observation.Degradation {
	var list []observation.Degradation
	if c.trap.NoNewPrivs() {
		list = append(list, observation.Degradation{What: "setuid", Why: "without CAP_SYS_ADMIN a target whose system calls are followed cannot gain privileges by exec (no_new_privs)"})
	}
	if !c.trap.Killable() {
		list = append(list, observation.Degradation{What: "syscall", Why: "before Linux 5.19 a signal in front of a system call can make it fail with EINTR"})
	}
	return list
}

func (c *callCounter) pollFD() int32 {
	if c.trap == nil || c.hungUp {
		return -1
	}
	return int32(c.trap.FD())
}

func (c *callCounter) close() {
	if c.trap != nil {
		c.trap.Close()
	}
}

// event takes the next held call: it is counted and let go, or kept to be struck.
func (c *callCounter) event(revents int16, at time.Duration) {
	if revents&unix.POLLIN == 0 {
		c.hungUp = true
		return
	}
	call, ok, err := c.trap.Next()
	if err == nil && ok {
		err = c.take(call, at)
	}
	if err != nil {
		c.hungUp = true // nothing more can be had of it; the schedule goes on without
		if c.failed == nil {
			c.failed = err
		}
	}
}

// notice remembers a way on which the target can work without any call that would be
// counted.
func (c *callCounter) notice(call trap.Call) {
	what, fd, detour := call.Detour()
	if !detour {
		return
	}
	if fd >= 0 {
		path, _ := proc.FileOf(call.TID, fd)
		if c.point.Path != "" && !c.matches(path) {
			return
		}
		what += " (" + path + ")"
	}
	if c.detours == nil {
		c.detours = map[string]bool{}
	}
	if len(c.detours) < maxDetours {
		c.detours[what] = true
	}
}

// maxDetours bounds how many are told of.
const maxDetours = 4

// counting says that calls are counted and let go, and nobody waits for anything else of
// them.
func (c *callCounter) counting() bool {
	return c.held == nil && !c.done && !c.hungUp && c.failed == nil
}

func (c *callCounter) take(call trap.Call, at time.Duration) error {
	if c.step != nil {
		if mine, err := c.step.Again(call); mine || err != nil {
			return err
		}
	}
	if c.again != nil && c.again.TID == call.TID && c.again.Same(call) {
		c.again = nil
		return c.trap.Continue(call)
	}
	if c.held != nil && c.held.TID == call.TID {
		c.moved = true
	}
	c.notice(call)
	if c.tracing && slices.Contains(c.traced, call.Number) {
		c.trace = append(c.trace, observation.Call{Name: calls.Name(call.Number), Files: c.shown(call), At: at})
	}
	if c.done || c.held != nil || !slices.Contains(c.wanted, call.Number) || !c.fits(call) {
		return c.trap.Continue(call)
	}
	nth := c.count(call)
	// Where every process is counted apart, the first one to make its n-th call is where
	// point n lies.
	if c.wantPlaces && nth > len(c.places) {
		c.places = append(c.places, c.place(call))
	}
	if nth != c.point.Nth {
		return c.trap.Continue(call)
	}
	c.held = &heldCall{Call: call, at: at, about: c.describe(call)}
	return nil
}

// count counts the call and gives its number.
func (c *callCounter) count(call trap.Call) int {
	c.seen++
	if c.point.Count != scenario.PerProcess {
		return c.seen
	}
	pid := proc.ThreadGroup(call.TID)
	c.perProcess[pid]++
	return c.perProcess[pid]
}

// strikeCall waits for the call to strike at and sends the first signal on its side of
// it. It returns false when the target left first.
func (t *trial) strikeCall() bool {
	if point := t.req.Shot.Point.Handler; point != nil && point.Offset < 0 {
		return t.strikeBeforeHandler(*point)
	}
	came := t.until(t.callLimit(), t.callCame)
	if t.callsFailed() {
		return false
	}
	if !came && !t.hostGone {
		t.o.Missed = t.missedCall()
	}
	held := t.calls.held
	if held == nil || t.over() {
		return false
	}
	point := *t.firstCall()
	s := observation.Strike{Event: t.eventAt(held, point)}
	if !t.toSide(held, point) {
		return false
	}
	return t.strikeHeld(held, point, &s)
}

// callCame says that there is no more to wait for where a call is.
func (t *trial) callCame() bool {
	return t.calls.held != nil || t.calls.failed != nil || t.over()
}

func (t *trial) callsFailed() bool {
	if t.calls.failed != nil {
		t.o.Failure = &observation.Failure{Kind: "calls", Message: "the target's system calls could not be followed: " + t.calls.failed.Error()}
	}
	return t.calls.failed != nil
}

// strikeHeld sends the first signal to a target of which a thread is held, and lets go
// of it. The thread is held: whenever the signal comes is in time.
func (t *trial) strikeHeld(held *heldCall, point plan.CallPoint, s *observation.Strike) bool {
	t.noteHandler()
	if !t.req.Minimal {
		s.Doing = t.lookAround()
	}
	if s.Doing != nil {
		s.Doing.Stack = t.heldStack(held)
	}
	t.readDisposition(s.Doing)
	if t.targetEnded() {
		return false
	}
	s.Planned = t.clock.Now()
	t.fire(s)
	t.noteCalls()
	t.letGo(held, point, t.firstSignal())
	return true
}

// eventAt shows what the first signal comes at.
func (t *trial) eventAt(held *heldCall, point plan.CallPoint) string {
	if handler := t.req.Shot.Point.Handler; handler != nil {
		return fmt.Sprintf("the handler for %s was installed %s after launch", handler.Signal, held.at)
	}
	return fmt.Sprintf("%s #%d, %s", held.about, point.Nth, point.Side)
}

// noteCalls records what was counted for the first signal's point.
func (t *trial) noteCalls() {
	t.o.Calls = &observation.Calls{Seen: t.calls.seen, Places: t.calls.places, Trace: t.calls.trace}
}

// secondPoint waits for the point of the schedule's second signal, no longer than the
// schedule gives. It returns true when there is nothing more to signal.
func (t *trial) secondPoint(deadline time.Duration) bool {
	if point := t.req.Shot.Second.Time; point != nil {
		return t.waitExit(min(deadline, t.o.Strike.Actual+point.After))
	}
	t.check(t.calls.arm(*t.secondCall()))
	t.until(deadline, func() bool { return t.calls.held != nil || t.calls.failed != nil || t.over() })
	return t.over()
}

// strikeAgain sends the schedule's second signal, at its point where that came.
func (t *trial) strikeAgain(s signals.Signal) {
	var held *heldCall
	if t.calls != nil {
		held = t.calls.held
	}
	if held == nil {
		if t.calls != nil {
			t.calls.struck() // those that follow are no points
		}
		t.escalate(s)
		if point := t.req.Shot.Second.Time; point != nil {
			t.o.Sent[len(t.o.Sent)-1].Event = t.req.Shot.Second.String()
		}
		return
	}
	point := *t.secondCall()
	if !t.toSide(held, point) {
		t.calls.struck()
		return
	}
	t.escalate(s)
	t.o.Sent[len(t.o.Sent)-1].Event = fmt.Sprintf("%s #%d after the first signal, %s", held.about, point.Nth, point.Side)
	t.letGo(held, point, s)
}

// missedCall says what came in place of the call to strike at.
func (t *trial) missedCall() string {
	if handler := t.req.Shot.Point.Handler; handler != nil {
		return fmt.Sprintf("the target installed no handler for %s within %s, and had not ended", handler.Signal, t.req.Ready.Timeout)
	}
	point := *t.req.Shot.Point.Call
	if point.Nth == 0 {
		return fmt.Sprintf("the target had not ended by itself within %s, after %d calls that fit: a sweep of it needs an end, such as --points 1..%d", t.req.Limit, t.calls.seen, max(1, t.calls.seen))
	}
	return fmt.Sprintf("%s did not come within %s: %d calls that fit were made, and the target had not ended", point, t.req.Limit, t.calls.seen)
}

// callLimit is when a call that does not come is given up.
func (t *trial) callLimit() time.Duration {
	if t.req.Shot.Point.Handler != nil && t.o.Strike == nil {
		return t.clock.Now() + t.req.Ready.Timeout.D()
	}
	return t.clock.Now() + t.req.Limit
}

// toSide brings the held thread to the side of the call on which the signal is to
// come: it stays in front, sleeps inside, or stands behind. It returns false when it
// did not get there.
func (t *trial) toSide(held *heldCall, point plan.CallPoint) bool {
	switch {
	case point.Delay > 0 && t.calls.installed != 0:
		return t.afterHandler(held, point.Delay)
	case point.Delay > 0:
		t.check(t.calls.trap.Continue(held.Call))
		return !t.until(held.at+point.Delay, t.over)
	case point.Side == scenario.Inside:
		t.check(t.calls.trap.Continue(held.Call))
		return t.sleepsInside(held)
	case point.Side == scenario.After:
		return t.stepBehind(held)
	}
	return true
}

// stepBehind lets the kernel carry the call out and stops the thread right after it.
func (t *trial) stepBehind(held *heldCall) bool {
	step, err := t.calls.trap.StepOver(held.Call)
	if err != nil {
		t.check(err)
		return false
	}
	t.calls.step = step
	behind := t.until(t.callLimit(), func() bool {
		done, err := step.Advance()
		t.check(err)
		return done || t.calls.failed != nil || t.over()
	})
	if !behind && !t.over() {
		t.o.Missed = fmt.Sprintf("%s did not return within %s", held.about, t.req.Limit)
	}
	return behind && !t.over() && t.calls.failed == nil
}

// A thread that was let into a call is asked every 50 µs whether it sleeps there yet,
// for a second at most: on a loaded machine it may not have run at all for a while.
const (
	insideAsk   = 50 * time.Microsecond
	insideBound = time.Second
)

// sleepsInside waits until the thread sleeps in the call that it was let into.
func (t *trial) sleepsInside(held *heldCall) bool {
	deadline := t.clock.Now() + insideBound
	for !t.over() && !t.calls.moved && t.clock.Now() < deadline {
		if name, state := proc.ThreadPlace(held.TID); state == "S" && name == calls.Name(held.Number) {
			return true
		}
		t.until(t.clock.Now()+insideAsk, func() bool { return t.over() || t.calls.moved })
	}
	if !t.over() {
		t.o.Missed = held.about + " did not block: there was no inside to strike at"
	}
	return false
}

// struck ends the counting: what follows is let go as it comes.
func (c *callCounter) struck() { c.held, c.done = nil, true }

func (t *trial) check(err error) {
	if t.calls.failed == nil {
		t.calls.failed = err
	}
}

// takes says that the held thread is one of the process' own and lets the signal in. A
// signal for a process goes to any such thread (signal(7)); given to this one, it lands
// at the call and nowhere else.
func (c *callCounter) takes(pid int, s signals.Signal) bool {
	return proc.ThreadGroup(c.held.TID) == pid && !proc.ThreadBlocks(c.held.TID, s)
}

// letGo releases the held thread after the signal was sent. In front of a call, a
// thread that has the signal pending handles it first and makes the call then.
func (t *trial) letGo(held *heldCall, point plan.CallPoint, s signals.Signal) {
	defer t.calls.struck()
	switch {
	case point.Delay > 0 || point.Side == scenario.Inside:
	case point.Side == scenario.After:
		t.check(t.calls.step.Release())
		t.calls.step = nil
	case t.calls.trap.Killable() && proc.TakesPending(held.TID, s):
		t.calls.again = &held.Call
		t.check(t.calls.trap.Restart(held.Call))
	default:
		t.check(t.calls.trap.Continue(held.Call))
	}
}
