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
	at, found := slices.BinarySearch(g.Trials, trial)
	if found || at == maxListed {
		return false
	}
	if len(g.Trials) == maxListed {
		g.Trials = g.Trials[:maxListed-1]
	}
	g.Trials = slices.Insert(g.Trials, at, trial)
	return at == 0
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
