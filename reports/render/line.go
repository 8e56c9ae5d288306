package render

import (
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// shownKinds bounds how many kinds of finding stand in one line.
const shownKinds = 5

// Line is a campaign in one line, as a log shows it the moment it ends:
// "ledger-writer: violation, 20 trials: 10 violation, 10 graceful; survivors/orphan in 10".
func Line(c reports.Campaign) string {
	text := fmt.Sprintf("%s: %s, %s", Escape(c.Name), Escape(string(c.Verdict)), counted(made(c), "trial"))
	if parts := tallied(c.Trials.Tally); len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	var kinds []string
	for _, f := range c.Findings[:min(len(c.Findings), shownKinds)] {
		kinds = append(kinds, fmt.Sprintf("%s/%s in %d", Escape(f.Check), Escape(f.Kind), f.Count))
	}
	if rest := len(c.Findings) - len(kinds); rest > 0 {
		kinds = append(kinds, fmt.Sprintf("%d more", rest))
	}
	if len(kinds) > 0 {
		return text + "; " + strings.Join(kinds, ", ")
	}
	if len(c.Unproven) > 0 && c.Verdict != verdict.Graceful {
		return text + "; " + Escape(c.Unproven[0].Reason)
	}
	return text
}

// tallied lists the verdicts that came, the worst first.
func tallied(t verdict.Tally) []string {
	var parts []string
	for _, part := range []struct {
		n    int
		name verdict.Verdict
	}{{t.Violation, verdict.Violation}, {t.Error, verdict.Error}, {t.Inconclusive - t.Absent, verdict.Inconclusive}, {t.Graceful, verdict.Graceful}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	if t.Absent > 0 {
		parts = append(parts, fmt.Sprintf("%d without a further call", t.Absent))
	}
	return parts
}
