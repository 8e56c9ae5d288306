package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

// job is a number of trials to carry out, keep and report.
type job struct {
	info reports.RunInfo
	// root is the run store.
	root string
	// named is how a command line names the run; nil for its ID.
	named func(*reports.Writer) string
	// keepEvidence keeps it of graceful trials too.
	keepEvidence bool
	total        int // or unknown
	// stop ends the job early; nil never does.
	stop *stopRule
	// failing keeps what fails; nil keeps nothing.
	failing *failing
	// shrinks are narrowed down after the trials; nil for nothing.
	shrinks *shrinks
	against against
	// trials makes them; when drain is closed it lets those that run end.
	trials func(ctx context.Context, e *engines, drain <-chan struct{}) iter.Seq2[harness.Trial, error]
}

// desk is where a job's reports go.
type desk struct {
	std     streams
	outputs *outputs
	quiet   bool
}

// human is where text for a person goes.
func (d desk) human() io.Writer {
	if d.outputs.takesStdout() {
		return d.std.err
	}
	return d.std.out
}

// carryOut does a job from the first launch to the reports. The error carries the
// exit status; nil stands for a graceful end. Nothing of any trial is alive afterwards.
func (d desk) carryOut(j job) (summary reports.Summary, err error) {
	bar := startProgress(d.std.err, j.total, d.quiet)
	defer bar.stop()
	ctx, signalled, stop := watchInterrupts(context.Background(), bar, j.inheritsSignals())
	defer stop()
	e, store, err := j.open(ctx)
	if err != nil {
		return summary, ended(signalled, err)
	}
	ran := j.record(ctx, e, store, signalled, bar)
	bar.stop()
	j.shrink(ctx, e, store, signalled, d, ran)
	left := errors.Join(e.close(), j.failing.tidy(j.info.Scenarios))
	r := ran.finish(store, signalled, j)
	closed := store.Close()
	if ctx.Err() != nil {
		note(d.std.err, "left at once; %d finished trials are kept in %s", ran.count, store.Path())
		s, _ := signalled.by()
		return r.Summary, by(interrupted(s))
	}
	shown := errors.Join(d.show(r), j.against.keep(d.std, r))
	if err := errors.Join(ran.err, left, closed, shown); err != nil {
		return r.Summary, broken(firstLine(err))
	}
	if s, ok := signalled.by(); ok {
		return r.Summary, by(interrupted(s))
	}
	return r.Summary, by(statusOfRun(r.Summary))
}

func (j job) inheritsSignals() bool {
	return slices.ContainsFunc(j.info.Scenarios, func(s scenario.Scenario) bool { return s.Target.InheritSignals })
}

// ended prefers a signal that came in the meantime to what it broke.
func ended(signalled *interrupts, err error) error {
	if s, ok := signalled.by(); ok && errors.Is(err, context.Canceled) {
		return by(interrupted(s))
	}
	return broken(err)
}

// firstLine is the first of errors that follow from each other.
func firstLine(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return err
}

