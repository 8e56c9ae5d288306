package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

type replayOptions struct {
	kept
	outputs outputs
	times   int
	quiet   bool
}

func newReplay(std streams) *cobra.Command {
	o := replayOptions{}
	c := &cobra.Command{
		Use:   "replay RUN TRIAL",
		Short: "The same shot again, with all evidence kept",
		Long: `Launch the target of a kept trial again and strike it at the same point.
RUN is a run's ID, its folder, or latest. TRIAL is its number, or SCENARIO/NUMBER
where the run has several scenarios. The replay is kept in the folder of the run.

The exit status is that of run.`,
		Example: "  sigprobe replay latest 7\n  sigprobe replay latest ledger/7 -n 20",
		Args:    exactly("RUN", "TRIAL"),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.replay(std, args[0], args[1])
		},
	}
	o.outputs.addFlags(c)
	o.kept.addFlags(c)
	c.Flags().IntVarP(&o.times, "times", "n", 1, "how often to repeat it")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "print the verdict alone, and no progress")
	return c
}

func (o *replayOptions) replay(std streams, name, trial string) error {
	if o.times < 1 {
		return usage("-n %d: repeat it once or more", o.times)
	}
	run, original, s, err := o.find(name, trial)
	if err != nil {
		return err
	}
	if err := o.outputs.open(); err != nil {
		return err
	}
	d := desk{std, &o.outputs, o.quiet}
	back := &recurrence{original: original.Judgement}
	_, err = d.carryOut(o.job(std, run, s, original, back))
	if back.trials > 0 {
		back.tell(d.human())
	}
	return err
}

// job repeats the shot. Its run is kept below the original one's folder, so that
// latest still means the run that is looked into.
func (o *replayOptions) job(std streams, run *reports.Run, s scenario.Scenario, original harness.Trial, back *recurrence) job {
	return job{
		info: reports.RunInfo{
			Version: version(), CommandLine: std.args, Seed: run.Info.Seed, Jobs: 1,
			Files: run.Info.Files, Scenarios: []scenario.Scenario{s}, Statistics: &reports.Statistics{OneShot: true},
		},
		root: filepath.Join(run.Dir, "replays"), named: (*reports.Writer).Path, keepEvidence: true, total: o.times,
		trials: func(ctx context.Context, e *engines, drain <-chan struct{}) iter.Seq2[harness.Trial, error] {
			return repeat(ctx, e.of(s), drain, s, original, o.times, back)
		},
	}
}

// repeat strikes at one point again and again, one trial at a time.
func repeat(ctx context.Context, e *harness.Engine, drain <-chan struct{}, s scenario.Scenario, original harness.Trial, times int, back *recurrence) iter.Seq2[harness.Trial, error] {
	return func(yield func(harness.Trial, error) bool) {
		for i := range times {
			if drained(drain) {
				return
			}
			trial, err := e.Trial(ctx, s, i, original.Shot)
			if err == nil {
				back.add(trial.Judgement)
			}
			if !yield(trial, err) || err != nil {
				return
			}
		}
	}
}

// recurrence counts how often what was found in a trial came back.
type recurrence struct {
	original verdict.Judgement
	trials   int
	verdicts int            // of the same verdict
	findings map[string]int // by check and kind
}

func (r *recurrence) add(j verdict.Judgement) {
	r.trials++
	if j.Verdict == r.original.Verdict {
		r.verdicts++
	}
	if r.findings == nil {
		r.findings = map[string]int{}
	}
	seen := map[string]bool{}
	for _, f := range j.Findings {
		if key := f.Check + "/" + f.Kind; !seen[key] {
			seen[key] = true
			r.findings[key]++
		}
	}
}

// tell says it: a line for each of the original's findings, or one for its verdict.
func (r *recurrence) tell(w io.Writer) {
	if len(r.original.Findings) == 0 {
		fmt.Fprintf(w, "the verdict %s came back in %d of %d\n", r.original.Verdict, r.verdicts, r.trials) //nolint:errcheck // the report was written to the same place
		return
	}
	for _, f := range r.original.Findings {
		key := f.Check + "/" + f.Kind
		fmt.Fprintf(w, "the finding %s came back in %d of %d\n", key, r.findings[key], r.trials) //nolint:errcheck // likewise
	}
}
