package scenarios_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	. "github.com/sigprobe/sigprobe/harness/sigmatch"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// stopWith is the scenario with another signal and delivery, and a few trials.
func stopWith(s scenario.Scenario, sig signals.Signal, to signals.Delivery, trials int) scenario.Scenario {
	s.Stop.Schedule = signals.Schedule{Steps: []signals.Step{{Signal: sig, Wait: 10 * time.Second}, {Signal: signals.KILL}}}
	s.Stop.To = to
	s.Expect.Within = scenario.Duration(10 * time.Second)
	s.Strike.Output = nil
	s.Strike.Random = &scenario.Random{Trials: trials, From: scenario.FromReady, Window: &scenario.Window{To: 150 * time.Millisecond}}
	return s
}

var _ = DescribeTableSubtree("A well-behaved daemon, whatever the signal and whoever gets it",
	func(file, name string, ending observation.Kind) {
		DescribeTable("stops by",
			func(ctx SpecContext, sig signals.Signal, to signals.Delivery) {
				if file == "node.yaml" {
					needNode()
				}
				trials := run(ctx, stopWith(pick(file, name), sig, to, 3))
				Expect(trials).To(HaveLen(3))
				Expect(trials).To(BeGraceful())
				Expect(trials).To(EndWith(ending))
				Expect(trials).To(LeaveNoSurvivors())
				Expect(trials).To(HaveEach(HaveField("Observation", reached(sig, to))))
			},
			EntryDescription("%s to the %s"),
			Entry(nil, signals.TERM, signals.ToProcess),
			Entry(nil, signals.TERM, signals.ToGroup),
			Entry(nil, signals.TERM, signals.ToSession),
			Entry(nil, signals.INT, signals.ToProcess),
			Entry(nil, signals.INT, signals.ToGroup),
			Entry(nil, signals.INT, signals.ToSession),
			Entry(nil, signals.INT, signals.ToTTY),
		)
	},
	Entry("graceful-killer", "well-behaved.yaml", "graceful-killer", observation.Clean),
	Entry("ledger-writer", "well-behaved.yaml", "ledger-writer", observation.Clean),
	Entry("prefork-master", "well-behaved.yaml", "prefork-master", observation.Clean),
	Entry("http-drain", "well-behaved.yaml", "http-drain", observation.Clean),
	Entry("clean-then-reraise", "well-behaved.yaml", "clean-then-reraise", observation.ReRaised),
	Entry("trap-and-wait", "well-behaved.yaml", "trap-and-wait", observation.Clean),
	Entry("node-http", "node.yaml", "node-http", observation.Clean),
)

// reached says that the observation shows the one signal, to whom it was to go, with
// the target's handler installed.
func reached(sig signals.Signal, to signals.Delivery) OmegaMatcher {
	return WithTransform(func(o observation.Observation) []observation.Sent {
		for i := range o.Sent {
			o.Sent[i].At, o.Sent[i].Receivers = 0, 0
		}
		return o.Sent
	}, Equal([]observation.Sent{{Signal: sig, To: to, Disposition: observation.Caught}}))
}

