package harness

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// DefaultShrinkBudget is the time in which shots are begun where nothing else is asked for.
const DefaultShrinkBudget = 30 * time.Second

// Shrink narrows one finding of a trial down: to the moments and the system calls between
// which it comes, to the signals and deliveries that bring it, and to how many signals
// are needed. Only the same finding counts, by check and kind.
type Shrink struct {
	// Scenario is the trial's, with its defaults filled in.
	Scenario scenario.Scenario
	// Trial is the one that violated an expectation.
	Trial Trial
	// Check and Kind name the finding. Default: the trial's first.
	Check, Kind string
	// Budget is the time in which shots are begun. Default: 30s.
	Budget time.Duration
	// Drain, where not nil, ends it when it is closed, with what is known by then.
	Drain <-chan struct{}
	// Tell, where not nil, is told before each part of the work what comes now.
	Tell func(string)
}

// Run makes the shots, one at a time. The error is not nil only when ctx ended; what is
// known by then is in the result. A trial without a finding gives a result that says that
// it did not come back.
func (s Shrink) Run(ctx context.Context, e *Engine) (shrink.Result, error) {
	w := newShrinking(ctx, s, e)
	w.find()
	if w.result.Back {
		w.sameSignals()
		w.confirm()
	}
	w.result.Took, w.result.Cut = time.Since(w.began), w.cut
	return w.result, ctx.Err()
}

// shrinking is a Shrink at work.
type shrinking struct {
	Shrink
	ctx    context.Context
	e      *Engine
	began  time.Time
	result shrink.Result
	cut    string // why it ends early; "" while it does not

	// unproved counts the shots in a row that proved nothing.
	unproved int
	// traces are the calls of runs in which they were written down, events those of the
	// first; ready is when each run was ready.
	traces [][]observation.Call
	events []shrink.Event
	ready  []time.Duration
	// search is the one that counts in the end, over moments or calls, and shot makes its shots.
	search *shrink.Search
	shot   func(int64) plan.Shot
}

// part is a part of the work, and by which share of the budget it ends.
type part struct {
	share float64
	what  string
}

var (
	atMoments  = part{0.4, "at moments"}
	aroundIt   = part{0.7, "at system calls"}
	inAllOther = part{0.9, "with other signals"}
	beyondIt   = part{1, "outside"}
)

// traceShare is how much of the budget a traced run may take to be made a second time.
const traceShare = 0.05

// maxUnproved is how many shots in a row may prove nothing.
const maxUnproved = 10

func newShrinking(ctx context.Context, s Shrink, e *Engine) *shrinking {
	if s.Budget == 0 {
		s.Budget = DefaultShrinkBudget
	}
	if s.Check == "" && len(s.Trial.Judgement.Findings) > 0 {
		first := s.Trial.Judgement.Findings[0]
		s.Check, s.Kind = first.Check, first.Kind
	}
	return &shrinking{Shrink: s, ctx: ctx, e: e, began: time.Now(), result: shrink.Result{
		Scenario: s.Trial.Scenario, Trial: s.Trial.Index, Check: s.Check, Kind: s.Kind, Shot: s.Trial.Shot,
	}}
}

// left says whether another shot may be begun in a part of the work.
func (s *shrinking) left(p part) bool {
	select {
	case <-s.ctx.Done():
		return false
	case <-s.Drain:
		s.cut = "it was interrupted"
		return false
	default:
	}
	switch {
	case s.unproved >= maxUnproved:
		return false
	case time.Since(s.began) >= time.Duration(p.share*float64(s.Budget)):
		s.cut = fmt.Sprintf("the budget of %s allows no more shots %s", s.Budget.Round(100*time.Millisecond), p.what)
		return false
	}
	return true
}

