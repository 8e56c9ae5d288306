package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sigprobe/sigprobe/harness/internal/files"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// Engine runs trials: a pool of wardens and a room for work folders. It is safe for
// use by several goroutines; at most as many trials run at once as it has wardens.
type Engine struct {
	room *files.Room
	// idle holds the wardens that wait for work; nil stands for one that is yet to be
	// started, or that died and is to be replaced.
	idle chan *warden.Warden
	jobs int
	// references and firsts are what undisturbed runs and first starts showed.
	references once[*reference]
	firsts     once[*observation.Readiness]
	// alone is held by the one trial that looks for litter.
	alone chan struct{}
}

// Open makes an engine with a number of parallel jobs, at least one. Wardens are
// started when they are needed first.
func Open(jobs int) (*Engine, error) {
	jobs = max(1, jobs)
	room, err := files.NewRoom()
	if err != nil {
		return nil, err
	}
	e := &Engine{room: room, idle: make(chan *warden.Warden, jobs), jobs: jobs, alone: make(chan struct{}, 1)}
	for range jobs {
		e.idle <- nil
	}
	return e, nil
}

// Close waits for running trials, lets every warden leave and removes the work
// folders. Nothing of any trial is alive afterwards, or the error says so.
func (e *Engine) Close() error {
	var errs []error
	for range e.jobs {
		if w := <-e.idle; w != nil {
			errs = append(errs, w.Close())
		}
	}
	errs = append(errs, e.room.Close())
	return errors.Join(errs...)
}

// Jobs is the number of trials that can run at once.
func (e *Engine) Jobs() int { return e.jobs }

// Abilities tells what the wardens found that this machine permits. It starts one if
// none runs yet.
func (e *Engine) Abilities(ctx context.Context) (warden.Abilities, error) {
	w, err := e.borrow(ctx)
	if err != nil {
		return warden.Abilities{}, err
	}
	e.idle <- w
	return w.Abilities, nil
}

// borrow takes an idle warden, starting one where needed. It blocks while all work.
func (e *Engine) borrow(ctx context.Context) (*warden.Warden, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case w := <-e.idle:
		if w != nil {
			return w, nil
		}
	}
	w, err := warden.Start()
	if err != nil {
		e.idle <- nil
		return nil, err
	}
	return w, nil
}

// Trial runs one shot at the scenario's target and judges it. The scenario's defaults
// must be filled in. The error is not nil only when ctx ended: the trial then did not
// take place. Whatever else goes wrong is the trial's verdict, "error".
func (e *Engine) Trial(ctx context.Context, s scenario.Scenario, index int, shot plan.Shot) (Trial, error) {
	o, err := e.observe(ctx, s, shot, false)
	if ctx.Err() != nil && (err != nil || o.Failure != nil && o.Failure.Kind == "interrupted") {
		return Trial{}, ctx.Err()
	}
	if err == nil {
		err = e.compareWithKill(ctx, s, shot, &o.Observation)
		if ctx.Err() != nil {
			return Trial{}, ctx.Err()
		}
	}
	if err != nil {
		o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
	}
	return Trial{
		Scenario: s.Name, Index: index, Shot: shot, Damaged: o.damaged(),
		Observation: o.Observation, Judgement: verdict.Judge(s, o.Observation),
	}, nil
}

// observed is what came of a trial before it is judged.
type observed struct {
	observation.Observation
	// evidence holds the files that were found damaged; nil where there are none.
	evidence *files.Workspace
}

func (o observed) damaged() string {
	if o.evidence == nil {
		return ""
	}
	return o.evidence.Work
}

// observe prepares the work folder, has a warden strike, looks at what is left, and
// removes the folder. places asks where in the target its system calls were made.
func (e *Engine) observe(ctx context.Context, s scenario.Scenario, shot plan.Shot, places bool) (o observed, err error) {
	at, err := e.newSite(s, shot)
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, at.close()) }()
	at.request.Places = places
	if !places {
		if err := e.prepare(ctx, at); err != nil {
			return o, err
		}
	}
	w, err := e.borrow(ctx)
	if err != nil {
		return o, err
	}
	o.Observation, err = e.carryOut(ctx, w, at)
	if at.look != nil {
		o.evidence = at.look.evidence
	}
	return o, e.giveBack(ctx, w, o.Observation, err)
}

// giveBack gives a warden back after a trial, or ends it where it is of no more use.
func (e *Engine) giveBack(ctx context.Context, w *warden.Warden, o observation.Observation, err error) error {
	switch {
	case err != nil || ctx.Err() != nil:
		err = errors.Join(err, w.Close())
		w = nil // the next trial gets a new one
	case o.Failure != nil && o.Failure.Kind == "cleanup" || warden.Held(o):
		// What it could not remove would be taken for a survivor of the next trial.
		w.Close() //nolint:errcheck // the observation says already what is left
		w = nil
	}
	e.idle <- w
	return err
}

// newRequest says what the warden is to do, but for the folder.
func newRequest(s scenario.Scenario, shot plan.Shot) (warden.Request, error) {
	path, err := program(s.Target.Command[0])
	if err != nil {
		return warden.Request{}, err
	}
	dir, err := os.Getwd()
	if err != nil {
		return warden.Request{}, fmt.Errorf("find the current folder: %w", err)
	}
	env := os.Environ()
	for name, value := range s.Target.Env {
		env = with(env, name, value)
	}
	return warden.Request{
		Path: path, Args: s.Target.Command, Env: env, Dir: dir,
		InheritSignals: s.Target.InheritSignals,
		Ready:          s.Ready, Shot: shot,
		Settle: s.Stop.Settle.D(), Limit: s.Stop.Limit.D(),
		Watch: verdict.Watched(s.Expect),
	}, nil
}

// with sets a variable in an environment. One that is there is replaced: programs
// differ in which of two they believe.
func with(env []string, name, value string) []string {
	pair := name + "=" + value
	for i, entry := range env {
		if strings.HasPrefix(entry, name+"=") {
			env[i] = pair
			return env
		}
	}
	return append(env, pair)
}

// program finds the file to run. The path is absolute, because the target runs in a
// folder of its own.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find the program: %w", err)
	}
	return filepath.Abs(path)
}
