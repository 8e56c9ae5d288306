package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

type shrinkOptions struct {
	kept
	finding string
	budget  time.Duration
	quiet   bool
}

func newShrink(std streams) *cobra.Command {
	o := shrinkOptions{}
	c := &cobra.Command{
		Use:   "shrink RUN TRIAL",
		Short: "The smallest window, and the fewest signals, that make a trial fail",
		Long: `Launch the target of a kept trial again and again to find out between which moments
and which system calls a signal brings the finding, with which signals and
deliveries, and how many signals are needed. RUN and TRIAL are those of replay.
The result is kept in the folder of the run, and its report shows it.

Exit status: 1 where the finding came back, 2 where it did not, 64 usage error,
70 harness error, 128+N interrupted by signal N: with what is known by then.`,
		Example: "  sigprobe shrink latest 7\n  sigprobe shrink latest ledger/7 --budget 2m",
		Args:    exactly("RUN", "TRIAL"),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.shrink(std, args[0], args[1])
		},
	}
	o.kept.addFlags(c)
	c.Flags().StringVar(&o.finding, "finding", "", "CHECK/KIND of the finding (default the trial's first)")
	c.Flags().DurationVar(&o.budget, "budget", time.Minute, "time in which shots are begun")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "print the result in one line, and no progress")
	return c
}

func (o *shrinkOptions) shrink(std streams, name, trial string) error {
	if o.budget <= 0 {
		return usage("--budget %s: it takes some time; write one such as 60s", o.budget)
	}
	run, original, s, err := o.find(name, trial)
	if err != nil {
		return err
	}
	check, kind, err := chosenFinding(original, o.finding)
	if err != nil {
		return err
	}
	tell := func(what string) {
		if !o.quiet {
			note(std.err, "%s", what)
		}
	}
	ctx, signalled, stop := watchInterrupts(context.Background(), std.err, s.Target.InheritSignals)
	defer stop()
	r, err := shrinkAlone(ctx, harness.Shrink{
		Scenario: s, Trial: original, Check: check, Kind: kind, Budget: o.budget, Drain: signalled.drain, Tell: tell,
	})
	if ctx.Err() != nil {
		caught, _ := signalled.by()
		return by(interrupted(caught))
	}
	if err == nil {
		err = errors.Join(reports.KeepShrunk(run.Dir, r), o.show(std.out, run, r))
	}
	if caught, ok := signalled.by(); ok && err == nil {
		return by(interrupted(caught))
	}
	return cmp.Or(broken(err), by(shrunkStatus(r)))
}

// shrinkAlone shrinks with an engine of its own. Nothing of any shot is alive afterwards.
func shrinkAlone(ctx context.Context, s harness.Shrink) (shrink.Result, error) {
	e, err := harness.Open(1)
	if err != nil {
		return shrink.Result{}, err
	}
	r, err := s.Run(ctx, e)
	return r, errors.Join(err, e.Close())
}

func shrunkStatus(r shrink.Result) int {
	if r.Back {
		return statusViolation
	}
	return statusInconclusive
}

// chosenFinding is the finding of that name, or the trial's first.
func chosenFinding(t harness.Trial, name string) (check, kind string, err error) {
	var names []string
	for _, f := range t.Judgement.Findings {
		if found := f.Check + "/" + f.Kind; name == "" || name == found {
			return f.Check, f.Kind, nil
		} else if !slices.Contains(names, found) {
			names = append(names, found)
		}
	}
	if len(names) == 0 {
		return "", "", usage("trial %d of %s is %s and has no finding; name one that violates an expectation", t.Index, t.Scenario, t.Judgement.Verdict)
	}
	return "", "", usage("--finding %s: trial %d of %s has no such finding; it has %s", name, t.Index, t.Scenario, strings.Join(names, ", "))
}

func (o *shrinkOptions) show(w io.Writer, run *reports.Run, r shrink.Result) error {
	lines := r.Lines()
	if o.quiet {
		_, err := fmt.Fprintln(w, render.Escape(lines[0]))
		return err
	}
	text := fmt.Sprintf("%s: %s/%s of trial %d, %s\n", r.Scenario, r.Check, r.Kind, r.Trial, r.Shot)
	for _, line := range lines {
		text += "  " + line + "\n"
	}
	text += fmt.Sprintf("kept in %s/%s\n", run.Dir, reports.ShrunkPath(r.Scenario, r.Trial))
	for line := range strings.Lines(text) {
		if _, err := fmt.Fprintln(w, render.Escape(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}

// shrinks are what a run is to shrink at its end: for each kind of finding of a scenario
// the first trial, by number, that showed it and was struck at a moment. A nil one
// shrinks nothing.
type shrinks struct {
	budget time.Duration // for all of them
	trials map[toShrink]harness.Trial
}

type toShrink struct{ scenario, check, kind string }

// note looks at a trial of the run.
func (s *shrinks) note(t harness.Trial) {
	if s == nil || t.Judgement.Verdict != verdict.Violation || t.Shot.Point.Time == nil {
		return
	}
	for _, f := range t.Judgement.Findings {
		key := toShrink{t.Scenario, f.Check, f.Kind}
		if first, known := s.trials[key]; !known || t.Index < first.Index {
			s.trials[key] = t
		}
	}
}

// carryOut shrinks them, each with an equal part of the time that is left, and hands out
// every result.
func (s *shrinks) carryOut(ctx context.Context, e *engines, drain <-chan struct{}, of func(string) scenario.Scenario, tell func(string), keep func(shrink.Result) error) error {
	if s == nil {
		return nil
	}
	began := time.Now()
	keys := s.keys()
	for i, key := range keys {
		share := (s.budget - time.Since(began)) / time.Duration(len(keys)-i)
		if share <= 0 || closed(drain) {
			return nil
		}
		tell(fmt.Sprintf("shrinking %s/%s of %s, trial %d", key.check, key.kind, key.scenario, s.trials[key].Index))
		r, err := harness.Shrink{
			Scenario: of(key.scenario), Trial: s.trials[key], Check: key.check, Kind: key.kind, Budget: share, Drain: drain,
		}.Run(ctx, e.of(of(key.scenario)))
		if err != nil {
			return nil // the context ended; there is nothing more
		}
		if err := keep(r); err != nil {
			return err
		}
	}
	return nil
}

// keys are in the order of the trials.
func (s *shrinks) keys() []toShrink {
	var keys []toShrink
	for key := range s.trials {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b toShrink) int {
		return cmp.Or(cmp.Compare(a.scenario, b.scenario), cmp.Compare(s.trials[a].Index, s.trials[b].Index), cmp.Compare(a.check, b.check), cmp.Compare(a.kind, b.kind))
	})
	return keys
}

func closed(drain <-chan struct{}) bool {
	select {
	case <-drain:
		return true
	default:
		return false
	}
}
