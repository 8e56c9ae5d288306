// Package observation holds the facts of one trial and their JSON form.
//
// Facts carry no opinion: whether what happened is allowed is decided by package
// verdict, from these types alone, today or from a stored run. All times are
// nanoseconds of the monotonic clock since the target was launched, unless a field
// says otherwise.
package observation

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// Stage is how far a trial came.
type Stage string

// The stages of a trial, in order.
const (
	Prepared Stage = "prepared" // nothing was launched yet
	Launched Stage = "launched" // the target runs
	Ready    Stage = "ready"    // the target is ready
	Struck   Stage = "struck"   // the first signal was sent
	Exited   Stage = "exited"   // the main process is gone
	Settled  Stage = "settled"  // the tree is empty, or what was left is known and gone
)

// Observation is everything that is known of one trial.
type Observation struct {
	// Stage is how far the trial came. Anything but Settled has a Failure, unless the
	// target left before it was struck: then Struck is nil.
	Stage Stage `json:"stage"`
	// Failure is set when the harness could not do its work, or the target did not
	// become ready: the trial then says nothing about the target's stop.
	Failure *Failure `json:"failure,omitempty"`
	// Layers lists what the process tree was tracked with, strongest first.
	Layers []Layer `json:"layers,omitempty"`
	// Degradations lists what could not be measured as well as intended.
	Degradations []Degradation `json:"degradations,omitempty"`

	Process  Identity  `json:"process"`
	Launched time.Time `json:"launched"`
	// LaunchCost is how long the launch took, from the request to a running target.
	LaunchCost time.Duration `json:"launch_cost_ns"`
	Ready      *Readiness    `json:"ready,omitempty"`
	// HandlerSeen is the first moment a handler for the schedule's first signal was
	// seen installed in the main process (SigCgt); nil when none was seen.
	HandlerSeen *time.Duration `json:"handler_seen_ns,omitempty"`
	Strike      *Strike        `json:"strike,omitempty"`
	// Missed says why a living target was not struck: its point did not come in time.
	Missed string `json:"missed,omitempty"`
	// Calls is what was counted of the system calls that the point is about; nil for
	// other points.
	Calls *Calls `json:"calls,omitempty"`
	// Sent lists every signal sent, in order; the first is the strike.
	Sent []Sent `json:"sent,omitempty"`
	// Forensics is what the target looked like when the schedule had to use KILL or
	// was exhausted, taken before the kill.
	Forensics *Forensics `json:"forensics,omitempty"`
	Exit      *Exit      `json:"exit,omitempty"`
	// TreeEmpty is when the last process of the tree was gone by itself; nil when the
	// harness had to remove some, or nothing is known.
	TreeEmpty *time.Duration `json:"tree_empty_ns,omitempty"`
	// OutputClosed is when nobody held the target's standard output and error any
	// more; nil when they were still held after the tree was empty.
	OutputClosed *time.Duration `json:"output_closed_ns,omitempty"`
	// Lingering are descendants that outlived the main process and left by themselves.
	Lingering []Lingerer `json:"lingering,omitempty"`
	// Survivors are descendants still alive after the settling time.
	Survivors []Survivor `json:"survivors,omitempty"`
	// Unreaped are children that were dead for long and never waited for while the
	// target ran.
	Unreaped []Unreaped `json:"unreaped,omitempty"`
	// Listening are the sockets that the tree listened on when it was struck.
	Listening []Socket `json:"listening,omitempty"`
	// StillListening are those that somebody of the tree still held after the settling time.
	StillListening []Socket `json:"still_listening,omitempty"`
	Output         Output   `json:"output"`
	// Files is what became of files and other named objects; nil where nobody looked.
	Files *Files `json:"files,omitempty"`
	// Acknowledged is what became of acknowledged work; nil where it was not asked for.
	Acknowledged *Acknowledged `json:"acknowledged,omitempty"`
	// Restarts are further starts in the folder that the stop left.
	Restarts []Restart `json:"restarts,omitempty"`
	// Compared is the same shot with KILL; nil where it was not asked for.
	Compared   *Compared  `json:"compared,omitempty"`
	Starvation Starvation `json:"starvation"`
}

