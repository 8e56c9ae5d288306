package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

type reportOptions struct {
	store  string
	format string
	path   string
	gate   bool
}

func newReport(std streams) *cobra.Command {
	o := reportOptions{}
	formats := strings.Join(slices.Sorted(maps.Keys(render.Formats)), ", ")
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "Show a kept run again",
		Long: `Show a kept run: its ID, its folder, or latest. A run that goes on, or whose sigprobe
was killed, is shown as far as it came.`,
		Example: "  sigprobe report latest\n  sigprobe report latest --format junit -o report.xml",
		Args:    exactly("RUN"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.report(std, args[0]) },
	}
	c.Flags().StringVar(&o.format, "format", "text", formats)
	c.Flags().StringVarP(&o.path, "output", "o", stdoutPath, "file to write")
	c.Flags().StringVar(&o.store, "store", reports.DefaultRoot, "folder of the run store")
	c.Flags().BoolVar(&o.gate, "gate", false, "exit by the verdict, as run does")
	return c
}

func (o *reportOptions) report(std streams, name string) error {
	format, known := render.Formats[o.format]
	if !known {
		return usage("--format %s: there are %s", o.format, strings.Join(slices.Sorted(maps.Keys(render.Formats)), ", "))
	}
	run, err := reports.OpenIn(o.store, name)
	if err != nil {
		return &exit{statusUsage, err}
	}
	gathered := render.NewGathered(run.Info)
	var also []func(harness.Trial)
	if render.NeedsTrials(o.format) {
		also = append(also, gathered.Add)
	}
	summary, err := run.Summarize(also...)
	if err != nil {
		return broken(err)
	}
	for _, warning := range summary.Warnings {
		note(std.err, "warning: %s", warning)
	}
	r := render.Report{
		Summary: summary, Info: run.Info, Finished: run.Finished, Store: run.Dir, Run: o.named(run),
		Trials: func() (*render.Gathered, error) { return gathered, nil }, Printed: run.Printed,
	}
	if err := o.write(std.out, format, r); err != nil && !readerGone(err) {
		return broken(fmt.Errorf("write the report: %w; name another file with -o", err))
	}
	if o.gate {
		return by(statusOf(summary.Verdict))
	}
	return nil
}

func (o *reportOptions) write(stdout io.Writer, format render.Format, r render.Report) error {
	if o.path == stdoutPath {
		return format(stdout, r, styleFor(stdout))
	}
	file, err := openOutput(o.format, o.path)
	if err != nil {
		return err
	}
	return file.write(stdout, r)
}

// named is how the replay lines name the run: by its ID where that is found without
// --store.
func (o *reportOptions) named(run *reports.Run) string {
	if known, err := reports.Open(run.Info.ID); err == nil && same(known.Dir, run.Dir) {
		return run.Info.ID
	}
	return run.Dir
}

func same(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && a == b
}
