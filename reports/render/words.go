package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/explain"
)

// What text and JUnit say in the same words.

// shownTrials bounds how many indices stand in a line.
const shownTrials = 12

// shownReasons bounds the reasons why trials proved nothing; the summary as JSON has more.
const shownReasons = 10

// trialList is "4, 7, 12 and 30 more".
func trialList(g reports.Group) string { return numbers("", g.Trials, g.Count) }

// numbers is "#4, #7, #12 and 30 more": the first ones of so many, each with its mark.
func numbers(mark string, list []int, count int) string {
	shown := list[:min(len(list), shownTrials)]
	words := make([]string, len(shown))
	for i, n := range shown {
		words[i] = mark + strconv.Itoa(n)
	}
	text := strings.Join(words, ", ")
	if rest := count - len(shown); rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// made is the number of trials that could show something, replayed ones included.
func made(c reports.Campaign) int {
	if c.Replayed == nil {
		return c.Trials.Due()
	}
	return c.Trials.Due() + c.Replayed.Total
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
		fmt.Sprintf("%s/%s in %d of %s: %s", Escape(f.Check), Escape(f.Kind), f.Count, counted(made(c), "trial"), trialList(f.Group)),
		"  " + Escape(f.Message),
	}
	lines = append(lines, pointLines(c, f)...)
	lines = append(lines, fmt.Sprintf("  trial %d, %s", f.Example(), Escape(f.Shot)))
	for _, fact := range f.Evidence {
		lines = append(lines, "  | "+Escape(fact))
	}
	if f.Hint != "" {
		lines = append(lines, "  hint: "+Escape(f.Hint))
	}
	if command := explain.Command(f.Check, f.Kind); command != "" {
		lines = append(lines, "  explain: "+command)
	}
	lines = append(lines, shrunkLines(f)...)
	return append(lines, "  repeat it: "+r.replay(c.Name, f.Example()))
}

// shrunkLines is what a finding was narrowed down to.
func shrunkLines(f reports.Findings) []string {
	if f.Shrunk == nil {
		return nil
	}
	var lines []string
	for i, line := range f.Shrunk.Lines() {
		if i == 0 {
			line = fmt.Sprintf("shrunk, trial %d: %s", f.Shrunk.Trial, line)
		} else {
			line = "  " + line
		}
		lines = append(lines, "  "+Escape(line))
	}
	return lines
}

// pointLines is where in a sweep a finding came: "fails at write #3, #7 of 200, after".
func pointLines(c reports.Campaign, f reports.Findings) []string {
	if c.Sweep == nil {
		return nil
	}
	var lines []string
	for _, p := range f.Points {
		second := ""
		if c.Sweep.Signal == scenario.Second {
			second = " after the first signal"
		}
		lines = append(lines, fmt.Sprintf("  fails at %s %s of %d%s, %s", Escape(c.Sweep.Calls), numbers("#", p.Nth, p.Count), c.Sweep.Points, second, Escape(string(p.Side))))
	}
	return lines
}

// sweepLines says how far a sweep came.
func sweepLines(c reports.Campaign) []string {
	if c.Sweep == nil {
		return nil
	}
	what := c.Sweep.Calls
	if c.Sweep.Signal == scenario.Second {
		what = "the second signal over " + what
	}
	if c.Sweep.Path != "" {
		what += " on " + c.Sweep.Path
	}
	lines := []string{fmt.Sprintf("sweep of %s: %s", Escape(what), Escape(c.Sweep.Reason))}
	if varies := fmt.Sprintf("the number of calls differs from run to run, %d to %d", c.Sweep.Fewest, c.Sweep.Most); c.Sweep.Most > 0 && !strings.Contains(c.Sweep.Reason, varies) {
		lines = append(lines, varies)
	}
	for _, warning := range c.Sweep.Warnings {
		lines = append(lines, "warning: "+Escape(warning))
	}
	return lines
}

// replayedLines tells of the shots that had failed in earlier runs.
func replayedLines(c reports.Campaign) []string {
	r := c.Replayed
	if r == nil {
		return nil
	}
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{r.Violation, "still " + fails(r.Violation)}, {r.Graceful, "passed"},
		{r.Inconclusive, "proved nothing"}, {r.Error, "could not be repeated"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return []string{fmt.Sprintf("replaying %s that failed before: %s", counted(r.Total, "shot"), strings.Join(parts, ", "))}
}

func fails(n int) string {
	if n == 1 {
		return "fails"
	}
	return "fail"
}

// unprovenLines is one reason why trials proved nothing.
func (r Report) unprovenLines(c reports.Campaign, u reports.Unproven) []string {
	lines := []string{
		fmt.Sprintf("%s in %d of %s: %s", u.Verdict, u.Count, counted(made(c), "trial"), trialList(u.Group)),
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

// shownUnproven are the first reasons, and what is said of the rest; empty where there
// are no more.
func shownUnproven(c reports.Campaign) (shown []reports.Unproven, rest string) {
	shown = c.Unproven[:min(len(c.Unproven), shownReasons)]
	if left := c.Unproven[len(shown):]; len(left) > 0 {
		trials := 0
		for _, u := range left {
			trials += u.Count
		}
		rest = fmt.Sprintf("and %s in %s", counted(len(left), "other reason"), counted(trials, "trial"))
	}
	return shown, rest
}

// checkLines says what was held against the trials and what was not.
func checkLines(c reports.Campaign) []string {
	var checked, unchecked []string
	for _, check := range c.Checks {
		name := Escape(check.Check)
		switch {
		case check.Checked == 0:
			unchecked = append(unchecked, name)
		case check.Checked < c.Trials.Due():
			checked = append(checked, fmt.Sprintf("%s (%d of %s)", name, check.Checked, counted(c.Trials.Due(), "trial")))
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
	if c.Sweep == nil || c.Sweep.Reason != c.Reason {
		lines = append(lines, sweepLines(c)...)
	}
	lines = append(lines, replayedLines(c)...)
	lines = append(lines, rateLines(c)...)
	lines = append(lines, medianLines(c)...)
	for _, f := range c.Findings {
		lines = append(lines, r.findingLines(c, f)...)
	}
	shown, rest := shownUnproven(c)
	for _, u := range shown {
		lines = append(lines, r.unprovenLines(c, u)...)
	}
	if rest != "" {
		lines = append(lines, rest)
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
	var replayed, stillFail int
	for _, c := range r.Summary.Scenarios {
		sum.Graceful += c.Trials.Graceful
		sum.Violation += c.Trials.Violation
		sum.Inconclusive += c.Trials.Inconclusive
		sum.Error += c.Trials.Error
		sum.Absent += c.Trials.Absent
		if c.Replayed != nil {
			replayed += c.Replayed.Total
			stillFail += c.Replayed.Violation
		}
	}
	text := counted(sum.Total(), "trial") + " of " + counted(len(r.Summary.Scenarios), "scenario")
	if parts := tallied(sum); len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if replayed > 0 {
		text += fmt.Sprintf("; %d of %s that failed before still %s", stillFail, counted(replayed, "shot"), fails(stillFail))
	}
	if r.Summary.Comparison != nil {
		text += "; " + regressionsText(*r.Summary.Comparison) + " against the baseline"
	}
	return text
}
