package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// burnersPerCore is how many busy loops there are for every processor: each process of
// a target gets a fifth of one.
const burnersPerCore = 4

// burner is a busy loop that ends by itself when the process $1 is gone.
const burner = `while kill -0 "$1"; do i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; done`

// burn keeps all processors busy until the spec ends.
func burn() {
	GinkgoHelper()
	for range burnersPerCore * runtime.NumCPU() {
		loop := exec.Command("/bin/sh", "-c", burner, "sh", strconv.Itoa(os.Getpid()))
		loop.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		Expect(loop.Start()).To(Succeed())
		DeferCleanup(func() {
			loop.Process.Kill() //nolint:errcheck // it cannot have ended
			loop.Wait()         //nolint:errcheck // KILL is no success
		})
	}
}

// many runs trials of a scenario, several at a time, counts their verdicts, and shows
// to look every trial.
func many(ctx context.Context, e *harness.Engine, s scenario.Scenario, seed uint64, look func(harness.Trial)) (tally verdict.Tally) {
	GinkgoHelper()
	for trial, err := range (harness.Campaign{Scenario: s.WithDefaults(), Seed: seed}).Trials(ctx, e) {
		Expect(err).NotTo(HaveOccurred())
		tally.Add(trial.Judgement.Verdict)
		look(trial)
	}
	return tally
}

// openEngine opens an engine that is closed, with nothing left alive, when the spec ends.
func openEngine(jobs int) *harness.Engine {
	GinkgoHelper()
	e, err := harness.Open(jobs)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(e.Close()).To(Succeed()) })
	return e
}

// withTrials is the scenario with another number of shots.
func withTrials(s scenario.Scenario, trials int) scenario.Scenario {
	if s.Strike.Output != nil {
		output := *s.Strike.Output
		output.Trials = trials
		s.Strike.Output = &output
		return s
	}
	random := *s.Strike.Random
	random.Trials = trials
	s.Strike.Random = &random
	return s
}

// wellBehaved lists the scenarios that must be graceful, with their files.
func wellBehaved() (list [][2]string) {
	for _, file := range []string{"well-behaved.yaml", "node.yaml"} {
		for _, s := range named(file) {
			list = append(list, [2]string{file, s.name})
		}
	}
	return list
}

// neverAccused attaches every trial that accuses or is in error; they may be
// inconclusive on a starved machine, but at least one must have been conclusive.
func neverAccused(ctx context.Context, file, name string, trials, jobs int, seed uint64) verdict.Tally {
	GinkgoHelper()
	if file == "node.yaml" {
		needNode()
	}
	tally := many(ctx, openEngine(jobs), withTrials(pick(file, name), trials), seed, func(trial harness.Trial) {
		if v := trial.Judgement.Verdict; v == verdict.Violation || v == verdict.Error {
			AddReportEntry(fmt.Sprintf("trial %d", trial.Index), describe(trial))
		}
	})
	Expect(tally.Total()).To(Equal(trials))
	Expect(tally.Violation).To(BeZero())
	Expect(tally.Error).To(BeZero())
	Expect(tally.Graceful).To(BeNumerically(">", 0))
	return tally
}

var _ = Describe("A well-behaved program on a machine that is busy with something else", Serial, func() {
	// A few here; the soak has them all, and many trials of each.
	for _, s := range [][2]string{{"well-behaved.yaml", "graceful-killer"}, {"well-behaved.yaml", "prefork-master"}, {"node.yaml", "node-http"}} {
		It("is never accused: "+s[1], func(ctx SpecContext) {
			burn()
			tally := neverAccused(ctx, s[0], s[1], 4, 4, seed())
			AddReportEntry("under load", fmt.Sprintf("%+v", tally))
		}, NodeTimeout(5*time.Minute))
	}

	// What the load takes is measured, not guessed: the deadline is three times the processor
	// time that the target needs, and a fifth of a processor gives that too late. A processor
	// that shares its core with a busy one is slower, too, which is no waiting.
	It("is not accused of a deadline that only the load makes it miss", func(ctx SpecContext) {
		s := laborious(6)
		var need time.Duration
		many(ctx, openEngine(1), s, seed(), func(trial harness.Trial) {
			used := trial.Observation.Exit.Usage
			need = max(need, used.User+used.System)
		})
		burn()
		s.Expect.Within = scenario.Duration(3 * need)
		tally := many(ctx, openEngine(1), s, seed(), func(trial harness.Trial) {
			AddReportEntry(fmt.Sprintf("trial %d", trial.Index), describe(trial), ReportEntryVisibilityFailureOrVerbose)
		})
		AddReportEntry("under load", fmt.Sprintf("%+v, %s of a processor needed", tally, need))
		Expect(tally.Violation).To(BeZero())
		Expect(tally.Error).To(BeZero())
		Expect(tally.Inconclusive).To(BeNumerically(">", 0), "the load made no trial miss its deadline: nothing is proved")
	}, NodeTimeout(5*time.Minute))
})

// laborious is a target that needs a processor for its stop.
func laborious(trials int) scenario.Scenario {
	s := scenario.Scenario{Name: "laborious", Target: scenario.Target{Command: []string{"/bin/sh", "-c",
		`trap 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 0' TERM; echo ready; while :; do sleep 0.01; done`}}}
	s.Ready.Output = scenario.MustRegexp("^ready$")
	s.Stop.Schedule, _ = signals.ParseSchedule("TERM/1m/KILL") //nolint:errcheck // it is a good one
	s.Strike.Random = &scenario.Random{Trials: trials, Window: &scenario.Window{To: 20 * time.Millisecond}}
	return s
}
