package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// maxAgain bounds how many shots that failed before a run repeats of each scenario: a
// program that has to be killed takes its whole schedule for each of them.
const maxAgain = 20

// behindSweep is the index of the first repeated shot of a sweep, whose plan has no
// length before its reference run. No sweep comes that far.
const behindSweep = 100_000_000

// failing are the shots that failed in earlier runs of a store, and what becomes of
// them in this one. A nil one repeats and keeps nothing.
type failing struct {
	root  string
	shots map[string][]reports.Failure // to repeat, by scenario
	first map[string]int               // index of the first of them
	step  int                          // from one index to the next: shards have their own ones each
	noted map[string]bool              // scenarios whose list has changed
}

// readFailing finds the shots to repeat.
func readFailing(root string, scenarios []scenario.Scenario, seed uint64, shard reports.Shard) (*failing, error) {
	f := &failing{root, map[string][]reports.Failure{}, map[string]int{}, max(1, shard.Of), map[string]bool{}}
	for _, s := range scenarios {
		shots, err := reports.FailuresOf(root, s, "").ToReplay(maxAgain)
		if err != nil {
			return nil, broken(err)
		}
		f.shots[s.Name], f.first[s.Name] = shots, plan.New(s, seed).Len()
		if s.Strike.Sweep != nil {
			f.first[s.Name] = behindSweep
		}
		f.first[s.Name] += shard.Index
	}
	return f, nil
}

// of lists the shots of a scenario.
func (f *failing) of(s scenario.Scenario) []reports.Failure {
	if f == nil {
		return nil
	}
	return f.shots[s.Name]
}

// count is the number of all of them.
func (f *failing) count(scenarios []scenario.Scenario) (n int) {
	for _, s := range scenarios {
		n += len(f.of(s))
	}
	return n
}

// again repeats the shots of a scenario, one trial at a time.
func (f *failing) again(ctx context.Context, e *harness.Engine, drain <-chan struct{}, s scenario.Scenario) iter.Seq2[harness.Trial, error] {
	return func(yield func(harness.Trial, error) bool) {
		for i, k := range f.of(s) {
			if drained(drain) {
				return
			}
			trial, err := e.Trial(ctx, s, f.first[s.Name]+i*f.step, k.Shot)
			trial.Again = true
			if !yield(trial, err) || err != nil {
				return
			}
		}
	}
}

// note keeps the shot of a trial that failed, and that one passed which had failed. A
// trial that proved nothing, or could not be carried out, changes nothing.
func (f *failing) note(run string, s scenario.Scenario, t harness.Trial) error {
	if f == nil {
		return nil
	}
	list := reports.FailuresOf(f.root, s, run)
	switch {
	case t.Judgement.Verdict == verdict.Violation:
		f.noted[s.Name] = true
		return list.Failed(t)
	case t.Judgement.Verdict == verdict.Graceful && t.Again:
		f.noted[s.Name] = true
		return list.Passed(f.shots[s.Name][(t.Index-f.first[s.Name])/f.step])
	}
	return nil
}

// tidy puts the lists that have changed in order.
func (f *failing) tidy(scenarios []scenario.Scenario) error {
	var errs []error
	for _, s := range scenarios {
		if f != nil && f.noted[s.Name] {
			errs = append(errs, reports.FailuresOf(f.root, s, "").Tidy())
		}
	}
	return errors.Join(errs...)
}

// againText lists the shots to repeat for a dry run.
func againText(shots []reports.Failure) string {
	var points []string
	for _, k := range shots[:min(len(shots), shownShots)] {
		points = append(points, k.Shot.Point.String())
	}
	if rest := len(shots) - len(points); rest > 0 {
		points = append(points, fmt.Sprintf("and %d more", rest))
	}
	return fmt.Sprintf("%d × what failed before, in front of the plan: %s", len(shots), strings.Join(points, ", "))
}
