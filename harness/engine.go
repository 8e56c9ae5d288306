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
}

// Open makes an engine with a number of parallel jobs, at least one. Wardens are
// started when they are needed first.
func Open(jobs int) (*Engine, error) {
	jobs = max(1, jobs)
	room, err := files.NewRoom()
	if err != nil {
		return nil, err
	}
	e := &Engine{room: room, idle: make(chan *warden.Warden, jobs), jobs: jobs}
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
	o, err := e.observe(ctx, s, shot, look{})
	if ctx.Err() != nil && (err != nil || o.Failure != nil && o.Failure.Kind == "interrupted") {
		return Trial{}, ctx.Err()
	}
	if err != nil {
		o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
	}
	return Trial{Scenario: s.Name, Index: index, Shot: shot, Observation: o, Judgement: verdict.Judge(s, o)}, nil
}

// look is what is to be observed of a trial beside the usual.
type look struct {
	places bool           // where in the target the point's system calls were made
	trace  scenario.Calls // the calls to describe one by one; "" for none
}

// observe prepares the work folder, has a warden strike, and removes the folder.
func (e *Engine) observe(ctx context.Context, s scenario.Scenario, shot plan.Shot, l look) (o observation.Observation, err error) {
	request, err := newRequest(s, shot)
	if err != nil {
		return o, err
	}
	request.Places, request.Trace = l.places, l.trace
	if s.Target.Workdir == scenario.Fresh {
		space, err := e.room.Workspace(s.Target.Files)
		if err != nil {
			return o, err
		}
		defer func() { err = errors.Join(err, space.Close()) }()
		request.Dir = space.Work
		request.Env = with(request.Env, "TMPDIR", space.Temp)
	}
	request.Env = with(request.Env, "PWD", request.Dir)
	w, err := e.borrow(ctx)
	if err != nil {
		return o, err
	}
	o, err = w.Run(ctx, request)
	if err != nil || ctx.Err() != nil {
		err = errors.Join(err, w.Close())
		w = nil // the next trial gets a new one
	} else if o.Failure != nil && o.Failure.Kind == "cleanup" {
		// What it could not remove would be taken for a survivor of the next trial.
		w.Close() //nolint:errcheck // the observation says already what is left
		w = nil
	}
	e.idle <- w
	return o, err
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
