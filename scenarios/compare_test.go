package scenarios_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// version is one of several versions of a program, with what its campaign showed.
type version struct {
	scenario scenario.Scenario
	trials   []harness.Trial
}

// versionOf is the fixture with other arguments, under the one name by which runs of
// different versions are compared.
func versionOf(trials int, args ...string) *version {
	s := pick("well-behaved.yaml", "stops-as-told")
	s.Target.Command = append(slices.Clone(s.Target.Command[:1]), args...)
	s.Strike.Random.Trials = trials
	settle := scenario.Duration(50 * time.Millisecond)
	s.Stop.Settle = &settle
	return &version{scenario: s, trials: make([]harness.Trial, trials)}
}

// takeTurns runs the campaigns of all versions trial by trial in turn, so that whatever
// else the machine does slows them all alike.
func takeTurns(ctx context.Context, versions ...*version) {
	GinkgoHelper()
	const jobs = 2
	e, err := harness.Open(jobs)
	Expect(err).NotTo(HaveOccurred())
	most := 0
	for _, v := range versions {
		most = max(most, len(v.trials))
	}
	failed := make([]error, jobs)
	from := seed()
	var workers sync.WaitGroup
	for job := range jobs {
		workers.Go(func() {
			for i := job; i < most && failed[job] == nil; i += jobs {
				failed[job] = turn(ctx, e, from, i, versions)
			}
		})
	}
	workers.Wait()
	Expect(e.Close()).To(Succeed())
	Expect(failed).To(HaveEach(BeNil()))
}

// turn runs one trial of each version that has so many.
func turn(ctx context.Context, e *harness.Engine, from uint64, i int, versions []*version) (err error) {
	for _, v := range versions {
		if i < len(v.trials) && err == nil {
			v.trials[i], err = e.Trial(ctx, v.scenario, i, plan.New(v.scenario, from).Shot(i))
		}
	}
	return err
}

// baseline keeps some of the version's trials.
func (v *version) baseline(trials []harness.Trial) reports.Baseline {
	sums := reports.NewSummarizer(reports.RunInfo{Scenarios: []scenario.Scenario{v.scenario}})
	for _, trial := range trials {
		sums.Add(trial)
	}
	return sums.Baseline()
}

// since compares with an earlier version.
func (v *version) since(earlier *version) reports.Comparison {
	return reports.Compare(earlier.baseline(earlier.trials), v.baseline(v.trials), reports.DefaultLimits)
}

// regressions names what became worse, and how.
func regressions(c reports.Comparison) (list []string) {
	for _, one := range c.Scenarios {
		for _, change := range one.Changes {
			if change.Outcome == reports.Regression {
				list = append(list, change.Figure()+" "+change.Note)
			}
		}
	}
	return list
}

var _ = Describe("Comparing versions of a program", Ordered, Serial, func() {
	var first, slower, orphaning *version

	BeforeAll(func(ctx SpecContext) {
		first = versionOf(400, "--take", "2ms")
		slower = versionOf(60, "--take", "60ms")
		orphaning = versionOf(400, "--take", "2ms", "--orphan", "0.05")
		takeTurns(ctx, first, slower, orphaning)
	})

	It("finds that one is slower in its shutdown, and nothing else", func() {
		c := slower.since(first)
		Expect(regressions(c)).To(Equal([]string{"latency slower"}), fmt.Sprintf("%+v", c))
	})

	It("finds the orphans of one in twenty stops, and nothing else", func() {
		c := orphaning.since(first)
		Expect(regressions(c)).To(Equal([]string{"violations new", "finding survivors/orphan new"}), fmt.Sprintf("%+v", c))
	})

	It("finds that what was bad is mended", func() {
		Expect(regressions(first.since(slower))).To(BeEmpty())
		Expect(regressions(first.since(orphaning))).To(BeEmpty())
	})

	It("finds no more between halves of one campaign than α allows", func() {
		const comparisons = 200
		trials := slices.DeleteFunc(slices.Clone(orphaning.trials), func(t harness.Trial) bool { return t.Judgement.Verdict == verdict.Inconclusive })
		deal := rand.New(rand.NewPCG(1, 2))
		wrong := 0
		for range comparisons {
			deal.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
			half := len(trials) / 2
			limits := reports.Limits{Alpha: reports.DefaultLimits.Alpha} // the smallest shift counts
			if reports.Compare(orphaning.baseline(trials[:half]), orphaning.baseline(trials[half:]), limits).Regressions > 0 {
				wrong++
			}
		}
		AddReportEntry("wrong", wrong)
		Expect(wrong).To(BeNumerically("<=", int(reports.DefaultLimits.Alpha*comparisons)))
	})
})