// Failure is why a trial could not be carried out.
type Failure struct {
	// Kind tells what sort of failure it is: "launch", "not-ready", "port-in-use",
	// "warden", "interrupted", "cleanup".
	Kind string `json:"kind"`
	// Message says it in one line, with operation and cause.
	Message string `json:"message"`
	// Remedy says what would mend it, when that is known.
	Remedy string `json:"remedy,omitempty"`
}

// Layer is a mechanism that tracks the process tree.
type Layer string

// The layers, strongest first.
const (
	Cgroup    Layer = "cgroup"    // cgroup v2: membership cannot be escaped without privilege
	Subreaper Layer = "subreaper" // every orphan becomes a child of the warden
	ProcTable Layer = "proctable" // the process table: what has escaped is not seen
)

// Degradation is a measurement that was weaker than intended.
type Degradation struct {
	// What names the mechanism: "cgroup", "realtime", "pressure", "output", …
	What string `json:"what"`
	// Why says what the kernel answered and what follows for the result.
	Why string `json:"why"`
}

// Identity names a process for ever: a PID can be given out again, a PID with its
// start time cannot (field 22 of /proc/PID/stat, in clock ticks since boot).
type Identity struct {
	PID        int    `json:"pid"`
	StartTicks uint64 `json:"start_ticks"`
}

// Readiness is when and by what the target became ready.
type Readiness struct {
	// By is the condition that was met: "output", "port", "http", "file", "notify",
	// "after", "handler", "listen" or "launch".
	By string `json:"by"`
	// Auto is set when the condition was found by readiness auto.
	Auto bool `json:"auto,omitempty"`
	// Detail shows it: the line, the port, the path.
	Detail string        `json:"detail,omitempty"`
	At     time.Duration `json:"at_ns"`
}

// Strike is the first signal's moment.
type Strike struct {
	// Planned is when the signal was due. For a point that is an event it is when the
	// event was seen, plus the delay asked for.
	Planned time.Duration `json:"planned_ns"`
	// Actual is the clock right before the signal was sent.
	Actual time.Duration `json:"actual_ns"`
	// RealTime says whether the warden had a real-time scheduling policy then.
	RealTime bool `json:"realtime,omitempty"`
	// Event shows what fired the trigger: the output line, for instance.
	Event string `json:"event,omitempty"`
	// Doing is what the target was doing; nil with minimal evidence.
	Doing *Doing `json:"doing,omitempty"`
}

// Calls counts the target's system calls that fit a point, from its first instruction on.
type Calls struct {
	// Seen is how many were made before the first signal, or until the end where none
	// was sent. Where the point is the second signal's it is how many were made between
	// the two, or from the first to the end.
	Seen int `json:"seen"`
	// Places says where in the target each one was made, in a reference run only:
	// equal numbers are equal places (system call, stack and file). They mean nothing
	// outside of the run.
	Places []uint64 `json:"-"`
	// Trace describes the calls that were asked for beside the point, in the order in
	// which they were made; in a traced run only.
	Trace []Call `json:"-"`
}

// Call is one system call of the target or of a process below it.
type Call struct {
	// Name is the call's, and Files what it is about: relative to the work folder where
	// they are in it, the source first.
	Name  string
	Files []string
	At    time.Duration
}

// Late is how much later than planned the signal was sent.
func (s Strike) Late() time.Duration { return s.Actual - s.Planned }

// Sent is one signal of the schedule, or the key that stood for it.
type Sent struct {
	Signal signals.Signal   `json:"signal"`
	To     signals.Delivery `json:"to"`
	At     time.Duration    `json:"at_ns"`
	// Receivers is how many processes the kernel accepted it for; for a group it is
	// counted right before, for a terminal it is 0: the line discipline decides.
	Receivers int `json:"receivers"`
	// Thread is the thread of the target that a signal for the process was given to, at a
	// system call point: the one that makes the call. 0 leaves it to the kernel.
	Thread int `json:"thread,omitempty"`
	// Event shows what it came at, where the schedule's second signal had a point of its own.
	Event string `json:"event,omitempty"`
	// Error is the kernel's answer when it was refused ("operation not permitted").
	Error string `json:"error,omitempty"`
	// Disposition is what the main process would do with it, read right before it was sent.
	Disposition Disposition `json:"disposition"`
	// Final marks the harness' own KILL of the whole tree after the schedule was exhausted.
	Final bool `json:"final,omitempty"`
}

