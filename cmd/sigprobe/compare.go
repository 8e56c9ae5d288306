package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

type compareOptions struct {
	limitsFlags
	store  string
	format string
	path   string
}

func newCompare(std streams) *cobra.Command {
	o := compareOptions{}
	c := &cobra.Command{
		Use:   "compare BASELINE RUN",
		Short: "What became worse or better between two runs, and what is chance",
		Long: `Compare a run with an earlier one. Each is a run (its ID, its folder, or latest) or a
baseline file, which sigprobe baseline update makes.

Verdicts, endings and findings are compared by Fisher's exact test, shutdown latencies by
that of Mann and Whitney, corrected for their number (Holm). A difference that may well
be chance is shown as ~.

Exit status: 0 no regression, 1 a regression, 2 no scenario on both sides.`,
		Example: "  sigprobe compare baseline.json latest\n  sigprobe compare 20260102-030405.678-k3f9qa latest --format markdown",
		Args:    exactly("BASELINE", "RUN"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.compare(std, args[0], args[1]) },
	}
	flags := c.Flags()
	flags.SortFlags = false
	o.addFlags(flags)
	flags.StringVar(&o.format, "format", "text", compareFormats())
	flags.StringVarP(&o.path, "output", "o", stdoutPath, "file to write")
	flags.StringVar(&o.store, "store", reports.DefaultRoot, "folder of the run store")
	return c
}

func compareFormats() string {
	return strings.Join(slices.Sorted(maps.Keys(render.CompareFormats)), ", ")
}

func (o *compareOptions) compare(std streams, before, after string) error {
	format, known := render.CompareFormats[o.format]
	if !known {
		return usage("--format %s: there are %s", o.format, compareFormats())
	}
	var sides [2]reports.Baseline
	for i, name := range []string{before, after} {
		side, err := openBaseline(std, o.store, name)
		if err != nil {
			return err
		}
		sides[i] = side
	}
	c := reports.Compare(sides[0], sides[1], o.limits())
	if err := o.write(std.out, format, c); err != nil && !readerGone(err) {
		return broken(fmt.Errorf("write the comparison: %w; name another file with -o", err))
	}
	return by(statusOfComparison(c))
}

// openBaseline reads one side, and tells of what could not be used of it.
func openBaseline(std streams, store, name string) (reports.Baseline, error) {
	b, warnings, err := reports.OpenBaseline(store, name)
	if err != nil {
		return b, &exit{statusUsage, err}
	}
	for _, warning := range warnings {
		note(std.err, "warning: %s", warning)
	}
	return b, nil
}

func (o *compareOptions) write(stdout io.Writer, format render.CompareFormat, c reports.Comparison) error {
	if o.path == stdoutPath {
		return format(stdout, c, styleFor(stdout))
	}
	return replaceFile(o.path, func(w io.Writer) error { return format(w, c, render.Style{}) })
}

func statusOfComparison(c reports.Comparison) int {
	switch {
	case c.Regressions > 0:
		return statusViolation
	case len(c.Scenarios) == 0:
		return statusInconclusive
	}
	return statusGraceful
}

// statusOfRun is the exit status of a run: that of its verdict, but no better than a
// violation where it shows a regression.
func statusOfRun(s reports.Summary) int {
	status := statusOf(s.Verdict)
	if s.Comparison != nil && s.Comparison.Regressions > 0 && s.Verdict != verdict.Error {
		return statusViolation
	}
	return status
}
