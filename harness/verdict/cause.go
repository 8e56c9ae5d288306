package verdict

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// cause is why a signal did nothing.
type cause struct {
	kind string
	why  string
	hint string
}

// cause finds out from the last look why the target did not leave for the last signal
// that it could have stopped for. What holds whatever the target does comes first: an ignored
// signal is thrown away by the kernel when it is sent, in any state of the process.
func (f facts) cause(last observation.Sent) cause {
	p := lastLook(f.o)
	if p == nil {
		return f.causeUnseen(last)
	}
	switch disposition := p.Disposition(last.Signal); {
	case disposition == observation.Ignored:
		return ignored(last.Signal)
	case disposition == observation.Blocked:
		return blocked(last.Signal, *p)
	case p.State == "T" || p.State == "t":
		return stopped(last.Signal, *p)
	case p.State == "D" && isPending(*p, last.Signal):
		return uninterruptible(last.Signal, *p)
	case disposition == observation.Default:
		return f.noHandler(last, *p)
	case !isPending(*p, last.Signal) && f.isShell() && f.foreground(*p, last.At) != nil:
		return f.deferred(last.Signal, *f.foreground(*p, last.At))
	}
	return noReaction(last.Signal, *p)
}

// causeUnseen tells what it can from the disposition read when the signal was sent.
func (f facts) causeUnseen(last observation.Sent) cause {
	switch last.Disposition {
	case observation.Ignored:
		return ignored(last.Signal)
	case observation.Blocked:
		return blocked(last.Signal, observation.Process{})
	}
	return cause{"no-reaction", fmt.Sprintf("it did not leave for %s, and nobody could look at it before the kill", last.Signal), noReactionHint}
}

func ignored(s signals.Signal) cause {
	return cause{"ignored", fmt.Sprintf("it ignores %s", s),
		fmt.Sprintf("it, or whoever started it, set %s to be ignored; an ignored signal stays ignored through exec: install a handler in the program", s)}
}

func blocked(s signals.Signal, p observation.Process) cause {
	where := "every thread blocks it"
	if len(p.Threads) == 1 {
		where = "thread " + strconv.Itoa(p.Threads[0].TID) + " blocks it"
	} else if len(p.Threads) > 1 {
		var tids []string
		for _, t := range p.Threads {
			tids = append(tids, strconv.Itoa(t.TID))
		}
		where = "all threads block it: " + strings.Join(bounded(tids), ", ")
	}
	return cause{"blocked", fmt.Sprintf("%s was never taken, %s", s, where),
		fmt.Sprintf("unblock %s in one thread, or wait for it there with sigwait or a signalfd; a blocked mask is inherited through fork and exec", s)}
}

func stopped(s signals.Signal, p observation.Process) cause {
	who := "it is stopped"
	if p.State == "t" {
		who = "a tracer has stopped it"
	}
	return cause{"stopped", fmt.Sprintf("%s, so %s waits until it is continued", who, s),
		"something stopped it: STOP, TSTP, reading from or writing to a terminal in the background, or a debugger; a stop schedule can send CONT after the first signal"}
}

func uninterruptible(s signals.Signal, p observation.Process) cause {
	return cause{"uninterruptible", fmt.Sprintf("%s is pending while it is in %s", s, busy(p.State, p.Syscall, p.WChan)),
		"it waits in the kernel for a device, a file system on the network or a vforked child, where no signal is taken: look at what it waits for"}
}

// noHandler explains a signal that a process without a handler outlived.
func (f facts) noHandler(last observation.Sent, p observation.Process) cause {
	s := last.Signal
	switch {
	case p.NSPid == 1:
		return cause{"unhandled", fmt.Sprintf("it is PID 1 of its namespace and has no handler for %s: the kernel drops it", s),
			fmt.Sprintf("install a handler for %s in the program, or start it under an init that forwards signals", s)}
	case slices.Contains(harmless, s):
		return cause{"unhandled", fmt.Sprintf("it has no handler for %s, and the default action is to do nothing", s),
			fmt.Sprintf("install a handler for %s, or send a signal that ends programs", s)}
	case last.To == signals.ToTTY:
		return cause{"undelivered", fmt.Sprintf("it has no handler for %s and is alive: no signal came of the key", s),
			"the terminal is in raw mode (ISIG off), or the program is not in its foreground group; let it read the key itself, or send the signal to the process"}
	}
	return noReaction(s, p)
}

// harmless are the signals whose default action is to be ignored (signal(7)).
var harmless = []signals.Signal{mustParse("CHLD"), signals.CONT, mustParse("URG"), signals.WINCH}

func mustParse(name string) signals.Signal {
	s, err := signals.Parse(name)
	if err != nil {
		panic(err)
	}
	return s
}

// foreground is a live child of the main process that was there at the given time; nil
// when there is none. A shell that has started another child since then did not wait for
// one to end.
func (f facts) foreground(p observation.Process, at time.Duration) *observation.Member {
	for i, m := range f.o.Forensics.Tree {
		if m.Parent == p.PID && m.PID != p.PID && m.State != "Z" && startedAfter(p, m) <= at+tick {
			return &f.o.Forensics.Tree[i]
		}
	}
	return nil
}

// startedAfter is how long after the process its child was started, to a tick.
func startedAfter(p observation.Process, child observation.Member) time.Duration {
	if child.StartTicks < p.StartTicks {
		return 0
	}
	return time.Duration(child.StartTicks-p.StartTicks) * tick
}

func (f facts) deferred(s signals.Signal, child observation.Member) cause {
	return cause{"deferred", fmt.Sprintf("%s runs its trap for %s only when its foreground child %s has ended", f.main, s, process(child.Command, child.PID)),
		"run the child in the background and wait for it: a trap interrupts wait, not a child in the foreground; or start the child with exec"}
}

const noReactionHint = "the handler ran or a thread took the signal, and the program did not act on it: look at what it waits for, and let the signal interrupt that"

func noReaction(s signals.Signal, p observation.Process) cause {
	doing := busy(p.State, p.Syscall, p.WChan)
	if isPending(p, s) {
		return cause{"no-reaction", fmt.Sprintf("%s is pending and was not taken yet; it is in %s", s, doing),
			"no thread came back from the kernel to take the signal: look at what it waits for"}
	}
	return cause{"no-reaction", fmt.Sprintf("it took %s and did not act on it; it is in %s", s, doing), noReactionHint}
}

// isPending says whether s waits for the process or for one of its threads.
func isPending(p observation.Process, s signals.Signal) bool {
	return p.Pending.Has(s) || slices.ContainsFunc(p.Threads, func(t observation.Thread) bool { return t.Pending.Has(s) })
}