// Disposition is what a process does with a signal.
type Disposition string

// The dispositions, as /proc/PID/status tells them. Blocked means that every thread
// blocks it; a blocked signal may be caught or ignored later.
const (
	Unknown     Disposition = ""            // it could not be read
	Default     Disposition = "default"     // the default action of signal(7)
	Caught      Disposition = "caught"      // a handler is installed
	Ignored     Disposition = "ignored"     // it is thrown away
	Blocked     Disposition = "blocked"     // it stays pending
	Uncatchable Disposition = "uncatchable" // KILL or STOP
)

// Exit is how the main process ended.
type Exit struct {
	At time.Duration `json:"at_ns"`
	// Status is the raw wait status, as wait(2) gives it: the low 7 bits are the
	// signal (0 for an exit), bit 7 says that a core was dumped, the next byte is the code.
	Status uint32 `json:"status"`
	// Step is the index in Sent of the last signal sent before it left, -1 for none.
	Step   int         `json:"step"`
	Usage  Usage       `json:"usage"`
	Caught signals.Set `json:"caught"` // handlers installed at its end, read from the dead process before it was reaped
}

// Usage is what the main process and its reaped children used (getrusage(2)).
type Usage struct {
	User        time.Duration `json:"user_ns"`
	System      time.Duration `json:"system_ns"`
	MaxRSS      int64         `json:"max_rss_bytes"`
	Voluntary   int64         `json:"voluntary_switches"`
	Involuntary int64         `json:"involuntary_switches"`
}

// Starvation tells how much the machine, and not the target, was the cause of
// delay between the first signal and the end of the main process.
type Starvation struct {
	// Waiting is for how long at least one runnable task of the tree waited for a
	// processor: pressure stall information of the tree's cgroup where there is one,
	// else the run delay of the tree's threads (/proc/PID/schedstat), summed.
	Waiting time.Duration `json:"waiting_ns"`
	// By tells which of the two it was: "pressure" or "schedstat"; "" when neither could be read.
	By string `json:"by,omitempty"`
	// Harness is the largest lateness of the warden's own timers in that time.
	Harness time.Duration `json:"harness_ns"`
}

// Output is what the target printed. On a terminal both streams arrive as one.
type Output struct {
	Stdout Captured `json:"stdout"`
	Stderr Captured `json:"stderr"`
	// Last is the last line printed before the strike.
	Last string `json:"last,omitempty"`
	// Seen tells, per pattern that was asked for, what matched, over everything
	// printed and not only over what is kept.
	Seen []Seen `json:"seen,omitempty"`
	// HeldOpen says that a stream was still held open by a descendant when the main
	// process had ended and the settling time was over.
	HeldOpen bool `json:"held_open,omitempty"`
	// Said are the acknowledgements in it, where they were asked for.
	Said *Said `json:"-"`
}

// Captured is one stream, bounded: its head and its tail.
type Captured struct {
	Bytes int64  `json:"bytes"`
	Lines int64  `json:"lines"`
	Head  []byte `json:"-"`
	Tail  []byte `json:"-"` // empty while everything fits into Head
	// Dropped counts the bytes between Head and Tail.
	Dropped int64 `json:"dropped,omitempty"`
}

// Text joins head and tail, with a line that counts what is missing between them.
func (c Captured) Text() string { return join(c) }

// Seen is how often a line matched a pattern.
type Seen struct {
	Pattern string        `json:"pattern"`
	Count   int           `json:"count"`
	First   time.Duration `json:"first_ns,omitempty"`
	Last    time.Duration `json:"last_ns,omitempty"`
	Line    string        `json:"line,omitempty"` // the last line that matched
}
