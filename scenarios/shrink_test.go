package scenarios_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// shrunkWithin is long enough for every part of the work, on a busy machine too.
const shrunkWithin = 2 * time.Minute

// notBackWithin is for what never comes back, and could be looked for for long.
const notBackWithin = 5 * time.Second

// shrunk narrows a trial's first finding down and attaches what was found.
func shrunk(ctx context.Context, s scenario.Scenario, trial harness.Trial, budget time.Duration) shrink.Result {
	GinkgoHelper()
	r, err := harness.Shrink{Scenario: s, Trial: trial, Budget: budget}.Run(ctx, openEngine(1))
	Expect(err).NotTo(HaveOccurred())
	AddReportEntry("shrunk", strings.Join(r.Lines(), "\n"), ReportEntryVisibilityFailureOrVerbose)
	return r
}

// failing runs trials of a scenario until one shows a finding of the kind first of all.
func failing(ctx context.Context, s scenario.Scenario, kind string) harness.Trial {
	GinkgoHelper()
	for trial, err := range (harness.Campaign{Scenario: s, Seed: seed()}).Trials(ctx, openEngine(1)) {
		Expect(err).NotTo(HaveOccurred())
		if found := trial.Judgement.Findings; len(found) > 0 && found[0].Kind == kind {
			return trial
		}
	}
	Fail(s.Name + ": no trial fails")
	return harness.Trial{}
}

// atRandom is the scenario with random moments from ready on.
func atRandom(s scenario.Scenario, trials int, within time.Duration) scenario.Scenario {
	s.Strike = scenario.Strike{Random: &scenario.Random{Trials: trials, From: scenario.FromReady, Window: &scenario.Window{To: within}}}
	return s.WithDefaults()
}

// spans is between which calls a finding comes, in the result's words.
func spans(r shrink.Result) string {
	GinkgoHelper()
	Expect(r.Between).NotTo(BeNil(), strings.Join(r.Lines(), "\n"))
	return r.Between.String()
}

// bringing lists the variants that bring the finding, and those that never did.
func bringing(list []shrink.Variant) (yes, no []string) {
	for _, v := range list {
		if v.Failed > 0 {
			yes = append(yes, v.Name)
		} else {
			no = append(no, v.Name)
		}
	}
	return yes, no
}

const (
	// intOnly stops well for TERM, HUP, QUIT and USR1, and with code 3 for INT.
	intOnly = `
import os, signal
for s in signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1:
    signal.signal(s, lambda *_: os._exit(0))
signal.signal(signal.SIGINT, lambda *_: os._exit(3))
print("ready", flush=True)
while True: signal.pause()`
	// groupOnly asks its child, which has no handler for TERM, whether it is alive: where
	// it is not, the group was signalled, and the code is 3.
	groupOnly = `
import os, signal, time
child = os.fork()
if child == 0:
    while True: signal.pause()
def stop(*_):
    # The signal of a group and that of a session come a moment apart.
    for _ in range(100):
        gone, _ = os.waitpid(child, os.WNOHANG)
        if gone: os._exit(3)
        time.sleep(.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True: signal.pause()`
)

// ofPython is a script that has to end with code 0, struck within 20 ms.
func ofPython(name, script string) scenario.Scenario {
	s := readyPython(name, 3, script)
	return atRandom(s, 3, 20*time.Millisecond)
}

// windowsInWords are the windows of fixtures, as a result tells them.
var windowsInWords = map[string]string{
	"torn-between":  "between write #23 on out/ledger and write #24 on out/ledger",
	"two-ms-window": "from before truncate #1 on out/state to after rename(out/state.new, out/state) #1",
}

// struckAtWindow is a fixture's sweep without the points that are far from its window.
func struckAtWindow(name string) scenario.Scenario {
	GinkgoHelper()
	s := pick("sweep.yaml", name)
	s.Strike.Sweep.Points = map[string]scenario.Span{
		"torn-between": {First: 22, Step: 1, Last: 25}, "two-ms-window": {First: 6, Step: 1, Last: 9},
	}[name]
	return s
}

