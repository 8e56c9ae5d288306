package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

type replayOptions struct {
	outputs outputs
	store   string
	env     []string
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
	c.Flags().StringVar(&o.store, "store", reports.DefaultRoot, "folder of the run store")
	c.Flags().StringArrayVar(&o.env, "env", nil, "K=V, a variable of the scenario, whose value is not recorded; repeatable")
	c.Flags().IntVarP(&o.times, "times", "n", 1, "how often to repeat it")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "print the verdict alone, and no progress")
	return c
}

func (o *replayOptions) replay(std streams, name, trial string) error {
	if o.times < 1 {
		return usage("-n %d: repeat it once or more", o.times)
	}
	run, err := reports.OpenIn(o.store, name)
	if err != nil {
		return &exit{statusUsage, err}
	}
	original, err := findTrial(run, trial)
	if err != nil {
		return err
	}
	s, err := o.scenario(run, original.Scenario)
	if err != nil {
		return err
	}
	if err := portsFree([]scenario.Scenario{s}); err != nil {
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
			Files: run.Info.Files, Scenarios: []scenario.Scenario{s},
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

// findTrial finds a trial by its number or SCENARIO/NUMBER.
func findTrial(run *reports.Run, text string) (found harness.Trial, err error) {
	name, number, named := cutLast(text)
	index, err := strconv.Atoi(number)
	if err != nil || index < 0 {
		return found, usage("%q is no trial; write its number, or SCENARIO/NUMBER, as in %s/0", text, firstScenario(run))
	}
	if !named && len(run.Info.Scenarios) > 1 {
		return found, usage("the run has %d scenarios; say which one's trial: %s/%d", len(run.Info.Scenarios), firstScenario(run), index)
	}
	trials, err := run.Trials()
	if err != nil {
		return found, &exit{statusUsage, err}
	}
	defer trials.Close() //nolint:errcheck // opened for reading
	for trials.Scan() {
		t := trials.Trial()
		if t.Index == index && (!named || t.Scenario == name) {
			return t, nil
		}
	}
	if err := trials.Err(); err != nil {
		return found, broken(err)
	}
	return found, usage("run %s has no finished trial %s; see sigprobe report %s", run.Info.ID, text, run.Info.ID)
}

// cutLast divides SCENARIO/NUMBER.
func cutLast(text string) (name, number string, named bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

func firstScenario(run *reports.Run) string {
	if len(run.Info.Scenarios) == 0 {
		return "SCENARIO"
	}
	return run.Info.Scenarios[0].Name
}

// scenario is the stored one, with the values of its environment, which is not stored.
func (o *replayOptions) scenario(run *reports.Run, name string) (scenario.Scenario, error) {
	i := slices.IndexFunc(run.Info.Scenarios, func(s scenario.Scenario) bool { return s.Name == name })
	if i < 0 {
		return scenario.Scenario{}, usage("run %s has lost its description of scenario %s, so it cannot be launched again; run it anew", run.Info.ID, name)
	}
	s := run.Info.Scenarios[i].WithDefaults()
	s.Target.Env = envFromFiles(run.Info.Files, name)
	for _, pair := range o.env {
		if err := setEnv(&s, pair); err != nil {
			return s, usage("--env: %w", err)
		}
	}
	var missing []string
	for _, variable := range run.Info.EnvNames[name] {
		if _, known := s.Target.Env[variable]; !known {
			missing = append(missing, "--env "+variable+"=VALUE")
		}
	}
	if len(missing) > 0 {
		return s, usage("the values of the environment are not recorded, and the scenario file is not as it was; give them with %s", strings.Join(missing, " "))
	}
	s, problems := scenario.Resolve(s, "")
	return s, inFlags(problems)
}

// envFromFiles reads the scenario's variables from its file, where that still is what
// it was.
func envFromFiles(files []reports.SourceFile, name string) map[string]string {
	for _, file := range files {
		if now, err := sourceFile(file.Path); err != nil || now.SHA256 != file.SHA256 {
			continue
		}
		scenarios, err := scenario.Load(file.Path)
		if err != nil {
			continue
		}
		for _, s := range scenarios {
			if s.Name == name {
				return s.Target.Env
			}
		}
	}
	return nil
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
