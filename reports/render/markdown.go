package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// SummaryLimit is how large a job summary of GitHub Actions may be, in bytes: a larger one
// is not shown at all (docs.github.com, "Workflow commands", step isolation and limits).
const SummaryLimit = 1 << 20

const (
	// shownRows bounds the scenarios in a table.
	shownRows = 100
	// shownRunes bounds a text of unknown origin.
	shownRunes = 1000
)

// Markdown writes the summary as GitHub-flavoured Markdown, in at most [SummaryLimit]
// bytes: a table of the scenarios, and a section for each that was not graceful.
//
// Whatever a target printed stands in code, where no mention, no link and no HTML is seen.
func Markdown(w io.Writer, r Report, _ Style) error { return MarkdownWithin(w, r, SummaryLimit) }

// MarkdownWithin writes at most so many bytes. What does not fit is left out, whole
// sections at a time, and counted in the end.
func MarkdownWithin(w io.Writer, r Report, limit int) error {
	_, err := io.WriteString(w, r.markdown(limit))
	return err
}

func (r Report) markdown(limit int) string {
	worst := worstFirst(r.Summary.Scenarios)
	head := r.markdownHead() + overviewTable(worst)
	tail := r.markdownTail()
	const note = 200 // bytes for what is said of the sections that are left out
	if len(head)+len(tail)+note > limit {
		head, tail = r.markdownHead(), ""
	}
	if len(head)+note > limit {
		return clipBytes("sigprobe: "+string(r.Summary.Verdict)+"\n", limit)
	}
	left := 0
	for _, c := range worst {
		section := r.markdownSection(c)
		if section != "" && len(head)+len(section)+len(tail)+note > limit {
			left++
			continue
		}
		head += section
	}
	if left > 0 {
		head += fmt.Sprintf("%s left out: a summary may have %d bytes. See `sigprobe report`.\n\n", counted(left, "section"), limit)
	}
	return head + tail
}

// worstFirst puts what has to be mended before the rest; the order is kept otherwise.
func worstFirst(campaigns []reports.Campaign) []reports.Campaign {
	sorted := slices.Clone(campaigns)
	slices.SortStableFunc(sorted, func(a, b reports.Campaign) int {
		switch worst := verdict.Worst(a.Verdict, b.Verdict); {
		case a.Verdict == b.Verdict:
			return 0
		case worst == a.Verdict:
			return -1
		}
		return 1
	})
	return sorted
}

func (r Report) markdownHead() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## sigprobe: %s\n\n%s\n\n", Escape(string(r.Summary.Verdict)), code(r.conclusion()))
	fmt.Fprintf(&b, "%s\n\n", code(heading(r)))
	if note := r.unfinished(); note != "" {
		fmt.Fprintf(&b, "**Not complete:** %s\n\n", code(note))
	}
	return b.String()
}

func overviewTable(campaigns []reports.Campaign) string {
	if len(campaigns) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| scenario | verdict | graceful | p50 | p95 | p99 | max | endings |\n|---|---|--:|--:|--:|--:|--:|---|\n")
	for _, c := range campaigns[:min(len(campaigns), shownRows)] {
		l := c.Latency
		fmt.Fprintf(&b, "| %s | %s | %d of %d | %s | %s | %s | %s | %s |\n", tableCell(c.Name), Escape(string(c.Verdict)), c.Trials.Graceful, c.Trials.Due(),
			millis(l.P50), millis(l.P95), millis(l.P99), millis(l.Max), tableCell(endings(c.Endings)))
	}
	b.WriteByte('\n')
	if rest := len(campaigns) - shownRows; rest > 0 {
		fmt.Fprintf(&b, "And %s more.\n\n", counted(rest, "scenario"))
	}
	return b.String()
}

// markdownSection tells of a scenario that was not graceful; others stand in the table.
func (r Report) markdownSection(c reports.Campaign) string {
	if c.Verdict == verdict.Graceful && c.Sweep == nil && c.Replayed == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### %s: %s\n\n", code(c.Name), Escape(string(c.Verdict)))
	for _, line := range slices.Concat(sweepLines(c), replayedLines(c)) {
		fmt.Fprintf(&b, "%s\n\n", code(line))
	}
	for _, f := range c.Findings {
		lines := r.findingLines(c, f)
		fmt.Fprintf(&b, "**%s**\n\n%s\n\n", code(lines[0]), fenced(lines[1:]))
	}
	shown, rest := shownUnproven(c)
	for _, u := range shown {
		lines := r.unprovenLines(c, u)
		fmt.Fprintf(&b, "**%s**\n\n%s\n\n", code(lines[0]), fenced(lines[1:]))
	}
	if rest != "" {
		fmt.Fprintf(&b, "%s\n\n", code(rest))
	}
	for _, line := range slices.Concat(checkLines(c), lateLines(c)) {
		fmt.Fprintf(&b, "- %s\n", code(line))
	}
	b.WriteByte('\n')
	return b.String()
}

func (r Report) markdownTail() string {
	var b strings.Builder
	for _, line := range r.closing() {
		if line != r.unfinished() {
			fmt.Fprintf(&b, "- %s\n", code(line))
		}
	}
	return b.String()
}

// code is a text as a code span: its fence is longer than any row of backticks in it.
func code(text string) string {
	text = clip(Escape(text))
	if strings.TrimSpace(text) == "" {
		return "` `" // an empty span is none
	}
	fence := strings.Repeat("`", longestRow(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") {
		text = " " + text + " " // of which the reader takes one off at each end
	}
	return fence + text + fence
}

// tableCell is a code span in a table, where a | would end the cell even in code.
func tableCell(text string) string {
	if text == "" {
		return ""
	}
	return code(strings.ReplaceAll(Escape(text), "|", `\x7c`))
}

// fenced is a block of code, a line for each of the lines.
func fenced(lines []string) string {
	row := 2
	var b strings.Builder
	for _, line := range lines {
		line = clip(Escape(strings.TrimPrefix(line, "  ")))
		row = max(row, longestRow(line, '`'))
		b.WriteString(line + "\n")
	}
	fence := strings.Repeat("`", row+1)
	return fence + "text\n" + b.String() + fence
}

// longestRow is the length of the longest row of a character in a text.
func longestRow(text string, char rune) (longest int) {
	row := 0
	for _, r := range text {
		if r != char {
			row = 0
			continue
		}
		row++
		longest = max(longest, row)
	}
	return longest
}

// clip bounds a text for the eye.
func clip(text string) string {
	if utf8.RuneCountInString(text) <= shownRunes {
		return text
	}
	return string([]rune(text)[:shownRunes]) + "…"
}

// clipBytes cuts a text that has no more room, between two characters.
func clipBytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	limit = max(limit, 0)
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
