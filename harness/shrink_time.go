package harness

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
)

// A search over moments begins in steps of a millisecond, or of the target's jitter, and
// tells edges to a tenth of that. Moments differ from run to run: the trial's own is
// repeated some times, then those around it.
const (
	timeStep    = time.Millisecond
	timeFinest  = 100 * time.Microsecond
	timePart    = 16
	timeRepeats = 6
	timeReach   = 24
	// behindWindow is how long a traced run goes on behind the last moment.
	behindWindow = 50 * time.Millisecond
)

// inTime looks for the moments between which the finding comes.
func (s *shrinking) inTime() {
	line := s.moments()
	s.trace(s.Scenario, s.moment(line.To+int64(behindWindow)))
	jitter := s.jitter()
	line.Step = max(line.Step, int64(jitter))
	line.Resolution = max(line.Resolution, int64(jitter)/2)
	r := s.over(line, atMoments, s.moment)
	s.result.Repeats = r.Repeats
	if !r.Found {
		return
	}
	s.result.Everywhere = r.Everywhere
	s.sumUpTime(r)
}

// moment is the trial's shot at another moment.
func (s *shrinking) moment(at int64) plan.Shot {
	return s.at(plan.Point{Time: &plan.TimePoint{From: s.Trial.Shot.Point.Time.From, After: time.Duration(at)}})
}

// moments are those of the scenario's window, where the trial's is one of them; else those
// from its beginning to twice as far.
func (s *shrinking) moments() shrink.Line {
	own := s.Trial.Shot.Point.Time
	line := shrink.Line{
		To: int64(2 * own.After), Start: int64(own.After), Step: int64(timeStep),
		Resolution: int64(timeFinest), Fraction: timePart, Repeats: timeRepeats, Reach: timeReach,
	}
	random := s.Scenario.Strike.Random
	if random != nil && random.From == own.From && own.After >= random.Window.From && own.After <= random.Window.To {
		line.From, line.To = int64(random.Window.From), int64(random.Window.To)
	}
	return line
}

// origin is when the moments of a traced run begin to count.
func (s *shrinking) origin(run int) time.Duration {
	if s.Trial.Shot.Point.Time.From == scenario.FromReady {
		return s.ready[run]
	}
	return 0
}

// jitter is how much the target's moments differ between the traced runs; 0 where there
// is one run only.
func (s *shrinking) jitter() time.Duration {
	if len(s.traces) < 2 {
		return 0
	}
	second := shrink.Events(s.traces[1], s.traces[0])
	return shrink.Jitter(s.events, second, s.origin(0), s.origin(1), s.Trial.Shot.Point.Time.After)
}

// sumUpTime writes what the search over moments shows into the result.
func (s *shrinking) sumUpTime(r shrink.Range) {
	s.result.There, s.result.Outside = r.There, r.Outside
	if s.result.Everywhere {
		return
	}
	w := &shrink.Window{
		From: s.Trial.Shot.Point.Time.From, Left: r.Left, Right: r.Right, There: r.There, Outside: r.Outside,
		Jitter: s.jitter(), Exact: r.Settled,
	}
	for i, event := range s.events {
		switch at := event.At - s.origin(0); {
		case at <= time.Duration(r.Left.Inside):
			w.Before = &s.events[i]
		case at >= time.Duration(r.Right.Inside) && w.After == nil:
			w.After = &s.events[i]
		}
	}
	s.result.Window = w
}
