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
// what it costs. Before the first one the cost is taken to be unknownStack.
const (
	stackShare   = 16
	unknownStack = 20 * time.Millisecond
)

// rehearseStack finds out what a stack costs, where there is time for that, and whether
// there is time for one before the strike. The first reading makes the files known; the
// second is what the one before the strike will cost.
func (t *trial) rehearseStack(planned time.Duration) {
	if t.req.Minimal || planned-t.clock.Now() < stackShare*t.w.stackCost {
		return
	}
	t.readStack(t.target.PID, t.target.PID)
	t.timedStack()
	t.stackWanted = planned-t.clock.Now() > stackShare*t.w.stackCost
}

// timedStack reads the main thread's stack and remembers what that cost. A dearer one
// counts at once, a cheaper one slowly, but for the first guess.
func (t *trial) timedStack() *observation.Stack {
	started := t.clock.Now()
	s := t.readStack(t.target.PID, t.target.PID)
	cost := t.clock.Now() - started
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
