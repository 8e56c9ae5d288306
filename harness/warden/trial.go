package warden

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// trial is one launch of a target and one shot at it. Its methods are the stages, in
// the order in which they happen; all waiting goes through [trial.until].
type trial struct {
	w     *supervisor
	req   Request
	o     observation.Observation
	clock strike.Clock

	target  *proc.Handle
	forked  bool        // there may be processes
	outputs [2]*capture // standard output and error; on a terminal only the first
	lines   *strike.Lines
	tty     *terminal
	notify  *notifySocket
	web     *webProbe
	files   *fileCounter // nil unless the point is a file's event
	calls   *callCounter // nil unless the point is a system call
	watched []*lingerer  // descendants that outlived the target

	// held says that survivors are to live on when the trial is over.
	held bool
	// readyFile is the file to be ready by as it was before a restart; nil without one.
	readyFile os.FileInfo

	// hostGone is set when the socket closed: everything is to be given up.
	hostGone bool
	// fired is when the output line to strike at was seen; nil before.
	fired *lineSeen
	// readyLine is when the line that means ready was seen; nil before.
	readyLine *lineSeen
	// runtimeHandlers says that the handlers seen are a language runtime's.
	runtimeHandlers bool
	// stackWanted says that there is time for a stack before a strike at a point in time.
	stackWanted bool
	// stackRefused says that the kernel's refusal of stacks is recorded.
	stackRefused bool
	// treeDue is when the tree is to be looked at again before the strike.
	treeDue time.Duration
	// disposition is what the target does with the first signal, read before the strike.
	disposition observation.Disposition
	// threads is how many the target had when its disposition was read by itself.
	threads int
	// members remembers every process of the tree as it was first seen, with the parent
	// it had then.
	members map[observation.Identity]observation.Member
	// dead remembers when a zombie was first seen.
	dead map[observation.Identity]time.Duration
	// edge is set while the thread is sharpened for the strike.
	edge *strike.Edge
	// starvation measures how much the machine delayed the target's stop.
	starvation starvation
}

type lineSeen struct {
	at   time.Duration
	line string
}

// loopNap is how often at the least the loop looks up when nothing happens.
const loopNap = 50 * time.Millisecond

func newTrial(w *supervisor, req Request) *trial {
	return &trial{
		w: w, req: req, clock: strike.StartClock(),
		o: observation.Observation{
			Stage: observation.Prepared, Layers: w.abilities.Layers, Degradations: w.abilities.Degradations,
		},
		members: map[observation.Identity]observation.Member{},
		dead:    map[observation.Identity]time.Duration{},
	}
}

// run carries the trial through its stages. Whatever happens, the tree is gone
// afterwards, or held, or the observation says that it is not.
func (t *trial) run() observation.Observation {
	if failure := t.stages(); failure != nil {
		t.o.Failure = failure
	}
	t.finish()
	if t.held {
		t.w.held = t
	} else {
		t.close()
	}
	return t.o
}

func (t *trial) stages() *observation.Failure {
	if failure := t.prepare(); failure != nil {
		return failure
	}
	if failure := t.launch(); failure != nil {
		return failure
	}
	if t.req.Undisturbed {
		t.letRun()
	} else if failure := t.aimAndStop(); failure != nil {
		return failure
	}
	t.settle()
	return t.interrupted()
}

func (t *trial) aimAndStop() *observation.Failure {
	if failure := t.becomeReady(); failure != nil {
		return failure
	}
	if t.strikePoint() {
		t.stop()
	}
	return nil
}

// letRun waits for the target's own end.
func (t *trial) letRun() {
	if !t.until(t.req.Limit, t.over) && !t.hostGone {
		t.o.Missed = fmt.Sprintf("the target did not end by itself within %s", t.req.Limit)
	}
}

func (t *trial) interrupted() *observation.Failure {
	if !t.hostGone {
		return nil
	}
	return &observation.Failure{Kind: "interrupted", Message: "the trial was given up: its campaign ended"}
}

