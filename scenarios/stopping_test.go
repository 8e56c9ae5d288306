package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	. "github.com/sigprobe/sigprobe/harness/sigmatch"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/reports"
)

// cleaner writes five lines when it is told to stop, and is safe or not against being
// told again meanwhile.
const cleaner = `
import os, signal, sys, time
def stop(s, f):
    signal.signal(signal.SIGTERM, signal.SIG_%s)
    out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for i in range(5):
        os.write(out, b"cleaned %%d\n" %% i)
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True: time.sleep(.01)`

var _ = Describe("A second signal in the middle of the clean-up", func() {
	var out string
	BeforeEach(func() { out = filepath.Join(GinkgoT().TempDir(), "cleaned.txt") })

	lines := func() int {
		text, err := os.ReadFile(out)
		Expect(err).NotTo(HaveOccurred())
		return strings.Count(string(text), "\n")
	}
	shots := func(ctx SpecContext, second string, stopping scenario.Stopping) []harness.Trial {
		s := scenario.Scenario{Name: "cleaner", Target: scenario.Target{Command: []string{"/usr/bin/python3", "-c", fmt.Sprintf(cleaner, second), out}}}
		s.Ready.Output = scenario.MustRegexp("^ready$")
		s.Stop.Schedule, _ = signals.ParseSchedule("TERM/5s/TERM/5s/KILL")
		s.Strike.Random = &scenario.Random{Trials: 1, Window: &scenario.Window{To: 20 * time.Millisecond}}
		s.Strike.Stopping = &stopping
		return run(ctx, s)
	}
	third := func(side scenario.Side) scenario.Stopping {
		return scenario.Stopping{Call: "write", Path: "**/cleaned.txt", Nth: scenario.Range{First: 3, Last: 3}, Side: side}
	}

	DescribeTable("lands at the call that was asked for",
		func(ctx SpecContext, side scenario.Side, left int) {
			trials := shots(ctx, "DFL", third(side))
			Expect(lines()).To(Equal(left), describe(trials[0]))
			Expect(trials).To(HaveFinding("exit", "default-action"))
			sent := trials[0].Observation.Sent
			Expect(sent).To(HaveLen(2))
			Expect(sent[0].Disposition).To(Equal(observation.Caught))
			Expect(sent[1].Disposition).To(Equal(observation.Default))
			Expect(sent[1].Event).To(HaveSuffix("#3 after the first signal, " + string(side)))
		},
		EntryDescription("%s"),
		Entry(nil, scenario.Before, 2),
		Entry(nil, scenario.After, 3),
	)

	It("sweeps a clean-up, at every point and proved", func(ctx SpecContext) {
		s := scenario.Scenario{Name: "cleaner", Target: scenario.Target{Command: []string{"/usr/bin/python3", "-c", fmt.Sprintf(cleaner, "DFL"), "cleaned.txt"}}}
		s.Ready.Output = scenario.MustRegexp("^ready$")
		s.Stop.Schedule = schedule("TERM/5s/TERM/5s/KILL")
		s.Strike.Sweep = &scenario.Sweep{
			Syscall: "write", Path: "cleaned.txt", Signal: scenario.Second, Sides: []scenario.Side{scenario.Before, scenario.After},
		}
		trials := run(ctx, s)
		Expect(trials).To(HaveLen(11), "five points, two sides, and the proof")
		sums := reports.NewSummarizer(reports.RunInfo{Scenarios: []scenario.Scenario{s}})
		for i, trial := range trials {
			sums.Add(trial)
			if i < 10 {
				Expect(trial.Hit()).To(BeTrue(), describe(trial))
				Expect(trial).To(HaveFinding("exit", "default-action"), describe(trial))
			}
		}
		Expect(trials[10].Absent()).To(BeTrue())
		sweep := sums.Summary().Scenarios[0].Sweep
		Expect(sweep.Complete).To(BeTrue())
		Expect(sweep.Reason).To(Equal("all 5 points covered, before and after (the run behind them made no further call)"))

		s.Target.Command[2] = fmt.Sprintf(cleaner, "IGN")
		Expect(run(ctx, s)).To(BeGraceful())
	})

	It("does nothing to a program that is safe against it", func(ctx SpecContext) {
		trials := shots(ctx, "IGN", third(scenario.Before))
		Expect(trials).To(BeGraceful())
		Expect(lines()).To(Equal(5))
		Expect(trials[0].Observation.Sent).To(HaveLen(2))
		Expect(trials[0].Observation.Sent[1].Disposition).To(Equal(observation.Ignored))
	})

	It("is not sent when the program left before its point came", func(ctx SpecContext) {
		stopping := third(scenario.Before)
		stopping.Nth = scenario.Range{First: 6, Last: 6}
		trials := shots(ctx, "DFL", stopping)
		Expect(trials).To(BeGraceful())
		Expect(lines()).To(Equal(5))
		Expect(trials[0].Observation.Sent).To(HaveLen(1))
	})

	It("comes after a time, too", func(ctx SpecContext) {
		s := scenario.Scenario{Name: "slow", Target: scenario.Target{Command: []string{"bash", "-c", "trap 'trap - TERM; sleep 1000 & wait' TERM; echo ready; while :; do sleep 0.01; done"}}}
		s.Ready.Output = scenario.MustRegexp("^ready$")
		s.Stop.Schedule, _ = signals.ParseSchedule("TERM/1m/TERM/5s/KILL")
		s.Strike.Random = &scenario.Random{Trials: 1, Window: &scenario.Window{}}
		s.Strike.Stopping = &scenario.Stopping{Window: &scenario.Window{From: 100 * time.Millisecond, To: 150 * time.Millisecond}}
		trials := run(ctx, s)
		Expect(trials).To(EndWith("default-action"))
		sent := trials[0].Observation.Sent
		Expect(sent).To(HaveLen(2))
		Expect(sent[1].At).To(BeNumerically(">=", sent[0].At+100*time.Millisecond))
	})
})
