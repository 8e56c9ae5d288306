package reports

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/stats"
)

var update = flag.Bool("update", false, "write the simulated tables of docs/STATISTICS.md anew")

const statisticsPage = "../docs/STATISTICS.md"

// simulated is how many campaigns or comparisons each line of a table rests on.
const simulated = 10_000

// noise is what chance may take from a share of 95 % of so many: four standard
// deviations, for the lines whose true share lies on the limit.
var noise = 4 * math.Sqrt(0.05*0.95/simulated)

// table is a simulated table of the page.
type table struct {
	name string
	rows []string
}

func (tab *table) add(format string, args ...any) {
	tab.rows = append(tab.rows, "| "+fmt.Sprintf(format, args...)+" |")
}

// head begins the table with the names of its columns.
func (tab *table) head(columns ...string) {
	tab.rows = append(tab.rows, "| "+strings.Join(columns, " | ")+" |", "|"+strings.Repeat("---|", len(columns)))
}

// hold compares the table with the page, or writes it there.
func (tab *table) hold(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile(statisticsPage)
	if err != nil {
		t.Fatal(err)
	}
	opening, closing := "<!-- simulated: "+tab.name+" -->\n", "<!-- end of simulated -->\n"
	before, rest, found := strings.Cut(string(page), opening)
	old, after, ended := strings.Cut(rest, closing)
	if !found || !ended {
		t.Fatalf("%s has no place for %s", statisticsPage, tab.name)
	}
	fresh := strings.Join(tab.rows, "\n") + "\n"
	if *update {
		if err := os.WriteFile(statisticsPage, []byte(before+opening+fresh+closing+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, fresh); diff != "" {
		t.Errorf("%s, %s: what stands there (-) and what was simulated (+); write it with -update\n%s", statisticsPage, tab.name, diff)
	}
}

// source is the numbers of one line, the same ones in every run.
func source(line string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(line)) //nolint:errcheck // a hash never fails
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// failures is how many of so many trials fail.
func failures(r *rand.Rand, rate float64, n int) (failed int) {
	for range n {
		if r.Float64() < rate {
			failed++
		}
	}
	return failed
}

func share(count, of int) float64 { return float64(count) / float64(of) }

func percent(x float64) string { return fmt.Sprintf("%.2f %%", 100*x) }

func TestTheBoundHoldsAsOftenAsItSays(t *testing.T) {
	tab := table{name: "bounds"}
	tab.head("true failure rate", "trials", "the 95 % bound held in")
	for _, rate := range []float64{0.001, 0.01, 0.05, 0.2} {
		for _, n := range []int{20, 59, 300, 1000} {
			r, bounds := source(fmt.Sprint("bound ", rate, n)), map[int]float64{}
			held := 0
			for range simulated {
				k := failures(r, rate, n)
				bound, known := bounds[k]
				if !known {
					bound = stats.UpperBound(k, n, 0.95)
					bounds[k] = bound
				}
				if rate <= bound {
					held++
				}
			}
			tab.add("%s | %d | %s", stats.Percent(rate), n, percent(share(held, simulated)))
			if share(held, simulated) < 0.95-noise {
				t.Errorf("rate %v, %d trials: the bound held in %d of %d", rate, n, held, simulated)
			}
		}
	}
	tab.hold(t)
}

func TestTheSequentialTestIsWrongAsRarelyAsItSays(t *testing.T) {
	test, err := stats.NewSequential(0.02, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	tab := table{name: "sequential"}
	tab.head("true failure rate", "accepted", "rejected", "not decided", "trials, on average")
	for _, rate := range []float64{0, test.Good, 0.005, 0.01, test.Bad, 0.05, 0.2} {
		r, came, trials := source(fmt.Sprint("sequential ", rate)), map[stats.Decision]int{}, 0
		for range simulated {
			d, made := decide(r, test, rate)
			came[d]++
			trials += made
		}
		tab.add("%s | %s | %s | %s | %.0f", stats.Percent(rate), percent(share(came[stats.Accept], simulated)),
			percent(share(came[stats.Reject], simulated)), percent(share(came[stats.GoOn], simulated)), share(trials, simulated))
		if rate <= test.Good && share(came[stats.Reject], simulated) > test.Wrong() || rate >= test.Bad && share(came[stats.Accept], simulated) > test.Wrong() {
			t.Errorf("rate %v: %v", rate, came)
		}
	}
	tab.hold(t)
}

// decide makes trials until the test has decided, or gives up.
func decide(r *rand.Rand, test stats.Sequential, rate float64) (d stats.Decision, made int) {
	failed := 0
	for made < test.Limit() && d == stats.GoOn {
		made++
		failed += failures(r, rate, 1)
		d = test.Decide(failed, made)
	}
	return d, made
}

// shape is a distribution of latencies with the median 100.
type shape struct {
	name string
	draw func(*rand.Rand) float64
}

var shapes = []shape{
	{"even, 90 to 110 ms", func(r *rand.Rand) float64 { return 90 + 20*r.Float64() }},
	{"log-normal, σ = 0.25", func(r *rand.Rand) float64 { return 100 * math.Exp(0.25*r.NormFloat64()) }},
	{"log-normal, σ = 0.5", func(r *rand.Rand) float64 { return 100 * math.Exp(0.5*r.NormFloat64()) }},
	{"log-normal, σ = 1", func(r *rand.Rand) float64 { return 100 * math.Exp(r.NormFloat64()) }},
	{"even, 0 to 200 ms: a flag that is looked at every 200 ms", func(r *rand.Rand) float64 { return 200 * r.Float64() }},
	{"exponential", func(r *rand.Rand) float64 { return 100 / math.Ln2 * r.ExpFloat64() }},
}

// still is a program that always takes the same time, which costs nothing to draw.
var still = shape{"100 ms", func(*rand.Rand) float64 { return 100 }}

// sample draws so many latencies, to the microsecond as a baseline has them, sorted.
func (s shape) sample(r *rand.Rand, n int, factor float64) KeptLatency {
	latencies := make([]float64, n)
	for i := range latencies {
		latencies[i] = math.Round(factor*s.draw(r)*1000) / 1000
	}
	slices.Sort(latencies)
	return KeptLatency{n, stats.Thin(latencies, maxSample)}
}

func TestTheMediansIntervalHoldsAsOftenAsItSays(t *testing.T) {
	tab := table{name: "medians"}
	tab.head("latencies", "trials", "the 95 % interval held the median in")
	for _, s := range []shape{shapes[2], shapes[5]} {
		for _, n := range []int{6, 20, 50, 200} {
			r := source(fmt.Sprint("median ", s.name, n))
			held := 0
			for range simulated {
				if i, ok := stats.QuantileInterval(s.sample(r, n, 1).Sample, 0.5, 0.95); ok && i.Low <= 100 && 100 <= i.High {
					held++
				}
			}
			tab.add("%s | %d | %s", s.name, n, percent(share(held, simulated)))
			if share(held, simulated) < 0.95-noise {
				t.Errorf("%s, %d trials: it held in %d of %d", s.name, n, held, simulated)
			}
		}
	}
	tab.hold(t)
}

// program is what a simulated target does.
type program struct {
	latency shape
	factor  float64 // on the latency
	fails   float64 // rate of violations
	codes   float64 // rate of an ending that is accepted beside the clean one
}

// campaign is what n trials of a program leave in a baseline.
func (p program) campaign(r *rand.Rand, name string, n int) Kept {
	failed, coded := failures(r, p.fails, n), failures(r, p.codes, n)
	k := Kept{Name: name, Accepts: []string{"clean", "code:1"}, Endings: map[string]int{"clean": n - coded, "code 1": coded}}
	k.Trials = Counts{n, verdict.Tally{Graceful: n - failed, Violation: failed}}
	k.Findings = []KeptFinding{{Check: "survivors", Kind: "orphan", Count: failed}}
	k.Latency = p.latency.sample(r, n, p.factor)
	return k
}

// run is campaigns of one program under several names.
func (p program) run(r *rand.Rand, scenarios, n int) (b Baseline) {
	for i := range scenarios {
		b.Scenarios = append(b.Scenarios, p.campaign(r, fmt.Sprint("s", i), n))
	}
	return b
}

// Two runs of the same program: whatever is called a regression is a false alarm. The
// smallest difference counts here, so that nothing but the tests keeps them down.
func TestFalseRegressionsAreAsRareAsAlphaSays(t *testing.T) {
	tab := table{name: "false regressions"}
	tab.head("scenarios", "trials on each side", "latencies", "α", "comparisons with a regression")
	for _, c := range []struct {
		scenarios, trials, comparisons int
		alpha                          float64
	}{{1, 20, 1000, 0.05}, {1, 60, simulated, 0.05}, {1, 60, 2000, 0.01}, {1, 200, 1000, 0.05}, {5, 60, 1000, 0.05}, {20, 60, 200, 0.05}, {1, 3000, 100, 0.05}} {
		p := program{latency: shapes[2], factor: 1, fails: 0.03, codes: 0.2}
		r, wrong := source(fmt.Sprint("false ", c)), 0
		for range c.comparisons {
			if got := Compare(p.run(r, c.scenarios, c.trials), p.run(r, c.scenarios, c.trials), Limits{Alpha: c.alpha}); got.Regressions > 0 {
				wrong++
			}
		}
		tab.add("%d | %d | %s | %v | %d of %d, %s", c.scenarios, c.trials, p.latency.name, c.alpha, wrong, c.comparisons, percent(share(wrong, c.comparisons)))
		if share(wrong, c.comparisons) > c.alpha {
			t.Errorf("%+v: %d", c, wrong)
		}
	}
	tab.hold(t)
}

// The house promises it for fifty trials on each side. Fifty-one are compared
// by the normal approximation, which is much quicker than the exact test of fifty; the
// first line is of both.
func TestADoubledMedianIsFound(t *testing.T) {
	tab := table{name: "doubled medians"}
	tab.head("latencies", "trials on each side", "a doubling was found in")
	for _, c := range []struct {
		shape
		trials, comparisons int
		promised            bool
	}{
		{shapes[2], 50, 100, true}, {shapes[2], 51, 1000, true}, {shapes[0], 51, 1000, true}, {shapes[1], 51, 1000, true},
		{shapes[4], 51, 1000, true}, {shapes[5], 51, 1000, false}, {shapes[5], 100, 1000, true}, {shapes[3], 51, 1000, false}, {shapes[3], 100, 1000, true},
		{shapes[2], 20, 1000, false},
	} {
		r, found := source(fmt.Sprint("doubled ", c.name, c.trials)), 0
		for range c.comparisons {
			before, after := program{latency: c.shape, factor: 1}, program{latency: c.shape, factor: 2}
			if got := Compare(before.run(r, 1, c.trials), after.run(r, 1, c.trials), DefaultLimits); got.Regressions > 0 {
				found++
			}
		}
		tab.add("%s | %d | %s", c.name, c.trials, percent(share(found, c.comparisons)))
		if c.promised && share(found, c.comparisons) < 0.95 {
			t.Errorf("%s, %d trials: found in %d of %d", c.name, c.trials, found, c.comparisons)
		}
	}
	tab.hold(t)
}

func TestNewFailuresAreFound(t *testing.T) {
	tab := table{name: "new failures"}
	tab.head("failures before", "and after", "trials on each side", "found in")
	for _, c := range []struct {
		before, after float64
		trials        int
	}{{0, 0.05, 100}, {0, 0.05, 200}, {0, 0.05, 400}, {0, 0.2, 50}, {0, 0.01, 1000}, {0.05, 0.1, 400}, {0.05, 0.1, 1000}} {
		r, found := source(fmt.Sprint("failures ", c)), 0
		const comparisons = 500
		for range comparisons {
			before, after := program{latency: still, factor: 1, fails: c.before}, program{latency: still, factor: 1, fails: c.after}
			if got := Compare(before.run(r, 1, c.trials), after.run(r, 1, c.trials), DefaultLimits); got.Regressions > 0 {
				found++
			}
		}
		tab.add("%s | %s | %d | %s", stats.Percent(c.before), stats.Percent(c.after), c.trials, percent(share(found, comparisons)))
	}
	tab.hold(t)
}
