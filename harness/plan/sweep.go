package plan

import (
	"cmp"
	"slices"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Swept is the point of a sweep that a shot is about; nil for other shots.
func (s Shot) Swept() *CallPoint {
	if s.Second != nil {
		return s.Second.Call
	}
	return s.Point.Call
}

// Reference is the point of the run that counts a sweep's calls: none, or the last one
// that the sweep asks for, so that a target which never ends by itself is stopped there.
func Reference(s scenario.Scenario) Shot {
	sweep := s.Strike.Sweep
	return shotAt(s, CallPoint{
		Calls: sweep.Syscall, Path: sweep.Path, Nth: sweep.Points.Last, Side: scenario.Before, Count: sweep.Count,
	})
}

func shotAt(s scenario.Scenario, point CallPoint) Shot {
	if s.Strike.Sweep.Signal == scenario.Second {
		return Shot{
			Point:  Point{Time: &TimePoint{From: scenario.FromReady}},
			Second: &Point{Call: &point}, Schedule: s.Stop.Schedule, To: s.Stop.To,
		}
	}
	return Shot{Point: Point{Call: &point}, Schedule: s.Stop.Schedule, To: s.Stop.To}
}

// Sweep plans the sweep of a scenario, whose defaults must be filled in. places says
// where in the target each call of the reference run was made, as numbers that are the
// same for the same place. A point of every place comes first, then a second one of
// each, and so on, so that a sweep which is cut short has been in the most different
// places.
func Sweep(s scenario.Scenario, places []uint64) []Shot {
	sweep := s.Strike.Sweep
	type point struct{ nth, visit int }
	var points []point
	visits := map[uint64]int{}
	for i, place := range places {
		if nth := i + 1; sweep.Points.Has(nth) {
			points = append(points, point{nth, visits[place]})
			visits[place]++
		}
	}
	slices.SortFunc(points, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.visit, b.visit), cmp.Compare(a.nth, b.nth))
	})
	var shots []Shot
	for _, p := range points {
		for _, side := range sweep.Sides {
			shots = append(shots, At(s, p.nth, side))
		}
	}
	if sweep.Trials > 0 {
		shots = shots[:min(len(shots), sweep.Trials)]
	}
	return shots
}

// At is the shot at the n-th call, on one side. At the call behind the last one that
// runs make it is the proof that there was no further point, if it does not fire.
func At(s scenario.Scenario, n int, side scenario.Side) Shot {
	sweep := s.Strike.Sweep
	return shotAt(s, CallPoint{Calls: sweep.Syscall, Path: sweep.Path, Nth: n, Side: side, Count: sweep.Count})
}
