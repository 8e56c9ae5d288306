package scenarios_test

import (
	"context"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// at is a scenario that strikes a script once at a system call.
func at(call scenario.Syscall, script string, args ...string) scenario.Scenario {
	call.Trials = 1
	if call.Nth == (scenario.Range{}) {
		call.Nth = scenario.Range{First: 1, Last: 1}
	}
	s := ofShell("at", script, args...)
	s.Expect.Survivors = scenario.Allow
	s.Strike.Syscall = &call
	return s
}

// never is a point that is not reached, so that all calls are counted.
func never(call scenario.Syscall) scenario.Syscall {
	call.Nth = scenario.Range{First: 1000000, Last: 1000000}
	return call
}

// counts is how many calls a script made that fit.
func counts(ctx context.Context, call scenario.Syscall, script string, args ...string) int {
	GinkgoHelper()
	trial := run(ctx, at(never(call), script, args...))[0]
	Expect(trial.Observation.Exit).NotTo(BeNil(), describe(trial))
	return trial.Observation.Calls.Seen
}

var _ = Describe("Inside a system call", func() {
	DescribeTable("that blocks, the signal comes while the thread sleeps in it:",
		func(ctx SpecContext, calls scenario.Calls, path, name, script string) {
			trial := run(ctx, at(scenario.Syscall{Call: calls, Path: path, Side: scenario.Inside}, script))[0]
			Expect(reasons(trial)).To(Equal([]string{"graceful"}), describe(trial))
			Expect(trial.Observation.Strike.Event).To(HaveSuffix("#1, inside"))
			Expect(trial.Observation.Strike.Doing.Main.Syscall).To(Equal(name))
			Expect(trial.Observation.Strike.Doing.Main.State).To(Equal("S"))
		},
		Entry("reading an empty pipe", scenario.Calls("=read"), "pipe:*", "read",
			`exec /usr/bin/python3 -c 'import os; os.read(os.pipe()[0], 1)'`),
		Entry("sleeping", scenario.Calls("sleep"), "", "clock_nanosleep", "exec sleep 1000"),
		Entry("waiting for a child", scenario.Calls("wait"), "", "wait4", "sleep 1000; :"),
	)

	It("that does not block there is none, and that is said", func(ctx SpecContext) {
		call := scenario.Syscall{Call: "write", Path: "f", Side: scenario.Inside}
		trial := run(ctx, at(call, `echo x >f; exec sleep 1000`))[0]
		Expect(reasons(trial)).To(Equal([]string{"inconclusive"}), describe(trial))
		Expect(trial.Judgement.Reason).To(ContainSubstring("write f did not block: there was no inside to strike at"))
		Expect(trial.Observation.Process).To(beGone())
	})
})

var _ = Describe("A handler", func() {
	It("runs in front of the call that is struck before, and after the one that is struck after", func(ctx SpecContext) {
		// The handler's own byte goes into the file when the signal is taken.
		for side, want := range map[scenario.Side]string{scenario.Before: "1 sig 2 ", scenario.After: "1 2 sig "} {
			out := filepath.Join(GinkgoT().TempDir(), "out")
			call := scenario.Syscall{Call: "write", Path: "**/out", Side: side, Nth: scenario.Range{First: 2, Last: 2}}
			trial := run(ctx, at(call, `exec /usr/bin/python3 -c '
import os, signal, sys
f = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK)
signal.set_wakeup_fd(f)
signal.signal(signal.SIGTERM, lambda *a: None)
os.write(f, b"1 "); os.write(f, b"2 ")
print(open(sys.argv[1]).read().replace("\x0f", "sig "))' "$1"`, out))[0]
			Expect(reasons(trial)).To(Equal([]string{"graceful"}), describe(trial))
			Expect(trial.Observation.Output.Stdout.Text()).To(Equal(want+"\n"), string(side))
		}
	})
})

var _ = Describe("System calls are counted", func() {
	// Three processes, with 2, 4 and 3 writes.
	const three = `(echo a; echo b) >>f; (for i in 1 2 3 4; do echo $i; done) >>f; for i in 1 2 3; do echo $i; done >>f`

	It("over the tree, or for every process apart", func(ctx SpecContext) {
		for count, points := range map[scenario.Count]int{scenario.PerTree: 9, scenario.PerProcess: 4} {
			s := ofShell("three", three)
			s.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "f", Count: count}
			struck := map[string]int{}
			last := sweeps(ctx, s, func(trial harness.Trial) { struck[point(trial)]++ })
			Expect(struck).To(HaveLen(points), string(count))
			Expect(last.Shot.Point.Call.Nth).To(Equal(points+1), string(count))
			Expect(last.Observation.Calls.Seen).To(Equal(9), "all calls that fit")
		}
	})

	It("through vfork and exec, each one once", func(ctx SpecContext) {
		const spawn = `exec "$1/fixtures/daemons/vfork-exec/vfork_exec.py" --children 25`
		for calls, want := range map[scenario.Calls]int{"fork": 25, "exec": 26, "wait": 25} {
			Expect(counts(ctx, scenario.Syscall{Call: calls}, spawn, checkout())).To(Equal(want), string(calls))
		}
		Expect(counts(ctx, scenario.Syscall{Call: "write", Path: "lines"}, spawn, checkout())).To(Equal(25))
	})

	It("through the execs of a program with threads", func(ctx SpecContext) {
		const lives = `exec "$1/bin/fixtures/execs-itself" --times 25`
		Expect(counts(ctx, scenario.Syscall{Call: "exec"}, lives, checkout())).To(Equal(25), "the shell's, and 24 of its own")
		Expect(counts(ctx, scenario.Syscall{Call: "write", Path: "lines"}, lives, checkout())).To(Equal(25))
	})

	DescribeTable("by the paths of their files:",
		func(ctx SpecContext, pattern string, want int) {
			const script = `mkdir -p out/b; echo 1 >out/a; for i in 1 2; do echo $i; done >out/b/c; cd out/b; for i in 1 2 3 4; do echo $i; done >../../d; echo e`
			Expect(counts(ctx, scenario.Syscall{Call: "write", Path: pattern}, script)).To(Equal(want))
		},
		Entry("relative to the work folder", "out/*", 1),
		Entry("with a dot in front", "./out/*", 1),
		Entry("in any folder below", "out/**", 3),
		Entry("in the work folder itself, also when it is not the current one", "d", 4),
		Entry("absolute, in any folder", "/**/{a,c}", 3),
		Entry("absolute", "/no/such/folder/*", 0),
		Entry("of whatever name", "**/d", 4),
		Entry("a pipe", "pipe:*", 1),
		Entry("all", "", 8),
	)

	It("by either path of a call that has two", func(ctx SpecContext) {
		const script = `echo x >old; mv old new; ln new link; rm link`
		Expect(counts(ctx, scenario.Syscall{Call: "rename", Path: "old"}, script)).To(Equal(1))
		Expect(counts(ctx, scenario.Syscall{Call: "rename", Path: "new"}, script)).To(Equal(1))
		Expect(counts(ctx, scenario.Syscall{Call: "%modify", Path: "link"}, script)).To(Equal(2))
	})
})
