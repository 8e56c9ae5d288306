package shrink

import "fmt"

// Count is how often the finding came in so many shots that struck.
type Count struct {
	Failed int `json:"failed"`
	Shots  int `json:"shots"`
}

// String is "7/7".
func (c Count) String() string { return fmt.Sprintf("%d/%d", c.Failed, c.Shots) }

func (c *Count) add(t tally) { c.Failed, c.Shots = c.Failed+t.failed, c.Shots+t.struck() }

// Add counts a shot; one that missed does not count.
func (c *Count) Add(o Outcome) {
	switch o {
	case Failed:
		c.Failed, c.Shots = c.Failed+1, c.Shots+1
	case Passed:
		c.Shots++
	}
}

// Edge is one end of a range.
type Edge struct {
	// Inside is the last place at which the finding came, Outside the first one behind it
	// at which it did not: the range ends between them.
	Inside  int64 `json:"inside"`
	Outside int64 `json:"outside"`
	// Open says that the finding comes up to the end of the line, or up to where the
	// target cannot be struck any more: there is no place outside at which it does not.
	Open bool `json:"open,omitempty"`
}

// Range is where a finding comes, as far as a search has found out.
type Range struct {
	// Found says that it came at all. Nothing else is known where it did not.
	Found bool
	// Everywhere says that it came wherever the target was struck.
	Everywhere bool
	// Settled says that the search came to its end.
	Settled     bool
	Left, Right Edge
	// Best is the place where it came most often.
	Best int64
	// Repeats counts the shots at the start; where the finding did not come back, all.
	Repeats Count
	// There counts the shots between the two inner edges, Outside those beyond the outer
	// ones. What lies between an inner and an outer edge is in neither.
	There, Outside Count
	// Elsewhere are places beyond the outer edges at which it came too, in rising order:
	// there is another range.
	Elsewhere []int64
}

// Range is what is known.
func (s *Search) Range() Range {
	best, found := s.best()
	if !found {
		_, more := s.Next()
		return Range{Settled: !more, Repeats: s.total(), Outside: s.total()}
	}
	left, right := s.edge(best, -1), s.edge(best, 1)
	r := Range{
		Found: true, Best: best,
		Left:  Edge{left.inside, left.outside, s.open(left)},
		Right: Edge{right.inside, right.outside, s.open(right)},
	}
	if t := s.seen[s.line.Start]; t != nil {
		r.Repeats.add(*t)
	}
	_, more := s.Next()
	r.Settled = !more
	r.Everywhere = r.Settled && (s.everywhere() || r.Left.Open && r.Right.Open)
	s.count(&r)
	return r
}

func (s *Search) open(e edge) bool { return !e.bounded || s.seen[e.outside].struck() == 0 }

func (s *Search) total() (c Count) {
	for _, t := range s.seen {
		c.add(*t)
	}
	return c
}

func (s *Search) count(r *Range) {
	if r.Everywhere {
		r.There = s.total()
		return
	}
	for _, at := range s.places() {
		t := s.seen[at]
		switch {
		case at >= r.Left.Inside && at <= r.Right.Inside:
			r.There.add(*t)
		case at <= r.Left.Outside && !r.Left.Open || at >= r.Right.Outside && !r.Right.Open:
			r.Outside.add(*t)
			if t.failed > 0 {
				r.Elsewhere = append(r.Elsewhere, at)
			}
		}
	}
}

// Spread is up to n places of the line outside of the range: those next to it first, by
// turns on either side, then others, evenly spread. It is for shots that show that the
// finding does not come there.
func (s *Search) Spread(r Range, n int) []int64 {
	var all []int64
	free := func(at int64) bool {
		return at >= s.line.From && at <= s.line.To && (at <= r.Left.Outside && !r.Left.Open || at >= r.Right.Outside && !r.Right.Open)
	}
	for _, at := range []int64{r.Left.Outside, r.Right.Outside, r.Left.Outside - 1, r.Right.Outside + 1} {
		if free(at) {
			all = append(all, at)
		}
	}
	for i := range int64(n) {
		if at := s.line.From + (s.line.To-s.line.From)*i/int64(n); free(at) {
			all = append(all, at)
		}
	}
	return all[:min(len(all), n)]
}
