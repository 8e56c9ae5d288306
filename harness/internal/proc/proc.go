// Package proc reads kernel facts about processes: who they are, whose children they
// are, what they do with signals, what they hold open, and how they ended.
//
// It reads /proc directly where a decision hangs on the answer, and uses gopsutil for
// what a person reads about a survivor ([Describe]). Nothing is cached: a fact is as
// old as the call.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// Handle is one process, held so that its PID cannot come to mean another one: a
// pidfd to signal and wait on it, and its folder under /proc, which goes stale with
// it and not with its number.
type Handle struct {
	observation.Identity
	pidfd int
	dir   int
	buf   []byte
}

// Open takes hold of a live or dead, not yet reaped process. It fails with ESRCH when
// there is none.
func Open(pid int) (*Handle, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_open %d: %w", pid, err)
	}
	h, err := Adopt(pid, pidfd)
	if err == nil && !h.same() {
		h.Close()
		return nil, fmt.Errorf("process %d: %w", pid, unix.ESRCH)
	}
	return h, err
}

// Adopt makes a handle from the pidfd of a child that the caller has not reaped, so
// that its number is its own. The handle owns the pidfd, which is closed when Adopt
// fails.
func Adopt(pid, pidfd int) (*Handle, error) {
	h := &Handle{Identity: observation.Identity{PID: pid}, pidfd: pidfd, dir: -1}
	dir, err := unix.Open("/proc/"+strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("open /proc/%d: %w", pid, notFound(err))
	}
	h.dir = dir
	stat, err := h.Stat()
	if err != nil {
		h.Close()
		return nil, err
	}
	h.StartTicks = stat.StartTicks
	return h, nil
}

// same says that the folder under /proc was opened while the pidfd's process still
// had the number: a signal 0 reaches it until it is reaped.
func (h *Handle) same() bool {
	err := unix.PidfdSendSignal(h.pidfd, 0, nil, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// notFound folds the ways in which /proc says that a process is gone into ESRCH.
func notFound(err error) error {
	if errors.Is(err, unix.ENOENT) {
		return unix.ESRCH
	}
	return err
}

// FD is the pidfd: readable once the process has ended (pidfd_open(2)).
func (h *Handle) FD() int { return h.pidfd }

// Close lets go of the process. It is safe to call more than once.
func (h *Handle) Close() {
	for _, fd := range []*int{&h.pidfd, &h.dir} {
		if *fd >= 0 {
			unix.Close(*fd) //nolint:errcheck // nothing was written
			*fd = -1
		}
	}
}

// Signal sends s to the process, and to no other, whatever became of its number.
func (h *Handle) Signal(s signals.Signal) error {
	return unix.PidfdSendSignal(h.pidfd, unix.Signal(s), nil, 0)
}

// read returns a file of the process' folder, valid until the next call.
func (h *Handle) read(name string) ([]byte, error) {
	text, err := ReadFile(h.dir, name, h.buf)
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", h.PID, err)
	}
	h.buf = text[:cap(text)]
	return text, nil
}

// Childless says that the process' first thread has no child now; a thread has its own
// (proc_pid_task_children(5)). Where the kernel has no such list it is false.
func (h *Handle) Childless() bool {
	text, err := h.read("task/" + strconv.Itoa(h.PID) + "/children")
	return err == nil && len(text) == 0
}

// Stat is a part of /proc/PID/stat.
type Stat struct {
	Command    string
	State      byte
	Parent     int
	Group      int
	Session    int
	Threads    int
	StartTicks uint64
}

// Stat reads /proc/PID/stat.
func (h *Handle) Stat() (Stat, error) {
	text, err := h.read("stat")
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(text)
}

// ParseStat reads a line of proc_pid_stat(5). The command stands in parentheses and
// may itself hold blanks and parentheses, so the last one counts.
func ParseStat(text []byte) (Stat, error) {
	opening, closing := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if opening < 0 || closing < opening {
		return Stat{}, fmt.Errorf("stat line %q has no command", text)
	}
	fields := bytes.Fields(text[closing+1:])
	if len(fields) < 20 {
		return Stat{}, fmt.Errorf("stat line %q is too short", text)
	}
	start, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return Stat{}, fmt.Errorf("start time in stat line: %w", err)
	}
	return Stat{
		Command: string(text[opening+1 : closing]), State: fields[0][0],
		Parent: number(fields[1]), Group: number(fields[2]), Session: number(fields[3]),
		Threads: number(fields[17]), StartTicks: start,
	}, nil
}

func number(text []byte) int {
	n, _ := strconv.Atoi(string(text)) //nolint:errcheck // the kernel writes numbers
	return n
}

// Dead says that the state is that of a process which has ended: a zombie (Z) or one
// that is just being removed (X).
func (s Stat) Dead() bool { return s.State == 'Z' || s.State == 'X' }

func (s Stat) member(pid int) observation.Member {
	return observation.Member{
		Identity: observation.Identity{PID: pid, StartTicks: s.StartTicks},
		Parent:   s.Parent, Command: s.Command, State: string(s.State),
		Session: s.Session, Group: s.Group,
	}
}
