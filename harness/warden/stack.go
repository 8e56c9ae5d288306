package warden

import (
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/stack"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// readStack reads the stack of a thread. That the kernel refuses is said once in a trial,
// by a degradation; the stack is nil then.
func (t *trial) readStack(pid, tid int) *observation.Stack {
	at := t.clock.Now()
	s := t.w.stacks.Thread(pid, tid)
	s.At = at
	if !strings.HasPrefix(s.Unknown, stack.Refused) {
		return &s
	}
	if !t.stackRefused {
		t.stackRefused = true
		t.degrade("stack", "no stacks: "+s.Unknown)
	}
	return nil
}

// heldStack is that of the thread that made the call to strike at.
func (t *trial) heldStack(held *heldCall) *observation.Stack {
	return t.readStack(proc.ThreadGroup(held.TID), held.TID)
}

// A stack costs 0.1 to 1 ms where the files are known and up to 0.1 s where they are not.
// Before a shot at a point in time it is read only where the wait is stackShare times
// what it costs; that of a program that was not looked into yet is taken to be
// unknownStack.
const (
	stackShare   = 16
	unknownStack = 20 * time.Millisecond
)

// rehearseStack looks into the target's program and finds out what a stack costs, where
// there is time for that, and whether there is time for one before the strike.
func (t *trial) rehearseStack(planned time.Duration) {
	cost := t.w.stackCost
	if !t.w.stacks.Knows(t.target.PID) {
		cost = max(cost, unknownStack)
	}
	if t.req.Minimal || planned-t.clock.Now() < stackShare*cost {
		return
	}
	t.w.stacks.Learn(t.target.PID)
	t.timedStack()
	t.stackWanted = planned-t.clock.Now() > stackShare*t.w.stackCost
}

// stackFits says that a stack can be read before the strike. A target that has become
// another program since it was rehearsed costs nobody knows what.
func (t *trial) stackFits(planned time.Duration) bool {
	return t.stackWanted && planned-t.clock.Now() > t.w.stackCost && t.w.stacks.Knows(t.target.PID)
}

// timedStack reads the main thread's stack and remembers what that cost. A dearer one
// counts at once, a cheaper one slowly, but for the first guess; one of a thread that
// runs has no frames and tells nothing.
func (t *trial) timedStack() *observation.Stack {
	started := t.clock.Now()
	s := t.readStack(t.target.PID, t.target.PID)
	cost := t.clock.Now() - started
	if s == nil || len(s.Frames) == 0 {
		return s
	}
	if t.w.stackCost == unknownStack {
		t.w.stackCost = cost
	}
	t.w.stackCost = max(cost, (7*t.w.stackCost+cost)/8)
	return s
}

// Of a tree that did not leave, so many stacks are read, and no more when that has taken
// so long.
const (
	maxStacks    = 16
	stacksBudget = 200 * time.Millisecond
)

// stacks reads the stacks of processes that did not leave, those of all threads of the
// first one and then one of each other.
func (t *trial) stacks(stubborn []observation.Process) (list []observation.Stack) {
	deadline := t.clock.Now() + stacksBudget
	for i, p := range stubborn {
		tids := []int{p.PID}
		for _, thread := range p.Threads {
			if i == 0 && thread.TID != p.PID {
				tids = append(tids, thread.TID)
			}
		}
		for _, tid := range tids {
			if p.State == "Z" || len(list) >= maxStacks || t.clock.Now() > deadline {
				return list
			}
			if s := t.readStack(p.PID, tid); s != nil {
				list = append(list, *s)
			}
		}
	}
	return list
}
