package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"iter"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// runOptions are the flags of run that are no field of a scenario.
type runOptions struct {
	sources
	outputs      outputs
	seed         string
	jobs         int
	shard        string
	stop         stopRule
	store        string
	dryRun       bool
	quiet        bool
	keepEvidence bool
	noFailures   bool
	shrink       bool
	shrinkBudget time.Duration
	statistics   statisticsFlags
	limits       limitsFlags
	baseline     string
	history      string
}

func newRun(std streams) *cobra.Command {
	o := runOptions{sources: sources{flags: &overlay{}}}
	c := &cobra.Command{
		Use:   "run [FILE…] [flags] [-- COMMAND…]",
		Short: "Launch, strike, judge: the exit status is the gate",
		Long: `Run the scenarios of files, or a command after --, and report.
Flags win over a file and are laid over all its scenarios.

Exit status: 0 all graceful, 1 violation or regression, 2 inconclusive only, 64 usage or
scenario error, 70 harness error, 128+N interrupted by signal N. The first SIGINT, SIGTERM
or SIGHUP lets the running trials end and reports, the second leaves at once.`,
		Example: `  sigprobe run -- ./my-service --port 8080
  sigprobe run --trials 200 --signal INT --ready-output 'listening' -- ./my-service
  sigprobe run scenarios.yaml --junit report.xml`,
		RunE: func(c *cobra.Command, args []string) error {
			o.files, o.command = atDash(c, args)
			if err := o.stop.check(c); err != nil {
				return err
			}
			return o.run(std)
		},
	}
	o.flags.addFlags(c)
	o.outputs.addFlags(c)
	flags := c.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.seed, "seed", "", "seed of all shots, a whole number (default a random one, which is printed)")
	flags.IntVar(&o.jobs, "jobs", 1, "trials at a time; scenarios with a fixed port, or that look at files of a shared folder, have one")
	flags.StringVar(&o.shard, "shard", "", "run part I of N of the plan, as in 2/8; auto asks the CI system or Slurm; needs --seed")
	o.stop.addFlags(c)
	flags.StringVar(&o.name, "name", "", "name of the command's scenario (default the program's)")
	flags.StringArrayVar(&o.only, "scenario", nil, "run only the scenario of this name; repeatable")
	flags.StringVar(&o.store, "store", reports.DefaultRoot, "folder of the run store")
	flags.BoolVar(&o.keepEvidence, "keep-evidence", false, "keep the evidence of graceful trials too")
	flags.BoolVar(&o.noFailures, "no-failures", false, "neither repeat the shots that failed in earlier runs, nor keep those that fail in this one")
	flags.BoolVar(&o.shrink, "shrink", false, "narrow each kind of finding at a moment down at the end: to the window, the system calls and the signals that bring it")
	flags.DurationVar(&o.shrinkBudget, "shrink-budget", harness.DefaultShrinkBudget, "time for all that --shrink does")
	o.statistics.addFlags(flags)
	flags.StringVar(&o.baseline, "baseline", "", "compare with this baseline file or run; a regression is exit status 1")
	o.limits.addFlags(flags)
	flags.StringVar(&o.history, "history", "", "folder of the histories, to which the run is added: a page for each scenario")
	flags.BoolVar(&o.dryRun, "dry-run", false, "say what would be launched and where the shots land; launch nothing")
	flags.BoolVar(&o.quiet, "quiet", false, "print the verdict alone, in one line, and no progress")
	return c
}

func (o *runOptions) run(std streams) error {
	seed, err := parseSeed(o.seed)
	if err != nil {
		return err
	}
	if o.jobs < 1 {
		return usage("--jobs %d: at least one trial must run at a time; write 1 or more", o.jobs)
	}
	if o.shrinkBudget <= 0 {
		return usage("--shrink-budget %s: shrinking takes some time; write one such as 30s", o.shrinkBudget)
	}
	scenarios, files, err := o.gather()
	if err != nil {
		return err
	}
	shard, err := parseShard(o.shard)
	if err == nil {
		err = checkShard(shard, o.seed, scenarios)
	}
	if err != nil {
		return err
	}
	if o.statistics.sequential && shard.Of > 1 {
		return usage("--sequential and --shard exclude each other: a shard does not see the other shards' trials; keep one")
	}
	if err := o.statistics.over(scenarios, o.flags.values["trials"] != nil); err != nil {
		return err
	}
	for _, s := range scenarios {
		warnOfShim(std.err, s.Target.Command[0])
	}
	baseline, err := baselineFor(std, o.baseline)
	if err != nil {
		return err
	}
	failing, err := o.failing(scenarios, seed, shard)
	if err != nil {
		return err
	}
	if o.dryRun {
		return dryRun(std.out, scenarios, failing, seed, shard, o.jobs)
	}
	if err := portsFree(scenarios); err != nil {
		return err
	}
	held := against{baseline, o.limits.limits(), o.history}
	if err := held.ready(); err != nil {
		return err
	}
	if err := o.outputs.open(); err != nil {
		return err
	}
	j := o.job(std, scenarios, files, failing, seed, shard)
	j.against = held
	_, err = desk{std, &o.outputs, o.quiet}.carryOut(j)
	return err
}

