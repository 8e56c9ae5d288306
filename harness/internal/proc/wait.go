package proc

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// siginfo is what waitid(2) fills in, as the 64-bit kernels lay it out.
type siginfo struct {
	signo, errno, code, _ int32
	pid                   int32
	uid                   uint32
	status                int32
	_                     [100]byte
}

// Ways in which a child ended (CLD_ in sigaction(2)).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

const coreFlag = 0x80

// waitStatus puts the parts together as wait(2) encodes them.
func (s siginfo) waitStatus() uint32 {
	switch s.code {
	case cldExited:
		return uint32(s.status&0xff) << 8
	case cldDumped:
		return uint32(s.status&0x7f) | coreFlag
	default:
		return uint32(s.status & 0x7f)
	}
}

// dead says that the report is of an end. The stops of a child that is traced are
// reported whether they are asked for or not (wait_task_stopped in the kernel).
func (s siginfo) dead() bool {
	return s.pid != 0 && (s.code == cldExited || s.code == cldKilled || s.code == cldDumped)
}

func waitid(idType, id, options int) (siginfo, error) {
	var info siginfo
	for {
		err := unix.Waitid(idType, id, (*unix.Siginfo)(unsafe.Pointer(&info)), options|unix.WEXITED|unix.WNOHANG, nil)
		if !errors.Is(err, unix.EINTR) {
			return info, err
		}
	}
}

// Ended tells whether a child of this process has ended, and its raw wait status,
// without reaping it: what /proc shows of the dead can still be read.
func (h *Handle) Ended() (status uint32, ended bool, err error) {
	info, err := waitid(unix.P_PIDFD, h.pidfd, unix.WNOWAIT)
	if err != nil {
		return 0, false, fmt.Errorf("waitid for process %d: %w", h.PID, err)
	}
	return info.waitStatus(), info.dead(), nil
}

// DeadChild names a child of this process that has ended and was not reaped; 0 when
// there is none. anyLeft is false when the process has no children at all, dead or alive.
func DeadChild() (pid int, anyLeft bool) {
	info, err := waitid(unix.P_ALL, 0, unix.WNOWAIT|unix.WALL)
	if err != nil {
		return 0, false // ECHILD is the only error these arguments can give
	}
	if !info.dead() {
		return 0, true
	}
	return int(info.pid), true
}

// Reap removes a child that has ended, and tells what it and its own reaped children used.
func Reap(pid int) (unix.Rusage, error) {
	var usage unix.Rusage
	for {
		got, err := unix.Wait4(pid, nil, unix.WNOHANG|unix.WALL, &usage)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return usage, fmt.Errorf("wait4 for process %d: %w", pid, err)
		case got == 0:
			return usage, fmt.Errorf("process %d has not ended", pid)
		default:
			return usage, nil
		}
	}
}
