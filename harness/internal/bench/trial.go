package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// trialTurn is long, because a trial involves three processes: the host, the warden and
// the target. It takes some twenty until all have found their processors again.
var trialTurn = turn{cold: 20, counted: 80}

// The bounds of one trial.
const (
	trialToFloor = 4
	gexecToTrial = 20
)

// measureTrial compares one trial with the least that a program's start and end can
// cost, and with gexec.
func measureTrial(ctx context.Context, b *bench) (group Group, err error) {
	g := Group{Title: "start sleep, send TERM at once, see it end"}
	inherit, err := openRunner(b, "bench", scenario.Inherit, scenario.Window{})
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, inherit.close()) }()
	fresh, err := openRunner(b, "bench-fresh", scenario.Fresh, scenario.Window{})
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, fresh.close()) }()
	if err := inherit.describe(ctx, &g); err != nil {
		return g, err
	}
	contenders := []contender{
		{name: "sigprobe", once: repeat(func() (time.Duration, error) { return inherit.timed(ctx) })},
		{name: "sigprobe, fresh work folder", once: repeat(func() (time.Duration, error) { return fresh.timed(ctx) })},
		{name: "gexec, default polling", once: repeat(b.cradle.measured(b.gexec)), slow: true},
		{name: "Go ForkExec and Wait4", once: repeat(b.cradle.measured(b.forkExec))},
	}
	const ours, theirs = 0, 2
	floor := 3
	if c, err := compileFloor(ctx, b); err == nil {
		floor = len(contenders)
		contenders = append(contenders,
			contender{name: "C vfork and waitpid", once: c.times("vfork")},
			contender{name: "C vfork, all on one processor", once: c.times("pinned")},
			contender{name: "C posix_spawn and waitpid", once: c.times("spawn")})
	} else {
		g.Notes = append(g.Notes, fmt.Sprintf("no C floor, Go's ForkExec stands for it: %v", err))
	}
	g.Series, err = takeTurns(ctx, b.rounds, trialTurn, contenders)
	if err != nil {
		return g, err
	}
	g.Bounds = []Bound{
		ratio("sigprobe to "+g.Series[floor].Name, g.Series[ours], g.Series[floor]).atMost(trialToFloor),
		ratio("gexec to sigprobe", g.Series[theirs], g.Series[ours]).atLeast(gexecToTrial),
	}
	return g, nil
}

// forkExec is one round trip with nothing but the kernel's calls.
func (b *bench) forkExec() (time.Duration, error) {
	started := time.Now()
	pid, err := syscall.ForkExec(b.sleep, []string{"sleep", "1000"}, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{b.cradle.null, b.cradle.null, b.cradle.null},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", b.sleep, err)
	}
	killed := syscall.Kill(pid, syscall.SIGTERM)
	var status syscall.WaitStatus
	for {
		if _, err = syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	took := time.Since(started)
	if err == nil && status.Signal() != syscall.SIGTERM {
		err = fmt.Errorf("%s did not end by TERM (wait status %#x)", b.sleep, uint32(status))
	}
	return took, errors.Join(killed, err)
}

// runner runs the campaign of one scenario and records its trials, as `sigprobe run`
// does: while a trial is recorded the next one is on its way.
type runner struct {
	engine *harness.Engine
	writer *reports.Writer
	s      scenario.Scenario
	// next gives the next trial of the campaign, stop ends it; nil before the first.
	next func() (harness.Trial, error, bool)
	stop func()
}

// seed makes the shots the same in every run.
const seed = 1

// openRunner makes a campaign of sleep, to be struck within a window after its launch.
func openRunner(b *bench, name string, workdir scenario.Workdir, window scenario.Window) (*runner, error) {
	s := scenario.Scenario{
		Name:   name,
		Target: scenario.Target{Command: []string{b.sleep, "1000"}, Workdir: workdir},
		Strike: scenario.Strike{Random: &scenario.Random{Trials: 1_000_000, From: scenario.FromLaunch, Window: &window}},
		Expect: scenario.Expect{Exit: []scenario.Accept{{Kind: observation.DefaultAction}}},
	}.WithDefaults()
	engine, err := harness.Open(1)
	if err != nil {
		return nil, err
	}
	writer, err := reports.Create(filepath.Join(b.fast, name), reports.RunInfo{Seed: seed, Scenarios: []scenario.Scenario{s}})
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return &runner{engine: engine, writer: writer, s: s}, nil
}

func (r *runner) close() error {
	if r.stop != nil {
		r.stop()
	}
	return errors.Join(r.writer.Close(), r.engine.Close())
}

// describe notes what the trials are tracked with here.
func (r *runner) describe(ctx context.Context, g *Group) error {
	abilities, err := r.engine.Abilities(ctx)
	if err != nil {
		return err
	}
	g.Notes = append(g.Notes, fmt.Sprintf("the tree is tracked by %v", abilities.Layers))
	for _, d := range abilities.Degradations {
		g.Notes = append(g.Notes, fmt.Sprintf("without %s: %s", d.What, d.Why))
	}
	return nil
}

// trial runs the next trial and records it. One that does not go as sleep must is an
// error: its time would be that of something else.
func (r *runner) trial(ctx context.Context) (harness.Trial, error) {
	if r.next == nil {
		r.next, r.stop = iter.Pull2(harness.Campaign{Scenario: r.s, Seed: seed}.Trials(ctx, r.engine))
	}
	t, err, more := r.next()
	if err != nil {
		return t, err
	}
	if !more {
		return t, errors.New("the campaign has no more trials")
	}
	if err := r.writer.Append(t); err != nil {
		return t, err
	}
	if t.Judgement.Verdict != verdict.Graceful || t.Observation.Strike == nil {
		return t, fmt.Errorf("trial %d was no plain stop of sleep: %s %s %v", t.Index, t.Judgement.Verdict, t.Judgement.Reason, t.Judgement.Findings)
	}
	return t, nil
}

func (r *runner) timed(ctx context.Context) (time.Duration, error) {
	started := time.Now()
	_, err := r.trial(ctx)
	return time.Since(started), err
}
