package verdict

import (
	"fmt"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Measured is a quantile of a campaign's shutdown latencies beside its budget.
type Measured struct {
	scenario.Budget
	Latency time.Duration
}

// Latency holds the budgets of a campaign, expect.latency, against what so many of its
// trials showed. ok is false where all are kept, or there is none.
func Latency(quantiles []Measured, trials int) (f Finding, ok bool) {
	var over, evidence []string
	for _, q := range quantiles {
		verdict := "kept"
		if q.Latency > q.Most.D() {
			verdict = "exceeded"
			over = append(over, fmt.Sprintf("%s is %s, %s allowed", q.Name, span(q.Latency), span(q.Most.D())))
		}
		evidence = append(evidence, fmt.Sprintf("%s: %s of %s, %s", q.Name, span(q.Latency), span(q.Most.D()), verdict))
	}
	if len(over) == 0 {
		return Finding{}, false
	}
	return Finding{
		Check:    "deadline",
		Kind:     "latency-budget",
		Message:  fmt.Sprintf("the shutdown latency of %s exceeds its budget: %s", count(trials, "trial", "trials"), strings.Join(over, "; ")),
		Evidence: evidence,
		Hint:     "see in the trials listed what the target waited for; where it needs the time, allow more in expect.latency",
	}, true
}
