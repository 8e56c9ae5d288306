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
	// references and firsts are what undisturbed runs and first starts showed.
	references once[*reference]
	// programs are the files that commands name, looked up once.
	programs once[string]
	firsts   once[*observation.Readiness]
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
	e := &Engine{room: room, idle: make(chan *lane, jobs), jobs: jobs, handlers: foretold{at: map[string]time.Duration{}}, alone: make(chan struct{}, 1)}
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
		return judged(ctx, s, index, shot, observed{Observation: o}, nil)
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
	return &running{e.inspected(ctx, l, s, shot, look{}), index, shot}
}

// end waits for the trial's end and judges it.
func (r *running) end() (Trial, error) {
	o, err := r.all()
	return judged(r.ctx, r.s, r.index, r.shot, o, err)
}

// all is what is observed of a trial, with what it is compared with.
func (r *running) all() (observed, error) {
	o, err := r.observe()
	if err == nil {
		err = r.compareWithKill(r.shot, &o.Observation)
	}
	return o, err
}

// judged makes a trial of what was observed. The error is not nil only when ctx ended.
func judged(ctx context.Context, s scenario.Scenario, index int, shot plan.Shot, o observed, err error) (Trial, error) {
	if ctx.Err() != nil && (err != nil || o.Failure != nil && o.Failure.Kind == "interrupted") {
		return Trial{}, ctx.Err()
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

// watch is a target that is, or will be, launched and watched.
type watch struct {
	ctx    context.Context
	e      *Engine
	l      *lane
	s      scenario.Scenario
	look   look
	at     *site // nil where it could not be made
	flight *flight
	err    error // of the preparations
}

// look is what is to be observed of a trial beside the usual.
type look struct {
	// places asks where in the target its system calls are made.
	places bool
	// trace names calls that are to be described, up to the first signal.
	trace scenario.Calls
}

// observe is one trial that nobody judges.
func (e *Engine) observe(ctx context.Context, s scenario.Scenario, shot plan.Shot, at look) (observation.Observation, error) {
	l, err := e.take(ctx)
	if err != nil {
		return observation.Observation{}, err
	}
	defer e.giveBack(l)
	if o, known := e.foretell(ctx, l, s, shot); !known {
		return o, nil
	}
	r := &running{e.inspected(ctx, l, s, shot, at), 0, shot}
	o, err := r.all()
	if o.evidence != nil {
		err = errors.Join(err, o.evidence.Close())
	}
	return o.Observation, err
}

// watch prepares the work folder and has a warden launch the target and strike.
func (e *Engine) watch(ctx context.Context, l *lane, s scenario.Scenario, shot plan.Shot, at look) *watch {
	w := &watch{ctx: ctx, e: e, l: l, s: s, look: at}
	if w.at, w.err = e.newSite(s, shot); w.err == nil {
		w.launch()
	}
	return w
}

// inspected is a watch over a target, and over all else that the scenario asks about. The
// lane must have nothing else to do until it is observed, where that is anything.
func (e *Engine) inspected(ctx context.Context, l *lane, s scenario.Scenario, shot plan.Shot, at look) *watch {
	w := &watch{ctx: ctx, e: e, l: l, s: s, look: at}
	if w.at, w.err = e.newSite(s, shot); w.err != nil {
		return w
	}
	if w.err = e.prepare(ctx, w.at); w.err == nil {
		w.launch()
	}
	return w
}

func (w *watch) launch() {
	w.at.request.Places, w.at.request.Trace = w.look.places, w.look.trace
	w.at.request.HandlerAt = w.e.handlers.of(w.s, w.at.request.Shot.Point)
	w.flight = w.l.launch(w.ctx, w.at.request)
}

// observe waits until the target and its tree are gone, looks at what is left, and removes
// the work folder.
func (w *watch) observe() (o observed, err error) {
	if err = w.err; err == nil {
		o.Observation, err = w.flight.land()
		err = w.e.inspect(w.ctx, w.l, w.at, &o.Observation, err)
	}
	if w.at != nil {
		if w.at.look != nil {
			o.evidence = w.at.look.evidence
		}
		err = errors.Join(err, w.at.close())
	}
	return o, err
}

// newRequest says what the warden is to do, but for the folder.
func (e *Engine) newRequest(s scenario.Scenario, shot plan.Shot) (warden.Request, error) {
	path, err := e.programs.get(s.Target.Command[0], func() (string, error) { return program(s.Target.Command[0]) })
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
