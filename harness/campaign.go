package harness

import (
	"context"
	"iter"
	"sync"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Campaign runs the shots of one scenario's plan.
type Campaign struct {
	// Scenario, with its defaults filled in.
	Scenario scenario.Scenario
	// Seed decides the shots, with the scenario's name.
	Seed uint64
	// Skip, where not nil, tells which trials not to run: those of other shards, or
	// those that a resumed run already has. The trials behind a sweep's plan, which look
	// for its end, go with the first of them: one shard makes them all.
	Skip func(index int) bool
	// Drain, where not nil, ends the campaign early when it is closed: the trials that
	// run are finished and handed out, no more are launched.
	Drain <-chan struct{}
}

// Trials runs the campaign on the engine and hands out every trial when it ends, in
// that order; [Trial.Index] tells the place in the plan. Breaking off the loop cancels
// the trials that still run and waits until their processes are gone. The error is not
// nil, and then the last, when ctx ended.
func (c Campaign) Trials(ctx context.Context, e *Engine) iter.Seq2[Trial, error] {
	if c.Scenario.Strike.Sweep != nil {
		return c.sweep(ctx, e)
	}
	if c.Scenario.Strike.Handlers != nil {
		return c.aroundHandlers(ctx, e)
	}
	shots := plan.New(c.Scenario, c.Seed)
	return c.run(ctx, e, shots.Len(), shots.Shot)
}

// run runs n shots.
func (c Campaign) run(ctx context.Context, e *Engine, n int, shot func(int) plan.Shot) iter.Seq2[Trial, error] {
	return func(yield func(Trial, error) bool) {
		running, cancel := context.WithCancel(ctx)
		defer cancel()
		results := c.start(running, e, n, shot)
		for r := range results {
			// Only the end of ctx makes an error; then all the others end as well.
			if r.err == nil && !yield(r.trial, nil) {
				cancel()
				for range results { // until the workers have ended
				}
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Trial{}, err)
		}
	}
}

type result struct {
	trial Trial
	err   error
}

// start deals the shots to as many goroutines as the engine has lanes. The channel is
// closed when all have ended.
func (c Campaign) start(ctx context.Context, e *Engine, n int, shot func(int) plan.Shot) <-chan result {
	indices, results := make(chan int), make(chan result)
	var workers sync.WaitGroup
	for range min(e.Jobs(), n) {
		workers.Go(func() { c.work(ctx, e, indices, shot, results) })
	}
	go func() {
		c.deal(ctx, n, indices)
		close(indices)
		workers.Wait()
		close(results)
	}()
	return results
}

// work runs the shots that it is dealt on one lane, one after the other. While they are
// short, and nothing but processes is looked at, the next one is begun before the last
// one's end is waited for.
func (c Campaign) work(ctx context.Context, e *Engine, indices <-chan int, shot func(int) plan.Shot, results chan<- result) {
	l, err := e.take(ctx)
	if err != nil {
		return
	}
	defer e.giveBack(l)
	end := func(r *running) {
		trial, err := r.end()
		select {
		case results <- result{trial, err}:
		case <-ctx.Done(): // nobody may be there any more to take it
		}
	}
	var last *running
	for i := range indices {
		next := e.begin(ctx, l, c.Scenario, i, shot(i))
		if last != nil {
			end(last)
		}
		if last = next; last.flight == nil || looks(c.Scenario.Expect) || c.Scenario.Expect.Compare != "" || !l.mayWait(last.flight) {
			end(last)
			last = nil
		}
	}
	if last != nil {
		end(last)
	}
}

func (c Campaign) deal(ctx context.Context, n int, indices chan<- int) {
	for i := range n {
		if c.Skip != nil && c.Skip(i) {
			continue
		}
		// A drain that is due goes before a worker that is free.
		select {
		case <-c.Drain:
			return
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-c.Drain:
			return
		case indices <- i:
		}
	}
}

// Run runs a whole campaign, one trial at a time, and returns its trials in the order
// of the plan: the shortest way for a test. Defaults are filled in.
func Run(ctx context.Context, s scenario.Scenario, seed uint64) (trials []Trial, err error) {
	e, err := Open(1)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := e.Close(); err == nil {
			err = closed
		}
	}()
	for trial, err := range (Campaign{Scenario: s.WithDefaults(), Seed: seed}).Trials(ctx, e) {
		if err != nil {
			return trials, err
		}
		trials = append(trials, trial)
	}
	return trials, nil
}
