// Package stack reads where a thread of another process stands in its program, from
// outside: nothing of the target is stopped or changed for it.
//
// A thread that is in a system call, or sleeps for another reason, tells its stack
// pointer and program counter (proc_pid_syscall(5)); its memory is read with
// process_vm_readv(2). Programs of Go and C are unwound by the tables that their
// compilers left; for CPython the interpreter's own list of frames is read. All that
// comes from the target or its files is checked, and every list is bounded.
package stack

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// The languages.
const (
	native = "native"
	golang = "go"
	python = "python"
	node   = "node"
)

// Refused is what [observation.Stack].Unknown begins with where the kernel does not let
// the caller read the target's memory.
const Refused = "the kernel does not permit reading its memory"

// Reader reads stacks and keeps what it learned of executable files. It is not safe for
// concurrent use.
type Reader struct {
	modules map[fileID]*module
	buf     []byte // for the next list of mappings
}

// NewReader makes a Reader that knows nothing yet.
func NewReader() *Reader { return &Reader{modules: map[fileID]*module{}} }

// Close closes the files that it keeps open.
func (r *Reader) Close() {
	for _, m := range r.modules {
		m.close()
	}
	clear(r.modules)
}

// Thread reads the stack of a thread. Where nothing can be had Unknown says why; At is
// the caller's to set. It costs 0.1 to 1 ms, and up to 0.1 s for the first look at a large
// program. It waits for nothing but the file systems that the program's files lie on.
//
// A thread that ran between the beginning and the end of the reading has no stack: its
// frames could be of two moments.
func (r *Reader) Thread(pid, tid int) observation.Stack {
	s := observation.Stack{PID: pid, TID: tid}
	before := activity(pid, tid)
	regs, err := readRegisters(pid, tid)
	if err != nil {
		s.Unknown = reason(err)
		return s
	}
	if err := r.read(&s, regs); err != nil {
		s.Unknown = reason(err)
	}
	if after := activity(pid, tid); !bytes.Equal(before, after) {
		return observation.Stack{PID: pid, TID: tid, Unknown: "it ran while its stack was read"}
	}
	return s
}

// read fills in the frames of a thread that stands at regs.
func (r *Reader) read(s *observation.Stack, regs registers) error {
	space, err := r.addressSpace(s.PID)
	if err != nil {
		return err
	}
	defer space.leave()
	s.Language = native
	runtime, isPython := space.python()
	if isPython {
		s.Language = python
		frames, more, err := runtime.frames(s.PID, s.TID)
		if err == nil && len(frames) > 0 {
			s.How, s.Frames, s.Truncated = "interpreter", frames, more
			return nil
		}
		s.Unknown = "no frame of Python"
		if err != nil {
			s.Unknown = "its Python frames cannot be read: " + err.Error()
		}
	}
	s.How, s.Frames, s.Truncated, err = space.unwind(regs)
	if !isPython {
		s.Language = space.language()
	}
	if s.Language == golang && idle(s.Frames) {
		s.Unknown = "the thread runs no goroutine: the frames are the scheduler's"
	}
	return err
}

// language is that of the main program, by its file.
func (a *addressSpace) language() string {
	exe := a.module(a.maps.program())
	switch {
	case exe == nil:
		return native
	case exe.goTable() != nil:
		return golang
	case strings.HasPrefix(path.Base(exe.name), "node"):
		return node
	}
	return native
}

// errRunning says that a thread is on a processor, where it has no place to tell.
var errRunning = errors.New("it was running")

// reason words an error for [observation.Stack].Unknown.
func reason(err error) string {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return Refused + " (ptrace(2), access mode; kernel.yama.ptrace_scope above 1, or a program that changed its user)"
	}
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) {
		return "it was gone"
	}
	return err.Error()
}

// activity changes when the thread gets a processor (sched-stats.rst: its time on one,
// its time in the queue, and how often it got one).
func activity(pid, tid int) []byte {
	text, err := proc.ReadFile(unix.AT_FDCWD, taskFile(pid, tid, "schedstat"), nil)
	if err != nil {
		return nil // a kernel without it, or the thread is gone
	}
	return text
}

func taskFile(pid, tid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(tid) + "/" + name
}

// readRegisters reads where the thread stands.
func readRegisters(pid, tid int) (registers, error) {
	text, err := proc.ReadFile(unix.AT_FDCWD, taskFile(pid, tid, "syscall"), nil)
	if err != nil {
		return registers{}, err
	}
	return parseSyscall(string(text))
}

// parseSyscall takes stack pointer and program counter out of /proc/PID/syscall: they are
// the last two numbers in a system call and outside of one alike.
func parseSyscall(text string) (regs registers, err error) {
	fields := strings.Fields(text)
	if len(fields) > 0 && fields[0] == "running" {
		return regs, errRunning
	}
	if len(fields) < 3 {
		return regs, fmt.Errorf("no place is told: %.40q", text)
	}
	sp, err1 := strconv.ParseUint(fields[len(fields)-2], 0, 64)
	pc, err2 := strconv.ParseUint(fields[len(fields)-1], 0, 64)
	if err := errors.Join(err1, err2); err != nil {
		return regs, fmt.Errorf("no place is told: %w", err)
	}
	regs.set(regSP, sp)
	regs.set(regPC, pc)
	return regs, nil
}
