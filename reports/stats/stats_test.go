package stats

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/combin"
	"pgregory.net/rapid"
)

// near says whether two numbers agree to a relative 1e-6.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(math.Abs(a), math.Abs(b), 1e-9) }

func TestUpperBoundsOfTables(t *testing.T) {
	for _, c := range []struct {
		failures, trials int
		confidence, want float64
	}{
		// Without failures the bound solves (1-p)^n = 1 - confidence.
		{0, 59, 0.95, 1 - math.Pow(0.05, 1.0/59)},
		{0, 299, 0.95, 1 - math.Pow(0.05, 1.0/299)},
		{0, 1, 0.95, 0.95},
		{1, 300, 0.95, 0.015714555},
		{5, 5, 0.95, 1},
		{0, 0, 0.95, 1},
	} {
		if got := UpperBound(c.failures, c.trials, c.confidence); math.Abs(got-c.want) > 1e-7 {
			t.Errorf("%d of %d with %v: %v, want %v", c.failures, c.trials, c.confidence, got, c.want)
		}
	}
}

// The bounds are what they are called: the rate at which so few failures come with the
// probability that the confidence leaves. The sum is another way to it than the library's.
func TestBoundsSolveTheBinomialTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		k := rapid.IntRange(0, n-1).Draw(t, "k")
		confidence := rapid.Float64Range(0.5, 0.999).Draw(t, "confidence")
		bound := UpperBound(k, n, confidence)
		if tail := atMost(k, n, bound); math.Abs(tail-(1-confidence)) > 1e-6 {
			t.Fatalf("at the bound %v the tail is %v", bound, tail)
		}
		if mirrored := 1 - UpperBound(n-k, n, confidence); math.Abs(LowerBound(k, n, confidence)-mirrored) > 1e-9 {
			t.Fatalf("the lower bound %v is not the mirrored upper one %v", LowerBound(k, n, confidence), mirrored)
		}
	})
}

// atMost is the binomial probability of at most k of n.
func atMost(k, n int, p float64) (sum float64) {
	for i := range k + 1 {
		sum += math.Exp(combin.LogGeneralizedBinomial(float64(n), float64(i)) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}

func TestTrialsNeeded(t *testing.T) {
	for _, c := range []struct {
		failures         int
		rate, confidence float64
		want             int
	}{
		{0, 0.05, 0.95, 59}, {0, 0.01, 0.95, 299}, {0, 0.001, 0.95, 2995}, {0, 0.005, 0.99, 919}, {1, 0.01, 0.95, 473}, {0, 0, 0.95, MaxTrials},
	} {
		if got := TrialsNeeded(c.failures, c.rate, c.confidence); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func TestTrialsNeededAreTheFewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(0, 5).Draw(t, "k")
		rate := rapid.Float64Range(0.0005, 0.9).Draw(t, "rate")
		confidence := rapid.Float64Range(0.5, 0.999).Draw(t, "confidence")
		n := TrialsNeeded(k, rate, confidence)
		if UpperBound(k, n, confidence) > rate || n > 1 && UpperBound(k, n-1, confidence) <= rate {
			t.Fatalf("%d trials: bound %v, with one less %v", n, UpperBound(k, n, confidence), UpperBound(k, n-1, confidence))
		}
	})
}

func TestSequentialOfATextbook(t *testing.T) {
	s := Sequential{Good: 0.001, Bad: 0.02, Alpha: 0.05, Beta: 0.05}
	if s.AcceptedAfter() != 154 || s.Limit() != 616 || !near(s.Wrong(), 0.05/0.95) {
		t.Errorf("accepted after %d, given up after %d, wrong in %v", s.AcceptedAfter(), s.Limit(), s.Wrong())
	}
	for _, c := range []struct {
		failures, trials int
		want             Decision
	}{
		{0, 153, GoOn}, {0, 154, Accept},
		// One failure is twenty times as likely at the bad rate, and 19 times would be enough.
		{1, 1, Reject}, {1, 40, GoOn},
	} {
		if d := s.Decide(c.failures, c.trials); d != c.want {
			t.Errorf("%d of %d: %q", c.failures, c.trials, d)
		}
	}
}

func TestASequentialTestIsNotWrongMoreOftenThanAskedFor(t *testing.T) {
	s, err := NewSequential(0.02, 0.95)
	if err != nil || !near(s.Wrong(), 0.05) {
		t.Fatalf("wrong in %v, %v", s.Wrong(), err)
	}
	want := "Wald's test of a failure rate of 2 % against 0.1 %, wrong in at most 5 %: accepted after 157 trials without a failure, given up after 628"
	if s.Rule() != want {
		t.Errorf("rule %q", s.Rule())
	}
	for _, bad := range [][2]float64{{0, 0.95}, {1, 0.95}, {0.1, 0.5}, {0.1, 1}, {math.NaN(), 0.95}} {
		if _, err := NewSequential(bad[0], bad[1]); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}

func TestSequentialIsMonotonous(t *testing.T) {
	order := []Decision{Accept, GoOn, Reject}
	rapid.Check(t, func(t *rapid.T) {
		s, err := NewSequential(rapid.Float64Range(0.001, 0.5).Draw(t, "bad"), rapid.Float64Range(0.6, 0.999).Draw(t, "confidence"))
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		k := rapid.IntRange(0, n-1).Draw(t, "k")
		less, more := s.Decide(k, n), s.Decide(k+1, n)
		if slices.Index(order, less) > slices.Index(order, more) {
			t.Fatalf("%d of %d is %q, and one more failure makes it %q", k, n, less, more)
		}
	})
}

func TestQuantileInterval(t *testing.T) {
	sample := make([]float64, 100)
	for i := range sample {
		sample[i] = float64(i + 1)
	}
	// The ranks for n = 100 stand in tables of the sign test: 40 and 61.
	if i, ok := QuantileInterval(sample, 0.5, 0.95); !ok || i != (Interval{40, 61}) {
		t.Errorf("median of 100: %v %v", i, ok)
	}
	if i, ok := QuantileInterval(sample[:6], 0.5, 0.95); !ok || i != (Interval{1, 6}) {
		t.Errorf("median of 6: %v %v", i, ok)
	}
	if i, ok := QuantileInterval(sample[:5], 0.5, 0.95); ok {
		t.Errorf("median of 5: %v", i)
	}
	if _, ok := QuantileInterval(nil, 0.5, 0.95); ok {
		t.Error("there is an interval of nothing")
	}
}

// Whatever the distribution: the ranks alone decide, and their probability is the
// binomial one.
func TestQuantileIntervalHasItsConfidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(6, 200).Draw(t, "n")
		p := rapid.Float64Range(0.2, 0.8).Draw(t, "p")
		confidence := rapid.Float64Range(0.5, 0.99).Draw(t, "confidence")
		ranks := make([]float64, n)
		for i := range ranks {
			ranks[i] = float64(i + 1)
		}
		i, ok := QuantileInterval(ranks, p, confidence)
		if !ok {
			return
		}
		// It misses when fewer than Low values lie below the quantile, or High or more do.
		held := atMost(int(i.High)-1, n, p) - atMost(int(i.Low)-1, n, p)
		if held < confidence-1e-9 {
			t.Fatalf("the ranks %v of %d hold with %v only", i, n, held)
		}
		if i.Low < i.High-1 {
			narrower := atMost(int(i.High)-2, n, p) - atMost(int(i.Low), n, p)
			if narrower >= confidence+1e-9 && (atMost(int(i.Low), n, p) <= (1-confidence)/2) {
				t.Fatalf("the ranks %v of %d could be closer", i, n)
			}
		}
	})
}

func TestThinKeepsTheEndsAndTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.Float64Range(0, 1e6), 1, 400).Draw(t, "sample")
		slices.Sort(sample)
		limit := rapid.IntRange(2, 100).Draw(t, "limit")
		kept := Thin(sample, limit)
		if len(kept) != min(limit, len(sample)) || kept[0] != sample[0] || kept[len(kept)-1] != sample[len(sample)-1] || !slices.IsSorted(kept) {
			t.Fatalf("%v of %v", kept, sample)
		}
	})
}

func TestHistogramCountsEveryValueOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOf(rapid.Float64Range(0, 1e10)).Draw(t, "sample")
		slices.Sort(sample)
		bins := Histogram(sample)
		sum, at := 0, 0
		for _, b := range bins {
			sum += b.Count
			for range b.Count {
				if value := min(max(sample[at], 0.001), 0.99e8); value < b.From || value >= b.To {
					t.Fatalf("%v counts in %v", value, b)
				}
				at++
			}
		}
		if sum != len(sample) || at != len(sample) {
			t.Fatalf("%d of %d values are counted", sum, len(sample))
		}
	})
}

func TestHistogramEdgesAreRound(t *testing.T) {
	got := Histogram([]float64{1, 1.25, 1.26, 9.99, 10})
	want := []Bin{{1, 1.26, 2}, {1.26, 1.58, 1}, {7.94, 10, 1}, {10, 12.6, 1}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestFisherOfTables(t *testing.T) {
	for _, c := range []struct {
		a, b Rate
		want float64
	}{
		{Rate{0, 50}, Rate{6, 50}, 0.0266611},
		{Rate{3, 4}, Rate{1, 4}, 34.0 / 70}, // the lady tasting tea
		{Rate{4, 4}, Rate{0, 4}, 2.0 / 70},
		{Rate{0, 20}, Rate{0, 20}, 1},
		{Rate{20, 20}, Rate{10, 10}, 1},
		{Rate{0, 0}, Rate{10, 10}, 1},
	} {
		if got := Fisher(c.a, c.b); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v against %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestFisherIsSymmetric(t *testing.T) {
	rate := rapid.Custom(func(t *rapid.T) Rate {
		of := rapid.IntRange(1, 200).Draw(t, "of")
		return Rate{rapid.IntRange(0, of).Draw(t, "count"), of}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rate.Draw(t, "a"), rate.Draw(t, "b")
		p := Fisher(a, b)
		if !near(p, Fisher(b, a)) || !near(p, Fisher(Rate{a.Of - a.Count, a.Of}, Rate{b.Of - b.Count, b.Of})) {
			t.Fatalf("%v against %v: %v, the other way round %v", a, b, p, Fisher(b, a))
		}
		if p < FisherFloor(a.Of, b.Of)*(1-1e-6) || p > 1 {
			t.Fatalf("%v is below the floor %v", p, FisherFloor(a.Of, b.Of))
		}
	})
}

func TestMannWhitneyOfASmallTable(t *testing.T) {
	// Of the 20 ways to choose three ranks of six, one lies as low as 1, 2, 3 and one as high.
	got := MannWhitney([]float64{1, 2, 3}, []float64{4, 5, 6})
	if !near(got.P, 0.1) || got.Larger != 1 {
		t.Errorf("%+v", got)
	}
	if floor := MannWhitneyFloor(3, 3); !near(floor, 0.1) {
		t.Errorf("floor %v", floor)
	}
	// With ties: of the ten ways, the half value is one of the first sample's in four, and
	// U is 1.5 then and 4 in the others. What was seen is the commoner case.
	if got := MannWhitney([]float64{1, 1}, []float64{0.5, 1, 1}); got.P != 1 {
		t.Errorf("with ties: %+v", got)
	}
	for _, pair := range [][2][]float64{{nil, {1}}, {{1}, nil}, {{2, 2}, {2}}} {
		if got := MannWhitney(pair[0], pair[1]); got != (Shift{1, 0.5}) {
			t.Errorf("%v: %+v", pair, got)
		}
	}
}

func TestMannWhitneyKnowsOnlyRanks(t *testing.T) {
	sample := rapid.SliceOfN(rapid.Float64Range(0, 100), 2, 80)
	rapid.Check(t, func(t *rapid.T) {
		a, b := sample.Draw(t, "a"), sample.Draw(t, "b")
		got, mirrored := MannWhitney(a, b), MannWhitney(b, a)
		if !near(got.P, mirrored.P) || !near(got.Larger, 1-mirrored.Larger) {
			t.Fatalf("%+v, the other way round %+v", got, mirrored)
		}
		if got.P < 0 || got.P > 1 || math.IsNaN(got.P) {
			t.Fatalf("P is %v", got.P)
		}
		pairs := 0.0
		for _, x := range a {
			for _, y := range b {
				switch {
				case y > x:
					pairs++
				case y == x:
					pairs += 0.5
				}
			}
		}
		if share := pairs / float64(len(a)*len(b)); !near(share, got.Larger) {
			t.Fatalf("larger in %v of the pairs, not in %v", share, got.Larger)
		}
	})
}

func TestHolmOfATextbook(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if !near(got[i], want) {
			t.Errorf("%v", got)
		}
	}
}

func TestHolmKeepsTheOrderAndNeverLowers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOf(rapid.Float64Range(0, 1)).Draw(t, "p")
		before := slices.Clone(p)
		got := Holm(p)
		if !slices.Equal(p, before) || len(got) != len(p) {
			t.Fatal("the argument was changed")
		}
		for i := range p {
			if got[i] < p[i] || got[i] > min(1, float64(len(p))*p[i])+1e-12 {
				t.Fatalf("%v became %v among %d", p[i], got[i], len(p))
			}
			for j := range p {
				if p[i] < p[j] && got[i] > got[j] {
					t.Fatalf("%v and %v changed places", p[i], p[j])
				}
			}
		}
	})
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64][2]string{
		0: {"0 %", "0.0 %"}, 1: {"100 %", "100.0 %"}, 0.05: {"5 %", "5.0 %"}, 0.139: {"13.9 %", "13.9 %"},
		0.009936: {"0.99 %", "1.0 %"}, 0.0025: {"0.25 %", "0.25 %"}, 0.000101: {"0.01 %", "0.011 %"}, 0.13911: {"13.9 %", "14.0 %"},
	} {
		if got := [2]string{Percent(share), PercentAbove(share)}; got != want {
			t.Errorf("%v is %q, want %q", share, got, want)
		}
	}
}

func FuzzFisher(f *testing.F) {
	f.Add(0, 50, 6, 50)
	f.Add(3, 4, 1, 4)
	f.Fuzz(func(t *testing.T, k, n, l, m int) {
		if n < 0 || m < 0 || n > 5000 || m > 5000 || k < 0 || l < 0 || k > n || l > m {
			t.Skip()
		}
		if p := Fisher(Rate{k, n}, Rate{l, m}); !(p >= 0 && p <= 1) {
			t.Errorf("%d of %d against %d of %d: %v", k, n, l, m, p)
		}
	})
}
