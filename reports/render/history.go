package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// HistoryPages are the forms of a history's page.
var HistoryPages = []reports.HistoryPage{
	{Extension: ".md", Write: HistoryMarkdown},
	{Extension: ".html", Write: HistoryHTML},
}

// shownRuns is how many runs a page lists and draws, the newest ones.
const shownRuns = 50

// HistoryMarkdown is the page of a scenario: how it stands, when it became bad, when each
// finding was seen first and last, and the last runs.
func HistoryMarkdown(h reports.History) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n\n", markdownSafe(Escape(h.Scenario)))
	for _, line := range historyState(h) {
		fmt.Fprintf(&b, "%s\n\n", markdownSafe(line))
	}
	if sightings := h.Sightings(); len(sightings) > 0 {
		markdownTable(&b, "Findings", sightingHead, sightingRows(sightings))
	}
	markdownTable(&b, "Runs", runHead, runRows(h))
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n'), nil
}

func markdownTable(b *bytes.Buffer, title string, head []string, rows [][]string) {
	fmt.Fprintf(b, "## %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(markdownCells(row), " | "))
	}
	b.WriteByte('\n')
}

// historyState says in a few lines how the scenario stands.
func historyState(h reports.History) []string {
	if len(h.Entries) == 0 {
		return []string{"No run is kept."}
	}
	last := h.Entries[len(h.Entries)-1]
	lines := []string{fmt.Sprintf("Last run: %s, %s.", Escape(last.Run), entryVerdict(last))}
	first, bad := h.FirstBad()
	if !bad {
		return append(lines, fmt.Sprintf("%s kept; the last ones are not bad.", counted(len(h.Entries), "run")))
	}
	since := fmt.Sprintf("First bad run: %s of %s", Escape(first.Run), day(first.Started))
	if first.Version != "" {
		since += ", sigprobe " + Escape(first.Version)
	}
	if good, ok := h.LastGood(); ok {
		since += fmt.Sprintf("; the last good one before it: %s of %s", Escape(good.Run), day(good.Started))
	}
	return append(lines, since+".")
}

// entryVerdict is "violation, 2 regressions (latency, violations)".
func entryVerdict(e reports.Entry) string {
	text := Escape(string(e.Verdict))
	if n := len(e.Regressions); n > 0 {
		text += fmt.Sprintf(", %s (%s)", counted(n, "regression"), Escape(strings.Join(e.Regressions, ", ")))
	}
	return text
}

func day(t time.Time) string {
	if t.IsZero() {
		return "an unknown day"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

var sightingHead = []string{"finding", "first seen", "last seen", "runs", "trials of those runs"}

func sightingRows(list []reports.Sighting) (rows [][]string) {
	for _, s := range list {
		rows = append(rows, []string{
			Escape(s.Finding), seenIn(s.First), seenIn(s.Last), fmt.Sprint(s.Runs), fmt.Sprintf("%d of %d", s.Count, s.Of),
		})
	}
	return rows
}

func seenIn(e reports.Entry) string { return fmt.Sprintf("%s (%s)", day(e.Started), Escape(e.Run)) }

var runHead = []string{"started", "run", "verdict", "failures", "p50", "p95", "p99", "max", "findings"}

// runRows lists the runs, the newest first.
func runRows(h reports.History) (rows [][]string) {
	for _, e := range slices.Backward(newestRuns(h)) {
		var findings []string
		for _, s := range (reports.History{Entries: []reports.Entry{e}}).Sightings() {
			findings = append(findings, fmt.Sprintf("%d× %s", s.Count, Escape(s.Finding)))
		}
		rows = append(rows, []string{
			day(e.Started), Escape(e.Run), entryVerdict(e), failures(e),
			millis(e.Latency.P50), millis(e.Latency.P95), millis(e.Latency.P99), millis(e.Latency.Max), strings.Join(findings, ", "),
		})
	}
	return rows
}

func newestRuns(h reports.History) []reports.Entry {
	return h.Entries[max(0, len(h.Entries)-shownRuns):]
}

func failures(e reports.Entry) string {
	of := e.Trials.Conclusive()
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d of %d (%s)", e.Trials.Violation, of, stats.Percent(share(e)))
}

// share is the part of the conclusive trials that failed.
func share(e reports.Entry) float64 {
	return stats.Rate{Count: e.Trials.Violation, Of: e.Trials.Conclusive()}.Share()
}

// markdownSafe takes what Markdown and HTML would read as their own out of a text.
func markdownSafe(text string) string { return markdownMarks.Replace(text) }

func markdownCells(cells []string) []string {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = markdownSafe(cell)
	}
	return safe
}

var markdownMarks = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`,
	"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;",
)

// badEntry says whether a run is marked as bad.
func badEntry(e reports.Entry) bool { return e.Bad() || e.Verdict == verdict.Error }
