package main

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/reports"
)

// Result is all that one run measured.
type Result struct {
	Schema  int             `json:"schema"`
	Started time.Time       `json:"started"`
	Machine reports.Machine `json:"machine"`
	Rounds  int             `json:"rounds"`
	// Store says where the run store and the work folders lay.
	Store  string  `json:"store"`
	Groups []Group `json:"groups"`
}

// Met says whether no bound was missed. A group that was skipped misses none.
func (r Result) Met() bool {
	for _, g := range r.Groups {
		for _, b := range g.Bounds {
			if !b.Met() {
				return false
			}
		}
	}
	return true
}

// Group is what belongs together: some series, and the bounds that they must meet.
type Group struct {
	Name   string   `json:"name"`
	Title  string   `json:"title"`
	Series []Series `json:"series,omitempty"`
	Bounds []Bound  `json:"bounds,omitempty"`
	// Notes say what was measured in another way than intended, and what was skipped.
	Notes []string `json:"notes,omitempty"`
}

// Series is one thing that was measured, in rounds. In JSON times are nanoseconds.
type Series struct {
	Name   string            `json:"name"`
	Rounds [][]time.Duration `json:"rounds_ns"`
}

// All is the whole sample.
func (s Series) All() []time.Duration { return slices.Concat(s.Rounds...) }

// Quantile is the one of the whole sample, or 0 of an empty one.
func (s Series) Quantile(p float64) time.Duration { return quantile(s.All(), p) }

// quantile is the smallest value that at least the share p of the sample does not
// exceed: a value that was measured, never one between two. It is 0 of an empty sample.
func quantile[T cmp.Ordered](sample []T, p float64) T {
	var none T
	if len(sample) == 0 {
		return none
	}
	sorted := slices.Sorted(slices.Values(sample))
	return sorted[max(0, int(math.Ceil(p*float64(len(sorted))))-1)]
}

// Bound is a number that must not be above, or not below, a limit.
type Bound struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Low and High enclose the middle half of the rounds.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Unit is "times", "µs" or "ms".
	Unit string `json:"unit"`
	// AtLeast turns the limit from a ceiling into a floor.
	AtLeast bool    `json:"at_least,omitempty"`
	Limit   float64 `json:"limit"`
}

// Met says whether the value is within the limit. What is not a number meets nothing.
func (b Bound) Met() bool {
	if b.AtLeast {
		return b.Value >= b.Limit
	}
	return b.Value <= b.Limit
}

// ratio compares two series that took turns: the median over the rounds of the ratio of
// the rounds' medians. What slows a whole round down cancels out.
func ratio(name string, over, under Series) Bound {
	var ratios []float64
	for i := range min(len(over.Rounds), len(under.Rounds)) {
		ratios = append(ratios, float64(quantile(over.Rounds[i], 0.5))/float64(quantile(under.Rounds[i], 0.5)))
	}
	return spread(name, "times", ratios, quantile(ratios, 0.5))
}

// spread makes a bound without a limit of a value and of the rounds' values.
func spread(name, unit string, rounds []float64, value float64) Bound {
	if len(rounds) == 0 {
		value = math.NaN()
	}
	return Bound{Name: name, Unit: unit, Value: value, Low: quantile(rounds, 0.25), High: quantile(rounds, 0.75)}
}

func (b Bound) atMost(limit float64) Bound {
	b.Limit = limit
	return b
}

func (b Bound) atLeast(limit float64) Bound {
	b.Limit, b.AtLeast = limit, true
	return b
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
