package warden

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// lingerer is a descendant that outlived the main process and is waited for.
type lingerer struct {
	observation.Member
	handle *proc.Handle
	gone   time.Duration // 0 while it lives
}

func (l *lingerer) pollFD() int32 {
	if l.gone != 0 {
		return -1
	}
	return int32(l.handle.FD())
}

func (l *lingerer) noteGone(at time.Duration) {
	if l.gone == 0 {
		l.gone = at
	}
}

// maxWatched bounds how many descendants are waited for one by one; the end of the
// others is seen too, by the signal that a child's end sends.
const maxWatched = 256

// settle gives the descendants their time after the main process' end, and records who
// left by itself and who did not. Only then is anybody killed.
func (t *trial) settle() {
	if !t.exited() || t.hostGone || t.o.Sent != nil && t.o.Sent[len(t.o.Sent)-1].Final {
		return
	}
	if t.noneLeft() {
		t.treeEmpty(t.o.Exit.At)
		return
	}
	for _, m := range t.census(t.clock.Now()) {
		t.linger(m)
	}
	// How late the warden itself was counts for the main process' stop only.
	defer func(late time.Duration) { t.o.Starvation.Harness = late }(t.o.Starvation.Harness)
	if t.until(t.o.Exit.At+t.req.Settle, t.noneLeft) {
		t.treeEmpty(t.clock.Now())
	} else if !t.hostGone {
		t.afterSettling()
	}
	t.noteLingering()
}

func (t *trial) linger(m observation.Member) {
	if m.State == "Z" || len(t.watched) == maxWatched {
		return
	}
	h, err := proc.Open(m.PID)
	if err != nil {
		return
	}
	if h.Identity != m.Identity {
		h.Close()
		return
	}
	t.watched = append(t.watched, &lingerer{Member: m, handle: h})
}

// noneLeft asks the kernel whether the warden has any child at all: every process of
// the tree is one, or the descendant of one. The cgroup is asked too, where there is
// one.
func (t *trial) noneLeft() bool {
	_, anyLeft := proc.DeadChild()
	return !anyLeft && (t.w.group == nil || !t.w.group.populated())
}

func (t *trial) treeEmpty(at time.Duration) {
	t.o.TreeEmpty = &at
	var closed time.Duration
	for _, output := range t.outputs {
		if output == nil {
			continue
		}
		// What is left in the pipes belongs to this trial; nobody writes any more.
		output.finish(t.w.buf, t.clock.Now())
		if output.closed == 0 {
			return
		}
		closed = max(closed, output.closed)
	}
	t.o.OutputClosed = &closed
}

func (t *trial) noteLingering() {
	for _, l := range t.watched {
		if l.gone != 0 {
			t.o.Lingering = append(t.o.Lingering, observation.Lingerer{
				Member: t.asFirstSeen(l.Member), Gone: max(0, l.gone-t.o.Exit.At),
			})
		}
	}
}

// asFirstSeen gives a member the parent that it had when it was first seen: an orphan's
// is the warden.
func (t *trial) asFirstSeen(m observation.Member) observation.Member {
	if first, known := t.members[m.Identity]; known {
		m.Parent = first.Parent
	}
	return m
}

// looks bounds how often survivors are looked for.
const looks = 1000

// afterSettling finds out who is still there. A process that forks and leaves, again
// and again, is hardly met alive: its number is read, and the next moment it is dead.
// So the look is repeated while the kernel says that somebody is left.
func (t *trial) afterSettling() {
	for range looks {
		if alive := t.alive(); len(alive) > 0 {
			t.noteSurvivors(alive)
			return
		}
		t.reapOrphans()
		if t.noneLeft() {
			t.treeEmpty(t.clock.Now())
			return
		}
	}
	t.o.Failure = &observation.Failure{
		Kind: "warden", Message: fmt.Sprintf("somebody of the tree is alive %s after the target's end, and was gone whenever sigprobe looked", t.req.Settle),
		Remedy: "look for a child that forks and leaves again and again",
	}
}

// maxSurvivors bounds how many survivors are described; all are killed.
const maxSurvivors = 64

