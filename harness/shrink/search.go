// Package shrink narrows a violation down: to the range of moments or of system calls in
// which a signal brings it about, and to the fewest signals that do.
//
// It is pure: it asks for shots and is told what came of them. Package harness carries
// them out.
package shrink

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Outcome is what came of a shot.
type Outcome int

// The outcomes. Only the finding that is looked for is a failure; another one is none.
const (
	Passed Outcome = iota // the target was struck, and the finding did not come
	Failed                // it came
	Missed                // the target was not struck there, or nothing was proved
)

// Line is what a search is about: whole numbers, both ends included. They are moments in
// nanoseconds, or places in a row of system calls.
type Line struct {
	From, To int64
	// Start is where the finding came before.
	Start int64
	// Step is how far a search goes in its first step, and in each step around a start at
	// which the finding does not come back. Default: 1.
	Step int64
	// Resolution is how finely an edge is told; Fraction, where it is not 0, allows an
	// edge to be as coarse as this part of the range's width. Default: 1.
	Resolution, Fraction int64
	// Repeats is how often the start is tried until the finding comes back, and Reach how
	// many places around it are tried after that. Default: 1 and 0.
	Repeats, Reach int
}

// The bounds of a search.
const (
	// sure is how often the place that fails best is struck to know how often it does, and
	// unsure how often where it has not always failed.
	sure, unsure = 3, 12
	// doubt is the probability that is allowed for a place inside the range to be taken
	// for one outside, because the finding did not come in any of the shots there.
	doubt = 0.01
	// fewest and most bound the shots without the finding that make a place one outside.
	fewest, most = 3, 24
	// enoughMissed is how many shots that did not strike make a place one outside.
	enoughMissed = 2
	// holes is into how many parts a range is cut at least by places that were struck.
	holes = 4
	// scouts is into how many parts the line is cut, to be struck once at each end of
	// them: that shows whether the finding comes everywhere, and elsewhere.
	scouts = 8
	// maxShots bounds a search.
	maxShots = 1000
)

// tally counts the outcomes at one place.
type tally struct{ failed, passed, missed int }

func (t tally) struck() int { return t.failed + t.passed }

// rate estimates how often the finding comes at a place. It is never 0 or 1.
func (t tally) rate() float64 { return (float64(t.failed) + 0.5) / float64(t.struck()+1) }

// Search looks for the range around a place at which a finding comes. Ask for a place
// with [Search.Next], tell what came of it with [Search.Add], and look at what is known
// with [Search.Range] at any time.
//
// A finding may come in some of the shots inside the range only, and never comes outside
// of it. So one failure proves that a place is inside, and a place is held for one
// outside after so many shots without the finding that a place like the one that fails
// best would stay silent with a probability below 1 %.
type Search struct {
	line  Line
	seen  map[int64]*tally
	shots int
}

// NewSearch begins a search; the start is moved onto the line.
func NewSearch(line Line) *Search {
	line.Start = min(max(line.Start, line.From), line.To)
	line.Step, line.Resolution, line.Repeats = max(line.Step, 1), max(line.Resolution, 1), max(line.Repeats, 1)
	return &Search{line: line, seen: map[int64]*tally{}}
}

// Add tells what came of a shot. It need not be one that was asked for.
func (s *Search) Add(at int64, o Outcome) {
	t := s.seen[at]
	if t == nil {
		t = &tally{}
		s.seen[at] = t
	}
	s.shots++
	switch o {
	case Failed:
		t.failed++
	case Missed:
		t.missed++
	default:
		t.passed++
	}
}

// Next is where to strike next. more is false when the search has come to its end.
func (s *Search) Next() (at int64, more bool) {
	if s.shots >= maxShots {
		return 0, false
	}
	best, found := s.best()
	if !found {
		return s.comeBack()
	}
	if t := s.seen[best]; t.struck() < sure || t.passed > 0 && t.struck() < unsure {
		return best, true
	}
	if at, left := s.wide(); left {
		return at, true
	}
	if s.everywhere() {
		return 0, false
	}
	if at, left := s.narrowed(best); left {
		return at, true
	}
	return s.scout()
}

// wide strikes at both ends of the line, and where the finding comes there too at places
// between them: what comes everywhere is not to be narrowed down step by step.
func (s *Search) wide() (at int64, left bool) {
	for _, end := range []int64{s.line.From, s.line.To} {
		if s.seen[end] == nil {
			return end, true
		}
	}
	if s.everywhere() {
		return s.scout()
	}
	return 0, false
}

// narrowed is where to strike to tell both ends of the range.
func (s *Search) narrowed(best int64) (at int64, left bool) {
	for _, side := range []int64{-1, 1} {
		if at, open := s.narrow(best, side); open {
			return at, true
		}
	}
	return s.hole(best)
}

// places are those that were tried, in rising order.
func (s *Search) places() []int64 { return slices.Sorted(maps.Keys(s.seen)) }

