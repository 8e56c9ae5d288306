package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Sweep is how far a sweep came: at how many of the program's system calls it struck,
// and whether it was proved that there are no more.
type Sweep struct {
	// Signal is first or second: which signal of the schedule lands at the points.
	Signal scenario.Which `json:"signal"`
	// Calls names the system calls, and Path the file that they are about.
	Calls string `json:"calls"`
	Path  string `json:"path,omitempty"`
	// Points is how many calls there are to strike at, as far as runs showed them and
	// the scenario asks for them.
	Points int `json:"points"`
	// Covered is at how many of them the signal landed, on every side that is asked for.
	Covered int `json:"covered"`
	// Sides tells at how many it landed on each side.
	Sides map[scenario.Side]int `json:"sides"`
	// Fewest and Most are set where the number of calls differs from run to run.
	Fewest int `json:"fewest_calls,omitempty"`
	Most   int `json:"most_calls,omitempty"`
	// Complete says that the signal landed at every point, and that a run proved that
	// there is no further one, or the scenario bounds the points.
	Complete bool `json:"complete"`
	// Reason says it in one line, with why not where not.
	Reason string `json:"reason"`
	// Warnings tells what the reference run did that is safe against signals alone.
	Warnings []string `json:"warnings,omitempty"`
}

// Struck are the points of a sweep at which a finding came, on one side.
type Struck struct {
	Side scenario.Side `json:"side"`
	// Count is the number of points.
	Count int `json:"count"`
	// Nth lists the first hundred of them in rising order.
	Nth []int `json:"nth"`
}

// coverage follows a sweep trial by trial.
type coverage struct {
	reference harness.Reference
	struck    map[scenario.Side]map[int]bool
	tried     map[scenario.Side]map[int]bool
	trials    int
	top       int // the last point that was struck
	// absent are the points of runs that ended without them, with what they had made.
	absent map[int]int
	// fewest and most are how many calls runs made that went to their own end.
	fewest, most int
}

// add follows one trial; those outside of a sweep tell nothing.
func (c *coverage) add(t harness.Trial) {
	if t.Reference == nil || t.Shot.Swept() == nil {
		return
	}
	c.see(*t.Reference)
	if t.Reference.Calls == 0 {
		return // the reference run itself, which found nothing to strike at
	}
	point := *t.Shot.Swept()
	c.trials++
	mark(c.tried, point.Side, point.Nth)
	switch {
	case t.Hit():
		mark(c.struck, point.Side, point.Nth)
		c.top, c.most = max(c.top, point.Nth), max(c.most, point.Nth)
	case t.Absent():
		made := t.Observation.Calls.Seen
		c.absent[point.Nth] = max(c.absent[point.Nth], made)
		c.fewest, c.most = min(c.fewest, made), max(c.most, made)
	}
}

// see takes what the reference run showed. All trials say the same of it, but those of
// a run that was resumed.
func (c *coverage) see(r harness.Reference) {
	if c.struck == nil {
		c.reference, c.fewest, c.most = r, r.Calls, r.Calls
		c.struck, c.tried = map[scenario.Side]map[int]bool{}, map[scenario.Side]map[int]bool{}
		c.absent = map[int]int{}
	}
	c.reference.Calls, c.reference.Ended = max(c.reference.Calls, r.Calls), c.reference.Ended && r.Ended
	c.fewest, c.most = min(c.fewest, r.Calls), max(c.most, r.Calls)
}

func mark(points map[scenario.Side]map[int]bool, side scenario.Side, nth int) {
	if points[side] == nil {
		points[side] = map[int]bool{}
	}
	points[side][nth] = true
}

// end is the number of the last call that is known. Counted by process, the calls of
// the reference run are those of all processes, and a run that ended without a point
// tells more.
func (c *coverage) end(s scenario.Sweep) int {
	end := max(c.reference.Calls, c.top)
	if s.Count == scenario.PerProcess {
		for nth := range c.absent {
			if nth > c.top {
				end = min(end, nth-1)
			}
		}
	}
	if s.Points.Last > 0 {
		end = min(end, s.Points.Last)
	}
	return end
}

// proved says that a run ended without the call behind the last one.
func (c *coverage) proved(s scenario.Sweep) bool {
	end := c.end(s)
	if s.Points.Last > 0 {
		return c.reference.Ended || c.reference.Calls >= s.Points.Last
	}
	made, ended := c.absent[end+1]
	return ended && (s.Count == scenario.PerProcess || made == end)
}

// sweep sums the sweep up; nil where the trials tell of none. cut says why the run
// ended early, and is empty where it did not.
func (c *coverage) sweep(s *scenario.Sweep, cut string) *Sweep {
	if s == nil || c.struck == nil {
		return nil
	}
	sum := &Sweep{Signal: s.Signal, Calls: string(s.Syscall), Path: s.Path, Sides: map[scenario.Side]int{}}
	for _, side := range s.Sides {
		sum.Sides[side] = 0
	}
	for nth := 1; nth <= c.end(*s); nth++ {
		if s.Points.Has(nth) {
			sum.Points++
			sum.count(c.struck, s.Sides, nth)
		}
	}
	sum.Warnings = c.reference.Warnings
	if c.fewest != c.most {
		sum.Fewest, sum.Most = c.fewest, c.most
	}
	sum.Complete = sum.Points > 0 && sum.Covered == sum.Points && c.proved(*s)
	sum.Reason = c.reason(*s, *sum, cut)
	return sum
}

func (s *Sweep) count(struck map[scenario.Side]map[int]bool, sides []scenario.Side, nth int) {
	all := true
	for _, side := range sides {
		if struck[side][nth] {
			s.Sides[side]++
		} else {
			all = false
		}
	}
	if all {
		s.Covered++
	}
}

