package render

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Which trials get a page of their own. All trials go by once, and what is kept of
// them does not grow with their number.

// Most trials of a scenario that are kept for a page, by why they are. Those of
// violations share what a run has.
const (
	keptOfFinding    = 4
	keptOfEnding     = 2
	keptOfVerdict    = 3
	keptSlowest      = 4
	keptErrors       = 20
	keptViolations   = 240 // of the whole run
	fewestViolations = 8   // of a scenario
	maxShelves       = 80
)

// shelf keeps the first trials of an order.
type shelf struct {
	room   int
	trials []*harness.Trial
	order  func(a, b *harness.Trial) int
}

func (s *shelf) offer(t *harness.Trial) {
	if len(s.trials) == s.room && s.order(t, s.trials[s.room-1]) >= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(s.trials, t, s.order)
	s.trials = slices.Insert(s.trials, at, t)
	s.trials = s.trials[:min(len(s.trials), s.room)]
}

func byIndex(a, b *harness.Trial) int { return cmp.Compare(a.Index, b.Index) }

func slowestFirst(a, b *harness.Trial) int {
	la, _ := a.Observation.Latency()
	lb, _ := b.Observation.Latency()
	return cmp.Or(cmp.Compare(lb, la), byIndex(a, b))
}

// choice is what is kept of one scenario's trials.
type choice struct {
	shelves    map[string]*shelf
	violations int // room for them
}

// newChoice has room for a share of the violations that a run keeps.
func newChoice(scenarios int) *choice {
	return &choice{shelves: map[string]*shelf{}, violations: max(fewestViolations, keptViolations/max(1, scenarios))}
}

// offer puts a trial on the shelves where it belongs.
func (c *choice) offer(t harness.Trial) {
	seen := &t
	c.put(seen, "verdict "+string(t.Judgement.Verdict), keptOfVerdict, byIndex)
	for _, f := range t.Judgement.Findings {
		c.put(seen, "finding "+f.Check+"/"+f.Kind, keptOfFinding, byIndex)
	}
	if ending, ok := t.Observation.Ending(); ok {
		c.put(seen, "ending "+ending.String(), keptOfEnding, byIndex)
	}
	if _, ok := t.Observation.Latency(); ok {
		c.put(seen, "slowest", keptSlowest, slowestFirst)
	}
	switch t.Judgement.Verdict {
	case verdict.Error:
		c.put(seen, "errors", keptErrors, byIndex)
	case verdict.Violation:
		c.put(seen, "violations", c.violations, byIndex)
	}
}

func (c *choice) put(t *harness.Trial, name string, room int, order func(a, b *harness.Trial) int) {
	s := c.shelves[name]
	if s == nil {
		if len(c.shelves) >= maxShelves {
			return
		}
		s = &shelf{room: room, order: order}
		c.shelves[name] = s
	}
	s.offer(t)
}

// chosen lists each trial once: the examples first, then the other violations, whose
// shelf has the last name. The shelves come in the order of their names, for that of the
// record differs with --jobs.
func (c *choice) chosen() (list []*harness.Trial) {
	taken := map[int]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.shelves)) {
		for _, t := range c.shelves[name].trials {
			if !taken[t.Index] {
				taken[t.Index] = true
				list = append(list, t)
			}
		}
	}
	return list
}