// noteSurvivors describes everybody who is still alive, then kills them, unless they are
// to be held.
func (t *trial) noteSurvivors(alive []observation.Member) {
	for _, m := range alive[:min(len(alive), maxSurvivors)] {
		t.o.Survivors = append(t.o.Survivors, t.describe(m))
	}
	if len(alive) > maxSurvivors {
		t.degrade("survivors", fmt.Sprintf("%d processes survived; the first %d are described", len(alive), maxSurvivors))
	}
	t.noteStillListening(alive)
	t.o.Output.HeldOpen = len(alive) > 0 && t.outputOpen()
	if t.held = t.req.Hold && t.o.Strike != nil; t.held {
		return
	}
	err := t.w.empty(time.Now().Add(killBound))
	for i := range t.o.Survivors {
		t.o.Survivors[i].Killed = err == nil
	}
	if err != nil {
		t.o.Failure = &observation.Failure{Kind: "cleanup", Message: err.Error()}
	}
}

func (t *trial) alive() []observation.Member {
	members := t.census(t.clock.Now())
	alive := members[:0]
	for _, m := range members {
		if m.State != "Z" && m.State != "X" {
			alive = append(alive, m)
		}
	}
	return alive
}

func (t *trial) outputOpen() bool {
	for _, output := range t.outputs {
		if output != nil && output.closed == 0 {
			return true
		}
	}
	return false
}

func (t *trial) describe(m observation.Member) observation.Survivor {
	s := observation.Survivor{Member: t.asFirstSeen(m)}
	s.Lineage = t.lineage(s.Member)
	s.OwnSession = m.Session != t.target.PID
	s.HoldsOutput = t.holdsOutput(m.PID)
	proc.Describe(&s)
	if h, err := proc.Open(m.PID); err == nil {
		if p, err := h.Process(); err == nil {
			s.Disposition = p.Disposition(t.firstSignal())
		}
		h.Close()
	}
	return s
}

// firstSignal is the signal that asks the target to stop.
func (t *trial) firstSignal() signals.Signal { return t.req.Shot.Schedule.First() }

// lineage is the chain of parents up to the main process, as they were first seen. It
// ends early where a parent left before anybody saw it.
func (t *trial) lineage(m observation.Member) []observation.Member {
	var chain []observation.Member
	for m.Parent != os.Getpid() && len(chain) < maxSurvivors {
		if m.Parent == t.target.PID {
			return append(chain, t.mainMember())
		}
		parent, known := t.parentOf(m)
		if !known {
			break
		}
		chain, m = append(chain, parent), parent
	}
	return chain
}

func (t *trial) mainMember() observation.Member {
	main := observation.Member{Identity: t.target.Identity, Parent: os.Getpid(), Session: t.target.PID, Group: t.target.PID}
	if main.Command = filepath.Base(t.req.Path); t.o.Strike != nil && t.o.Strike.Doing != nil {
		main.Command = t.o.Strike.Doing.Main.Command
	}
	return main
}

// parentOf is the process that was the member's parent when it was first seen: of those
// that had the number, the latest that had started by then.
func (t *trial) parentOf(child observation.Member) (parent observation.Member, known bool) {
	for identity, member := range t.members {
		if identity.PID == child.Parent && identity.StartTicks <= child.StartTicks && (!known || identity.StartTicks > parent.StartTicks) {
			parent, known = member, true
		}
	}
	return parent, known
}

// holdsOutput says whether the process holds one of the target's streams.
func (t *trial) holdsOutput(pid int) bool {
	if t.tty != nil {
		return proc.Holds(pid, t.tty.name)
	}
	for _, output := range t.outputs {
		if output == nil || output.fd < 0 {
			continue
		}
		var target [unix.PathMax]byte
		n, err := unix.Readlink(fmt.Sprintf("/proc/self/fd/%d", output.fd), target[:])
		if err == nil && proc.Holds(pid, string(target[:n])) {
			return true
		}
	}
	return false
}

// noteStillListening records which of the sockets that the tree listened on are still
// held by somebody of it.
func (t *trial) noteStillListening(alive []observation.Member) {
	holders := map[uint64]int{}
	for _, m := range alive {
		for _, inode := range proc.SocketInodes(m.PID) {
			holders[inode] = m.PID
		}
	}
	for _, socket := range t.o.Listening {
		if pid, held := holders[socket.Inode]; held {
			socket.PID = pid
			t.o.StillListening = append(t.o.StillListening, socket)
		}
	}
}
