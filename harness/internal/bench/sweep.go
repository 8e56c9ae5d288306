package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// The bounds of a sweep, and of calls that are held for nothing.
const (
	sweepToBare  = 2.2
	straceFactor = 4
	heldExtra    = 800 // milliseconds
)

const (
	sweepPoints = 200
	heldWrites  = 100_000
	// sweepRounds is the most: a round takes seconds. Six are the fewest that benchstat
	// gives an interval for.
	sweepRounds = 6
)

// sweptScript writes lines, each by one call, to the file $1; $2 is how many.
const sweptScript = `exec >"$1"; i=0; while [ $i -lt $2 ]; do i=$((i+1)); echo line $i; done`

// straceLoop is how the same is done with strace: one start of it for every point. It
// gives up its own signal, by which it ends as its target does.
const straceLoop = `n=1; while [ $n -le $2 ]; do
strace -f -o /dev/null -e trace=write -e inject=write:signal=SIGTERM:when=$n /bin/sh -c "$3" sh "$1" $2
n=$((n+1)); done 2>/dev/null; exit 0`

// measureSweep compares a sweep with bare launches of the same target and with strace,
// and a program whose calls are held for nothing with itself alone.
func measureSweep(ctx context.Context, b *bench) (group Group, err error) {
	g := Group{Title: fmt.Sprintf("strike sh before each of its %d writes; a program that makes %d", sweepPoints, heldWrites)}
	s, err := openSweeper(b)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	contenders := []contender{
		{name: fmt.Sprintf("sweep of %d points", sweepPoints), once: repeat(func() (time.Duration, error) { return s.sweep(ctx, "") })},
		{name: "the same, on a path", once: repeat(func() (time.Duration, error) { return s.sweep(ctx, "**/swept") })},
		{name: fmt.Sprintf("%d bare launches", sweepPoints), once: repeat(b.cradle.measured(s.bare))},
		{name: fmt.Sprintf("%d writes, held", heldWrites), once: repeat(func() (time.Duration, error) { return s.held(ctx) })},
		{name: fmt.Sprintf("%d writes, alone", heldWrites), once: repeat(b.cradle.measured(s.alone))},
	}
	const swept, bare, held, alone, strace = 0, 2, 3, 4, 5
	if _, missing := exec.LookPath("strace"); missing == nil {
		contenders = append(contenders, contender{name: "shell loop over strace", once: repeat(func() (time.Duration, error) { return s.strace(ctx) })})
	} else {
		g.Notes = append(g.Notes, "strace is not installed: there is no comparison with it")
	}
	if g.Series, err = takeTurns(ctx, min(sweepRounds, b.rounds), turn{counted: 1}, contenders); err != nil {
		return g, err
	}
	g.Bounds = []Bound{
		ratio("sweep to bare launches", g.Series[swept], g.Series[bare]).atMost(sweepToBare),
		difference("held writes, on top", g.Series[held], g.Series[alone]).atMost(heldExtra),
	}
	if len(g.Series) > strace {
		g.Bounds = append(g.Bounds, ratio("strace to sweep", g.Series[strace], g.Series[swept]).atLeast(straceFactor))
	}
	return g, nil
}

// difference compares two series that took turns: the median over the rounds of the
// difference of the rounds' medians, in milliseconds.
func difference(name string, more, less Series) Bound {
	var differences []float64
	for i := range min(len(more.Rounds), len(less.Rounds)) {
		differences = append(differences, micros(quantile(more.Rounds[i], 0.5)-quantile(less.Rounds[i], 0.5))/1000)
	}
	return spread(name, "ms", differences, quantile(differences, 0.5))
}

// sweeper runs sweeps of one target and records them, as `sigprobe run` does.
type sweeper struct {
	b      *bench
	engine *harness.Engine
	writer *reports.Writer
	file   string
	argv   []string // the target
	dd     []string // the program that makes many writes
}

func openSweeper(b *bench) (*sweeper, error) {
	dd, err := exec.LookPath("dd")
	if err != nil {
		return nil, fmt.Errorf("find a program that makes many writes: %w", err)
	}
	s := &sweeper{b: b, file: filepath.Join(b.fast, "swept")}
	s.argv = []string{"/bin/sh", "-c", sweptScript, "sh", s.file, strconv.Itoa(sweepPoints)}
	s.dd = []string{dd, "if=/dev/zero", "of=/dev/null", "bs=1", "count=" + strconv.Itoa(heldWrites), "status=none"}
	if s.engine, err = harness.Open(1); err != nil {
		return nil, err
	}
	s.writer, err = reports.Create(filepath.Join(b.fast, "sweep"), reports.RunInfo{Seed: seed})
	if err != nil {
		return nil, errors.Join(err, s.engine.Close())
	}
	return s, nil
}

