package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// What is read here is read of a thread that is held at a system call, so its number
// stays its own.

// threadFile reads a file of a thread, which /proc shows under its number though it
// does not list it there.
func threadFile(tid int, name string) ([]byte, error) {
	return ReadFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(tid)+"/"+name, nil)
}

// ThreadGroup is the PID of the process that the thread belongs to; the thread's own
// number where that cannot be read.
func ThreadGroup(tid int) int {
	text, err := threadFile(tid, "status")
	if err != nil {
		return tid
	}
	_, rest, found := bytes.Cut(text, []byte("\nTgid:"))
	if !found {
		return tid
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return number(bytes.TrimSpace(line))
}

// FileOf is what a descriptor of the thread is, by the kernel's name for it; for
// AT_FDCWD it is the current folder.
func FileOf(tid, fd int) (path string, ok bool) {
	name := "/proc/" + strconv.Itoa(tid) + "/fd/" + strconv.Itoa(fd)
	if fd == unix.AT_FDCWD {
		name = "/proc/" + strconv.Itoa(tid) + "/cwd"
	}
	path, err := readlinkat(unix.AT_FDCWD, name)
	return strings.TrimSuffix(path, " (deleted)"), err == nil
}

// ThreadPlace names the system call that the thread is in, and its state; both are
// empty when it is gone.
func ThreadPlace(tid int) (syscall, state string) {
	text, err := threadFile(tid, "stat")
	if err != nil {
		return "", ""
	}
	stat, err := ParseStat(text)
	if err != nil {
		return "", ""
	}
	if text, err = threadFile(tid, "syscall"); err == nil {
		syscall = syscallName(text)
	}
	return syscall, string(stat.State)
}

// StackPointer is the thread's, while it is in a system call; 0 where it is not told
// (the number before the last in /proc/PID/syscall, proc_pid_syscall(5)).
func StackPointer(tid int) uint64 {
	text, err := threadFile(tid, "syscall")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 3 {
		return 0
	}
	pointer, _ := strconv.ParseUint(string(bytes.TrimPrefix(fields[len(fields)-2], []byte("0x"))), 16, 64) //nolint:errcheck // 0 points nowhere
	return pointer
}

// Ranges are parts of an address space.
type Ranges [][2]uint64

// Has says whether the address lies in one of them.
func (r Ranges) Has(address uint64) bool {
	for _, part := range r {
		if address >= part[0] && address < part[1] {
			return true
		}
	}
	return false
}

// CodeRanges are the executable parts of the thread's memory (proc_pid_maps(5)).
func CodeRanges(tid int) Ranges {
	text, err := threadFile(tid, "maps")
	if err != nil {
		return nil
	}
	var code Ranges
	for line := range bytes.Lines(text) {
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(string(line), "%x-%x %s", &from, &to, &mode); err == nil && strings.Contains(mode, "x") {
			code = append(code, [2]uint64{from, to})
		}
	}
	return code
}

// TakesPending says that a signal is pending which the thread will handle on its way
// out of the kernel: one for the thread itself, or one for the process where it is the
// process' first thread, the one that the kernel prefers (complete_signal).
func TakesPending(tid int, s signals.Signal) bool {
	status, err := threadStatus(tid)
	if err != nil || status.Blocked.Has(s) {
		return false
	}
	return status.ThreadPending.Has(s) || status.ProcessPending.Has(s) && ThreadGroup(tid) == tid
}

// ThreadBlocks says that the thread blocks the signal, or is gone.
func ThreadBlocks(tid int, s signals.Signal) bool {
	status, err := threadStatus(tid)
	return err != nil || status.Blocked.Has(s)
}

func threadStatus(tid int) (Status, error) {
	text, err := threadFile(tid, "status")
	if err != nil {
		return Status{}, err
	}
	return parseStatus(text), nil
}