// strike makes one shot. ok is false when it proved nothing, which is the harness' or the
// machine's doing.
func (s *shrinking) strike(shot plan.Shot, l look) (o observation.Observation, came shrink.Outcome, ok bool) {
	o, err := s.e.observe(s.ctx, s.patience(shot), shot, l)
	if err != nil {
		o.Failure = &observation.Failure{Kind: "warden", Message: err.Error()}
	}
	s.result.Shots++
	j := verdict.Judge(s.Scenario, o)
	switch {
	case s.found(j):
		came = shrink.Failed
	case o.Failure == nil && o.Strike == nil:
		came = shrink.Missed
	case j.Verdict == verdict.Error || j.Verdict == verdict.Inconclusive:
		if s.unproved++; s.unproved == maxUnproved {
			s.cut = "shots prove nothing: " + j.Reason
		}
		return o, shrink.Missed, false
	}
	s.unproved = 0
	return o, came, true
}

// patience is the scenario with a bound for a call that does not come, or does not
// return: far less than what a target may take for anything, since there are many shots.
// A schedule without end has the same bound for its own wait, and keeps it.
func (s *shrinking) patience(shot plan.Shot) scenario.Scenario {
	bounded := s.Scenario
	steps := shot.Schedule.Steps
	if shot.Point.Call == nil || len(s.events) == 0 || steps[len(steps)-1].Wait == signals.Forever {
		return bounded
	}
	bound := 3*s.events[len(s.events)-1].At + 2*time.Second
	bounded.Stop.Limit = min(bounded.Stop.Limit, scenario.Duration(bound))
	return bounded
}

// found says whether the finding is among those of a trial.
func (s *shrinking) found(j verdict.Judgement) bool {
	for _, f := range j.Findings {
		if f.Check == s.Check && f.Kind == s.Kind {
			return true
		}
	}
	return false
}

// tell says what comes now, where there is time for it.
func (s *shrinking) tell(what string, p part) {
	if s.Tell != nil && s.left(p) {
		s.Tell(what)
	}
}

// at is the trial's shot at another point.
func (s *shrinking) at(p plan.Point) plan.Shot {
	shot := s.Trial.Shot
	shot.Point = p
	return shot
}

// over searches a line, and what it finds counts for the result from then on.
func (s *shrinking) over(line shrink.Line, p part, shot func(int64) plan.Shot) shrink.Range {
	search := shrink.NewSearch(line)
	for s.left(p) {
		at, more := search.Next()
		if !more {
			break
		}
		if _, came, ok := s.strike(shot(at), look{}); ok {
			search.Add(at, came)
		}
	}
	r := search.Range()
	if r.Found {
		s.search, s.shot = search, shot
		s.result.Back = true
	}
	return r
}

// find looks for the window in time, where the trial was struck at a moment, then for the
// calls around it.
func (s *shrinking) find() {
	if s.Trial.Shot.Point.Time != nil {
		s.tell("looking for the window in time", atMoments)
		if s.inTime(); s.result.Everywhere {
			return
		}
	}
	s.tell("looking for the system calls around it", aroundIt)
	s.atCalls()
}

// atCalls strikes at the calls around the place where the finding comes.
func (s *shrinking) atCalls() {
	start, sure := s.start()
	if len(s.events) == 0 || !s.left(aroundIt) {
		return
	}
	line := shrink.Line{To: shrink.Places(s.events) - 1, Start: start, Reach: nearCalls}
	if !sure {
		line.Reach = farCalls
	}
	r := s.over(line, aroundIt, func(place int64) plan.Shot {
		event, side := shrink.PlaceAt(s.events, place)
		return s.at(event.Point(side))
	})
	if !r.Found {
		s.result.Around = r.Repeats
		return
	}
	s.result.Everywhere = r.Everywhere
	s.sumUp()
}

// How many calls around the likely place are tried where the finding does not come at
// it, when it was seen there and when it was not.
const (
	nearCalls = 20
	farCalls  = 400
)

// start is the place among the calls where the finding comes most likely. sure says that
// it was seen to come there.
func (s *shrinking) start() (place int64, sure bool) {
	const tries = 5
	shot := s.Trial.Shot
	if s.search != nil {
		shot = s.shot(s.search.Range().Best)
	}
	for i := 0; i < tries && s.left(aroundIt); i++ {
		o, came, ok := s.strike(shot, look{trace: s.traced()})
		if !ok {
			continue
		}
		if s.Trial.Shot.Point.Time == nil {
			s.result.Repeats.Add(came)
			s.result.Back = s.result.Back || came == shrink.Failed
		}
		if o.Strike == nil || o.Calls == nil {
			continue
		}
		if len(s.traces) == 0 {
			s.traceToTheEnd(o)
		}
		if place = s.placed(o); came == shrink.Failed {
			return place, true
		}
	}
	return place, false
}

