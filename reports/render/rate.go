package render

import (
	"fmt"

	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// rateLines say what the trials show of the shots that were not made.
func rateLines(c reports.Campaign) []string {
	switch {
	case c.Sequential != nil:
		return sequentialLines(*c.Sequential)
	case c.FailureRate == nil, c.FailureRate.Below >= 1:
		return nil // where all failed, no rate is ruled out
	}
	r := *c.FailureRate
	line := fmt.Sprintf("%s in %d: below %s with %s confidence", counted(r.Failures, "failure"), r.Trials, stats.PercentAbove(r.Below), stats.Percent(r.Confidence))
	if r.Failures == 0 && r.Needed > 0 {
		line += fmt.Sprintf("; %d trials without one would show that it is below %s", r.Needed, stats.Percent(r.Wanted))
	}
	return []string{line}
}

func sequentialLines(s reports.Sequential) []string {
	seen := fmt.Sprintf("%s in %d", counted(s.Failures, "failure"), s.Trials)
	said := map[stats.Decision]string{
		stats.Accept: "accepted after " + seen,
		stats.Reject: "rejected after " + seen,
		stats.GoOn:   "not decided after " + seen,
	}[s.Decision]
	return []string{said, "rule: " + s.Rule}
}

// medianLines say how well the median is known, and where in the target's life stops are slow.
func medianLines(c reports.Campaign) []string {
	var lines []string
	if i := c.Latency.P50Interval; i != nil {
		lines = append(lines, fmt.Sprintf("median latency between %s and %s with %s confidence", millis(&i.Low), millis(&i.High), stats.Percent(i.Confidence)))
	}
	for _, part := range c.LatencyBy {
		lines = append(lines, fmt.Sprintf("  %s in %s: p50 %s, p95 %s, p99 %s, max %s", whereText(part.Where), counted(part.Count, "trial"),
			millis(part.P50), millis(part.P95), millis(part.P99), millis(part.Max)))
	}
	return lines
}

func whereText(w reports.Where) string {
	switch w {
	case reports.Startup:
		return "struck before it was ready"
	case reports.Work:
		return "struck at work"
	case reports.Second:
		return "sent a second signal"
	}
	return Escape(string(w))
}