// prepare compiles the patterns to watch for. The expected ones come first, then the
// one to be ready by, then the one to strike at.
func (t *trial) prepare() *observation.Failure {
	var patterns []*regexp.Regexp
	for _, text := range t.req.Watch {
		pattern, err := regexp.Compile(text)
		if err != nil {
			return &observation.Failure{Kind: "launch", Message: fmt.Sprintf("pattern to watch for: %v", err)}
		}
		patterns = append(patterns, pattern)
	}
	ready, point := -1, -1
	if t.req.Ready.Output != nil {
		ready = len(patterns)
		patterns = append(patterns, t.req.Ready.Output.Regexp)
	}
	if line := t.req.Shot.Point.Line; line != nil {
		point = len(patterns)
		patterns = append(patterns, line.Matching.Regexp)
	}
	if failure := t.prepareCalls(); failure != nil {
		return failure
	}
	if failure := t.prepareFiles(); failure != nil {
		return failure
	}
	t.lines = strike.NewLines(patterns)
	t.collectSaid()
	t.lines.OnMatch = func(i, count int, line string, at time.Duration) {
		if i == ready && count == 1 {
			t.readyLine = &lineSeen{at, line}
		}
		if i == point && count == t.req.Shot.Point.Line.Nth {
			t.fired = &lineSeen{at, line}
		}
	}
	return nil
}

// collectSaid remembers what is acknowledged. A line without its newline is none: what
// was cut off may have been a part of the id.
func (t *trial) collectSaid() {
	if t.req.Acknowledge == nil {
		return
	}
	said := &observation.Said{}
	t.o.Output.Said = said
	t.lines.OnWhole = func(line []byte, at time.Duration) {
		if groups := t.req.Acknowledge.FindSubmatch(line); len(groups) > 1 {
			said.Add(groups[1], at)
		}
	}
}

// exited says that the main process has ended.
func (t *trial) exited() bool { return t.o.Exit != nil }

// over says that there is nothing more to wait for.
func (t *trial) over() bool { return t.exited() || t.hostGone }

// until handles the trial's events until met says so, and returns true, or until the
// deadline has come, or the host is gone.
func (t *trial) until(deadline time.Duration, met func() bool) bool {
	for {
		t.reapOrphans()
		if met() {
			return true
		}
		left := deadline - t.clock.Now()
		if left <= 0 {
			t.o.Starvation.Harness = max(t.o.Starvation.Harness, -left)
			return false
		}
		if t.hostGone {
			return false
		}
		t.poll(min(left, loopNap))
	}
}

// The slots of the descriptors that every wait looks at; watched descendants follow.
const (
	slotHost = iota
	slotTarget
	slotOut
	slotErr
	slotNotify
	slotWeb
	slotCalls
	slotFiles
	slots
)

// poll waits for one event or the timeout and handles what came. The end of a child
// that nobody looks at interrupts it: the kernel sends SIGCHLD to the thread that
// made the child, which is this one.
func (t *trial) poll(timeout time.Duration) {
	at, onlyCalls := t.pollOnce(t.descriptors(), timeout)
	for since := at; onlyCalls && t.calls.counting() && at-since < callBurst; {
		at, onlyCalls = t.pollCalls()
	}
}

// callBurst is for how long calls are counted one after the other without a look at
// anything else. To wait at one descriptor in place of eight saves a sixth of a call.
const callBurst = time.Millisecond

// pollCalls waits for the next held call, and for nothing else; false where none came.
func (t *trial) pollCalls() (at time.Duration, came bool) {
	ts := unix.NsecToTimespec(int64(callBurst))
	fds := [1]unix.PollFd{{Fd: t.calls.pollFD(), Events: unix.POLLIN}}
	if n, err := unix.Ppoll(fds[:], &ts, nil); n <= 0 || err != nil {
		return 0, false
	}
	at = t.clock.Now()
	t.calls.event(fds[0].Revents, at)
	return at, true
}

// pollOnce says when something came, and whether that was nothing but a held call.
func (t *trial) pollOnce(fds []unix.PollFd, timeout time.Duration) (at time.Duration, onlyCalls bool) {
	ts := unix.NsecToTimespec(int64(timeout))
	n, err := unix.Ppoll(fds, &ts, nil)
	if n <= 0 || err != nil {
		return 0, false
	}
	at = t.clock.Now()
	if revents := fds[slotCalls].Revents; revents != 0 {
		t.calls.event(revents, at)
		if n == 1 {
			return at, true
		}
	}
	if fds[slotTarget].Revents != 0 {
		t.noteExit(at)
	}
	for i, output := range t.outputs {
		if fds[slotOut+i].Revents != 0 {
			output.drainOnce(t.w.buf, at)
		}
	}
	if fds[slotHost].Revents != 0 {
		t.hostGone = true
	}
	if fds[slotNotify].Revents != 0 {
		t.notify.receive(at)
	}
	if fds[slotFiles].Revents != 0 {
		t.noteFiles(at)
	}
	for i, l := range t.watched {
		if fds[slots+i].Revents != 0 {
			l.noteGone(at)
		}
	}
	return at, false
}

