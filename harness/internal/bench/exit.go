package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// exitToWaitid bounds how much later than a blocking waitid the warden may see an end.
const exitToWaitid = 1.5

var exitTurn = turn{cold: 5, counted: 25}

// measureExit compares how the warden sees a process' end with the shortest way there is.
func measureExit(ctx context.Context, b *bench) (Group, error) {
	g := Group{Title: "from KILL to the end being seen"}
	var err error
	g.Series, err = takeTurns(ctx, b.rounds, exitTurn, []contender{
		{name: "pidfd poll, then waitid (the warden)", once: repeat(b.cradle.measured(b.deathSeen(byPoll)))},
		{name: "blocking waitid", once: repeat(b.cradle.measured(b.deathSeen(byWaitid)))},
	})
	if err == nil {
		g.Bounds = []Bound{ratio("poll and waitid to waitid", g.Series[0], g.Series[1]).atMost(exitToWaitid)}
	}
	return g, err
}

// deathSeen kills a sleeping child and takes the time until see returns.
func (b *bench) deathSeen(see func(*proc.Handle) error) func() (time.Duration, error) {
	return func() (took time.Duration, err error) {
		c, err := b.cradle.start(b.sleep, "1000")
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, c.end()) }()
		if err := asleep(c.PID); err != nil {
			return 0, err
		}
		started := time.Now()
		if err := c.Signal(signals.KILL); err != nil {
			return 0, err
		}
		err = see(c.Handle)
		return time.Since(started), err
	}
}

// byPoll is what the warden does: poll(2) on the pidfd, then waitid(2) without reaping.
func byPoll(h *proc.Handle) error {
	fds := []unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}
	bound := unix.NsecToTimespec(int64(patience))
	for {
		n, err := unix.Ppoll(fds, &bound, nil)
		if n == 0 && err == nil {
			err = fmt.Errorf("not within %s", patience)
		}
		if err == nil {
			return hasEnded(h)
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll for the end of process %d: %w", h.PID, err)
		}
	}
}

func hasEnded(h *proc.Handle) error {
	_, ended, err := h.Ended()
	if err == nil && !ended {
		err = fmt.Errorf("process %d is said to have ended and has not", h.PID)
	}
	return err
}

func byWaitid(h *proc.Handle) error {
	for {
		err := unix.Waitid(unix.P_PIDFD, h.FD(), nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
