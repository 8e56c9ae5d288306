package main

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// statisticsFlags are the flags of run about what its random shots are to show.
type statisticsFlags struct {
	confidence, rate shareValue
	sequential       bool
}

func (f *statisticsFlags) addFlags(flags *pflag.FlagSet) {
	flags.Var(&f.confidence, "confidence", defaultOf("confidence of bounds and intervals", "95%"))
	flags.Var(&f.rate, "failure-rate", "make as many trials as show, if none fails, that fewer stops than this fail; in place of --trials")
	flags.BoolVar(&f.sequential, "sequential", false, "with --failure-rate: end each scenario as soon as a sequential test has decided")
}

// asked is what the flags ask for; nil where they are not given.
func (f *statisticsFlags) asked() *reports.Statistics {
	if *f == (statisticsFlags{}) {
		return nil
	}
	return &reports.Statistics{Confidence: float64(f.confidence), FailureRate: float64(f.rate), Sequential: f.sequential}
}

// over sets the number of trials of the scenarios whose shots are drawn.
func (f *statisticsFlags) over(scenarios []scenario.Scenario, trialsGiven bool) error {
	switch {
	case f.sequential && f.rate == 0:
		return usage("--sequential needs a rate to decide about; add --failure-rate, such as 2%%")
	case f.sequential && f.confidence != 0 && f.confidence <= 0.5:
		return usage("--confidence %s: a test that is wrong as often as right decides nothing; write more than 50%%", &f.confidence)
	case f.rate == 0:
		return nil
	case trialsGiven:
		return usage("--trials and --failure-rate exclude each other; keep one")
	}
	n := f.asked().Trials()
	if n > maxTrialsAsked {
		return usage("--failure-rate %s takes %d trials, and a campaign has at most %d; ask for a higher rate, or for less --confidence", &f.rate, n, maxTrialsAsked)
	}
	if !anyDrawn(scenarios) {
		return usage("--failure-rate is for shots that are drawn, and a sweep enumerates its points; leave it out")
	}
	for i := range scenarios {
		if scenarios[i].Strike.Sweep != nil {
			continue
		}
		if err := setTrials(&scenarios[i], strconv.Itoa(n)); err != nil {
			return usage("--failure-rate: %w", err)
		}
	}
	return nil
}

// anyDrawn says whether a scenario has shots that are drawn.
func anyDrawn(scenarios []scenario.Scenario) bool {
	return slices.ContainsFunc(scenarios, func(s scenario.Scenario) bool { return s.Strike.Sweep == nil })
}

// maxTrialsAsked is the most that a scenario may ask for.
const maxTrialsAsked = 1_000_000

// untilDecided runs a campaign to the end of its plan, or until the sequential test that
// was asked for has decided. Trials that run then are finished and handed out.
func untilDecided(ctx context.Context, e *harness.Engine, campaign harness.Campaign, asked *reports.Statistics) iter.Seq2[harness.Trial, error] {
	test := asked.Deciding()
	if test == nil || campaign.Scenario.Strike.Sweep != nil {
		return campaign.Trials(ctx, e)
	}
	return func(yield func(harness.Trial, error) bool) {
		enough, decided := context.WithCancel(context.Background())
		defer decided()
		go func(drain <-chan struct{}) {
			select {
			case <-drain:
				decided()
			case <-enough.Done():
			}
		}(campaign.Drain)
		campaign.Drain = enough.Done()
		for trial, err := range campaign.Trials(ctx, e) {
			if !yield(trial, err) || err != nil {
				return
			}
			if test.Judge(trial); test.Decided() {
				decided()
			}
		}
	}
}
