package harness

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// foretold is when the targets of scenarios install their handlers, as runs without a
// signal showed: a shot that lands before the handler cannot wait for it.
type foretold struct {
	mu sync.Mutex
	at map[string]time.Duration // since the launch
}

// foretellings is how many runs the time is taken from, the one in the middle of them.
const foretellings = 3

func handlerKey(s scenario.Scenario, p plan.HandlerPoint) string {
	return strings.Join(append([]string{s.Name, p.String()}, s.Target.Command...), "\x00")
}

// of is the time that is foretold for a point's handler; 0 for any other point.
func (f *foretold) of(s scenario.Scenario, p plan.Point) time.Duration {
	if p.Handler == nil {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at[handlerKey(s, installing(*p.Handler))]
}

// installing is the moment itself.
func installing(p plan.HandlerPoint) plan.HandlerPoint {
	p.Offset = 0
	return p
}

// foretell finds out when the target installs the handler that the shot is about, once
// for a scenario: it is killed there. known is false where it installs none, which the
// observation then shows. The lane must have nothing else to do.
func (e *Engine) foretell(ctx context.Context, l *lane, s scenario.Scenario, shot plan.Shot) (o observation.Observation, known bool) {
	if shot.Point.Handler == nil {
		return o, true
	}
	moment := installing(*shot.Point.Handler)
	e.handlers.mu.Lock()
	_, known = e.handlers.at[handlerKey(s, moment)]
	e.handlers.mu.Unlock()
	if known {
		return o, true
	}
	shot.Point, shot.Second = plan.Point{Handler: &moment}, nil
	shot.Schedule, shot.To = signals.Schedule{Steps: []signals.Step{{Signal: signals.KILL}}}, signals.ToProcess
	var times []time.Duration
	for range foretellings {
		watched, err := e.watch(ctx, l, s, shot, look{}).observe()
		o := watched.Observation
		if err != nil {
			o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
		}
		if o.Strike == nil || o.Failure != nil {
			return o, false
		}
		times = append(times, o.Strike.Actual)
	}
	slices.Sort(times)
	e.handlers.mu.Lock()
	defer e.handlers.mu.Unlock()
	e.handlers.at[handlerKey(s, moment)] = times[len(times)/2]
	return o, true
}

// aroundHandlers runs the shots of a campaign around the moment of a handler. A target
// that installs none makes one trial, which says so.
func (c Campaign) aroundHandlers(ctx context.Context, e *Engine) iter.Seq2[Trial, error] {
	return func(yield func(Trial, error) bool) {
		shots := plan.New(c.Scenario, c.Seed)
		l, err := e.take(ctx)
		if err != nil {
			yield(Trial{}, err)
			return
		}
		o, known := e.foretell(ctx, l, c.Scenario, shots.Shot(0))
		e.giveBack(l)
		if !known {
			yield(judged(ctx, c.Scenario, 0, shots.Shot(0), observed{Observation: o}, nil))
			return
		}
		c.run(ctx, e, shots.Len(), shots.Shot)(yield)
	}
}
