package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// CompareFormat writes a comparison. Its error is the writer's.
type CompareFormat func(io.Writer, reports.Comparison, Style) error

// CompareFormats are all of them, by the name that compare --format takes.
var CompareFormats = map[string]CompareFormat{
	"json":     CompareJSON,
	"markdown": CompareMarkdown,
	"text":     CompareText,
}

// CompareJSON writes the comparison, indented, as it stands in a run's summary too.
func CompareJSON(w io.Writer, c reports.Comparison, _ Style) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(c); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// CompareText writes what a person reads: a table of what may differ, `~` where chance
// accounts for it, the warnings, and in the last line what it comes to.
func CompareText(w io.Writer, c reports.Comparison, style Style) error {
	var b strings.Builder
	writeComparison(&b, c, style)
	fmt.Fprintf(&b, "%s\n", compareConclusion(c))
	_, err := io.WriteString(w, b.String())
	return err
}

// CompareMarkdown writes the same as tables of Markdown, for a comment or a summary page.
func CompareMarkdown(w io.Writer, c reports.Comparison, _ Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n", markdownSafe(compareConclusion(c)))
	if rows := compareRows(c); len(rows) > 0 {
		b.WriteString("\n| scenario | figure | baseline | now | p | outcome |\n|---|---|---|---|---|---|\n")
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(markdownCells(r.cells()), " | "))
		}
	}
	if notes := compareNotes(c); len(notes) > 0 {
		b.WriteByte('\n')
		for _, note := range notes {
			fmt.Fprintf(&b, "- %s\n", markdownSafe(note))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeComparison is the table with its notes, without the conclusion.
func writeComparison(b *strings.Builder, c reports.Comparison, style Style) {
	if rows := compareRows(c); len(rows) > 0 {
		fmt.Fprintf(b, "%s\n\n", compareTable(rows, style))
	}
	writeLines(b, "", compareNotes(c))
}

func compareTable(rows []compareRow, style Style) string {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"scenario", "figure", "baseline", "now", "p", "outcome"})
	for _, r := range rows {
		row := table.Row{}
		for _, cell := range r.cells() {
			row = append(row, cell)
		}
		row[len(row)-1] = style.paintOutcome(r.Outcome, r.outcome())
		t.AppendRow(row)
	}
	look := table.StyleLight
	look.Options = table.Options{SeparateHeader: true}
	look.Format = table.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault}
	look.Box.PaddingLeft, look.Box.PaddingRight = "", "  "
	t.SetStyle(look)
	t.SuppressTrailingSpaces()
	return t.Render()
}

// compareRow is a change as it is shown.
type compareRow struct {
	scenario string
	reports.Change
}

// compareRows leaves out what did not change, but for the figures that everybody asks for.
func compareRows(c reports.Comparison) (rows []compareRow) {
	for _, one := range c.Scenarios {
		for _, change := range one.Changes {
			asked := change.What == reports.Violations || change.What == reports.LatencyOf
			if asked || change.Note != "" {
				rows = append(rows, compareRow{one.Name, change})
			}
		}
	}
	return rows
}

func (r compareRow) cells() []string {
	return []string{Escape(r.scenario), Escape(r.Figure()), measure(r.Before), measure(r.After), chance(r.Corrected), r.outcome()}
}

// outcome is "regression: slower", and "~" where nothing is decided.
func (r compareRow) outcome() string {
	switch {
	case r.Outcome == reports.Undecided:
		return "~"
	case r.Outcome == reports.Negligible:
		return "negligible: " + r.Note
	case r.Note == "":
		return string(r.Outcome)
	}
	return string(r.Outcome) + ": " + Escape(r.Note)
}

// measure is "3 of 200 (1.5 %)", or "12.3 ms, p95 14.0 ms".
func measure(m reports.Measure) string {
	switch {
	case m.P50 != nil:
		return fmt.Sprintf("%s, p95 %s", millis(m.P50), millis(m.P95))
	case m.Count == 0 || m.Of == 0:
		return fmt.Sprintf("%d of %d", m.Count, m.Of)
	}
	return fmt.Sprintf("%d of %d (%s)", m.Count, m.Of, stats.Percent(float64(m.Count)/float64(m.Of)))
}

// chance is a probability with two digits that count; "" where nothing was tested.
func chance(p *float64) string {
	switch {
	case p == nil:
		return ""
	case *p < 0.0001:
		return "<0.0001"
	case *p >= 0.995:
		return "1"
	}
	return strconv.FormatFloat(*p, 'g', 2, 64)
}

// compareNotes are the warnings, and what could not be compared.
func compareNotes(c reports.Comparison) (lines []string) {
	for _, one := range c.Scenarios {
		for _, warning := range one.Warnings {
			lines = append(lines, fmt.Sprintf("warning: %s: %s", Escape(one.Name), Escape(warning)))
		}
	}
	for _, name := range c.Gone {
		lines = append(lines, fmt.Sprintf("%s: only the baseline has it; it was not compared", Escape(name)))
	}
	for _, name := range c.New {
		lines = append(lines, fmt.Sprintf("%s: the baseline does not have it; take it over with sigprobe baseline update", Escape(name)))
	}
	return lines
}

// compareConclusion is what it comes to, in one line.
func compareConclusion(c reports.Comparison) string {
	if len(c.Scenarios) == 0 {
		return "nothing was compared: no scenario is on both sides"
	}
	tested := fmt.Sprintf("%s compared; a regression by chance in at most %s of such comparisons, latencies from %s and %s on",
		counted(len(c.Scenarios), "scenario"), stats.Percent(c.Limits.Alpha), c.Limits.Shift.Round(time.Microsecond), stats.Percent(c.Limits.Change))
	return regressionsText(c) + ": " + tested
}

// regressionsText is "no regression", "2 regressions".
func regressionsText(c reports.Comparison) string {
	if c.Regressions == 0 {
		return "no regression"
	}
	return counted(c.Regressions, "regression")
}

// paintOutcome marks what became worse red and what became better green.
func (s Style) paintOutcome(o reports.Outcome, words string) string {
	color := map[reports.Outcome]string{reports.Regression: "31;1", reports.Improvement: "32"}[o]
	if !s.Color || color == "" {
		return words
	}
	return "\x1b[" + color + "m" + words + "\x1b[0m"
}
