package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// TAP writes a test point for each scenario, in version 14 of the Test Anything Protocol
// (testanything.org). A violation and a failure of the harness are "not ok", told apart by
// the severity in their diagnostics; what proved nothing is skipped. A run that was given
// up bails out.
func TAP(w io.Writer, r Report, _ Style) error {
	var b strings.Builder
	b.WriteString("TAP version 14\n")
	fmt.Fprintf(&b, "1..%d", len(r.Summary.Scenarios))
	if len(r.Summary.Scenarios) == 0 {
		b.WriteString(" # SKIP the run has no scenario")
	}
	b.WriteByte('\n')
	fmt.Fprintf(&b, "# %s\n", heading(r))
	for i, c := range r.Summary.Scenarios {
		r.point(&b, i+1, c)
	}
	for _, line := range r.closing() {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	fmt.Fprintf(&b, "# %s: %s\n", Escape(string(r.Summary.Verdict)), r.conclusion())
	if f := r.Finished; f != nil && f.Error != "" {
		fmt.Fprintf(&b, "Bail out! %s\n", Escape(f.Error))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// point is a test point with its diagnostics.
func (r Report) point(b *strings.Builder, n int, c reports.Campaign) {
	switch c.Verdict {
	case verdict.Graceful:
		fmt.Fprintf(b, "ok %d - %s\n", n, described(named(c)))
	case verdict.Inconclusive:
		fmt.Fprintf(b, "ok %d - %s # SKIP inconclusive: %s\n", n, described(named(c)), described(headline(c)))
	default:
		fmt.Fprintf(b, "not ok %d - %s\n", n, described(named(c)))
	}
	r.diagnostics(b, c)
}

// described is a text in the line of a test point, where a # would begin a directive.
func described(text string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(Escape(text))
}

// diagnostics is the YAML block behind a test point.
func (r Report) diagnostics(b *strings.Builder, c reports.Campaign) {
	b.WriteString("  ---\n")
	if c.Verdict != verdict.Graceful {
		fmt.Fprintf(b, "  message: %s\n  severity: %s\n", yamlText(headline(c)), yamlText(Escape(string(c.Verdict))))
	}
	t := c.Trials
	fmt.Fprintf(b, "  trials: %d\n  graceful: %d\n  violation: %d\n  inconclusive: %d\n  error: %d\n", t.Total, t.Graceful, t.Violation, t.Inconclusive, t.Error)
	if trial, ok := worstTrial(c); ok {
		fmt.Fprintf(b, "  replay: %s\n", yamlText(r.replay(c.Name, trial)))
	}
	if c.Verdict != verdict.Graceful {
		// Perl's reader takes a ": " in a list for a map; a block has no such trap. Its
		// first line says how far it is indented.
		b.WriteString("  details: |\n")
		details := strings.Join(r.campaignLines(c), "\n    ")
		fmt.Fprintf(b, "    %s\n", strings.TrimLeft(details, " "))
	}
	b.WriteString("  ...\n")
}

// yamlText is a text as YAML's single-quoted scalar, where nothing but the quote itself
// means anything. What does not print was escaped before.
func yamlText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