// placed is the place at the last call before the strike.
func (s *shrinking) placed(o observation.Observation) int64 {
	run := shrink.Events(o.Calls.Trace, s.traces...)
	if len(run) == 0 || len(s.events) == 0 {
		return 0
	}
	side := scenario.After
	if call := s.Trial.Shot.Point.Call; call != nil {
		side = call.Side
	}
	last := len(run) - 1
	return shrink.PlaceOf(shrink.Match(s.events, run[last], last), side)
}

// traced are the calls that are written down: the usual ones, and those of the point.
func (s *shrinking) traced() scenario.Calls {
	if call := s.Trial.Shot.Point.Call; call != nil {
		return shrink.Traced + "," + call.Calls
	}
	return shrink.Traced
}

// traceToTheEnd writes down the calls of a run that nobody strikes, until the target has
// gone on for as long again as it took to the strike of another, and a second.
func (s *shrinking) traceToTheEnd(struck observation.Observation) {
	patient := s.Scenario
	patient.Stop.Limit = min(patient.Stop.Limit, scenario.Duration(2*struck.Strike.Actual+time.Second))
	none := s.at(plan.Point{Call: &plan.CallPoint{Calls: s.traced(), Side: scenario.Before, Count: scenario.PerTree}})
	s.trace(patient, none)
}

// trace writes down the calls of a run, and of a second one where that is cheap: what
// differs between them is no mark to tell calls by.
func (s *shrinking) trace(of scenario.Scenario, shot plan.Shot) {
	for range 2 {
		began := time.Now()
		if !s.left(atMoments) {
			break
		}
		o, err := s.e.observe(s.ctx, of, shot, look{trace: s.traced()})
		if err != nil || o.Failure != nil || o.Calls == nil {
			break
		}
		s.traces = append(s.traces, o.Calls.Trace)
		ready := time.Duration(0)
		if o.Ready != nil {
			ready = o.Ready.At
		}
		s.ready = append(s.ready, ready)
		if time.Since(began) > time.Duration(traceShare*float64(s.Budget)) {
			break
		}
	}
	if len(s.traces) > 0 {
		s.events = shrink.Events(s.traces[0], s.traces[1:]...)
	}
}

// sumUp writes what the search over calls shows into the result.
func (s *shrinking) sumUp() {
	r := s.search.Range()
	s.result.There, s.result.Outside = r.There, r.Outside
	if s.result.Everywhere {
		return
	}
	if len(s.events) == 0 || s.shot(r.Best).Point.Call == nil {
		s.sumUpTime(r)
		return
	}
	b := &shrink.Between{OpenFirst: r.Left.Open, OpenLast: r.Right.Open, Exact: r.Settled}
	b.First, b.FirstSide = shrink.PlaceAt(s.events, r.Left.Inside)
	b.Last, b.LastSide = shrink.PlaceAt(s.events, r.Right.Inside)
	b.Width = s.width(b.First, b.Last)
	for _, place := range r.Elsewhere {
		event, side := shrink.PlaceAt(s.events, place)
		b.Elsewhere = append(b.Elsewhere, fmt.Sprintf("%s %s", side, event))
	}
	s.result.Between = b
}

// width is the time between two calls: that of the traced run in which it was shortest,
// since a busy machine only adds to it.
func (s *shrinking) width(first, last shrink.Event) time.Duration {
	shortest := last.At - first.At
	for i, trace := range s.traces {
		run := shrink.Events(trace, slices.Delete(slices.Clone(s.traces), i, i+1)...)
		if between, ok := shrink.Span(run, first, last); ok {
			shortest = min(shortest, between)
		}
	}
	return shortest
}
