package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// cradle is the thread that starts all children but the wardens. The parent-death
// signal, by which they go when the benchmark is killed, fires at the end of the thread
// that started them (prctl(2)), so it has to be one that lives to the end.
type cradle struct {
	work chan func()
	null uintptr // /dev/null, the children's input and output
}

func newCradle() (*cradle, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	c := &cradle{make(chan func()), uintptr(null)}
	go func() {
		runtime.LockOSThread()
		for f := range c.work {
			f()
		}
	}()
	return c, nil
}

// do runs f on the cradle's thread and waits for it.
func (c *cradle) do(f func()) {
	done := make(chan struct{})
	c.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// measured is repeat on the cradle's thread.
func (c *cradle) measured(one func() (time.Duration, error)) func() (time.Duration, error) {
	return func() (took time.Duration, err error) {
		c.do(func() { took, err = one() })
		return took, err
	}
}

// child is a process that the cradle started and that was not waited for yet, so its
// number means no other.
type child struct{ *proc.Handle }

// fork starts a program. It must be called on the cradle's thread. The pidfd is made
// where pidfd is not nil.
func (c *cradle) fork(pidfd *int, argv ...string) (pid int, err error) {
	pid, err = syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{c.null, c.null, c.null},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, PidFD: pidfd},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", argv[0], err)
	}
	return pid, nil
}

// start is fork with a handle on the child.
func (c *cradle) start(argv ...string) (child, error) {
	pidfd := -1
	pid, err := c.fork(&pidfd, argv...)
	if err != nil {
		return child{}, err
	}
	h, err := proc.Adopt(pid, pidfd)
	if err != nil {
		return child{}, errors.Join(err, crowd{pid}.disperse())
	}
	return child{h}, nil
}

// end kills the child where it still lives, and waits for it.
func (c child) end() error {
	defer c.Close()
	c.Signal(signals.KILL) //nolint:errcheck // whether it is gone is what counts
	return waitFor(c.PID)
}

// waitFor waits until a child has ended, and reaps it.
func waitFor(pid int) error {
	for {
		_, err := unix.Wait4(pid, nil, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// patience bounds every wait for a state.
const patience = 30 * time.Second

// await polls until a state is there.
func await(what string, there func() bool) error {
	deadline := time.Now().Add(patience)
	for nap := 50 * time.Microsecond; !there(); nap = min(2*nap, 5*time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %s", what, patience)
		}
		time.Sleep(nap)
	}
	return nil
}

// asleep waits until a child has come up and waits for its time to pass.
func asleep(pid int) error {
	return await(fmt.Sprintf("process %d falls asleep", pid), func() bool {
		member, err := proc.ReadMember(pid)
		return err == nil && member.State == "S"
	})
}
