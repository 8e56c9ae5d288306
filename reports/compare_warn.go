package reports

import (
	"fmt"

	"github.com/sigprobe/sigprobe/reports/stats"
)

// warnings tells why the figures of the two sides may not be of one kind.
func (p pair) warnings() (list []string) {
	list = append(list, machines(p.before.Run.Machine, p.after.Run.Machine)...)
	for _, side := range []struct {
		name string
		kept Kept
	}{{"baseline", p.before}, {"run", p.after}} {
		list = append(list, side.kept.doubts(side.name)...)
	}
	if (p.before.Sweep == nil) != (p.after.Sweep == nil) {
		list = append(list, "one side is a sweep and the other is not: their points differ, and so may all figures")
	}
	if p.swept() && p.before.Sweep.Points != p.after.Sweep.Points {
		list = append(list, fmt.Sprintf("the sweeps have %d and %d points, so that the same number is not the same call: only findings that are all new or gone count", p.before.Sweep.Points, p.after.Sweep.Points))
	}
	return list
}

// machines tells in what the machines differ, as far as both are known.
func machines(a, b Machine) (list []string) {
	differ := func(what, before, after string) {
		if before != "" && after != "" && before != after {
			list = append(list, fmt.Sprintf("another %s: %s in the baseline, %s now; latencies may differ for that", what, before, after))
		}
	}
	differ("system", a.OS+"/"+a.Arch, b.OS+"/"+b.Arch)
	differ("kernel", a.Kernel, b.Kernel)
	if a.Cores > 0 && b.Cores > 0 {
		differ("number of processors", fmt.Sprint(a.Cores), fmt.Sprint(b.Cores))
	}
	return list
}

// doubts tells what keeps the trials of a side from saying much.
func (k Kept) doubts(side string) (list []string) {
	if k.Run.Cut != "" {
		list = append(list, fmt.Sprintf("the %s is not complete: %s", side, k.Run.Cut))
	}
	unproven := k.Trials.Total - k.Trials.Conclusive() - k.Trials.Absent
	if due := k.Trials.Due(); unproven > 0 && 2*unproven >= due {
		list = append(list, fmt.Sprintf("%d of %s in the %s proved nothing; those that are left may be a choice of them", unproven, counted(due, "trial"), side))
	}
	return list
}

// warnOfFew says where so few trials could not have shown any difference.
func (c *Comparison) warnOfFew(one *Compared, tests []*test) {
	family := 0
	for _, t := range tests {
		if t.P != nil && !t.idle {
			family++
		}
	}
	family = max(family, 1)
	for _, change := range one.Changes {
		if change.P == nil || change.What != Violations && change.What != LatencyOf {
			continue
		}
		before, after, floor := change.Before.Of, change.After.Of, stats.FisherFloor
		if change.What == LatencyOf {
			before, after, floor = change.Before.Count, change.After.Count, stats.MannWhitneyFloor
		}
		if floor(before, after)*float64(family) > c.Limits.Alpha {
			one.Warnings = append(one.Warnings, fmt.Sprintf("%s: %d against %s show no difference however large; %d on each side would", change.What, before, counted(after, "trial"), enough(floor, c.Limits.Alpha/float64(family))))
		}
	}
}

// enough is the smallest number of trials on each side that can show a difference.
func enough(floor func(a, b int) float64, alpha float64) int {
	n := 1
	for n < stats.MaxTrials && floor(n, n) > alpha {
		n++
	}
	return n
}
