package stats

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Quantile is the smallest value that at least the share p of a sorted sample does not
// exceed (nearest rank): a value that was measured, never one between two. It is NaN for
// an empty sample.
func Quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// QuantileInterval holds the quantile p of what a sorted sample was drawn from, with at
// least the confidence, whatever the distribution: its ends are values of the sample,
// whose ranks the binomial distribution gives. ok is false where the sample is too small
// for that; a median with 95 % needs six values.
func QuantileInterval(sorted []float64, p, confidence float64) (i Interval, ok bool) {
	n := len(sorted)
	if n == 0 {
		return i, false
	}
	below := distuv.Binomial{N: float64(n), P: p}
	tail := (1 - confidence) / 2
	low := rank(n, func(k int) bool { return below.CDF(float64(k-1)) <= tail })
	high := n + 1 - rank(n, func(k int) bool { return 1-below.CDF(float64(n-k)) <= tail })
	if low < 1 || high > n || low > high {
		return i, false
	}
	return Interval{sorted[low-1], sorted[high-1]}, true
}

// rank is the largest k from 1 to n that meets a condition which smaller ones meet too;
// 0 where none does.
func rank(n int, met func(int) bool) int {
	low, high := 0, n
	for low < high {
		if middle := (low + high + 1) / 2; met(middle) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// Thin leaves at most limit values of a sorted sample, evenly spaced over its ranks, the
// smallest and the largest among them. Its spread is less than that of a sample drawn
// anew, so tests on it err on the side of no difference.
func Thin(sorted []float64, limit int) []float64 {
	if len(sorted) <= limit {
		return slices.Clone(sorted)
	}
	kept := make([]float64, limit)
	for i := range kept {
		kept[i] = sorted[i*(len(sorted)-1)/(limit-1)]
	}
	return kept
}
