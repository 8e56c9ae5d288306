package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// Bin counts the values of a distribution that lie from From up to To, To excluded.
type Bin struct {
	From, To float64
	Count    int
}

// perDecade is how many bins lie between a value and ten times that value.
const perDecade = 10

// The bins lie between these powers of ten; what is smaller or larger counts in the
// outermost ones.
const (
	lowestDecade  = -3
	highestDecade = 8
)

// Histogram counts a sorted sample of values from 0 on in bins whose edges are the same
// for all samples, ten of them in each decade, so that histograms can be added up and
// compared. Empty bins are left out.
func Histogram(sorted []float64) (bins []Bin) {
	if len(sorted) == 0 {
		return nil
	}
	bounded := make([]float64, len(sorted))
	edges := edges()
	last := math.Nextafter(edges[len(edges)-1], 0)
	for i, value := range sorted {
		bounded[i] = min(max(value, edges[0]), last)
	}
	for i, count := range stat.Histogram(nil, edges, bounded, nil) {
		if count > 0 {
			bins = append(bins, Bin{edges[i], edges[i+1], int(count)})
		}
	}
	return bins
}

// edges have three digits that count, so that they are the same on every machine.
func edges() []float64 {
	var list []float64
	for k := lowestDecade * perDecade; k <= highestDecade*perDecade; k++ {
		decade := int(math.Floor(float64(k) / perDecade))
		mantissa := math.Round(100 * math.Pow(10, float64(k-decade*perDecade)/perDecade))
		if decade >= 2 {
			list = append(list, mantissa*math.Pow10(decade-2))
		} else {
			list = append(list, mantissa/math.Pow10(2-decade))
		}
	}
	return list
}
