// Package scenario says what is tested: a target, when it is ready, how it is
// stopped, where the signal may land, and what is expected.
//
// It reads and writes the YAML form ([Load], [Parse]), fills in defaults, refuses
// what cannot work with file, line, column and the remedy, and describes itself as
// a JSON Schema ([Schema]). It launches nothing.
package scenario

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// File is a scenario file.
type File struct {
	Scenarios []Scenario `yaml:"scenarios"`
}

// Scenario is one question about one program. The zero value of every field but
// Target.Command means its default; [Scenario.WithDefaults] fills them in.
type Scenario struct {
	// Name is unique in a run; it stands in reports and in paths, so it has letters,
	// digits, dots, dashes and underscores only. Default: the command's base name.
	Name string `yaml:"name,omitempty" json:"name"`
	// Description is for the reader of a report.
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
	Target      Target `yaml:"target" json:"target"`
	Ready       Ready  `yaml:"ready,omitempty" json:"ready"`
	Stop        Stop   `yaml:"stop,omitempty" json:"stop"`
	Strike      Strike `yaml:"strike,omitempty" json:"strike"`
	Expect      Expect `yaml:"expect,omitempty" json:"expect"`
}

// Target is the program under test.
type Target struct {
	// Command is the program and its arguments. A name without a slash is looked up
	// in PATH, one with a slash is relative to the scenario file's folder (on the
	// command line: to the current one). No shell is involved.
	Command []string `yaml:"command" json:"command"`
	// Files are copied into a fresh work folder before every trial; a folder that
	// ends in a slash is copied by its content.
	Files []string `yaml:"files,omitempty" json:"files,omitempty"`
	// Env is added to sigprobe's own environment. Values are not recorded.
	Env map[string]string `yaml:"env,omitempty" json:"-"`
	// Workdir is where the target runs. Default: fresh for a scenario file, inherit
	// for a command on the command line.
	Workdir Workdir `yaml:"workdir,omitempty" json:"workdir"`
	// InheritSignals lets the target start with HUP and INT ignored where sigprobe itself
	// was started so, as under nohup or in the background of a script, in place of
	// default dispositions. Go's runtime takes over all other signals, and the mask.
	InheritSignals bool `yaml:"inherit_signals,omitempty" json:"inherit_signals,omitempty"`
}

// Workdir is where a target runs.
type Workdir string

// The work folders.
const (
	Fresh   Workdir = "fresh"   // a new folder per trial with a TMPDIR of its own
	Inherit Workdir = "inherit" // sigprobe's current folder
)

// Ready says when the target counts as ready. At most one of Output, Port, HTTP,
// File, Notify and After is set; with none of them it is auto: the earliest of a
// listening socket in the tree, a handler for the schedule's first signal, the
// first output line, and 500 ms.
// In YAML it is also the scalar `auto`.
type Ready struct {
	// Output is a regular expression (RE2) that a line of either stream matches.
	Output *Regexp `yaml:"output,omitempty" json:"output,omitempty"`
	// Port is a TCP port on which somebody of the tree listens.
	Port int `yaml:"port,omitempty" json:"port,omitempty"`
	// HTTP is a URL that answers a GET with a status below 400.
	HTTP string `yaml:"http,omitempty" json:"http,omitempty"`
	// File is a path, relative to the work folder, that exists.
	File string `yaml:"file,omitempty" json:"file,omitempty"`
	// Notify waits for READY=1 by the sd_notify protocol (NOTIFY_SOCKET).
	Notify bool `yaml:"notify,omitempty" json:"notify,omitempty"`
	// After is a plain delay since the launch.
	After *Duration `yaml:"after,omitempty" json:"after,omitempty"`
	// Timeout bounds the wait. A target not ready by then is an error. Default: 30s.
	Timeout Duration `yaml:"timeout,omitempty" json:"timeout"`
}

// Auto says that no condition was asked for.
func (r Ready) Auto() bool {
	return r.Output == nil && r.Port == 0 && r.HTTP == "" && r.File == "" && !r.Notify && r.After == nil
}

// Stop says how the target is stopped.
type Stop struct {
	// Schedule is what is sent. Default: TERM/10s/KILL.
	Schedule signals.Schedule `yaml:"schedule,omitempty" json:"schedule"`
	// To is who gets it. Default: process.
	To signals.Delivery `yaml:"to,omitempty" json:"to"`
	// Settle is how long descendants may outlive the main process. Default: 2s.
	Settle *Duration `yaml:"settle,omitempty" json:"settle"`
	// Limit bounds a wait of `forever`. Default: 5m.
	Limit Duration `yaml:"limit,omitempty" json:"limit"`
}

