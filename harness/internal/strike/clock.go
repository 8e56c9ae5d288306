// Package strike fires at a point: a moment of the clock, or an event that it
// recognises in what the target does.
package strike

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Clock counts the time since a trial's launch on the monotonic clock.
type Clock struct {
	start time.Time
}

// StartClock starts counting now.
func StartClock() Clock { return Clock{time.Now()} }

// Now is the time since the start.
func (c Clock) Now() time.Duration { return time.Since(c.start) }

// SpinLead is how long before the moment the thread stops sleeping and spins. A
// sleep of a thread with a timer slack of 1 ns ends 64 µs late at the median and 114
// µs at the 99th percentile; with this lead the spin hides that.
const SpinLead = 150 * time.Microsecond

// Spin uses the processor until the moment has come, or until gone says, asked again
// and again, that there is nothing left to fire at. It returns false in that case.
func (c Clock) Spin(until time.Duration, gone func() bool) bool {
	for c.Now() < until {
		if gone() {
			return false
		}
	}
	return !gone()
}

// Priority is the real-time priority of a thread that is about to fire: above every
// ordinary task, below what a machine's own real-time work commonly uses.
const Priority = 10

// Edge is a thread's scheduling before it was sharpened.
type Edge struct {
	// RealTime tells whether SCHED_FIFO was granted.
	RealTime bool
	nice     int32
}

// Sharpen makes the calling thread, which must be locked to its goroutine, wake as
// exactly as the kernel allows: timer slack of 1 ns, and SCHED_FIFO where it is
// permitted. The policy is not inherited by processes that the thread starts, the
// slack is until [Edge.Blunt] was called.
func Sharpen() Edge {
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) //nolint:errcheck // cannot fail with these arguments
	edge := Edge{nice: niceness()}
	edge.RealTime = setPolicy(unix.SchedAttr{Policy: unix.SCHED_FIFO, Priority: Priority}) == nil
	return edge
}

// niceness is the process' nice value; nobody changes it while the process runs.
var niceness = sync.OnceValue(func() int32 {
	raw, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err != nil {
		return 0
	}
	return int32(20 - raw) // the system call gives 20 - nice
})

// Blunt gives the thread its former scheduling back.
func (e Edge) Blunt() {
	if e.RealTime {
		setPolicy(unix.SchedAttr{Policy: unix.SCHED_NORMAL, Nice: e.nice}) //nolint:errcheck // giving up a privilege is always allowed
	}
	unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) //nolint:errcheck // 0 restores the default
}

func setPolicy(attr unix.SchedAttr) error {
	attr.Size, attr.Flags = unix.SizeofSchedAttr, unix.SCHED_FLAG_RESET_ON_FORK
	return unix.SchedSetAttr(0, &attr, 0)
}