// best is the place where the finding comes most often, and of those the nearest to the
// start.
func (s *Search) best() (at int64, found bool) {
	for _, place := range s.places() {
		t := s.seen[place]
		if t.failed == 0 {
			continue
		}
		better := !found || cmp.Or(cmp.Compare(t.rate(), s.seen[at].rate()), cmp.Compare(s.fromStart(at), s.fromStart(place))) > 0
		if better {
			at, found = place, true
		}
	}
	return at, found
}

func (s *Search) fromStart(at int64) int64 { return max(at-s.line.Start, s.line.Start-at) }

// comeBack repeats the start, then goes around it in growing steps to either side.
func (s *Search) comeBack() (at int64, more bool) {
	i := s.shots - s.line.Repeats
	if i < 0 {
		return s.line.Start, true
	}
	for ; i < s.line.Reach; i++ {
		offset := int64(i/2+1) * s.line.Step
		if i%2 == 1 {
			offset = -offset
		}
		if at = s.line.Start + offset; at >= s.line.From && at <= s.line.To && s.seen[at] == nil {
			return at, true
		}
		s.shots++ // it is off the line, and counts as tried
	}
	return 0, false
}

// scout is the next of the places, evenly spread over the line, that was not tried yet.
func (s *Search) scout() (at int64, left bool) {
	for i := range int64(scouts + 1) {
		at = s.line.From + (s.line.To-s.line.From)/scouts*i
		if i == scouts {
			at = s.line.To
		}
		if s.seen[at] == nil {
			return at, true
		}
	}
	return 0, false
}

// everywhere says that the finding came wherever the target was struck.
func (s *Search) everywhere() bool {
	struck := 0
	for _, t := range s.seen {
		switch {
		case t.struck() == 0:
		case t.failed == 0:
			return false
		default:
			struck++
		}
	}
	return struck > 1
}

// outside says that a place was struck often enough without the finding.
func (s *Search) outside(t tally, need int) bool {
	return t.failed == 0 && (t.passed >= need || t.missed >= enoughMissed)
}

// need is how many shots without the finding make a place one outside. The best place is
// the luckiest of many: where it does not always fail, its rate is taken for a standard
// error less.
func (s *Search) need(best int64) int {
	t := s.seen[best]
	rate := t.rate()
	if t.passed > 0 {
		rate = max(rate-math.Sqrt(rate*(1-rate)/float64(t.struck())), rate/2)
	}
	n := math.Ceil(math.Log(doubt) / math.Log(1-rate))
	return min(max(int(n), fewest), most)
}

// edge is one end of a range as far as it is known.
type edge struct {
	// inside is the last place at which the finding came with none undecided before it,
	// outside the first one behind it that is held for one outside; a step off the line
	// where there is none.
	inside, outside int64
	bounded         bool
	// undecided are the places between them that were tried, and are neither.
	undecided []int64
}

// edge goes from the best place to one side, -1 or 1.
func (s *Search) edge(best, side int64) edge {
	e := edge{inside: best, outside: s.line.From - 1}
	places, need := s.places(), s.need(best)
	if side > 0 {
		e.outside = s.line.To + 1
	} else {
		slices.Reverse(places)
	}
	for _, at := range places {
		switch t := s.seen[at]; {
		case (at-best)*side <= 0:
		case t.failed > 0 && len(e.undecided) == 0:
			e.inside = at
		case t.failed > 0: // what lies before it is to be decided first
		case s.outside(*t, need):
			e.outside, e.bounded = at, true
			return e
		default:
			e.undecided = append(e.undecided, at)
		}
	}
	return e
}

// narrow is where to strike next to tell an end of the range better. It goes outwards in
// steps that double, halves what is left, and stays at a place until it is decided.
func (s *Search) narrow(best, side int64) (at int64, open bool) {
	e := s.edge(best, side)
	gap := (e.outside - e.inside) * side
	if gap <= 1 || e.bounded && gap <= s.tolerance(best) {
		return 0, false
	}
	leap := max(s.line.Step, (e.inside-best)*side)
	if e.bounded {
		leap = min(leap, gap/2)
	}
	at = e.inside + side*min(leap, gap-1)
	for _, place := range slices.Backward(e.undecided) {
		if (at-place)*side >= 0 {
			return place, true
		}
	}
	return at, true
}

// hole is a place in the middle of a part of the range in which nothing was struck: two
// ranges that are far apart must not be taken for one.
func (s *Search) hole(best int64) (at int64, left bool) {
	from, to := s.edge(best, -1).inside, s.edge(best, 1).inside
	widest, last := max(s.line.Resolution, (to-from)/holes), from
	for _, place := range s.places() {
		if place < from || place > to {
			continue
		}
		if place-last > widest {
			at, left, widest = last+(place-last)/2, true, place-last
		}
		last = place
	}
	return at, left
}

// tolerance is how far apart the two sides of an edge may stay.
func (s *Search) tolerance(best int64) int64 {
	if s.line.Fraction == 0 {
		return s.line.Resolution
	}
	width := s.edge(best, 1).inside - s.edge(best, -1).inside
	return max(s.line.Resolution, width/s.line.Fraction)
}
