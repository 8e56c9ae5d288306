package warden

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// strikePoint waits for the shot's point and sends the first signal there. It returns
// false when there was nothing to strike: the target left first, or the point did not
// come.
func (t *trial) strikePoint() bool {
	if t.over() {
		return false
	}
	if t.firstCall() != nil {
		return t.strikeCall()
	}
	if !t.due() {
		t.sharpen()
		defer t.blunt()
	}
	planned, event, came := t.point()
	if !came {
		return false
	}
	s := observation.Strike{Planned: planned, Event: event, RealTime: t.edge != nil && t.edge.RealTime}
	if !t.aim(planned, &s) {
		return false
	}
	t.fire(&s)
	if s.Doing == nil && !t.req.Minimal {
		t.lookAfterwards()
	}
	return true
}

// lookAfterwards looks at a target for which there was no time before the strike. What
// a dead one was doing cannot be seen any more, and of one without a handler nothing
// but its dying: there only the tree counts, before its orphans lose their parent.
func (t *trial) lookAfterwards() {
	switch {
	case t.targetEnded():
	case t.disposition == observation.Default && t.threads == 1 && t.target.Childless():
	case t.disposition == observation.Default:
		t.census(t.clock.Now())
	default:
		t.o.Strike.Doing = t.lookAround()
	}
}

// fire sends the first signal and records the strike.
func (t *trial) fire(s *observation.Strike) {
	if t.calls != nil {
		t.calls.tracing = false
	}
	s.Actual = t.clock.Now()
	t.o.Strike, t.o.Starvation.Harness = s, 0
	t.send(t.firstSignal(), s.Actual)
	t.o.Stage = observation.Struck
	t.o.Output.Last = t.lastLine()
}

// due says that the moment of the strike is known and has come.
func (t *trial) due() bool {
	return t.req.Shot.Point.Time != nil && t.moment() <= t.clock.Now()
}

// moment is when a shot at a point in time is due.
func (t *trial) moment() time.Duration {
	point := t.req.Shot.Point.Time
	if point.From == scenario.FromReady {
		return t.o.Ready.At + point.After
	}
	return point.After
}

// point waits until it is known when the strike is due.
func (t *trial) point() (planned time.Duration, event string, came bool) {
	if t.req.Shot.Point.Time != nil {
		return t.moment(), "", true
	}
	if !t.until(t.req.Limit, func() bool { return t.fired != nil || t.over() }) {
		t.o.Missed = fmt.Sprintf("the %s did not come within %s", t.req.Shot.Point, t.req.Limit)
	}
	if t.fired == nil {
		return 0, "", false
	}
	return t.fired.at + t.delay(), t.fired.line, true
}

// delay is the extra time after the event that the point is about.
func (t *trial) delay() time.Duration {
	if file := t.req.Shot.Point.File; file != nil {
		return file.Delay
	}
	return t.req.Shot.Point.Line.Delay
}

// A target that is waited for is looked at now and then: for a handler that is not
// there yet every 5 ms, for its tree every 50 ms, and the tree no more often than
// takes a twentieth of the time.
const (
	handlerAsk = 5 * time.Millisecond
	treeAsk    = 50 * time.Millisecond
	treeShare  = 20
)

// aim waits until the strike is due: asleep, then looking at the target, then spinning.
// Where there is no time for the look before the strike it is left for afterwards, but
// for the disposition, without which the ending could not be named. It returns false
// when the target left first.
func (t *trial) aim(planned time.Duration, s *observation.Strike) bool {
	t.rehearse(planned)
	for wake := planned - strike.SpinLead - t.lookLead(); t.clock.Now() < wake; {
		t.noteHandler()
		if t.until(min(wake, t.nextLook()), t.over) {
			return false
		}
	}
	if !t.req.Minimal && planned-t.clock.Now() > t.w.factsCost {
		s.Doing = t.timedLook()
	}
	if s.Doing != nil && t.stackFits(planned) {
		s.Doing.Stack = t.timedStack()
	}
	t.readDisposition(s.Doing)
	t.until(planned-strike.SpinLead, t.over)
	if t.over() {
		return false
	}
	if !t.clock.Spin(planned, t.targetEnded) {
		t.noteExit(t.clock.Now())
		return false
	}
	return true
}

// rehearsalShare is how many times over a look at the target must fit into the time
// before the strike for one to be spent on finding out what a look costs.
const rehearsalShare = 8

// rehearse looks at the target once where there is plenty of time: what a look costs
// is the target's own, 0.1 ms for a sleeping one, several for one with many sockets.
func (t *trial) rehearse(planned time.Duration) {
	if !t.req.Minimal && planned-t.clock.Now() > rehearsalShare*t.w.factsCost {
		t.timedLook()
	}
	t.rehearseStack(planned)
}