func (s *sweeper) close() error { return errors.Join(s.writer.Close(), s.engine.Close()) }

// target is a scenario in the current folder that takes its end by the signal for good.
func target(argv []string, strike scenario.Strike) scenario.Scenario {
	return scenario.Scenario{
		Name: "sweep", Target: scenario.Target{Command: argv, Workdir: scenario.Inherit}, Strike: strike,
		Expect: scenario.Expect{Exit: []scenario.Accept{{Kind: observation.DefaultAction}}},
	}.WithDefaults()
}

// sweep makes one whole sweep, with the run that counts and the one that proves. One
// that does not go as it must is an error.
func (s *sweeper) sweep(ctx context.Context, path string) (time.Duration, error) {
	started, points := time.Now(), 0
	swept := target(s.argv, scenario.Strike{Sweep: &scenario.Sweep{Syscall: "write", Path: path}})
	for t, err := range (harness.Campaign{Scenario: swept}).Trials(ctx, s.engine) {
		if err == nil {
			err = s.writer.Append(t)
		}
		if err != nil {
			return 0, err
		}
		if t.Judgement.Verdict == verdict.Graceful {
			points++
		} else if t.Shot.Point.Call.Nth <= sweepPoints {
			return 0, fmt.Errorf("point %d of a sweep was no plain stop: %s %s", t.Shot.Point.Call.Nth, t.Judgement.Verdict, t.Judgement.Reason)
		}
	}
	took := time.Since(started)
	if points != sweepPoints {
		return took, fmt.Errorf("the sweep covered %d points, not %d", points, sweepPoints)
	}
	return took, nil
}

// bare starts the target as often as a sweep has points, and waits each time for its end.
func (s *sweeper) bare() (time.Duration, error) {
	started := time.Now()
	for range sweepPoints {
		if err := s.b.cradle.toEnd(s.argv...); err != nil {
			return 0, err
		}
	}
	return time.Since(started), s.wrote(sweepPoints)
}

func (s *sweeper) alone() (time.Duration, error) {
	started := time.Now()
	err := s.b.cradle.toEnd(s.dd...)
	return time.Since(started), err
}

// toEnd starts a program and waits until it has ended with code 0. It must be called on
// the cradle's thread.
func (c *cradle) toEnd(argv ...string) error {
	pid, err := c.fork(nil, argv...)
	if err != nil {
		return err
	}
	var status syscall.WaitStatus
	for {
		if _, err = syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
			break
		}
	}
	if err == nil && status != 0 {
		err = fmt.Errorf("%s ended with wait status %#x", argv[0], uint32(status))
	}
	return err
}

// held runs the program with many writes under a trigger that is never reached.
func (s *sweeper) held(ctx context.Context) (time.Duration, error) {
	never := scenario.Range{First: 10 * heldWrites, Last: 10 * heldWrites}
	point := target(s.dd, scenario.Strike{Syscall: &scenario.Syscall{Trials: 1, Call: "write", Nth: never}})
	started := time.Now()
	t, err := s.engine.Trial(ctx, point, 0, plan.New(point, seed).Shot(0))
	took := time.Since(started)
	if err == nil && (t.Observation.Calls == nil || t.Observation.Calls.Seen != heldWrites) {
		err = fmt.Errorf("not %d writes were held: %s", heldWrites, t.Judgement.Reason)
	}
	return took, err
}

func (s *sweeper) strace(ctx context.Context) (time.Duration, error) {
	started := time.Now()
	if _, err := s.b.output(ctx, "/bin/sh", "-c", straceLoop, "sh", s.file, strconv.Itoa(sweepPoints), sweptScript); err != nil {
		return 0, err
	}
	return time.Since(started), s.wrote(sweepPoints-1, sweepPoints)
}

// wrote holds the last target's file against how many lines it may have.
func (s *sweeper) wrote(may ...int) error {
	text, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	lines := bytes.Count(text, []byte("\n"))
	for _, n := range may {
		if lines == n {
			return nil
		}
	}
	return fmt.Errorf("the target wrote %d lines, not %v", lines, may)
}