// Strike says where the first signal may land. At most one trigger is set; default: random.
type Strike struct {
	Random *Random `yaml:"random,omitempty" json:"random,omitempty"`
	Output *Output `yaml:"output,omitempty" json:"output,omitempty"`
	// File strikes when something happens to a file.
	File *FileEvent `yaml:"file,omitempty" json:"file,omitempty"`
	// Syscall strikes at system calls, drawn at random from a range.
	Syscall *Syscall `yaml:"syscall,omitempty" json:"syscall,omitempty"`
	// Sweep strikes at every one of the target's system calls of a kind, one trial each.
	Sweep *Sweep `yaml:"sweep,omitempty" json:"sweep,omitempty"`
	// Stopping says where the schedule's second signal lands, in the middle of the
	// target's clean-up. It goes with any of the triggers but a sweep. Default: after the
	// wait that the schedule names.
	Stopping *Stopping `yaml:"stopping,omitempty" json:"stopping,omitempty"`
}

// Random draws moments from a window of time, uniformly.
type Random struct {
	// Trials is how many shots are drawn. Default: 20.
	Trials int `yaml:"trials,omitempty" json:"trials"`
	// From is where the window starts to count. Default: ready.
	From From `yaml:"from,omitempty" json:"from"`
	// Within is the window 0s..Within. Default: 1s. It excludes Window.
	Within Duration `yaml:"within,omitempty" json:"-"`
	// Window is the window with both ends.
	Window *Window `yaml:"window,omitempty" json:"window"`
}

// From is the event a window counts from.
type From string

// The events.
const (
	FromReady  From = "ready"
	FromLaunch From = "launch"
	// FromStrike is the first signal; only plans count from there.
	FromStrike From = "strike"
)

// Output strikes when a line of output appears: the n-th that matches, n drawn
// uniformly from Nth.
type Output struct {
	// Trials is how many shots are drawn. Default: 20.
	Trials int `yaml:"trials,omitempty" json:"trials"`
	// Matching is a regular expression (RE2) for a line of either stream, counted
	// from the launch on.
	Matching Regexp `yaml:"matching" json:"matching"`
	// Nth is the range that n is drawn from, as 3 or 1..10. Default: 1.
	Nth Range `yaml:"nth,omitempty" json:"nth"`
	// Delay is a window of extra time after the line. Default: none.
	Delay *Window `yaml:"delay,omitempty" json:"delay,omitempty"`
}

// FileEvent strikes when a file comes to be, is closed after writing, or gets its name
// by a rename: the n-th event that fits, n drawn uniformly from Nth. It is for targets
// whose system calls cannot be followed; the signal comes a moment after the event.
type FileEvent struct {
	// Trials is how many shots are drawn. Default: 20.
	Trials int `yaml:"trials,omitempty" json:"trials"`
	// Event is create, close or rename. Default: create.
	Event FileDoing `yaml:"event,omitempty" json:"event"`
	// Path is a pattern for the file, relative to the work folder, or absolute; **
	// stands for any folders. For a rename it is the new name.
	Path string `yaml:"path" json:"path"`
	// Nth is the range that n is drawn from, as 3 or 1..10. Default: 1.
	Nth Range `yaml:"nth,omitempty" json:"nth"`
	// Delay is a window of extra time after the event. Default: none.
	Delay *Window `yaml:"delay,omitempty" json:"delay,omitempty"`
}

// FileDoing is what happens to a file.
type FileDoing string

// What happens to files.
const (
	Create FileDoing = "create"
	Close  FileDoing = "close"
	Rename FileDoing = "rename"
)

// Syscall strikes when the target makes a system call: the n-th that fits, n drawn
// uniformly from Nth. Calls are counted from the program's first instruction on.
type Syscall struct {
	// Trials is how many shots are drawn. Default: 20.
	Trials int `yaml:"trials,omitempty" json:"trials"`
	// Call names system calls, separated by commas: a class such as write or %modify,
	// or a call such as chmod; =write is the one call alone.
	Call Calls `yaml:"call" json:"call"`
	// Path is a pattern for the file that the call is about, relative to the work
	// folder, or absolute; ** stands for any folders. Default: every call fits.
	Path string `yaml:"path,omitempty" json:"path,omitempty"`
	// Nth is the range that n is drawn from, as 3 or 1..10. Default: 1.
	Nth Range `yaml:"nth,omitempty" json:"nth"`
	// Side is where the signal lands: before the kernel carries the call out, inside a
	// call that blocks, or after it. Default: before.
	Side Side `yaml:"side,omitempty" json:"side"`
	// Count says whose calls are counted together. Default: tree.
	Count Count `yaml:"count,omitempty" json:"count"`
	// Delay is a window of extra time after the call. Default: none.
	Delay *Window `yaml:"delay,omitempty" json:"delay,omitempty"`
}

// Sweep strikes at every system call that fits, one trial a call and side. A first run
// without a signal counts them; the sweep is complete when a run has ended without its
// point having come. A target that does not end by itself needs Points with an end.
type Sweep struct {
	// Syscall names system calls, as Call does in [Syscall].
	Syscall Calls `yaml:"syscall" json:"syscall"`
	// Path is a pattern for the file that the call is about, as in [Syscall].
	Path string `yaml:"path,omitempty" json:"path,omitempty"`
	// Sides lists where the signal lands at every point. Default: before.
	Sides []Side `yaml:"side,omitempty" json:"side"`
	// Points says which of the calls are struck: 1.. for all, 5..100 or 1..+10 for a
	// part. Default: 1..
	Points Span `yaml:"points,omitempty" json:"points"`
	// Count says whose calls are counted together. Default: tree.
	Count Count `yaml:"count,omitempty" json:"count"`
	// Trials bounds how many shots are made; those that cover most different places
	// come first. Default: no bound.
	Trials int `yaml:"trials,omitempty" json:"trials,omitempty"`
	// Budget bounds the time in which shots are begun. Default: no bound.
	Budget Duration `yaml:"budget,omitempty" json:"budget,omitempty"`
}