func (t *trial) descriptors() []unix.PollFd {
	fds := make([]unix.PollFd, slots, slots+len(t.watched))
	for i := range fds {
		fds[i] = unix.PollFd{Fd: -1, Events: unix.POLLIN}
	}
	// The next request may be there already: what counts is the hanging up alone.
	fds[slotHost] = unix.PollFd{Fd: controlFD, Events: unix.POLLRDHUP}
	if t.hostGone {
		fds[slotHost].Fd = -1
	}
	if t.target != nil && !t.exited() {
		fds[slotTarget].Fd = int32(t.target.FD())
	}
	for i, output := range t.outputs {
		fds[slotOut+i].Fd = output.pollFD()
	}
	if t.notify != nil {
		fds[slotNotify].Fd = int32(t.notify.fd)
	}
	if t.web != nil {
		fds[slotWeb].Fd = int32(t.web.wake)
	}
	if t.calls != nil {
		fds[slotCalls].Fd = t.calls.pollFD()
	}
	if t.files != nil && t.fired == nil {
		fds[slotFiles].Fd = int32(t.files.watch.FD())
	}
	for _, l := range t.watched {
		fds = append(fds, unix.PollFd{Fd: l.pollFD(), Events: unix.POLLIN})
	}
	return fds
}

// reapOrphans reaps the dead that became the warden's own children, at once, as an
// init process does: a target may wait for its daemonised child's PID to vanish. The
// main process is left to noteExit.
func (t *trial) reapOrphans() {
	for {
		pid, _ := proc.DeadChild()
		if pid == 0 {
			return
		}
		if t.target != nil && !t.exited() {
			if _, ended, err := t.target.Ended(); err == nil && ended {
				t.noteExit(t.clock.Now())
				continue
			}
		}
		for _, l := range t.watched {
			if l.PID == pid {
				l.noteGone(t.clock.Now())
			}
		}
		t.noteAbandoned(pid)
		if _, err := t.reap(pid); err != nil {
			return
		}
	}
}

// sharpen makes the thread wake exactly for the strike, until it is blunted.
func (t *trial) sharpen() {
	edge := strike.Sharpen()
	t.edge = &edge
}

func (t *trial) blunt() {
	if t.edge != nil {
		t.edge.Blunt()
		t.edge = nil
	}
}

// reap reaps a dead child, at an ordinary priority. The kernel removes the child's
// folder of /proc then, and spins while the child's last thread, which is on its way
// out, removes its own part of it. A real-time thread that spins keeps that thread from
// the processor: on Linux 6.18 as many wardens as processors stood so until the throttle
// of real-time threads ended it, 0.95 s later, and the whole machine with them.
func (t *trial) reap(pid int) (unix.Rusage, error) {
	if t.edge != nil {
		t.blunt()
		defer t.sharpen()
	}
	return proc.Reap(pid)
}

// noteExit records the end of the main process and reaps it. What of the tree is left
// is looked at first: the dead children of a dead parent are the warden's at once.
func (t *trial) noteExit(at time.Duration) {
	status, ended, err := t.target.Ended()
	if err != nil || !ended {
		return
	}
	exit := &observation.Exit{At: at, Status: status, Step: len(t.o.Sent) - 1}
	if s, err := t.target.Status(); err == nil {
		exit.Caught = s.Caught
	}
	t.starvation.finish(t, at)
	t.noteUnreaped(at)
	usage, err := t.reap(t.target.PID)
	if err != nil {
		t.degrade("usage", err.Error())
	}
	exit.Usage = observation.Usage{
		User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano()),
		MaxRSS: int64(usage.Maxrss) << 10, Voluntary: int64(usage.Nvcsw), Involuntary: int64(usage.Nivcsw),
	}
	t.o.Exit, t.o.Stage = exit, observation.Exited
}

