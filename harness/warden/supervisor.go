package warden

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/stack"
	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// supervisor is the warden's state from trial to trial.
type supervisor struct {
	abilities Abilities
	group     *group // nil without cgroup v2
	null      int    // /dev/null, the targets' standard input
	ignored   signals.Set
	// factsCost is how long it lately took to look at a target before a strike.
	factsCost time.Duration
	// stackCost is how long it lately took to read a stack.
	stackCost time.Duration
	stacks    *stack.Reader
	buf       []byte
	trials    int
	// held is the trial whose survivors are kept alive; nil when there are none.
	held *trial
}

// killBound is how long the removal of a tree may take before it is an error.
const killBound = 10 * time.Second

// supervise is the main function of a warden process: requests in, observations out,
// until the socket closes.
func supervise() int {
	w, err := newSupervisor()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sigprobe warden:", err)
		return 1
	}
	err = w.serve(os.NewFile(controlFD, "control"))
	// First this: where the host is dead, saying something is the end (SIGPIPE).
	w.leave()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sigprobe warden:", err)
		return 1
	}
	return 0
}

func (w *supervisor) serve(control *os.File) error {
	out, in := gob.NewEncoder(control), gob.NewDecoder(control)
	if err := out.Encode(reply{Abilities: &w.abilities}); err != nil {
		return fmt.Errorf("greet the host: %w", err)
	}
	var env []string
	for {
		var request Request
		if err := in.Decode(&request); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) {
				return nil
			}
			return fmt.Errorf("read a request: %w", err)
		}
		if request.SameEnv {
			request.Env = env
		}
		env = slices.Clip(request.Env)
		o := w.carryOut(request)
		if err := out.Encode(reply{Observation: &o}); err != nil {
			if errors.Is(err, unix.EPIPE) {
				return nil // the host is gone; nobody is there to be told
			}
			return fmt.Errorf("answer a request: %w", err)
		}
		if o.Failure != nil && (o.Failure.Kind == "interrupted" || o.Failure.Kind == "cleanup") {
			return nil // the host is gone, or what is left would be taken for a part of the next tree
		}
		w.tidy()
	}
}

// carryOut runs a trial. Survivors that were kept from the one before are killed first,
// or together with its own tree where it is to run beside them. Until then their streams
// stay open: who writes into a closed one would die of it.
func (w *supervisor) carryOut(request Request) observation.Observation {
	t := newTrial(w, request)
	if held := w.held; held != nil {
		w.held = nil
		defer held.close()
		if r := request.Restart; r == nil || !r.Beside {
			if err := w.empty(time.Now().Add(killBound)); err != nil {
				t.o.Failure = &observation.Failure{Kind: "cleanup", Message: err.Error()}
				return t.o
			}
		}
	}
	return t.run()
}

// trialsPerCollection keeps the garbage collector out of trials: it runs between
// them, once in so many.
const trialsPerCollection = 128

func (w *supervisor) tidy() {
	w.trials++
	if w.trials%trialsPerCollection == 0 {
		runtime.GC()
	}
}

func newSupervisor() (*supervisor, error) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(64 << 20)
	os.Unsetenv("HOST_PROC") //nolint:errcheck // cannot fail; gopsutil would look elsewhere
	w := &supervisor{buf: make([]byte, 64<<10), factsCost: 300 * time.Microsecond, stackCost: unknownStack, stacks: stack.NewReader(), ignored: normalise()}
	// Whatever the host inherited without close-on-exec stays out of the target.
	if err := unix.CloseRange(controlFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("close_range: %w", err)
	}
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	w.null = null
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become a child subreaper: %w", err)
	}
	w.explore()
	return w, nil
}

// explore finds out what the machine permits.
func (w *supervisor) explore() {
	a := &w.abilities
	if group, err := newGroup(); err != nil {
		a.Degradations = append(a.Degradations, observation.Degradation{
			What: "cgroup", Why: err.Error() + "; the tree is tracked by the subreaper alone",
		})
	} else {
		w.group, a.CgroupDir = group, group.dir
		a.Layers = append(a.Layers, observation.Cgroup)
	}
	a.Layers = append(a.Layers, observation.Subreaper)
	edge := strike.Sharpen()
	edge.Blunt()
	a.RealTime = edge.RealTime
	if !a.RealTime {
		a.Degradations = append(a.Degradations, observation.Degradation{
			What: "realtime", Why: "the kernel refused a real-time priority; strikes may be late on a loaded machine",
		})
	}
}

