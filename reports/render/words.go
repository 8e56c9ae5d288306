package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// What text and JUnit say in the same words.

// shownTrials bounds how many indices stand in a line.
const shownTrials = 12

// trialList is "4, 7, 12 and 30 more".
func trialList(g reports.Group) string {
	shown := g.Trials[:min(len(g.Trials), shownTrials)]
	words := make([]string, len(shown))
	for i, trial := range shown {
		words[i] = strconv.Itoa(trial)
	}
	list := strings.Join(words, ", ")
	if rest := g.Count - len(shown); rest > 0 {
		list += fmt.Sprintf(" and %d more", rest)
	}
	return list
}

// endings is "clean 17, code 1 3": the most frequent first.
func endings(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d× %s", counts[name], Escape(name))
	}
	return strings.Join(names, ", ")
}

// millis is a latency with about three digits; "–" when there is none.
func millis(value *float64) string {
	if value == nil {
		return "–"
	}
	ms := *value
	switch {
	case ms >= 10_000:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	case ms >= 1000:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + " s"
	case ms >= 100:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case ms >= 10:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	}
	return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
}

// findingLines is one kind of finding with its worked example.
func (r Report) findingLines(c reports.Campaign, f reports.Findings) []string {
	lines := []string{
		fmt.Sprintf("%s/%s in %d of %s: %s", Escape(f.Check), Escape(f.Kind), f.Count, counted(c.Trials.Total, "trial"), trialList(f.Group)),
		"  " + Escape(f.Message),
		fmt.Sprintf("  trial %d, %s", f.Example(), Escape(f.Shot)),
	}
	for _, fact := range f.Evidence {
		lines = append(lines, "  | "+Escape(fact))
	}
	if f.Hint != "" {
		lines = append(lines, "  hint: "+Escape(f.Hint))
	}
	return append(lines, "  repeat it: "+r.replay(c.Name, f.Example()))
}

// unprovenLines is one reason why trials proved nothing.
func (r Report) unprovenLines(c reports.Campaign, u reports.Unproven) []string {
	lines := []string{
		fmt.Sprintf("%s in %d of %s: %s", u.Verdict, u.Count, counted(c.Trials.Total, "trial"), trialList(u.Group)),
		"  " + Escape(u.Reason),
	}
	if u.Remedy != "" {
		lines = append(lines, "  remedy: "+Escape(u.Remedy))
	}
	if u.Verdict == verdict.Error {
		lines = append(lines, "  repeat it: "+r.replay(c.Name, u.Example()))
	}
	return lines
}

// checkLines says what was held against the trials and what was not.
func checkLines(c reports.Campaign) []string {
	var checked, unchecked []string
	for _, check := range c.Checks {
		name := Escape(check.Check)
		switch {
		case check.Checked == 0:
			unchecked = append(unchecked, name)
		case check.Checked < c.Trials.Total:
			checked = append(checked, fmt.Sprintf("%s (%d of %s)", name, check.Checked, counted(c.Trials.Total, "trial")))
		default:
			checked = append(checked, name)
		}
	}
	var lines []string
	if len(checked) > 0 {
		lines = append(lines, "checked: "+strings.Join(checked, ", "))
	}
	if len(unchecked) > 0 {
		lines = append(lines, "not checked: "+strings.Join(unchecked, ", "))
	}
	return lines
}

// lateLines tells of shots that came late: their points are not those of the plan.
func lateLines(c reports.Campaign) []string {
	if c.Late == 0 {
		return nil
	}
	return []string{fmt.Sprintf("late: %s came more than %s after the planned moment", counted(c.Late, "shot"), reports.LateShot)}
}

// campaignLines is all that is to be said of a scenario below its name.
func (r Report) campaignLines(c reports.Campaign) []string {
	var lines []string
	if c.Reason != "" {
		lines = append(lines, Escape(c.Reason))
	}
	for _, f := range c.Findings {
		lines = append(lines, r.findingLines(c, f)...)
	}
	for _, u := range c.Unproven {
		lines = append(lines, r.unprovenLines(c, u)...)
	}
	lines = append(lines, checkLines(c)...)
	return append(lines, lateLines(c)...)
}

// unfinished says why the trials may not be all; empty for a complete run.
func (r Report) unfinished() string {
	switch {
	case r.Finished == nil:
		return "the run is not finished: it goes on, or sigprobe was killed; this is what it has recorded"
	case r.Finished.Error != "":
		return "the run was given up: " + Escape(r.Finished.Error)
	case r.Finished.InterruptedBy != "":
		return "the run was interrupted by " + Escape(r.Finished.InterruptedBy) + "; this is what it had recorded"
	}
	return ""
}

// conclusion is the verdict in one line, with what it rests on.
func (r Report) conclusion() string {
	var sum verdict.Tally
	for _, c := range r.Summary.Scenarios {
		sum.Graceful += c.Trials.Graceful
		sum.Violation += c.Trials.Violation
		sum.Inconclusive += c.Trials.Inconclusive
		sum.Error += c.Trials.Error
	}
	var parts []string
	for _, part := range []struct {
		n    int
		name verdict.Verdict
	}{{sum.Violation, verdict.Violation}, {sum.Error, verdict.Error}, {sum.Inconclusive, verdict.Inconclusive}, {sum.Graceful, verdict.Graceful}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	text := counted(sum.Total(), "trial") + " of " + counted(len(r.Summary.Scenarios), "scenario")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}