// failing finds the shots that failed in earlier runs; nil where nobody wants them.
func (o *runOptions) failing(scenarios []scenario.Scenario, seed uint64, shard reports.Shard) (*failing, error) {
	if o.noFailures {
		return nil, nil
	}
	return readFailing(o.store, scenarios, seed, shard)
}

// job is the run's campaigns, one after the other.
func (o *runOptions) job(std streams, scenarios []scenario.Scenario, files []reports.SourceFile, failing *failing, seed uint64, shard reports.Shard) job {
	asked, total := o.statistics.asked(), planned(scenarios, failing, seed, shard)
	if o.statistics.sequential {
		total = unknown
	}
	return job{
		info: reports.RunInfo{
			Version: version(), CommandLine: std.args, Seed: seed, Jobs: o.jobs, Shard: shard, Files: files, Scenarios: scenarios, Statistics: asked,
		},
		root: o.store, named: nameIn(o.store), keepEvidence: o.keepEvidence, total: total, failing: failing, shrinks: o.shrinks(), stop: &o.stop,
		trials: func(ctx context.Context, e *engines, drain <-chan struct{}) iter.Seq2[harness.Trial, error] {
			return campaigns(ctx, e, drain, scenarios, failing, seed, shard, asked)
		},
	}
}

// shrinks is nil where nobody asks for them.
func (o *runOptions) shrinks() *shrinks {
	if !o.shrink {
		return nil
	}
	return &shrinks{o.shrinkBudget, map[toShrink]harness.Trial{}}
}

// planned is the number of trials, with those that are repeated; unknown where one of the scenarios is a sweep, whose
// reference run has to count first.
func planned(scenarios []scenario.Scenario, failing *failing, seed uint64, shard reports.Shard) (total int) {
	for _, s := range scenarios {
		if s.Strike.Sweep != nil {
			return unknown
		}
		total += sizeOf(shard, plan.New(s, seed).Len())
	}
	return total + failing.count(scenarios)
}

// campaigns runs one scenario after the other, so that a report of an interrupted run
// has whole campaigns. What failed before comes first, in every shard.
func campaigns(ctx context.Context, e *engines, drain <-chan struct{}, scenarios []scenario.Scenario, failing *failing, seed uint64, shard reports.Shard, asked *reports.Statistics) iter.Seq2[harness.Trial, error] {
	return func(yield func(harness.Trial, error) bool) {
		for _, s := range scenarios {
			if drained(drain) {
				return // a sweep would begin with its reference run
			}
			campaign := harness.Campaign{Scenario: s, Seed: seed, Drain: drain, Skip: func(i int) bool { return !shard.Has(i) }}
			for _, trials := range []iter.Seq2[harness.Trial, error]{failing.again(ctx, e.of(s), drain, s), untilDecided(ctx, e.of(s), campaign, asked)} {
				for trial, err := range trials {
					if !yield(trial, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

func drained(drain <-chan struct{}) bool {
	select {
	case <-drain:
		return true
	default:
		return false
	}
}

// nameIn is how a run is named on a command line: by its ID, and in another store
// than the default by its folder.
func nameIn(root string) func(*reports.Writer) string {
	return func(w *reports.Writer) string {
		if filepath.Clean(root) == reports.DefaultRoot {
			return w.ID()
		}
		return w.Path()
	}
}

// parseSeed reads a seed; "" draws one. A drawn one has at most 53 bits, so that
// readers of JSON which know floating-point numbers only keep it whole.
func parseSeed(text string) (uint64, error) {
	if text == "" {
		var random [8]byte
		rand.Read(random[:]) //nolint:errcheck // never fails, says its documentation
		return binary.NativeEndian.Uint64(random[:]) >> 11, nil
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usage("--seed %s: it is no seed; write a whole number from 0 to %d", text, uint64(1<<64-1))
	}
	return seed, nil
}