// leave removes everything that is left and the group, and those of wardens that died
// beside this one: where the host was killed as well, nobody else is there to do it.
func (w *supervisor) leave() {
	w.empty(time.Now().Add(killBound)) //nolint:errcheck // nobody is left to be told
	if w.group != nil {
		w.group.remove()
		removeStale(filepath.Dir(w.group.dir))
	}
}

// empty kills whatever lives below the warden and reaps it, until nothing is left.
// What forks while it is killed is found again on the next round.
func (w *supervisor) empty(deadline time.Time) error {
	for nap := 50 * time.Microsecond; ; nap = min(2*nap, 5*time.Millisecond) {
		if reapAll() && (w.group == nil || !w.group.populated()) {
			return w.renewGroup()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes are alive %s after KILL: %s; those of another user can be killed by root alone", killBound, names(proc.OwnDescendants()))
		}
		if w.group != nil {
			w.group.kill()
		}
		for _, member := range proc.OwnDescendants() {
			kill(member)
		}
		sleep(nap)
	}
}

// maxNames bounds how many processes an error names.
const maxNames = 8

// names lists processes for a person: "sleep (42), sh (43)".
func names(members []observation.Member) string {
	var list []string
	for i, m := range members {
		if i == maxNames {
			list = append(list, fmt.Sprintf("and %d more", len(members)-i))
			break
		}
		list = append(list, fmt.Sprintf("%s (%d)", m.Command, m.PID))
	}
	return strings.Join(list, ", ")
}

// renewGroup replaces a group that was killed: the kernel would kill whoever is born
// into it afterwards, see [group.kill].
func (w *supervisor) renewGroup() error {
	if w.group == nil || !w.group.spent {
		return nil
	}
	w.group.remove()
	group, err := newGroup()
	if err != nil {
		return fmt.Errorf("replace a cgroup: %w", err)
	}
	w.group = group
	return nil
}

// kill sends KILL to a member, by its identity.
func kill(member observation.Member) {
	h, err := proc.Open(member.PID)
	if err != nil {
		return
	}
	defer h.Close()
	if h.Identity == member.Identity {
		h.Signal(signals.KILL) //nolint:errcheck // whether it is gone is what counts, and that is looked at
	}
}

// reapAll reaps every dead child and says whether no child is left.
func reapAll() (empty bool) {
	for {
		pid, anyLeft := proc.DeadChild()
		if !anyLeft {
			return true
		}
		if pid == 0 {
			return false
		}
		proc.Reap(pid) //nolint:errcheck // it was dead and is ours
	}
}

// sleep waits, or less: a child's end interrupts it.
func sleep(d time.Duration) {
	timeout := unix.NsecToTimespec(int64(d))
	unix.Ppoll(nil, &timeout, nil) //nolint:errcheck // an interruption is as good
}

// normalise gives the warden's thread an empty signal mask and default dispositions,
// which its targets inherit, and tells which signals had been ignored: a program in
// the background of a script, or under nohup, starts with some ignored.
func normalise() (ignored signals.Set) {
	var empty unix.Sigset_t
	unix.PthreadSigmask(unix.SIG_SETMASK, &empty, nil) //nolint:errcheck // cannot fail with these arguments
	for s := signals.Signal(1); s <= signals.Max; s++ {
		if disposition(s) == sigIgn {
			ignored |= signals.SetOf(s)
			setDisposition(s, sigDfl)
		}
	}
	return ignored
}

// The dispositions of signal(2).
const (
	sigDfl = 0
	sigIgn = 1
)

// sigaction is the kernel's struct, not the C library's (rt_sigaction(2)).
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

func disposition(s signals.Signal) uintptr {
	var old sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), 0, uintptr(unsafe.Pointer(&old)), unsafe.Sizeof(old.mask), 0, 0)
	if errno != 0 {
		return sigDfl
	}
	return old.handler
}

// setDisposition changes a signal that the Go runtime has no handler for.
func setDisposition(s signals.Signal, handler uintptr) {
	action := sigaction{handler: handler}
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, unsafe.Sizeof(action.mask), 0, 0)
}
