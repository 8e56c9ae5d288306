package scenarios_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// windows are the calls, and their sides, at which a signal does harm.
var windows = map[string][]string{
	"torn-between": {"write out/ledger #23, after", "write out/ledger #24, before"},
	"two-ms-window": {
		"truncate out/state #7, before", "truncate out/state #7, after",
		"rename out/state.new -> out/state #8, before", "rename out/state.new -> out/state #8, after",
	},
	"fork-exec-loser": {
		"execve /bin/true #2, before", "execve /bin/true #4, before", "execve /bin/true #6, before",
		"execve /bin/true #8, before", "execve /bin/true #10, before",
	},
}

// harmed runs a sweep and gives the events at which the program broke its promise. All
// others must be graceful.
func harmed(ctx context.Context, s scenario.Scenario, promise []string) (events []string) {
	GinkgoHelper()
	sweeps(ctx, s, func(trial harness.Trial) {
		if trial.Judgement.Verdict == verdict.Graceful {
			return
		}
		Expect(reasons(trial)).To(Equal(promise), describe(trial))
		events = append(events, trial.Observation.Strike.Event)
	})
	return events
}

var _ = Describe("A window between system calls", func() {
	for _, s := range named("sweep.yaml") {
		want, planted := windows[s.name]
		if !planted {
			continue
		}
		find := func(ctx context.Context, campaigns int) {
			for i := range campaigns {
				found := harmed(ctx, pick("sweep.yaml", s.name), s.promise)
				Expect(found).To(ConsistOf(want), "campaign %d", i)
			}
		}
		It("is found by one sweep, and its calls are named: "+s.name, func(ctx SpecContext) { find(ctx, 1) })
		It("is found by many sweeps, every time: "+s.name, Label("soak"), func(ctx SpecContext) { find(ctx, 50) })
	}

	It("of 2 ms in 5 s is found by a sweep, and hardly by 300 random shots", Label("soak"), func(ctx SpecContext) {
		s := pick("sweep.yaml", "two-ms-window")
		s.Target.Command = s.Target.Command[:1]
		found := harmed(ctx, s, []string{"violation", "exit/code"})
		Expect(found).To(HaveLen(4))
		s.Strike = scenario.Strike{Random: &scenario.Random{
			Trials: 300, From: scenario.FromReady, Window: &scenario.Window{To: 5 * time.Second},
		}}
		tally := many(ctx, openEngine(soakJobs), s, seed(), func(harness.Trial) {})
		addRow("two-ms-window, at random", tally, fmt.Sprintf("%d of 300 shots found it; the sweep did", tally.Violation))
		Expect(tally.Error).To(BeZero())
	})
})

var _ = Describe("The scenarios for system calls", func() {
	for _, s := range named("sweep.yaml") {
		if _, planted := windows[s.name]; planted {
			continue
		}
		It(s.name, func(ctx SpecContext) {
			checked := pick("sweep.yaml", s.name)
			if checked.Strike.Sweep != nil {
				Expect(harmed(ctx, checked, nil)).To(BeEmpty())
				return
			}
			for _, trial := range run(ctx, checked) {
				Expect(reasons(trial)).To(Equal(s.promise), describe(trial))
			}
		})
	}
})

var _ = Describe("A sweep that is cut short", func() {
	It("has been in different places first", func(ctx SpecContext) {
		s := ofShell("places", `for f in a b c; do i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo $i >>$f; done; done`)
		s.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "{a,b,c}", Trials: 6}
		trials, files := 0, map[int]bool{}
		many(ctx, openEngine(1), s, 0, func(trial harness.Trial) {
			trials++
			files[(trial.Shot.Point.Call.Nth-1)/20] = true
		})
		Expect(trials).To(Equal(6))
		Expect(files).To(HaveLen(3), "6 of 60 points, and every file among them")
	})

	It("may be of a program that never ends", func(ctx SpecContext) {
		s := ofShell("endless", `while :; do echo x >>f; done`)
		s.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "f", Points: scenario.Span{First: 3, Step: 2, Last: 9}}
		var points []int
		many(ctx, openEngine(1), s, 0, func(trial harness.Trial) {
			Expect(trial.Observation.Strike).NotTo(BeNil(), describe(trial))
			points = append(points, trial.Shot.Point.Call.Nth)
		})
		Expect(points).To(ConsistOf(3, 5, 7, 9))
	})
})
