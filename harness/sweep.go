package harness

import (
	"context"
	"iter"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// extraBeyond bounds how far a sweep goes on behind the calls of its reference run when
// runs keep making more of them: as many again, and a few for short runs.
const extraBeyond = 16

// sweep counts the target's calls in a run without a signal, strikes at each of them,
// and ends with a run whose point does not come. The reference run is no trial; when it
// fails, that is the campaign's one trial.
func (c Campaign) sweep(ctx context.Context, e *Engine) iter.Seq2[Trial, error] {
	return func(yield func(Trial, error) bool) {
		reference := plan.Reference(c.Scenario)
		o, err := e.count(ctx, c.Scenario, reference)
		if ctx.Err() != nil {
			yield(Trial{}, ctx.Err())
			return
		}
		if err != nil {
			o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
		}
		if o.Failure != nil || o.Calls == nil || len(o.Calls.Places) == 0 {
			yield(Trial{
				Scenario: c.Scenario.Name, Reference: counted(o, reference), Shot: reference, Observation: o, Judgement: verdict.Judge(c.Scenario, o),
			}, nil)
			return
		}
		c.strikeAll(ctx, e, o, func(trial Trial, err error) bool {
			trial.Reference = counted(o, reference)
			return yield(trial, err)
		})
	}
}

// count runs the target once and has its calls counted.
func (e *Engine) count(ctx context.Context, s scenario.Scenario, reference plan.Shot) (o observation.Observation, err error) {
	l, err := e.take(ctx)
	if err != nil {
		return o, err
	}
	defer e.giveBack(l)
	counting, err := e.watch(ctx, l, s, reference, look{places: true, trace: durable}).observe()
	return counting.Observation, err
}

// counted is what the trials of a sweep say of its reference run.
func counted(o observation.Observation, shot plan.Shot) *Reference {
	signals := 0 // that it takes to end
	if shot.Second != nil {
		signals = 1
	}
	r := &Reference{Ended: o.Failure == nil && o.Missed == "" && len(o.Sent) == signals && o.Exit != nil}
	if o.Calls != nil {
		r.Calls = len(o.Calls.Places)
		r.Warnings = unsynced(o.Calls.Trace)
	}
	return r
}

// strikeAll strikes at every point that the sweep asks for, then looks for the end.
// A target that did not end without a signal has no end to be found.
func (c Campaign) strikeAll(ctx context.Context, e *Engine, reference observation.Observation, yield func(Trial, error) bool) {
	places := reference.Calls.Places
	shots := plan.Sweep(c.Scenario, places)
	if budget := c.Scenario.Strike.Sweep.Budget.D(); budget > 0 {
		timed, cancel := context.WithTimeout(ctx, budget)
		defer cancel()
		c.Drain = either(timed.Done(), c.Drain)
	}
	for trial, err := range c.run(ctx, e, len(shots), func(i int) plan.Shot { return shots[i] }) {
		if !yield(trial, err) || err != nil {
			return
		}
	}
	if sweep := c.Scenario.Strike.Sweep; sweep.Points.Last == 0 && sweep.Trials == 0 && reference.Missed == "" {
		c.findEnd(ctx, e, len(shots), len(places), yield)
	}
}

// findEnd strikes behind the last call that is known, until a run ends without its
// point having come: then there was none further. A point that does come belongs to the
// sweep, and is struck on the other sides too.
func (c Campaign) findEnd(ctx context.Context, e *Engine, index, known int, yield func(Trial, error) bool) {
	if c.Skip != nil && c.Skip(index) {
		return
	}
	sides := c.Scenario.Strike.Sweep.Sides
	for n := known + 1; n <= 2*known+extraBeyond; n++ {
		for i, side := range sides {
			if c.drained() {
				return
			}
			trial, err := e.Trial(ctx, c.Scenario, index, plan.At(c.Scenario, n, side))
			if !yield(trial, err) || err != nil || i == 0 && !trial.Hit() {
				return
			}
			index++
		}
	}
}

func (c Campaign) drained() bool {
	select {
	case <-c.Drain:
		return true
	default:
		return false
	}
}

// either is closed when one of two channels is; the first must come to be.
func either(first, second <-chan struct{}) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-first:
		case <-second:
		}
	}()
	return ended
}