// Stopping sends the schedule's second signal while the target stops: some time after
// the first signal, or at a system call that is made after it. When neither comes before
// the wait that the schedule names is over, the second signal is sent then.
type Stopping struct {
	// Window is the time after the first signal, drawn uniformly. It excludes Call.
	Window *Window `yaml:"window,omitempty" json:"window,omitempty"`
	// Call names system calls, as in [Syscall]; those before the first signal do not count.
	Call Calls `yaml:"call,omitempty" json:"call,omitempty"`
	// Path is a pattern for the file that the call is about, as in [Syscall].
	Path string `yaml:"path,omitempty" json:"path,omitempty"`
	// Nth is the range that the number of the call is drawn from. Default: 1.
	Nth Range `yaml:"nth,omitempty" json:"nth,omitzero"`
	// Side is where at the call the signal lands, as in [Syscall]. Default: before.
	Side Side `yaml:"side,omitempty" json:"side,omitempty"`
}

// Side is where a signal lands at a system call.
type Side string

// The sides.
const (
	Before Side = "before" // the kernel has not begun to carry it out
	Inside Side = "inside" // the thread sleeps in it
	After  Side = "after"  // it is carried out, and the program has not seen its result
)

// Count says whose system calls are counted together.
type Count string

// The ways to count.
const (
	// PerTree counts over all threads and processes of the target.
	PerTree Count = "tree"
	// PerProcess counts every process of the target apart; the first whose n-th call
	// comes is struck there.
	PerProcess Count = "process"
)

// Expect says what a good stop is.
type Expect struct {
	// Exit lists the endings that are accepted. Default: clean.
	Exit []Accept `yaml:"exit,omitempty" json:"exit"`
	// Within is how long after the first signal the main process may take. Default:
	// what the schedule gives before its first KILL.
	Within Duration `yaml:"within,omitempty" json:"within"`
	// Latency bounds quantiles of the shutdown latency, over all conclusive trials of
	// the campaign. Default: not checked.
	Latency *LatencyBudget `yaml:"latency,omitempty" json:"latency,omitempty"`
	// Survivors says whether descendants may be alive after the settling time. Default: none.
	Survivors Leftover `yaml:"survivors,omitempty" json:"survivors"`
	// Ports says whether sockets that the tree listened on may still be held after the
	// settling time. Default: the same as Survivors.
	Ports Leftover `yaml:"ports,omitempty" json:"ports"`
	// Output is what must have been printed. Default: not checked.
	Output *ExpectOutput `yaml:"output,omitempty" json:"output,omitempty"`
	// MinConclusive is how many trials must have proved something for the campaign
	// to be conclusive, as a number or a share: 10, 50%. At least one must in any
	// case. Default: 50%.
	MinConclusive *Quota `yaml:"min_conclusive,omitempty" json:"min_conclusive,omitempty"`
}

// LatencyBudget is how long quantiles of the shutdown latency may be. Those that are
// left out are not checked.
type LatencyBudget struct {
	// P50 is the median.
	P50 *Duration `yaml:"p50,omitempty" json:"p50,omitempty"`
	// P95 is what 95 of 100 trials do not exceed.
	P95 *Duration `yaml:"p95,omitempty" json:"p95,omitempty"`
	// P99 is what 99 of 100 trials do not exceed; of fewer trials, the slowest one.
	P99 *Duration `yaml:"p99,omitempty" json:"p99,omitempty"`
	// Max is the slowest trial.
	Max *Duration `yaml:"max,omitempty" json:"max,omitempty"`
}

// Leftover says whether something may be left.
type Leftover string

// What may be left.
const (
	None  Leftover = "none"
	Allow Leftover = "allow"
)

// ExpectOutput holds texts and patterns against every line of both streams.
type ExpectOutput struct {
	// Contains is a text that must appear in a line.
	Contains string `yaml:"contains,omitempty" json:"contains,omitempty"`
	// Matches is a regular expression (RE2) that a line must match.
	Matches *Regexp `yaml:"matches,omitempty" json:"matches,omitempty"`
	// Lacks is a regular expression (RE2) that no line may match.
	Lacks *Regexp `yaml:"lacks,omitempty" json:"lacks,omitempty"`
}

// Defaults.
const (
	DefaultTrials       = 20
	DefaultWindow       = time.Second
	DefaultReadyTimeout = 30 * time.Second
	DefaultSettle       = 2 * time.Second
	DefaultLimit        = 5 * time.Minute
	// AutoReady is when readiness auto gives up looking for a sign.
	AutoReady = 500 * time.Millisecond
)
