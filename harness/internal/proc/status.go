package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/calls"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// Status is a part of /proc/PID/status: of a whole process, or of one thread.
type Status struct {
	State          string // one letter
	Threads        int
	NSPid          int // in the innermost PID namespace
	ThreadPending  signals.Set
	ProcessPending signals.Set
	Blocked        signals.Set
	Ignored        signals.Set
	Caught         signals.Set
}

// Status reads /proc/PID/status: the masks are the main thread's.
func (h *Handle) Status() (Status, error) {
	text, err := h.read("status")
	if err != nil {
		return Status{}, err
	}
	return parseStatus(text), nil
}

func parseStatus(text []byte) Status {
	var s Status
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		key, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			continue
		}
		s.set(string(key), bytes.TrimSpace(value))
	}
	return s
}

func (s *Status) set(key string, value []byte) {
	switch key {
	case "State":
		s.State = string(value[:min(1, len(value))])
	case "Threads":
		s.Threads = number(value)
	case "NSpid":
		fields := bytes.Fields(value)
		if len(fields) > 0 {
			s.NSPid = number(fields[len(fields)-1])
		}
	case "SigPnd":
		s.ThreadPending = mask(value)
	case "ShdPnd":
		s.ProcessPending = mask(value)
	case "SigBlk":
		s.Blocked = mask(value)
	case "SigIgn":
		s.Ignored = mask(value)
	case "SigCgt":
		s.Caught = mask(value)
	}
}

func mask(hex []byte) signals.Set {
	set, _ := signals.ParseSet(string(hex)) //nolint:errcheck // the kernel writes hexadecimal digits
	return set
}

// maxThreads bounds how many threads are described one by one.
const maxThreads = 256

// Process reads all that /proc tells about the process itself and each of its threads.
func (h *Handle) Process() (observation.Process, error) {
	stat, err := h.Stat()
	if err != nil {
		return observation.Process{}, err
	}
	status, err := h.Status()
	if err != nil {
		return observation.Process{}, err
	}
	p := observation.Process{
		Identity: h.Identity, Command: stat.Command, State: status.State,
		Ignored: status.Ignored, Caught: status.Caught, Pending: status.ProcessPending,
	}
	p.Program = h.program()
	if status.NSPid != h.PID {
		p.NSPid = status.NSPid
	}
	p.Syscall, p.WChan = h.kernelPlace("")
	if status.Threads <= 1 {
		p.Threads = []observation.Thread{thread(h.PID, status, p.Syscall, p.WChan)}
	} else {
		p.Threads = h.threads()
	}
	return p, nil
}

// program is the path of the file that the process runs; empty where the kernel does
// not tell.
func (h *Handle) program() string {
	path, err := h.readlink("exe")
	if err != nil {
		return ""
	}
	return path
}

func thread(tid int, s Status, syscall, wchan string) observation.Thread {
	return observation.Thread{
		TID: tid, State: s.State, Syscall: syscall, WChan: wchan,
		Blocked: s.Blocked, Pending: s.ThreadPending,
	}
}

// threads describes the first 256 threads, and of the others those that block other
// signals than any before: what all threads block shows from the list.
func (h *Handle) threads() []observation.Thread {
	var threads []observation.Thread
	masks := map[signals.Set]bool{}
	for _, tid := range h.Tasks() {
		folder := "task/" + strconv.Itoa(tid) + "/"
		text, err := h.read(folder + "status")
		if err != nil {
			continue // it ended meanwhile
		}
		status := parseStatus(text)
		if len(threads) >= maxThreads && masks[status.Blocked] {
			continue
		}
		masks[status.Blocked] = true
		syscall, wchan := h.kernelPlace(folder)
		threads = append(threads, thread(tid, status, syscall, wchan))
	}
	return threads
}

// kernelPlace names the system call a thread is in and the function it sleeps in,
// empty where the kernel refuses to tell (ptrace access mode, proc_pid_syscall(5)).
func (h *Handle) kernelPlace(folder string) (syscall, wchan string) {
	if text, err := h.read(folder + "syscall"); err == nil {
		syscall = syscallName(text)
	}
	if text, err := h.read(folder + "wchan"); err == nil && string(text) != "0" {
		wchan = string(text)
	}
	return syscall, wchan
}

func syscallName(text []byte) string {
	first, _, _ := bytes.Cut(bytes.TrimSpace(text), []byte(" "))
	n, err := strconv.Atoi(string(first))
	if err != nil {
		return string(first) // "running"
	}
	if n < 0 {
		return "stopped" // blocked outside a system call
	}
	return calls.Name(n)
}

// Tasks lists the thread IDs of the process; nil when it is gone.
func (h *Handle) Tasks() []int {
	return h.numbers("task")
}

// numbers lists the entries of a folder of the process whose names are numbers.
func (h *Handle) numbers(folder string) []int {
	if len(h.buf) == 0 {
		h.buf = make([]byte, 4096)
	}
	return listNumbers(h.dir, folder, h.buf)
}

// RunDelay sums, over all live threads, the time they used a processor and the time
// they were runnable and waited for one, and gives the waits of each by its number: the
// first two numbers of /proc/PID/task/TID/schedstat
// (Documentation/scheduler/sched-stats.rst; needs CONFIG_SCHED_INFO).
func (h *Handle) RunDelay() (used, waited time.Duration, each map[int]time.Duration, err error) {
	tasks := h.Tasks()
	if tasks == nil {
		return 0, 0, nil, fmt.Errorf("/proc/%d/task: %w", h.PID, unix.ESRCH)
	}
	each = make(map[int]time.Duration, len(tasks))
	for _, tid := range tasks {
		text, err := h.read("task/" + strconv.Itoa(tid) + "/schedstat")
		if errors.Is(err, unix.ESRCH) && tid != h.PID {
			continue
		}
		if err != nil {
			return 0, 0, nil, err
		}
		fields := bytes.Fields(text)
		if len(fields) < 2 {
			return 0, 0, nil, fmt.Errorf("/proc/%d/schedstat: %q", h.PID, text)
		}
		used += time.Duration(number(fields[0]))
		each[tid] = time.Duration(number(fields[1]))
		waited += each[tid]
	}
	return used, waited, each, nil
}
