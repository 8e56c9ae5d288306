package trap

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Step holds a thread behind a call instead of in front of it: the thread is traced
// from [Trap.StepOver] to [Step.Release], and by then was stopped when the call had been
// carried out and before it saw the result.
//
// The way there: the thread is seized and interrupted in front of the call, which makes
// it give up the call and stop; let go from there with PTRACE_SYSCALL, it makes the call
// again, is held by the filter again, is told to continue, and stops at the call's end
// (ptrace(2), "Syscall-stops").
type Step struct {
	trap  *Trap
	call  Call
	state stepState
}

type stepState int

const (
	seized   stepState = iota // given up the call, about to stop
	entering                  // making the call again, about to stop in front of it
	inside                    // the filter holds it, or the kernel carries the call out
	behind                    // the call is over
	lost                      // the thread has died
)

// StepOver begins to step over a call that is held. The caller's thread is the tracer
// from now on and must call [Step.Advance] whenever a child changed its state, and
// [Step.Again] for every call that comes to be held.
func (t *Trap) StepOver(c Call) (*Step, error) {
	const options = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESYSGOOD
	if err := ptrace(unix.PTRACE_SEIZE, c.TID, options); err != nil {
		return nil, fmt.Errorf("seize thread %d: %w", c.TID, err)
	}
	if err := ptrace(unix.PTRACE_INTERRUPT, c.TID, 0); err != nil {
		return nil, fmt.Errorf("interrupt thread %d: %w", c.TID, err)
	}
	if err := t.Restart(c); err != nil {
		return nil, err
	}
	return &Step{trap: t, call: c}, nil
}

func ptrace(request, tid int, data uintptr) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Again says whether the held call is the one that is stepped over, and lets it go on.
func (s *Step) Again(c Call) (mine bool, err error) {
	if c.TID != s.call.TID || s.state != entering && s.state != inside {
		return false, nil
	}
	s.state = inside
	return true, s.trap.Continue(c)
}

// Advance takes the thread's next stop, if it has stopped, and sends it on its way. It
// returns true when the thread stands behind the call. It does not block.
func (s *Step) Advance() (done bool, err error) {
	for s.state != behind {
		stopped, err := s.stopped()
		if err != nil || !stopped {
			return false, err
		}
		if s.state == inside {
			s.state = behind
			break
		}
		s.state++
		if err := ptrace(unix.PTRACE_SYSCALL, s.call.TID, 0); err != nil {
			return false, fmt.Errorf("let thread %d go to its next stop: %w", s.call.TID, err)
		}
	}
	return true, nil
}

// stopped takes a stop of the thread.
func (s *Step) stopped() (bool, error) {
	info, err := waitChange(s.call.TID, unix.WSTOPPED|unix.WEXITED|unix.WNOHANG)
	if err != nil {
		return false, err
	}
	switch info.code {
	case 0:
		return false, nil
	case cldTrapped, cldStopped:
		return true, nil
	}
	s.state = lost
	return false, errEnded
}

// Release lets the thread run free again, from wherever it stands. A signal that came
// while it stood behind the call is what it handles next.
func (s *Step) Release() error {
	err := ptrace(unix.PTRACE_DETACH, s.call.TID, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("let go of thread %d: %w", s.call.TID, err)
	}
	return nil
}