var _ = Describe("Shrinking", func() {
	Describe("a failure at a system call", func() {
		// In the same order in every process that specs are dealt to.
		for _, name := range slices.Sorted(maps.Keys(windowsInWords)) {
			It("names the calls between which it comes: "+name, func(ctx SpecContext) {
				s := struckAtWindow(name)
				r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
				Expect(spans(r)).To(Equal(windowsInWords[name]))
				Expect(r.There.Shots).To(BeNumerically(">=", 7))
				Expect(r.There.Failed).To(Equal(r.There.Shots))
				Expect(r.Outside.Shots).To(BeNumerically(">=", 40))
				Expect(r.Outside.Failed).To(BeZero())
			})
		}
	})

	Describe("a failure at a moment", func() {
		It("tells the window and the calls around it: two-ms-window", Label("soak"), func(ctx SpecContext) {
			s := pick("sweep.yaml", "two-ms-window")
			s.Target.Command = append(slices.Clone(s.Target.Command), "--window", "0.02")
			s.Ready = scenario.Ready{Output: scenario.MustRegexp("^ready$"), Timeout: s.Ready.Timeout}
			s = atRandom(s, 300, 250*time.Millisecond)
			r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
			Expect(spans(r)).To(Equal(windowsInWords["two-ms-window"]))
			Expect(r.Window).NotTo(BeNil())
			Expect(r.Window.Left.Open || r.Window.Right.Open).To(BeFalse(), "it passes earlier and later")
			// The program sleeps for 20 ms in it. A busy machine makes it wider, nothing narrower.
			Expect(r.Between.Width).To(BeNumerically(">=", 20*time.Millisecond))
		})

		It("goes to the calls where no moment is exact enough: torn-between", func(ctx SpecContext) {
			s := struckAtWindow("torn-between")
			trial := failing(ctx, s, "code")
			s = atRandom(s, 1, 50*time.Millisecond)
			// The moment at which the sweep struck, as a random shot would have.
			trial.Shot.Point = plan.Point{Time: &plan.TimePoint{From: scenario.FromLaunch, After: trial.Observation.Strike.Actual}}
			r := shrunk(ctx, s, trial, shrunkWithin)
			Expect(spans(r)).To(Equal(windowsInWords["torn-between"]))
			Expect(r.Outside.Failed).To(BeZero())
		})
	})

	Describe("what needs a certain signal", func() {
		It("names the signal", func(ctx SpecContext) {
			s := ofPython("int-only", intOnly)
			s.Stop.Schedule = schedule("INT/5s/KILL")
			r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
			yes, no := bringing(r.Signals)
			Expect(yes).To(Equal([]string{"INT"}))
			Expect(no).To(ConsistOf("TERM", "HUP", "QUIT", "USR1"))
			Expect(r.Everywhere).To(BeTrue())
		})

		It("names the deliveries", func(ctx SpecContext) {
			s := ofPython("group-only", groupOnly)
			s.Stop.To = "group"
			r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
			yes, no := bringing(r.Deliveries)
			Expect(yes).To(ConsistOf("group", "session"))
			Expect(no).To(ConsistOf("process"))
		})

		It("tells how many of the schedule's signals are needed", func(ctx SpecContext) {
			s := pick("sweep.yaml", "second-signal-unsafe")
			s.Target.Command[len(s.Target.Command)-1] = "0.3"
			r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
			yes, no := bringing(r.Numbers)
			Expect(yes).To(Equal([]string{"2"}))
			Expect(no).To(Equal([]string{"1"}))
		})
	})

	It("says that a program fails everywhere", func(ctx SpecContext) {
		s := readyShell("everywhere", 1, `trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done`)
		s = atRandom(s, 1, 100*time.Millisecond)
		r := shrunk(ctx, s, failing(ctx, s, "code"), shrunkWithin)
		Expect(r.Lines()[0]).To(MatchRegexp(`^fails everywhere: (\d+)/(\d+)$`))
		Expect(r.There.Failed).To(Equal(r.There.Shots))
	})

	It("says that a program fails at every system call", func(ctx SpecContext) {
		s := ofShell("no-handler", `i=0; while [ $i -lt 10 ]; do i=$((i+1)); echo $i >>f; done`)
		s.Expect.Exit = nil
		s.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "f", Points: scenario.Span{First: 5, Step: 1, Last: 5}}
		s = s.WithDefaults()
		r := shrunk(ctx, s, failing(ctx, s, "default-action"), shrunkWithin)
		Expect(r.Lines()[0]).To(MatchRegexp(`^fails everywhere: (\d+)/(\d+)$`))
		Expect(r.Between).To(BeNil())
	})

	It("says that a failure did not come back", func(ctx SpecContext) {
		s := readyShell("never-again", 1, `trap 'exit 0' TERM; echo ready; i=0; while [ $i -lt 10 ]; do i=$((i+1)); sleep 0.01; done`)
		s = atRandom(s, 1, 50*time.Millisecond)
		trials := run(ctx, s)
		Expect(reasons(trials[0])).To(Equal([]string{"graceful"}))
		trials[0].Judgement.Findings = []verdict.Finding{{Check: "exit", Kind: "code"}}
		r := shrunk(ctx, s, trials[0], notBackWithin)
		Expect(r.Back).To(BeFalse())
		Expect(r.Lines()[0]).To(MatchRegexp(`^did not come back in \d+ repeats, nor in \d+ shots? at the system calls around it$`))
	})

	It("takes another finding for none", func(ctx SpecContext) {
		s := ofPython("int-only", intOnly)
		s.Stop.Schedule = schedule("INT/5s/KILL")
		trial := failing(ctx, s, "code")
		trial.Judgement.Findings[0].Kind = "signal-code"
		Expect(shrunk(ctx, s, trial, notBackWithin).Back).To(BeFalse())
	})
})
