package stats

import (
	"cmp"
	"math"
	"slices"

	"github.com/aclements/go-moremath/stats"
)

// Rate is how often something came in a number of trials.
type Rate struct{ Count, Of int }

// Share is the rate as a number from 0 to 1; 0 without trials.
func (r Rate) Share() float64 {
	if r.Of == 0 {
		return 0
	}
	return float64(r.Count) / float64(r.Of)
}

// closeEnough is up to what relative difference two probabilities count as equal: tables
// that are as likely as the observed one must not be left out for a rounding error.
const closeEnough = 1e-7

// Fisher is the probability that two samples of one population differ as much as these
// two or more (Fisher's exact test, two-sided). It is 1 where one of them is empty, and
// where the thing came never or always.
func Fisher(a, b Rate) float64 {
	table := stats.HypergeometicDist{N: a.Of + b.Of, K: a.Count + b.Count, Draws: a.Of}
	if !MayDiffer(a, b) {
		return 1
	}
	observed := table.PMF(float64(a.Count)) * (1 + closeEnough)
	low, high := table.Bounds()
	sum := 0.0
	for k := low; k <= high; k++ {
		if p := table.PMF(k); p <= observed {
			sum += p
		}
	}
	return min(sum, 1)
}

// MayDiffer says whether any way to deal the same sums could have been a difference.
func MayDiffer(a, b Rate) bool {
	count, of := a.Count+b.Count, a.Of+b.Of
	return a.Of > 0 && b.Of > 0 && count > 0 && count < of
}

// FisherFloor is the smallest value that [Fisher] can have with so many trials on each
// side: where it is above the limit, no difference can be shown.
func FisherFloor(a, b int) float64 {
	return Fisher(Rate{0, a}, Rate{b, b})
}

// Shift is how a sample lies beside another.
type Shift struct {
	// P is the probability that two samples of one distribution lie apart as much as
	// these or more (Mann and Whitney, two-sided).
	P float64
	// Larger is the share of all pairs in which the second sample's value is the
	// larger one, ties counted half; 0.5 for samples that do not lie apart.
	Larger float64
}

// MannWhitney compares two samples by rank, whatever their distribution. Where one is
// empty, or all values are equal, they do not differ.
func MannWhitney(a, b []float64) Shift {
	// The library's own two-sided test takes the distribution of U for symmetric, which
	// it is not where values are equal. Twice the smaller tail is right for both.
	less, err := stats.MannWhitneyUTest(a, b, stats.LocationLess)
	if err != nil { // of no samples, or of equal ones
		return Shift{P: 1, Larger: 0.5}
	}
	more, err := stats.MannWhitneyUTest(b, a, stats.LocationLess)
	if err != nil {
		return Shift{P: 1, Larger: 0.5}
	}
	return Shift{P: min(2*min(less.P, more.P), 1), Larger: more.U / float64(len(a)*len(b))}
}

// MannWhitneyFloor is the smallest value that P can have with so many values on each side.
func MannWhitneyFloor(a, b int) float64 {
	if a == 0 || b == 0 {
		return 1
	}
	// One of all the ways to choose which ranks are the first sample's, and its mirror.
	ways, _ := math.Lgamma(float64(a + b + 1))
	first, _ := math.Lgamma(float64(a + 1))
	second, _ := math.Lgamma(float64(b + 1))
	return min(2*math.Exp(first+second-ways), 1)
}

// Holm corrects probabilities for their number: with every one of them that is then at
// most alpha called a difference, the chance that any such call is wrong is at most
// alpha (Holm, 1979). The result has the order of p, which is left as it is.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	corrected := make([]float64, len(p))
	most := 0.0
	for i, at := range order {
		most = max(most, min(float64(len(p)-i)*p[at], 1))
		corrected[at] = most
	}
	return corrected
}