// open opens the engines, then the store: what this machine permits stands in it.
func (j job) open(ctx context.Context) (*engines, *reports.Writer, error) {
	e, err := openEngines(j.info.Jobs)
	if err != nil {
		return nil, nil, err
	}
	abilities, err := e.abilities(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	j.info.Machine = reports.ThisMachine()
	j.info.Machine.Layers = abilities.Layers
	store, err := reports.Create(j.root, j.info)
	if err != nil {
		return nil, nil, errors.Join(err, e.close())
	}
	store.KeepAllEvidence = j.keepEvidence
	return e, store, nil
}

// ran is what came of a job's trials.
type ran struct {
	sums  *reports.Summarizer
	count int
	// err is why the store could take no more.
	err error
	// stoppedBy is the rule that ended the job early; empty where none did.
	stoppedBy string
	// now is the scenario whose trials come; empty before the first.
	now string
}

// begin notes whose trials come now, and tells of the scenario that has ended by that.
func (r *ran) begin(name string, bar *progress) {
	if r.now != "" && r.now != name {
		bar.ended(r.sums.Campaign(r.now))
	}
	r.now = name
}

// record carries out the trials and keeps each the moment it ends. A store that fails
// ends the run: what cannot be kept proves nothing.
func (j job) record(ctx context.Context, e *engines, store *reports.Writer, signalled *interrupts, bar *progress) *ran {
	r := &ran{sums: reports.NewSummarizer(store.Info())}
	defer r.begin("", bar)
	for trial, err := range j.trials(ctx, e, signalled.drain) {
		if err != nil {
			return r // the context ended; there is nothing more
		}
		if r.err = store.Append(trial); r.err != nil {
			return r
		}
		r.count++
		r.begin(trial.Scenario, bar)
		r.sums.Add(trial)
		bar.add(trial)
		j.shrinks.note(trial)
		if j.stop != nil && r.stoppedBy == "" && j.stop.add(trial) {
			r.stoppedBy = j.stop.String()
			note(bar, "%s: finishing running trials", r.stoppedBy)
			signalled.finish()
		}
		if r.err = j.failing.note(store.ID(), j.scenario(trial.Scenario), trial); r.err != nil {
			return r
		}
	}
	return r
}

// shrink narrows down what the trials have shown. A run that could not be kept is not
// worth it.
func (j job) shrink(ctx context.Context, e *engines, store *reports.Writer, signalled *interrupts, d desk, r *ran) {
	if r.err != nil {
		return
	}
	tell := func(what string) {
		if !d.quiet {
			note(d.std.err, "%s", what)
		}
	}
	r.err = j.shrinks.carryOut(ctx, e, signalled.drain, j.scenario, tell, func(result shrink.Result) error {
		r.sums.AddShrunk(result)
		return reports.KeepShrunk(store.Path(), result)
	})
}

// scenario is the one of that name.
func (j job) scenario(name string) scenario.Scenario {
	i := slices.IndexFunc(j.info.Scenarios, func(s scenario.Scenario) bool { return s.Name == name })
	return j.info.Scenarios[i]
}

// finish records how the run ended and makes the report.
func (r *ran) finish(store *reports.Writer, signalled *interrupts, j job) render.Report {
	finished := reports.Finished{Time: time.Now().UTC(), InterruptedBy: r.stoppedBy}
	if s, ok := signalled.by(); ok {
		finished.InterruptedBy = s.String()
	}
	if r.err != nil {
		finished.Error = r.err.Error()
	}
	r.sums.Ended(&finished)
	summary := r.sums.Summary()
	summary.Comparison = j.against.compare(r.sums.Baseline())
	finished.Verdict = summary.Verdict
	if err := store.Finish(finished); err != nil && r.err == nil {
		r.err = err
	}
	kept := &reports.Run{Dir: store.Path(), Info: store.Info()}
	report := render.Report{
		Summary: summary, Info: store.Info(), Finished: &finished, Store: store.Path(),
		Trials: func() (*render.Gathered, error) { return render.Gather(kept.Info, kept.Each()) }, Printed: kept.Printed,
	}
	if j.named != nil {
		report.Run = j.named(store)
	}
	return report
}

// show writes the report for a person, what a CI system shows, and all that were asked for. That a reader of
// the text has gone is no failure of the run.
func (d desk) show(r render.Report) error {
	err := d.text(r)
	if readerGone(err) {
		note(d.std.err, "nobody reads the report any more: it is kept; see sigprobe report")
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("write the report: %w; see it with sigprobe report", err)
	}
	return errors.Join(err, d.github(r), d.outputs.write(d.std.out, r))
}

func (d desk) text(r render.Report) error {
	w := d.human()
	if d.quiet {
		_, err := fmt.Fprintf(w, "%s: run %s, seed %d%s\n", r.Summary.Verdict, r.Info.ID, r.Info.Seed, regressed(r.Summary))
		return err
	}
	return render.Text(w, r, styleFor(w))
}

// regressed is ", 2 regressions" behind a verdict; "" where there are none.
func regressed(s reports.Summary) string {
	if s.Comparison == nil || s.Comparison.Regressions == 0 {
		return ""
	}
	return fmt.Sprintf(", regressions against the baseline: %d", s.Comparison.Regressions)
}
