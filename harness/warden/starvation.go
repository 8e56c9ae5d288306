package warden

import (
	"bytes"
	"maps"
	"os"
	"strconv"
	"time"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// starvation measures how long the target's tree was kept from a processor by others
// between the strike and its end. That a deadline was missed proves nothing about a
// target which waited for a processor all the time.
type starvation struct {
	from  time.Duration // when the measurement is due to begin
	begun bool
	base  load
}

// load is what was used and missed up to a moment.
type load struct {
	waiting time.Duration         // some task of the tree was runnable and had no processor
	threads map[int]time.Duration // the same of each thread that is alive
	by      string                // how that is known
	tree    time.Duration         // processor time of the tree
	machine time.Duration         // processor time of everybody, and time stolen by the hypervisor
}

// calm is how long after the strike the measurement begins. A target that leaves
// within this time is not measured at all: it cannot have missed a deadline that matters.
const calm = 2 * time.Millisecond

// tick is the resolution of the processor times in /proc/stat (USER_HZ is 100).
const tick = 10 * time.Millisecond

func (s *starvation) watch(strike time.Duration) { s.from = strike + calm }

func (s *starvation) begin(t *trial) { s.begun, s.base = true, t.load() }

// finish ends the measurement, once. The wait counts only as far as others used the
// processors in that time: a tree that outnumbers the processors starves itself.
func (s *starvation) finish(t *trial, _ time.Duration) {
	if !s.begun || t.o.Starvation.By != "" {
		return
	}
	now := t.load()
	if now.by == "" || now.by != s.base.by {
		return
	}
	others := (now.machine - s.base.machine) - (now.tree - s.base.tree) + tick
	waiting, by := now.waiting-s.base.waiting, now.by
	if longest := now.longest(s.base); longest > waiting {
		waiting, by = longest, "schedstat"
	}
	t.o.Starvation.Waiting = max(0, min(waiting, others))
	t.o.Starvation.By = by
}

// longest is how long the thread that waited most has waited since. The pressure of a
// cgroup is an average over the processors, each weighted by the time in which anything
// of the group was there (kernel/sched/psi.c): of a thread that is moved from one to the
// other while it waits it shows as little as half.
func (l load) longest(base load) (longest time.Duration) {
	for tid, waited := range l.threads {
		longest = max(longest, waited-base.threads[tid])
	}
	return longest
}

// load reads the sums: from the cgroup where there is one with pressure information,
// else summed over the threads of the tree that are alive; and for each of these.
func (t *trial) load() load {
	l := load{machine: machineTime(), threads: map[int]time.Duration{}}
	for _, pid := range append(t.livePIDs(), t.target.PID) {
		h, err := proc.Open(pid)
		if err != nil {
			continue
		}
		if used, waited, each, err := h.RunDelay(); err == nil {
			l.by = "schedstat"
			l.tree += used
			l.waiting += waited
			maps.Copy(l.threads, each)
		}
		h.Close()
	}
	if t.w.group == nil {
		return l
	}
	waiting, haveWaiting := t.w.group.waiting()
	usage, haveUsage := t.w.group.usage()
	if haveWaiting && haveUsage {
		l.by = "pressure"
		l.waiting = time.Duration(waiting) * time.Microsecond
		l.tree = time.Duration(usage) * time.Microsecond
	}
	return l
}

func (t *trial) livePIDs() []int {
	var pids []int
	for _, m := range proc.Descendants(t.target.PID) {
		pids = append(pids, m.PID)
	}
	return pids
}

// machineTime sums the processor time of all processors but for idling: user, nice,
// system, irq, softirq and steal of the first line of /proc/stat (proc_stat(5)).
func machineTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} {
		if i < len(fields) {
			n, _ := strconv.ParseInt(string(fields[i]), 10, 64) //nolint:errcheck // the kernel writes numbers
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}
