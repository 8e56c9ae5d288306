package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// UpperBound is the rate of failures, from 0 to 1, that is not exceeded with the
// confidence, after so many failures in so many independent trials (Clopper and Pearson,
// one-sided). Without trials it is 1. It holds only where the number of trials was fixed
// beforehand; for campaigns that stop early see [Sequential].
func UpperBound(failures, trials int, confidence float64) float64 {
	if failures >= trials {
		return 1
	}
	return mathext.InvRegIncBeta(float64(failures)+1, float64(trials-failures), confidence)
}

// LowerBound is the rate that is reached or exceeded with the confidence; 0 without
// failures. It holds where [UpperBound] does.
func LowerBound(failures, trials int, confidence float64) float64 {
	if failures <= 0 || trials == 0 {
		return 0
	}
	return mathext.InvRegIncBeta(float64(failures), float64(trials-failures)+1, 1-confidence)
}

// MaxTrials is the largest number of trials that [TrialsNeeded] gives.
const MaxTrials = 100_000_000

// TrialsNeeded is the smallest number of trials whose [UpperBound] is at most the rate
// if no more than so many fail. It is MaxTrials where more would be needed, as for a rate of 0.
func TrialsNeeded(failures int, rate, confidence float64) int {
	enough := func(n int) bool { return UpperBound(failures, n, confidence) <= rate }
	most := 1
	for most < MaxTrials && !enough(most) {
		most = min(2*most, MaxTrials)
	}
	return sort.Search(most, enough)
}

// plausible says whether a number is a share, ends excluded.
func plausible(share float64) bool { return share > 0 && share < 1 && !math.IsNaN(share) }
