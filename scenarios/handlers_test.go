package scenarios_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	. "github.com/sigprobe/sigprobe/harness/sigmatch"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// startup strikes at late-handlers, around the moment at which its handler is installed.
func startup(from, to time.Duration) scenario.Scenario {
	s := withTrials(pick("flawed.yaml", "late-handlers"), 6)
	s.Strike = scenario.Strike{Handlers: &scenario.Handlers{Trials: 6, Window: &scenario.Offsets{From: from, To: to}}}
	return s
}

var _ = Describe("Around the moment at which a handler is installed", func() {
	It("a signal before it has its default action, however little before", func(ctx SpecContext) {
		for _, trial := range run(ctx, startup(-3*time.Millisecond, -time.Microsecond)) {
			Expect(trial.Observation.Sent[0].Disposition).To(Equal(observation.Default), describe(trial))
			Expect(trial).To(HaveFinding("exit", "default-action"), describe(trial))
		}
	})

	It("a signal after it is handled, however little after", func(ctx SpecContext) {
		trials := run(ctx, startup(0, 3*time.Millisecond))
		for _, trial := range trials {
			Expect(trial.Observation.Sent[0].Disposition).To(Equal(observation.Caught), describe(trial))
			Expect(trial.Observation.Strike.Event).To(ContainSubstring("the handler for TERM was installed"))
		}
		Expect(trials).To(BeGraceful())
	})

	It("the same shot is repeated by itself", func(ctx SpecContext) {
		s := startup(-2*time.Millisecond, -time.Millisecond).WithDefaults()
		shot := run(ctx, s)[0].Shot
		trial, err := openEngine(1).Trial(ctx, s, 0, shot) // an engine that has foretold nothing yet
		Expect(err).NotTo(HaveOccurred())
		Expect(trial).To(HaveFinding("exit", "default-action"), describe(trial))
	})

	It("a program that installs none proves nothing, and makes one trial", func(ctx SpecContext) {
		s := scenario.Scenario{
			Name:   "none",
			Target: scenario.Target{Command: []string{"sleep", "1000"}},
			Ready:  scenario.Ready{Timeout: scenario.Duration(200 * time.Millisecond)},
			Strike: scenario.Strike{Handlers: &scenario.Handlers{}},
		}
		trials := run(ctx, s)
		Expect(trials).To(HaveLen(1))
		Expect(trials[0].Judgement.Verdict).To(Equal(verdict.Inconclusive))
		Expect(trials[0].Judgement.Reason).To(ContainSubstring("installed no handler for TERM within 200ms"))
	})

	It("a program that ends before it proves nothing", func(ctx SpecContext) {
		s := scenario.Scenario{
			Name:   "gone",
			Target: scenario.Target{Command: []string{"true"}},
			Strike: scenario.Strike{Handlers: &scenario.Handlers{}},
		}
		trials := run(ctx, s)
		Expect(trials).To(HaveLen(1))
		Expect(trials[0].Judgement.Reason).To(ContainSubstring("before it had installed a handler for TERM"))
	})

	It("handlers for other signals, of children and that only ignore do not count", func(ctx SpecContext) {
		s := scenario.Scenario{
			Name: "decoys",
			Target: scenario.Target{Command: []string{"/usr/bin/python3", "-c", `
import os, signal, time
signal.signal(signal.SIGUSR1, lambda s, f: None)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    signal.signal(signal.SIGTERM, lambda s, f: os._exit(0))
    os._exit(0)
os.wait()
print("now", flush=True)
signal.signal(signal.SIGTERM, lambda s, f: os._exit(0))
while True: time.sleep(1)
`}},
			Stop:   scenario.Stop{Schedule: schedule("TERM/5s/KILL")},
			Strike: scenario.Strike{Handlers: &scenario.Handlers{Trials: 3, Window: &scenario.Offsets{}}},
		}
		for _, trial := range run(ctx, s) {
			Expect(trial.Observation.Sent[0]).To(HaveField("Signal", signals.TERM))
			Expect(trial.Observation.Output.Last).To(Equal("now"))
			Expect(trial).To(BeGraceful(), describe(trial))
		}
	})
})