var _ = Describe("A target that", func() {
	target := func(command ...string) scenario.Scenario {
		after := scenario.Duration(50 * time.Millisecond)
		s := scenario.Scenario{Name: command[0], Target: scenario.Target{Command: command}}
		s.Ready.After = &after
		s.Strike.Random = &scenario.Random{Trials: 2, Window: &scenario.Window{To: 50 * time.Millisecond}}
		settle := scenario.Duration(300 * time.Millisecond)
		s.Stop.Settle = &settle
		return s
	}

	It("never prints the line to strike at is inconclusive, and gone", func(ctx SpecContext) {
		s := target("sleep", "1000")
		s.Stop.Limit = scenario.Duration(200 * time.Millisecond)
		s.Strike = scenario.Strike{Output: &scenario.Output{Trials: 1, Matching: *scenario.MustRegexp("never")}}
		trials := run(ctx, s)
		Expect(reasons(trials[0])).To(Equal([]string{"inconclusive"}))
		Expect(trials[0].Judgement.Reason).To(ContainSubstring("1st line matching /never/ did not come within 200ms"))
		Expect(trials[0].Observation.Process).To(beGone())
	})

	It("leaves no sign of a soft signal that its schedule sent first is killed by the harness", func(ctx SpecContext) {
		s := target("sh", "-c", "trap '' TERM; sleep 1000 & wait")
		s.Stop.Schedule, _ = signals.ParseSchedule("TERM/200ms")
		trials := run(ctx, s)
		for _, trial := range trials {
			Expect(reasons(trial)).To(Equal([]string{"violation", "deadline/ignored"}))
			sent := trial.Observation.Sent
			Expect(sent).To(HaveLen(2))
			Expect(sent[1].Final).To(BeTrue())
			Expect(trial.Observation.Process).To(beGone())
		}
	})

	It("ignores INT and leaves with TERM ends at the second step", func(ctx SpecContext) {
		s := target("bash", "-c", "trap '' INT; trap 'exit 0' TERM; while :; do sleep 0.01; done")
		s.Stop.Schedule, _ = signals.ParseSchedule("INT/100ms/TERM/5s/KILL")
		for _, trial := range run(ctx, s) {
			Expect(trial).To(BeGraceful())
			Expect(trial.Observation.Exit.Step).To(Equal(1))
			Expect(trial.Observation.Sent[0].Disposition).To(Equal(observation.Ignored))
		}
	})

	It("had a child before it daemonised leaves lineage with the survivor", func(ctx SpecContext) {
		s := target("bash", "-c", "(sleep 1000 & wait) & wait")
		for _, trial := range run(ctx, s) {
			Expect(trial).To(HaveFinding("survivors", "orphan"))
			var sleeper observation.Survivor
			for _, survivor := range trial.Observation.Survivors {
				if survivor.Command == "sleep" {
					sleeper = survivor
				}
			}
			Expect(sleeper.CommandLine).To(Equal("sleep 1000"))
			Expect(sleeper.Lineage).To(HaveLen(2), "the subshell and the shell")
			Expect(sleeper.Lineage[1].PID).To(Equal(trial.Observation.Process.PID))
			Expect(sleeper.Identity).To(beGone())
		}
	})

	DescribeTable("becomes ready by", func(ctx SpecContext, ready scenario.Ready, by string, command ...string) {
		s := target(command...)
		s.Ready = ready
		s.Expect.Exit = []scenario.Accept{{Kind: observation.Clean}, {Kind: observation.DefaultAction}, {Kind: observation.ReRaised}}
		s.Expect.Survivors = scenario.Allow
		for _, trial := range run(ctx, s) {
			Expect(trial).To(BeGraceful())
			Expect(trial.Observation.Ready.By).To(Equal(by), describe(trial))
		}
	},
		Entry("a line", scenario.Ready{Output: scenario.MustRegexp("^go$")}, "output", "sh", "-c", "echo wait; sleep .02; echo go; sleep 1000"),
		Entry("a line on standard error", scenario.Ready{Output: scenario.MustRegexp("^go$")}, "output", "sh", "-c", "echo go >&2; sleep 1000"),
		Entry("a file", scenario.Ready{File: "up"}, "file", "sh", "-c", "sleep .02; : >up; sleep 1000"),
		Entry("sd_notify", scenario.Ready{Notify: true}, "notify", "/usr/bin/python3", "-c", notifier),
		Entry("a port", scenario.Ready{Port: freePort()}, "port", "/usr/bin/python3", "-c", listener),
		Entry("an answer by HTTP", scenario.Ready{HTTP: "http://127.0.0.1:" + portText() + "/"}, "http", "/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", portText()),
		Entry("auto: a handler", scenario.Ready{}, "handler", "sh", "-c", "trap 'exit 0' TERM; while :; do sleep .01; done"),
		Entry("auto: a line", scenario.Ready{}, "output", "sh", "-c", "echo hello; sleep 1000"),
		Entry("auto: a socket", scenario.Ready{}, "listen", "/usr/bin/python3", "-c", listener),
		Entry("auto: nothing", scenario.Ready{}, "after", "sleep", "1000"),
	)
})