// degrade records that something could not be measured as intended.
func (t *trial) degrade(what, why string) {
	t.o.Degradations = append(t.o.Degradations[:len(t.o.Degradations):len(t.o.Degradations)],
		observation.Degradation{What: what, Why: why})
}

// census looks at the tree below the warden, without the main process, remembers who
// was seen for the first time, and since when the dead are dead.
func (t *trial) census(at time.Duration) []observation.Member {
	all := proc.OwnDescendants()
	members := all[:0]
	for _, m := range all {
		if t.target != nil && m.Identity == t.target.Identity {
			continue
		}
		members = append(members, m)
		if _, known := t.members[m.Identity]; !known {
			t.members[m.Identity] = m
		}
		if _, known := t.dead[m.Identity]; m.State == "Z" && !known {
			t.dead[m.Identity] = at
		}
	}
	return members
}

// noteUnreaped records the zombies that were zombies before.
func (t *trial) noteUnreaped(at time.Duration) {
	if len(t.dead) == 0 {
		return
	}
	for _, m := range proc.OwnDescendants() {
		if since, dead := t.dead[m.Identity]; dead && m.State == "Z" {
			m.Parent = t.members[m.Identity].Parent
			t.o.Unreaped = append(t.o.Unreaped, observation.Unreaped{Member: m, For: at - since})
		}
	}
}

// noteAbandoned records a zombie of the main process that has become the warden's: the
// main process is on its way out. It hands its children over a moment before it counts
// as ended itself, and they would be gone by then.
func (t *trial) noteAbandoned(pid int) {
	if t.target == nil || t.exited() {
		return
	}
	m, err := proc.ReadMember(pid)
	since, dead := t.dead[m.Identity]
	if err != nil || !dead || t.members[m.Identity].Parent != t.target.PID {
		return
	}
	m.Parent = t.target.PID
	t.o.Unreaped = append(t.o.Unreaped, observation.Unreaped{Member: m, For: t.clock.Now() - since})
}

// finish removes what is left of the tree and takes in the rest of the output.
func (t *trial) finish() {
	// What could not be removed a moment ago is not tried once more.
	tried := t.o.Failure != nil && t.o.Failure.Kind == "cleanup"
	t.held = t.held && !tried && !t.hostGone && t.o.Failure == nil
	if t.forked && !tried && !t.held && !t.gone() {
		if err := t.w.empty(time.Now().Add(killBound)); err != nil && t.o.Failure == nil {
			t.o.Failure = &observation.Failure{Kind: "cleanup", Message: err.Error()}
		}
	}
	if t.calls != nil && t.o.Calls == nil {
		t.noteCalls()
	}
	if t.calls != nil && t.calls.failed != nil && t.o.Failure == nil {
		t.degrade("syscall", t.calls.failed.Error())
	}
	if t.calls != nil {
		for _, what := range slices.Sorted(maps.Keys(t.calls.detours)) {
			t.degrade("syscall", "the target uses "+what+": what it does through it is no system call, and cannot be struck or counted")
		}
	}
	t.o.Output.Seen = t.lines.Seen()[:min(len(t.req.Watch), len(t.lines.Seen()))]
	for i, output := range t.outputs {
		captured := output.finish(t.w.buf, t.clock.Now())
		if i == 0 {
			t.o.Output.Stdout = captured
		} else {
			t.o.Output.Stderr = captured
		}
	}
	if t.o.Failure == nil {
		t.o.Stage = observation.Settled
	}
}

// gone says that the whole tree is known to have left by itself, and that the cgroup can
// serve the next one.
func (t *trial) gone() bool {
	return t.o.TreeEmpty != nil && (t.w.group == nil || !t.w.group.spent)
}

// close lets go of everything that the trial held.
func (t *trial) close() {
	if t.target != nil {
		t.target.Close()
	}
	for _, output := range t.outputs {
		output.close()
	}
	for _, l := range t.watched {
		l.handle.Close()
	}
	if t.tty != nil {
		t.tty.close()
	}
	if t.notify != nil {
		t.notify.close()
	}
	if t.web != nil {
		t.web.close()
	}
	if t.calls != nil {
		t.calls.close()
	}
	if t.files != nil {
		t.files.watch.Close()
	}
}
