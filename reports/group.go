package reports

import "slices"

// maxListed bounds the trials that a group lists.
const maxListed = 100

// Group is a set of trials of one scenario.
type Group struct {
	// Count is the number of trials.
	Count int `json:"count"`
	// Trials lists the first hundred of them by index, in rising order. The first one
	// is the worked example.
	Trials []int `json:"trials"`
}

// add counts a trial. first says that it is the first one by index, so far.
func (g *Group) add(trial int) (first bool) {
	g.Count++
	g.Trials, first = lowest(g.Trials, trial)
	return first
}

// lowest adds a number to a list of the lowest hundred, in rising order. first says
// that it is the lowest so far.
func lowest(list []int, n int) (_ []int, first bool) {
	at, found := slices.BinarySearch(list, n)
	if found || at == maxListed {
		return list, false
	}
	if len(list) == maxListed {
		list = list[:maxListed-1]
	}
	return slices.Insert(list, at, n), at == 0
}

// Example is the index of the worked example. A group that was counted has one.
func (g Group) Example() int {
	if len(g.Trials) == 0 {
		return 0
	}
	return g.Trials[0]
}

func (g Group) clone() Group {
	g.Trials = slices.Clone(g.Trials)
	return g
}
