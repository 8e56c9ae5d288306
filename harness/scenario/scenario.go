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
	// Handlers strikes around the moment at which the target installs its handler.
	Handlers *Handlers `yaml:"handlers,omitempty" json:"handlers,omitempty"`
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

// Handlers strikes around the moment at which the target's main process installs a
// handler for the schedule's first signal: in the startup window, in which a signal kills
// what would handle it a moment later. From there on the moment is exact, since the
// process is held at the system call; before it, it is foretold from runs without a
// signal. A runtime that installs its own handlers, as Go's does, is struck there.
type Handlers struct {
	// Trials is how many shots are drawn. Default: 20.
	Trials int `yaml:"trials,omitempty" json:"trials"`
	// Window is the time around the moment, before it with a minus. Default: -20ms..20ms.
	Window *Offsets `yaml:"window,omitempty" json:"window"`
	// Nth says which of the handlers for the signal, where one replaces another. Default: 1.
	Nth int `yaml:"nth,omitempty" json:"nth"`
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
	// Signal says which signal of the schedule lands at the points. second: the first one
	// is sent when the target is ready, and the calls that it makes then, in its clean-up,
	// are the points. Default: first.
	Signal Which `yaml:"signal,omitempty" json:"signal"`
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

// Which is one of the signals of a schedule.
type Which string

// The signals that a sweep can be about.
const (
	First  Which = "first"
	Second Which = "second"
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
	// Files is what is expected of files after the stop, an oracle for each pattern.
	// Default: not checked.
	Files []ExpectFile `yaml:"files,omitempty" json:"files,omitempty"`
	// Acknowledged is the work that must not be lost. Default: not checked.
	Acknowledged *Acknowledged `yaml:"acknowledged,omitempty" json:"acknowledged,omitempty"`
	// Litter is what a stop may leave behind. Default: not checked. In YAML it is also the
	// scalar `none`, or `allow` for not checked.
	Litter *Litter `yaml:"litter,omitempty" json:"litter,omitempty"`
	// Restarts starts the target again in the same folder after the stop. Default: not
	// checked. In YAML it is also the scalar `true`, or `false` for not checked.
	Restarts *Restarts `yaml:"restarts,omitempty" json:"restarts,omitempty"`
	// Compare runs every shot a second time with KILL in place of the schedule: a stop that
	// loses more than KILL loses is a finding. Its only value is `kill`. Default: not
	// compared.
	Compare Comparison `yaml:"compare,omitempty" json:"compare,omitempty"`
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

// ExpectFile is what is expected of every file that fits a pattern.
type ExpectFile struct {
	// Path is a pattern for files, relative to the work folder, or absolute; ** stands for
	// any folders.
	Path string `yaml:"path" json:"path"`
	// Is lists oracles that all must hold: absent, present, unchanged, old-or-new,
	// append-only, resumable, format:NAME, sha256:HEX, command:CMD. One alone needs no list.
	Is []Oracle `yaml:"is,omitempty" json:"is,omitempty"`
	// Format is a short form of is: format:NAME. [Scenario.WithDefaults] adds it to Is, as
	// it does SHA256 and Command.
	Format string `yaml:"format,omitempty" json:"-"`
	// SHA256 is a short form of is: sha256:HEX.
	SHA256 string `yaml:"sha256,omitempty" json:"-"`
	// Command is a short form of is: command:CMD.
	Command string `yaml:"command,omitempty" json:"-"`
}

// Acknowledged holds what the target said it had done against what is there.
type Acknowledged struct {
	// Output is a regular expression (RE2) for a line of either stream that acknowledges
	// a record; its first group is the record's id.
	Output Regexp `yaml:"output" json:"output"`
	// In is the file that must hold every acknowledged record once, relative to the work
	// folder. It excludes Command.
	In string `yaml:"in,omitempty" json:"in,omitempty"`
	// Command is a shell command that prints what is there, in the work folder.
	Command string `yaml:"command,omitempty" json:"command,omitempty"`
	// As is what a record looks like, with %s for its id; %s alone is the id as a word.
	// Default: %s.
	As string `yaml:"as,omitempty" json:"as,omitempty"`
	// Ordered asks for the records in the order of their acknowledgement.
	Ordered bool `yaml:"ordered,omitempty" json:"ordered,omitempty"`
}

// Litter is what a stop may leave behind: temporary, lock, pid and socket files that
// were made in the trial, and shared memory.
type Litter struct {
	// Allow lists patterns of paths that may be left, relative to the work folder; what is
	// in TMPDIR begins with $TMPDIR/, shared memory with /dev/shm/.
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
}

// Restarts starts the target again after the stop: with what survived cleaned up, and
// before that, where something survived, with it alive.
type Restarts struct {
	// Factor bounds the time that it may take to become ready: so many times what a first
	// start takes. Default: 3.
	Factor float64 `yaml:"factor,omitempty" json:"factor"`
	// Floor is the time that it may take in any case. Default: 1s.
	Floor Duration `yaml:"floor,omitempty" json:"floor"`
}

// Comparison is what a stop is compared with.
type Comparison string

// CompareKill compares it with KILL at the same point.
const CompareKill Comparison = "kill"

// Defaults.
const (
	DefaultTrials       = 20
	DefaultWindow       = time.Second
	DefaultOffset       = 20 * time.Millisecond
	DefaultReadyTimeout = 30 * time.Second
	DefaultSettle       = 2 * time.Second
	DefaultLimit        = 5 * time.Minute
	DefaultFactor       = 3
	DefaultFloor        = time.Second
	// DefaultAs is the id of an acknowledged record as a word.
	DefaultAs = "%s"
	// AutoReady is when readiness auto gives up looking for a sign.
	AutoReady = 500 * time.Millisecond
)
