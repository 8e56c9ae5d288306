package harness

import (
	"context"
	"errors"

	"github.com/sigprobe/sigprobe/harness/internal/files"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// site is where a trial takes place: its folders, what the warden is asked, and what is
// looked at beside the processes.
type site struct {
	s       scenario.Scenario
	request warden.Request
	space   *files.Workspace // nil for the current folder
	look    *inspection      // nil where nothing is to be looked at
	// first is how the target became ready where it was started first; nil where that is
	// for the trial itself to show.
	first *observation.Readiness
}

// newSite makes the work folder of a trial.
func (e *Engine) newSite(s scenario.Scenario, shot plan.Shot) (*site, error) {
	request, err := e.newRequest(s, shot)
	if err != nil {
		return nil, err
	}
	at := &site{s: s, request: request}
	if s.Target.Workdir == scenario.Fresh {
		if at.space, err = e.room.Workspace(s.Target.Files); err != nil {
			return nil, err
		}
		at.request.Dir = at.space.Work
		at.request.Env = with(at.request.Env, "TMPDIR", at.space.Temp)
	}
	at.request.Env = with(at.request.Env, "PWD", at.request.Dir)
	return at, nil
}

// close removes the folders, and lets the next trial look for litter.
func (at *site) close() (err error) {
	if at.look != nil {
		err = at.look.close()
	}
	if at.space != nil {
		err = errors.Join(err, at.space.Close())
	}
	return err
}

// prepare notes what has to be known before the launch, where the scenario expects
// something of files, acknowledged work or a restart.
func (e *Engine) prepare(ctx context.Context, at *site) (err error) {
	if !looks(at.s.Expect) {
		return nil
	}
	l := &inspection{expect: at.s.Expect, dir: at.request.Dir, env: at.request.Env, space: at.space}
	l.undisturbed = func() (*reference, error) { return e.reference(ctx, at.s) }
	if at.first, err = e.firstStart(ctx, at.s, at.request.Shot); err != nil {
		return err
	}
	if l.expect.Litter != nil {
		if l.leave, err = e.enterAlone(ctx); err != nil {
			return err
		}
	}
	at.look = l
	if l.drawer, err = e.room.Workspace(nil); err != nil {
		return err
	}
	if err := l.note(); err != nil {
		return err
	}
	if asked := at.s.Expect.Acknowledged; asked != nil {
		at.request.Acknowledge = &asked.Output
	}
	at.request.Hold = at.s.Expect.Restarts != nil
	return nil
}

// enterAlone waits until no other trial looks for litter. Of what is new in /dev/shm, or
// in the current folder, the kernel does not tell which of two trials made it.
func (e *Engine) enterAlone(ctx context.Context) (leave func(), err error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case e.alone <- struct{}{}:
		return func() { <-e.alone }, nil
	}
}

// inspect looks at what a trial left, with the warden that it took place under. A trial
// that was not struck says nothing about a stop, and nothing is looked at.
func (e *Engine) inspect(ctx context.Context, lane *lane, at *site, o *observation.Observation, err error) error {
	l := at.look
	if l == nil {
		return err
	}
	if err == nil && o.Failure == nil && o.Strike != nil {
		err = e.lookAfter(ctx, lane.w, at, o)
	}
	o.Output.Said = nil
	if err != nil || warden.Held(*o) {
		err = errors.Join(err, lane.close()) // the next trial gets a new one
	}
	return errors.Join(err, l.removeObjects(*o))
}

// lookAfter looks at what the stop left, before anything else is started there.
func (e *Engine) lookAfter(ctx context.Context, w *warden.Warden, at *site, o *observation.Observation) error {
	l := at.look
	if l.work != nil || len(l.expect.Files) > 0 {
		o.Files = l.differences(o)
	}
	if err := l.ask(); err != nil {
		return err
	}
	if err := l.examine(ctx, false); err != nil {
		return err
	}
	if l.expect.Acknowledged != nil {
		o.Acknowledged = l.acknowledged(ctx, *o)
	}
	if err := l.keepEvidence(e.room); err != nil {
		return err
	}
	if err := e.startAgain(ctx, w, at, o); err != nil {
		return err
	}
	if err := l.examine(ctx, true); err != nil {
		return err
	}
	if o.Files != nil {
		o.Files.Examined = l.examined()
	}
	return ctx.Err()
}
