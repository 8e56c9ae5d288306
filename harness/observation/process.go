package observation

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// Doing is what the target was doing at a moment.
type Doing struct {
	// At is when it was read. It is later than the strike when there was no time
	// before it; the target may then have reacted already.
	At   time.Duration `json:"at_ns"`
	Main Process       `json:"main"`
	// Descendants of the main process, without it, in the order of the tree.
	Descendants []Member   `json:"descendants,omitempty"`
	Files       []OpenFile `json:"files,omitempty"`
	// Stack is that of the thread that made the system call to strike at, else of the main
	// thread; nil where there was no time to read it before the strike.
	Stack *Stack `json:"stack,omitempty"`
}

// Process is one process as /proc shows it.
type Process struct {
	Identity
	Command string `json:"command"` // the kernel's name, at most 15 bytes
	// Program is the path of the file it runs: for a script its interpreter's.
	Program string `json:"program,omitempty"`
	// State is the letter of proc_pid_stat(5): R, S, D, T, t, Z, …
	State   string `json:"state"`
	Syscall string `json:"syscall,omitempty"` // name of the system call it is in, or "running"
	WChan   string `json:"wchan,omitempty"`
	// NSPid is the PID in the innermost namespace when that is another one: 1 makes
	// the kernel drop signals without a handler.
	NSPid   int         `json:"nspid,omitempty"`
	Ignored signals.Set `json:"ignored"`
	Caught  signals.Set `json:"caught"`
	Pending signals.Set `json:"pending"` // for the whole process
	Threads []Thread    `json:"threads"`
}

// Blocked is the set that every thread blocks: such a signal to the process stays pending.
func (p Process) Blocked() signals.Set {
	if len(p.Threads) == 0 {
		return 0
	}
	all := ^signals.Set(0)
	for _, t := range p.Threads {
		all &= t.Blocked
	}
	return all
}

// Disposition is what the process would do with s.
func (p Process) Disposition(s signals.Signal) Disposition {
	switch {
	case s == signals.KILL || s == signals.STOP:
		return Uncatchable
	case p.Blocked().Has(s):
		return Blocked
	case p.Ignored.Has(s):
		return Ignored
	case p.Caught.Has(s):
		return Caught
	}
	return Default
}

// runtimeCatches is how many caught signals mean that a language's runtime installed the
// handlers: Go's takes about 60, no program asks for half as many itself.
const runtimeCatches = 40

// CaughtByRuntime says that so many signals are caught that a language's runtime must
// have installed the handlers, before the program's own code ran. That a handler is
// installed then tells nothing about the program.
func CaughtByRuntime(caught signals.Set) bool { return len(caught.Signals()) >= runtimeCatches }

// Thread is one thread of a process.
type Thread struct {
	TID     int         `json:"tid"`
	State   string      `json:"state"`
	Syscall string      `json:"syscall,omitempty"`
	WChan   string      `json:"wchan,omitempty"`
	Blocked signals.Set `json:"blocked"`
	Pending signals.Set `json:"pending"` // for this thread alone
}

// Member is a process of the tree, seen in passing.
type Member struct {
	Identity
	Parent  int    `json:"parent"`
	Command string `json:"command"`
	State   string `json:"state"`
	// Session and Group are the IDs it had when it was seen.
	Session int `json:"session"`
	Group   int `json:"group"`
}

// OpenFile is an open descriptor of the main process.
type OpenFile struct {
	FD     int    `json:"fd"`
	Path   string `json:"path"`           // as the link in /proc/PID/fd reads
	Mode   string `json:"mode"`           // r, w or rw, with a for O_APPEND
	Offset int64  `json:"offset"`         // position in bytes; 0 where there is none
	Size   int64  `json:"size,omitempty"` // of a regular file
}

// Forensics is the last look at a target that did not leave.
type Forensics struct {
	At time.Duration `json:"at_ns"`
	// Stubborn are the processes of the tree that were alive, the main process first.
	Stubborn []Process  `json:"stubborn"`
	Tree     []Member   `json:"tree,omitempty"`
	Files    []OpenFile `json:"files,omitempty"`
	LastLine string     `json:"last_line,omitempty"`
	// Stacks of the stubborn processes: those of the main process' threads, its main thread
	// first, then one of each other.
	Stacks []Stack `json:"stacks,omitempty"`
}

// Lingerer is a descendant that outlived the main process and left by itself.
type Lingerer struct {
	Member
	// Gone is how long after the main process' end it left.
	Gone time.Duration `json:"gone_ns"`
}

// Survivor is a descendant alive after the settling time, described before it was killed.
type Survivor struct {
	Member
	// Lineage is the chain of parents up to the main process as far as it was seen
	// before the parents left, nearest first.
	Lineage []Member `json:"lineage,omitempty"`
	// The rest is what gopsutil tells a person about it; empty where it was refused.
	CommandLine string   `json:"command_line,omitempty"`
	User        string   `json:"user,omitempty"`
	Memory      uint64   `json:"memory_bytes,omitempty"` // resident
	Sockets     []Socket `json:"sockets,omitempty"`
	// Disposition is what it does with the schedule's first signal.
	Disposition Disposition `json:"disposition"`
	// OwnSession says that it left the target's session, where group and session
	// delivery do not reach it.
	OwnSession bool `json:"own_session,omitempty"`
	// HoldsOutput says that it holds the target's standard output or error.
	HoldsOutput bool `json:"holds_output,omitempty"`
	// Killed says that the kill was seen to work.
	Killed bool `json:"killed"`
}

// Unreaped is a zombie: a child that ended and that its parent did not wait for.
type Unreaped struct {
	Member
	// For is for how long it was seen dead, at the least, when the main process ended.
	For time.Duration `json:"for_ns"`
}

// Socket is a listening socket.
type Socket struct {
	// Network is tcp, tcp6, udp, udp6 or unix.
	Network string `json:"network"`
	// Address is host:port, a path, or @name for an abstract socket.
	Address string `json:"address"`
	Inode   uint64 `json:"inode"`
	PID     int    `json:"pid"` // a holder
}
