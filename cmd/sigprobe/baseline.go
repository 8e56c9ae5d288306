package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/reports"
)

type baselineOptions struct {
	store string
	force bool
}

func newBaseline(std streams) *cobra.Command {
	o := baselineOptions{}
	c := &cobra.Command{
		Use:   "baseline",
		Short: "Keep a run in a file that later runs are compared with",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	update := &cobra.Command{
		Use:   "update FILE [RUN]",
		Short: "Take a run's scenarios over into a baseline file",
		Long: `Take over what a run showed into a baseline file, which is made where there is none:
RUN is an ID, a folder, or latest, which is the default. Scenarios that the run does not
have stay as they are. Commit the file; sigprobe run --baseline FILE compares with it.`,
		Example: "  sigprobe baseline update baseline.json\n  sigprobe baseline update baseline.json 20260102-030405.678-k3f9qa",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			run := "latest"
			if len(args) > 1 {
				run = args[1]
			}
			return o.update(std, args[0], run)
		},
	}
	update.Flags().StringVar(&o.store, "store", reports.DefaultRoot, "folder of the run store")
	update.Flags().BoolVar(&o.force, "force", false, "take over a run that is not complete, or that proved nothing")
	c.AddCommand(update)
	return c
}

func (o *baselineOptions) update(std streams, path, name string) error {
	run, err := reports.OpenIn(o.store, name)
	if err != nil {
		return &exit{statusUsage, err}
	}
	newer, warnings, err := run.Baseline()
	if err != nil {
		return broken(err)
	}
	if err := o.sound(newer, run.Info.ID); err != nil {
		return err
	}
	b, known, err := reports.ReadBaseline(path)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = reports.Baseline{Schema: newer.Schema, Kind: newer.Kind}, nil
	}
	if err != nil {
		return &exit{statusUsage, err}
	}
	for _, warning := range append(warnings, known...) {
		note(std.err, "warning: %s", warning)
	}
	b.Update(newer)
	return o.write(std, path, b, newer)
}

// sound refuses what later runs could not be compared with.
func (o *baselineOptions) sound(b reports.Baseline, run string) error {
	if len(b.Scenarios) == 0 {
		return usage("run %s has no scenario to keep", run)
	}
	for _, k := range b.Scenarios {
		switch {
		case o.force:
		case k.Run.Cut != "":
			return usage("run %s is not complete: %s; run it to its end, or add --force", run, k.Run.Cut)
		case k.Trials.Conclusive() == 0:
			return usage("no trial of %s in run %s proved anything, so nothing can be compared with it; see sigprobe report %s, or add --force", k.Name, run, run)
		}
	}
	return nil
}

func (o *baselineOptions) write(std streams, path string, b, newer reports.Baseline) error {
	text, err := b.Encode()
	if err == nil {
		err = replaceFile(path, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	if err != nil {
		return broken(fmt.Errorf("write the baseline %s: %w; name a file in a folder that can be written", path, cause(err)))
	}
	for _, k := range newer.Scenarios {
		line := fmt.Sprintf("%s: %d trials kept", k.Name, k.Trials.Conclusive())
		if k.Trials.Violation > 0 {
			line += fmt.Sprintf(", %d of them violations, which later runs may have as often", k.Trials.Violation)
		}
		note(std.out, "%s", line)
	}
	return nil
}

// baselineFor reads the baseline of a run before anything is launched; nil for no path.
func baselineFor(std streams, path string) (*reports.Baseline, error) {
	if path == "" {
		return nil, nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil, usage("--baseline %s: %w; make it with sigprobe baseline update %s", path, cause(err), path)
	}
	b, err := openBaseline(std, reports.DefaultRoot, path)
	if err != nil {
		return nil, err
	}
	return &b, nil
}