func (c *coverage) reason(s scenario.Sweep, sum Sweep, cut string) string {
	switch {
	case sum.Points == 0 && c.reference.Calls == 0 && !c.reference.Ended:
		return "there is no point to strike at: the reference run could not be carried to its end"
	case sum.Points == 0 && c.reference.Calls == 0:
		return "there is no point to strike at: no system call fits " + sum.name()
	case sum.Points == 0:
		return fmt.Sprintf("there is no point to strike at: the reference run made %s, and %s has none of them", calls(c.reference.Calls), s.Points)
	case !sum.Complete:
		return sum.part(s) + ": " + c.obstacle(s, sum, cut)
	case s.Points.Last == 0:
		return sum.all(s) + " (the run behind them made no further call)"
	case c.reference.Ended && c.reference.Calls < s.Points.Last:
		return fmt.Sprintf("%s (%s asks for more, and the reference run made %s)", sum.all(s), s.Points, calls(c.reference.Calls))
	}
	return fmt.Sprintf("%s (of %s)", sum.all(s), s.Points)
}

// obstacle says why a sweep is not complete.
func (c *coverage) obstacle(s scenario.Sweep, sum Sweep, cut string) string {
	untried, absent := c.missing(s)
	switch {
	case cut != "" && (untried > 0 || !c.proved(s)):
		return cut
	case untried > 0 && s.Trials > 0 && c.trials >= s.Trials:
		return fmt.Sprintf("--trials %d allows no more", s.Trials)
	case untried > 0 && s.Budget > 0:
		return fmt.Sprintf("--budget %s was used up", s.Budget)
	case sum.Covered == sum.Points && !c.reference.Ended && s.Points.Last > 0:
		return fmt.Sprintf("the reference run made no more than %s in the time that --limit gives it", calls(c.reference.Calls))
	case sum.Covered == sum.Points && !c.reference.Ended:
		return fmt.Sprintf("the target does not end by itself: bound it with --points %d..%d", s.Points.First, max(s.Points.First, c.end(s)))
	case absent > 0 || untried > 0 && sum.Fewest != sum.Most:
		return fmt.Sprintf("the number of calls differs from run to run, %d to %d", sum.Fewest, sum.Most)
	case untried > 0:
		return "the others were not tried"
	case sum.Covered < sum.Points:
		return "the signal did not land at the others; what came instead stands below"
	case s.Trials > 0:
		return fmt.Sprintf("--trials %d leaves none to prove that there is no further call", s.Trials)
	case s.Budget > 0 && len(c.absent) == 0:
		return fmt.Sprintf("--budget %s was used up before a run proved that there is no further call", s.Budget)
	case sum.Fewest != sum.Most:
		return fmt.Sprintf("the number of calls differs from run to run, %d to %d, and no run proved that there is no further one", sum.Fewest, sum.Most)
	}
	return "no run proved that there is no further call"
}

// missing counts the places, points with a side, that no trial went for, and those
// that did not come.
func (c *coverage) missing(s scenario.Sweep) (untried, absent int) {
	for nth := 1; nth <= c.end(s); nth++ {
		for _, side := range s.Sides {
			_, gone := c.absent[nth]
			switch {
			case !s.Points.Has(nth) || c.struck[side][nth]:
			case !c.tried[side][nth]:
				untried++
			case gone:
				absent++
			}
		}
	}
	return untried, absent
}

// name is what is swept: "write on out/**".
func (s Sweep) name() string {
	if s.Path == "" {
		return s.Calls
	}
	return s.Calls + " on " + s.Path
}

// all is "all 200 points covered, before and after".
func (s Sweep) all(asked scenario.Sweep) string {
	if s.Points == 1 {
		return "the only point covered, " + sides(asked.Sides)
	}
	return fmt.Sprintf("all %d points covered, %s", s.Points, sides(asked.Sides))
}

// part is "37 of 200 points, before and after", or where the sides differ "37 of 200
// points before, 36 after".
func (s Sweep) part(asked scenario.Sweep) string {
	if len(slices.Compact(slices.Sorted(maps.Values(s.Sides)))) == 1 {
		return fmt.Sprintf("%d of %s, %s", s.Covered, points(s.Points), sides(asked.Sides))
	}
	var parts []string
	for i, side := range asked.Sides {
		if i == 0 {
			parts = append(parts, fmt.Sprintf("%d of %s %s", s.Sides[side], points(s.Points), side))
			continue
		}
		parts = append(parts, fmt.Sprintf("%d %s", s.Sides[side], side))
	}
	return strings.Join(parts, ", ")
}

// sides is "before", "before and after", "before, inside and after".
func sides(list []scenario.Side) string {
	words := make([]string, len(list))
	for i, side := range list {
		words[i] = string(side)
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

func points(n int) string { return counted(n, "point") }

func calls(n int) string { return counted(n, "call") }

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// addPoint notes where in a sweep a finding came.
func (f *Findings) addPoint(t harness.Trial) {
	call := t.Shot.Swept()
	if t.Reference == nil || call == nil || !t.Hit() {
		return
	}
	here := func(s Struck) bool { return s.Side == call.Side }
	if !slices.ContainsFunc(f.Points, here) {
		f.Points = append(f.Points, Struck{Side: call.Side})
		slices.SortFunc(f.Points, func(a, b Struck) int { return order(a.Side) - order(b.Side) })
	}
	s := &f.Points[slices.IndexFunc(f.Points, here)]
	s.Count++
	s.Nth, _ = lowest(s.Nth, call.Nth)
}

// order is the order in which a call passes its sides.
func order(side scenario.Side) int {
	return slices.Index([]scenario.Side{scenario.Before, scenario.Inside, scenario.After}, side)
}
