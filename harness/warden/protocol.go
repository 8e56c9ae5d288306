// Package warden runs one shot in a process tree that it owns: launch, ready,
// trigger, stop, watch, clean up. It knows processes, not files.
//
// A warden is a process of its own, the running binary started once more under the
// name [Name] with a socket as descriptor 3; a package-level hook makes this work in
// every binary that links the package, a test binary too, with nothing to call. The
// host side is [Warden]: [Start], [Warden.Run], [Warden.Close].
//
// The warden is a child subreaper, so every orphan of its target becomes its own
// child; it holds one target at a time; and when the socket closes, because the host
// closed it or died by whatever means, it kills the tree and leaves.
package warden

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Name is the argv[0] under which the binary is a warden.
const Name = "sigprobe-warden"

// controlFD is the warden's end of the socket to its host.
const controlFD = 3

// Request asks for one trial. Every wait that it causes is bounded by the times in it.
type Request struct {
	// Path is the program, absolute or relative to Dir; it is not looked up in PATH.
	Path string
	// Args begins with argv[0].
	Args []string
	Env  []string
	// SameEnv stands for an Env like that of the request before; [Warden.Ask] sets it.
	SameEnv bool
	Dir     string
	// InheritSignals keeps HUP and INT ignored where sigprobe was started with them ignored.
	InheritSignals bool

	Ready scenario.Ready
	Shot  plan.Shot
	// Settle is how long descendants may outlive the main process.
	Settle time.Duration
	// Limit bounds a wait of the schedule that never gives up, and the wait for an
	// output line to strike at.
	Limit time.Duration
	// Watch are regular expressions (RE2) whose matches in the output are counted.
	Watch []string
	// Places asks where in the target its system calls are made.
	Places bool
	// HandlerAt is when the target is foretold to install its handler, since the launch,
	// where the shot lands before that.
	HandlerAt time.Duration
	// Trace asks for a description of each of these system calls that is made before the
	// first signal, also where the point is none of them; empty for none.
	Trace scenario.Calls
	// Minimal leaves out what the target was doing when it was struck.
	Minimal bool

	// Acknowledge, where not nil, matches lines that acknowledge a record by the id in
	// the first group; every such id is handed over ([observation.Output.Said]).
	Acknowledge *scenario.Regexp
	// Hold keeps what survived a struck target alive after the answer, until the next
	// request has been carried out; see [Held].
	Hold bool
	// Restart, where not nil, says that an earlier target was stopped in Dir.
	Restart *Restart
	// Undisturbed lets the target run to its own end, for Limit at the most. The shot's
	// point is not looked at.
	Undisturbed bool
}

// Restart is a further start where an earlier target was stopped. It is an ordinary
// trial but for what the earlier one may have left: a port that is in use is the
// target's affair, an answer counts only when it is the new target's own, and a file
// that is there already is no sign of readiness before it has changed.
type Restart struct {
	// Within is how long it may take to become ready.
	Within time.Duration
	// By is what the earlier one was found ready by; "after" means that it gave no sign.
	By string
	// Beside says that what a request with Hold kept is to live on until this target has
	// been stopped. Else it is killed before.
	Beside bool
}

// Held says that a request with Hold left somebody of its tree alive.
func Held(o observation.Observation) bool {
	return o.Failure == nil && len(o.Survivors) > 0 && !o.Survivors[0].Killed
}

// Abilities is what a warden found that it can do on this machine.
type Abilities struct {
	Layers       []observation.Layer
	Degradations []observation.Degradation
	// RealTime says whether the real-time scheduling policy is permitted.
	RealTime bool
	// CgroupDir is the group that targets are born into; empty without one.
	CgroupDir string
}

// reply is what a warden answers: once with Abilities when it is up, then an
// Observation for every Request.
type reply struct {
	Abilities   *Abilities
	Observation *observation.Observation
}
