package reports

import (
	"math"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// holdBudget holds the campaign's latencies against expect.latency. Trials that proved
// nothing do not count: a starved machine is no fault of the target's.
func (c *tally) holdBudget(sum *Campaign) {
	budgets := c.scenario.Expect.Latency.Budgets()
	proved := slices.DeleteFunc(slices.Clone(c.latencies), func(t timed) bool { return !t.proved })
	if len(budgets) == 0 || len(proved) == 0 {
		return
	}
	sorted := sortedMillis(proved)
	var measured []verdict.Measured
	tightest := time.Duration(math.MaxInt64)
	for _, b := range budgets {
		m := verdict.Measured{Budget: b, Latency: time.Duration(math.Round(stats.Quantile(sorted, b.Share) * float64(time.Millisecond)))}
		if m.Latency > b.Most.D() {
			tightest = min(tightest, b.Most.D())
		}
		measured = append(measured, m)
	}
	if f, ok := verdict.Latency(measured, len(proved)); ok {
		sum.exceeded(f, slices.DeleteFunc(proved, func(t timed) bool { return t.latency <= tightest }))
	}
}

// exceeded adds the finding on the trials that were slower than the budget.
func (sum *Campaign) exceeded(f verdict.Finding, slow []timed) {
	g := Findings{Check: f.Check, Kind: f.Kind, Message: f.Message, Evidence: f.Evidence, Hint: f.Hint}
	for _, t := range slow {
		if g.add(t.trial) {
			g.Shot = t.shot
		}
	}
	sum.Findings = append(sum.Findings, g)
	slices.SortFunc(sum.Findings, moreFrequent)
	if sum.Verdict != verdict.Violation {
		sum.Verdict, sum.Reason = verdict.Violation, f.Message
	}
}
