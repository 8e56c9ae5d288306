package reports

import (
	"math"
	"slices"
	"time"
)

// latencyOf gives exact quantiles: a sample is at most one number for each trial.
func latencyOf(sample []time.Duration) Latency {
	if len(sample) == 0 {
		return Latency{}
	}
	sorted := slices.Sorted(slices.Values(sample))
	return Latency{
		P50: nearestRank(sorted, 0.50), P95: nearestRank(sorted, 0.95),
		P99: nearestRank(sorted, 0.99), Max: nearestRank(sorted, 1),
		Count: len(sorted),
	}
}

// nearestRank is the smallest value that at least the share p of the sample does not
// exceed, in milliseconds: a value that was measured, never one between two.
func nearestRank(sorted []time.Duration, p float64) *float64 {
	rank := int(math.Ceil(p * float64(len(sorted))))
	millis := float64(sorted[rank-1]) / float64(time.Millisecond)
	return &millis
}
