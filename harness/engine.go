package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

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
	idle chan *lane // those that nobody has taken
	jobs int

	// handlers is when the targets of scenarios install their handlers.
	handlers foretold
}

// Open makes an engine with a number of parallel jobs, at least one. Wardens are
// started when they are needed first.
func Open(jobs int) (*Engine, error) {
	jobs = max(1, jobs)
	room, err := files.NewRoom()
	if err != nil {
		return nil, err
	}
	e := &Engine{room: room, idle: make(chan *lane, jobs), jobs: jobs, handlers: foretold{at: map[string]time.Duration{}}}
	for range jobs {
		e.idle <- &lane{}
	}
	return e, nil
}

// Close waits for running trials, lets every warden leave and removes the work
// folders. Nothing of any trial is alive afterwards, or the error says so.
func (e *Engine) Close() error {
	var errs []error
	for range e.jobs {
		errs = append(errs, (<-e.idle).close())
	}
	errs = append(errs, e.room.Close())
	return errors.Join(errs...)
}

// Jobs is the number of trials that can run at once.
func (e *Engine) Jobs() int { return e.jobs }

// Abilities tells what the wardens found that this machine permits. It starts one if
// none runs yet.
func (e *Engine) Abilities(ctx context.Context) (warden.Abilities, error) {
	l, err := e.take(ctx)
	if err != nil {
		return warden.Abilities{}, err
	}
	defer e.giveBack(l)
	return l.abilities()
}

// take takes an idle lane. It blocks while all work.
func (e *Engine) take(ctx context.Context) (*lane, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case l := <-e.idle:
		return l, nil
	}
}

func (e *Engine) giveBack(l *lane) { e.idle <- l }

// Trial runs one shot at the scenario's target and judges it. The scenario's defaults
// must be filled in. The error is not nil only when ctx ended: the trial then did not
// take place. Whatever else goes wrong is the trial's verdict, "error".
func (e *Engine) Trial(ctx context.Context, s scenario.Scenario, index int, shot plan.Shot) (Trial, error) {
	l, err := e.take(ctx)
	if err != nil {
		return Trial{}, err
	}
	defer e.giveBack(l)
	if o, known := e.foretell(ctx, l, s, shot); !known {
		return judged(ctx, s, index, shot, o, nil)
	}
	return e.begin(ctx, l, s, index, shot).end()
}

// running is a trial on its way.
type running struct {
	*watch
	index int
	shot  plan.Shot
}

// begin begins a trial on a lane. Trials of one lane must end in the order of their
// beginning.
func (e *Engine) begin(ctx context.Context, l *lane, s scenario.Scenario, index int, shot plan.Shot) *running {
	return &running{e.watch(ctx, l, s, shot, false), index, shot}
}

// end waits for the trial's end and judges it.
func (r *running) end() (Trial, error) {
	o, err := r.observe()
	return judged(r.ctx, r.s, r.index, r.shot, o, err)
}

// judged makes a trial of what was observed. The error is not nil only when ctx ended.
func judged(ctx context.Context, s scenario.Scenario, index int, shot plan.Shot, o observation.Observation, err error) (Trial, error) {
	if ctx.Err() != nil && (err != nil || o.Failure != nil && o.Failure.Kind == "interrupted") {
		return Trial{}, ctx.Err()
	}
	if err != nil {
		o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
	}
	return Trial{Scenario: s.Name, Index: index, Shot: shot, Observation: o, Judgement: verdict.Judge(s, o)}, nil
}

// watch is a target that is, or will be, launched and watched.
type watch struct {
	ctx    context.Context
	s      scenario.Scenario
	space  *files.Workspace // nil for a target that runs in a folder of its user's
	flight *flight
	err    error // of the preparations
}

// watch prepares the work folder and has a warden launch the target and strike. places
// asks where in the target its system calls are made.
func (e *Engine) watch(ctx context.Context, l *lane, s scenario.Scenario, shot plan.Shot, places bool) *watch {
	w := &watch{ctx: ctx, s: s}
	request, err := newRequest(s, shot)
	if err != nil {
		return w.failed(err)
	}
	request.Places = places
	request.HandlerAt = e.handlers.of(s, shot.Point)
	if s.Target.Workdir == scenario.Fresh {
		if w.space, err = e.room.Workspace(s.Target.Files); err != nil {
			return w.failed(err)
		}
		request.Dir = w.space.Work
		request.Env = with(request.Env, "TMPDIR", w.space.Temp)
	}
	request.Env = with(request.Env, "PWD", request.Dir)
	w.flight = l.launch(ctx, request)
	return w
}

func (w *watch) failed(err error) *watch {
	w.err = err
	return w
}

// observe waits until the target and its tree are gone and removes the work folder.
func (w *watch) observe() (o observation.Observation, err error) {
	if w.err != nil {
		return o, w.err
	}
	o, err = w.flight.land()
	if w.space != nil {
		err = errors.Join(err, w.space.Close())
	}
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