// timedLook looks at the target and remembers what that cost. A dearer look counts at
// once, a cheaper one slowly: to be early costs nothing, to be late spoils the shot.
func (t *trial) timedLook() *observation.Doing {
	started := t.clock.Now()
	doing := t.lookAround()
	cost := t.clock.Now() - started
	t.w.factsCost = max(cost, (7*t.w.factsCost+cost)/8)
	return doing
}

// lookLead is how long before the spin the look at the target begins.
func (t *trial) lookLead() time.Duration {
	if t.req.Minimal {
		return 0
	}
	if t.stackWanted {
		return 2 * (t.w.factsCost + t.w.stackCost)
	}
	return 2 * t.w.factsCost
}

// nextLook looks at the tree if that is due, and tells when to look up again.
func (t *trial) nextLook() time.Duration {
	now := t.clock.Now()
	if now >= t.treeDue {
		t.census(now)
		t.treeDue = now + max(treeAsk, treeShare*(t.clock.Now()-now))
	}
	if t.o.HandlerSeen == nil {
		return min(t.treeDue, now+handlerAsk)
	}
	return t.treeDue
}

// targetEnded asks the kernel, without waiting, whether the target has ended.
func (t *trial) targetEnded() bool {
	fds := []unix.PollFd{{Fd: int32(t.target.FD()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return n > 0 && err == nil
}

// readDisposition reads what the target does with the first signal, from what was
// just read anyway where there is something.
func (t *trial) readDisposition(doing *observation.Doing) {
	first := t.req.Shot.Schedule.First()
	if doing != nil {
		t.disposition = doing.Main.Disposition(first)
	} else {
		t.disposition = t.dispositionOf(first)
	}
	if t.disposition == observation.Caught && t.o.HandlerSeen == nil {
		now := t.clock.Now()
		t.o.HandlerSeen = &now
	}
}

func (t *trial) dispositionOf(s signals.Signal) observation.Disposition {
	status, err := t.target.Status()
	if err != nil {
		return observation.Unknown
	}
	t.threads = status.Threads
	if status.Threads > 1 && status.Blocked.Has(s) {
		// Other threads may take it: all their masks count.
		if p, err := t.target.Process(); err == nil {
			return p.Disposition(s)
		}
	}
	p := observation.Process{
		Ignored: status.Ignored, Caught: status.Caught,
		Threads: []observation.Thread{{Blocked: status.Blocked}},
	}
	return p.Disposition(s)
}

// stop carries the rest of the schedule out. A target that the whole schedule did not
// move is looked at closely and killed with its tree.
func (t *trial) stop() {
	t.starvation.watch(t.o.Strike.Actual)
	schedule := t.req.Shot.Schedule
	for i, wait := range schedule.Waits(t.req.Limit) {
		switch {
		case i == 1 && t.req.Shot.Second != nil:
			t.strikeAgain(schedule.Steps[i].Signal)
		case i > 0:
			t.escalate(schedule.Steps[i].Signal)
		}
		if t.waitStep(i, t.clock.Now()+wait) {
			return
		}
	}
	t.giveUp()
}

// waitStep waits out a step of the schedule: the first one ends early where the second
// signal has a point of its own.
func (t *trial) waitStep(i int, deadline time.Duration) (over bool) {
	if i == 0 && t.req.Shot.Second != nil {
		return t.secondPoint(deadline)
	}
	return t.waitExit(deadline)
}

// waitExit waits for the main process' end. The measurement of starvation begins a
// moment after the strike, so that a target which leaves at once costs nothing.
func (t *trial) waitExit(deadline time.Duration) bool {
	if from := t.starvation.from; !t.starvation.begun && from < deadline {
		if t.until(from, t.over) {
			return true
		}
		t.starvation.begin(t)
	}
	return t.until(deadline, t.over) || t.hostGone
}

func (t *trial) escalate(s signals.Signal) {
	if s == signals.KILL {
		t.investigate()
	}
	t.disposition = t.dispositionOf(s)
	t.send(s, t.clock.Now())
}

// giveUp kills the whole tree after the schedule was exhausted. Who would have
// survived the main process is not known then.
func (t *trial) giveUp() {
	t.investigate()
	t.o.Sent = append(t.o.Sent, observation.Sent{
		Signal: signals.KILL, To: signals.ToProcess, At: t.clock.Now(),
		Disposition: observation.Uncatchable, Final: true,
	})
	last := &t.o.Sent[len(t.o.Sent)-1]
	for _, m := range proc.OwnDescendants() {
		if signalMember(m, signals.KILL) {
			last.Receivers++
		}
	}
	t.until(t.clock.Now()+killBound, t.over)
}

// send delivers one signal of the schedule and records what the kernel answered.
func (t *trial) send(s signals.Signal, at time.Duration) {
	sent := observation.Sent{Signal: s, To: t.req.Shot.To, At: at, Disposition: t.disposition}
	var err error
	switch {
	case sent.To == signals.ToTTY && s != signals.KILL:
		var warning string
		if warning, err = t.tty.send(s); warning != "" {
			t.degrade("terminal", warning)
		}
	case sent.To == signals.ToGroup:
		sent.Receivers, err = t.sendGroup(s)
	case sent.To == signals.ToSession:
		sent.Receivers, err = t.sendSession(s)
	case t.calls != nil && t.calls.held != nil && t.calls.takes(t.target.PID, s):
		sent.Receivers, sent.Thread = 1, t.calls.held.TID
		err = unix.Tgkill(t.target.PID, t.calls.held.TID, unix.Signal(s))
	default:
		sent.To, sent.Receivers, err = signals.ToProcess, 1, t.target.Signal(s)
	}
	if err != nil {
		sent.Error, sent.Receivers = err.Error(), 0
	}
	t.o.Sent = append(t.o.Sent, sent)
}

// sendGroup signals the target's process group. The number is safe: the target leads
// the group and is not reaped yet. Receivers are counted afterwards, when there is no
// hurry any more.
func (t *trial) sendGroup(s signals.Signal) (receivers int, err error) {
	if err := unix.Kill(-t.target.PID, unix.Signal(s)); err != nil {
		return 0, err
	}
	receivers = 1
	for _, m := range proc.OwnDescendants() {
		if m.Group == t.target.PID && m.Identity != t.target.Identity {
			receivers++
		}
	}
	return receivers, nil
}

// sessionRounds bounds how often a session is looked at for processes that are new.
const sessionRounds = 16

// sendSession signals every process of the target's session, the target first, and
// looks again until nobody new is there. In a session that forks as fast as it is
// looked at somebody is missed; that is a degradation.
func (t *trial) sendSession(s signals.Signal) (receivers int, err error) {
	if err := t.target.Signal(s); err != nil {
		return 0, err
	}
	done := map[observation.Identity]bool{t.target.Identity: true}
	for range sessionRounds {
		found := false
		for _, m := range proc.OwnDescendants() {
			if m.Session != t.target.PID || m.State == "Z" || done[m.Identity] {
				continue
			}
			done[m.Identity], found = true, true
			if signalMember(m, s) {
				receivers++
			}
		}
		if !found {
			return receivers + 1, nil
		}
	}
	t.degrade("session", "processes of the session were started as fast as they were found: some may not have got the signal")
	return receivers + 1, nil
}

func signalMember(m observation.Member, s signals.Signal) bool {
	h, err := proc.Open(m.PID)
	if err != nil {
		return false
	}
	defer h.Close()
	return h.Identity == m.Identity && h.Signal(s) == nil
}

// lookAround records what the target and its tree are doing now.
func (t *trial) lookAround() *observation.Doing {
	doing := observation.Doing{At: t.clock.Now()}
	main, err := t.target.Process()
	if err != nil {
		return nil // it is gone, or the kernel does not tell; then nothing is claimed
	}
	doing.Main = main
	doing.Files = t.target.OpenFiles()
	doing.Descendants = t.census(doing.At)
	t.noteListening(doing)
	return &doing
}

// noteListening records the tree's listening sockets, where it has sockets at all.
func (t *trial) noteListening(doing observation.Doing) {
	pids := []int{}
	for _, file := range doing.Files {
		if _, isSocket := proc.Inode(file.Path, "socket"); isSocket {
			pids = append(pids, t.target.PID)
			break
		}
	}
	for _, m := range doing.Descendants {
		if m.State != "Z" {
			pids = append(pids, m.PID)
		}
	}
	if len(pids) > 0 {
		t.o.Listening = proc.Listening(pids)
	}
}

// maxStubborn bounds how many processes are looked at closely.
const maxStubborn = 32

// investigate takes the last look at a target that did not leave, before it is killed.
func (t *trial) investigate() {
	if t.o.Forensics != nil || t.exited() {
		return
	}
	f := observation.Forensics{At: t.clock.Now(), LastLine: t.lastLine(), Files: t.target.OpenFiles()}
	if main, err := t.target.Process(); err == nil {
		f.Stubborn = append(f.Stubborn, main)
	}
	f.Tree = t.census(f.At)
	for _, m := range f.Tree[:min(len(f.Tree), maxStubborn)] {
		h, err := proc.Open(m.PID)
		if err != nil {
			continue
		}
		if p, err := h.Process(); err == nil && h.Identity == m.Identity {
			f.Stubborn = append(f.Stubborn, p)
		}
		h.Close()
	}
	f.Stacks = t.stacks(f.Stubborn)
	t.starvation.finish(t, f.At)
	t.o.Forensics = &f
}
