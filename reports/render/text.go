package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// Text writes what a person reads: a table of the scenarios, a worked example for
// each kind of finding, what was checked and what was not, and the verdict in the
// last line.
func Text(w io.Writer, r Report, style Style) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", heading(r))
	if len(r.Summary.Scenarios) > 0 {
		fmt.Fprintf(&b, "%s\n\n", scenarioTable(r.Summary.Scenarios, style))
	}
	for _, c := range r.Summary.Scenarios {
		fmt.Fprintf(&b, "%s: %s\n", Escape(c.Name), style.paint(c.Verdict))
		writeLines(&b, "  ", r.campaignLines(c))
		b.WriteByte('\n')
	}
	if c := r.Summary.Comparison; c != nil {
		writeComparison(&b, *c, style)
	}
	writeLines(&b, "", r.closing())
	fmt.Fprintf(&b, "%s: %s\n", style.paint(r.Summary.Verdict), r.conclusion())
	_, err := io.WriteString(w, b.String())
	return err
}

func writeLines(b *strings.Builder, indent string, lines []string) {
	for _, line := range lines {
		b.WriteString(indent + line + "\n")
	}
}

// heading is the run in one line.
func heading(r Report) string {
	parts := []string{strings.TrimSpace("sigprobe " + Escape(r.Info.Version))}
	if r.Info.ID != "" {
		parts = append(parts, "run "+Escape(r.Info.ID))
	}
	parts = append(parts, fmt.Sprintf("seed %d", r.Info.Seed))
	if shard := r.Info.Shard.String(); shard != "" {
		parts = append(parts, "shard "+shard)
	}
	if m := r.Info.Machine; m.OS != "" {
		parts = append(parts, strings.TrimSpace(Escape(m.OS+"/"+m.Arch+" "+m.Kernel)))
	}
	return strings.Join(parts, ", ")
}

func scenarioTable(campaigns []reports.Campaign, style Style) string {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"scenario", "verdict", "graceful", "p50", "p95", "p99", "max", "endings"})
	for _, c := range campaigns {
		t.AppendRow(table.Row{
			Escape(c.Name), style.paint(c.Verdict), fmt.Sprintf("%d of %d", c.Trials.Graceful, c.Trials.Due()),
			millis(c.Latency.P50), millis(c.Latency.P95), millis(c.Latency.P99), millis(c.Latency.Max), endings(c.Endings),
		})
	}
	look := table.StyleLight
	look.Options = table.Options{SeparateHeader: true}
	look.Format = table.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault}
	look.Box.PaddingLeft, look.Box.PaddingRight = "", "  "
	t.SetStyle(look)
	t.SetColumnConfigs(columns(campaigns, style))
	t.SuppressTrailingSpaces()
	return t.Render()
}

// columns sets figures to the right, and lets the endings, which can be many, have
// what is left of the width.
func columns(campaigns []reports.Campaign, style Style) []table.ColumnConfig {
	var configs []table.ColumnConfig
	for _, name := range []string{"graceful", "p50", "p95", "p99", "max"} {
		configs = append(configs, table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	if style.Width > 0 {
		const figures = 64 // columns of everything between name and endings
		name := 0
		for _, c := range campaigns {
			name = max(name, text.StringWidth(Escape(c.Name)))
		}
		configs = append(configs, table.ColumnConfig{Name: "endings", WidthMax: max(20, style.Width-figures-name), WidthMaxEnforcer: text.WrapSoft})
	}
	return configs
}

// closing is what is said once for the whole run.
func (r Report) closing() []string {
	var lines []string
	for _, d := range r.Summary.Degradations {
		lines = append(lines, fmt.Sprintf("measured less well (%s in %s): %s", Escape(d.What), counted(d.Count, "trial"), Escape(d.Why)))
	}
	for _, w := range r.Summary.Warnings {
		lines = append(lines, "warning: "+Escape(w.String()))
	}
	if note := r.unfinished(); note != "" {
		lines = append(lines, note)
	}
	if r.Store != "" {
		lines = append(lines, "kept in "+Escape(r.Store))
	}
	return lines
}

// paint marks a verdict: green, red, yellow, and magenta for the harness' own errors.
func (s Style) paint(v verdict.Verdict) string {
	color := map[verdict.Verdict]string{
		verdict.Graceful: "32", verdict.Violation: "31;1", verdict.Inconclusive: "33", verdict.Error: "35;1",
	}[v]
	if !s.Color || color == "" {
		return Escape(string(v))
	}
	return "\x1b[" + color + "m" + string(v) + "\x1b[0m"
}
