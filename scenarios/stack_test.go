package scenarios_test

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// saving writes two entries with a function of its own, and then waits; what its last
// argument names is done first.
const saving = `exec /usr/bin/python3 -c '
import os, signal, sys, time
if len(sys.argv) > 2: signal.signal(signal.SIGTERM, lambda *a: None)
def save(f, entry):
    os.write(f, entry)
def wait():
    while True: time.sleep(100)
f = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
save(f, b"1")
save(f, b"2")
print("saved", flush=True)
wait()' "$@"`

// functions are the names on a stack with their lines, innermost first.
func functions(s *observation.Stack) (names []string) {
	GinkgoHelper()
	Expect(s).NotTo(BeNil())
	for _, frame := range s.Frames {
		names = append(names, frame.Function)
	}
	return names
}

func savedIn(ctx context.Context, s scenario.Scenario) harness.Trial {
	GinkgoHelper()
	s.Ready.Output = scenario.MustRegexp("^saved$")
	s.Expect.Survivors = scenario.Allow
	return run(ctx, s)[0]
}

var _ = Describe("A stack", func() {
	DescribeTable("at a system call is that of the thread that makes it:",
		func(ctx SpecContext, side scenario.Side, nth, line int) {
			out := GinkgoT().TempDir() + "/out"
			call := scenario.Syscall{Call: "write", Path: "**/out", Side: side, Nth: scenario.Range{First: nth, Last: nth}}
			trial := run(ctx, at(call, saving, out))[0]
			Expect(reasons(trial)).To(Equal([]string{"graceful"}), describe(trial))
			s := trial.Observation.Strike.Doing.Stack
			Expect(functions(s)).To(Equal([]string{"save", "<module>"}))
			Expect(s.Frames[1].Line).To(Equal(line))
			Expect(s.How).To(Equal("interpreter"))
		},
		Entry("before the first", scenario.Before, 1, 9),
		Entry("before the second", scenario.Before, 2, 10),
		Entry("after the first", scenario.After, 1, 9),
		Entry("after the second", scenario.After, 2, 10),
	)

	It("of a child is the child's", func(ctx SpecContext) {
		out := GinkgoT().TempDir() + "/out"
		trial := run(ctx, at(scenario.Syscall{Call: "write", Path: "**/out"}, `/bin/sh -c "echo x >$1; :"; :`, out))[0]
		s := trial.Observation.Strike.Doing.Stack
		Expect(s).NotTo(BeNil(), describe(trial))
		Expect(s.PID).NotTo(Equal(trial.Observation.Process.PID))
		Expect(s.Frames).NotTo(BeEmpty())
	})

	It("before a shot that leaves the time is read before the signal", func(ctx SpecContext) {
		s := ofShell("timed", saving, GinkgoT().TempDir()+"/out")
		late := 600 * time.Millisecond
		s.Strike.Random = &scenario.Random{Trials: 1, From: scenario.FromReady, Window: &scenario.Window{From: late, To: late}}
		trial := savedIn(ctx, s)
		stack := trial.Observation.Strike.Doing.Stack
		Expect(functions(stack)).To(Equal([]string{"wait", "<module>"}), describe(trial))
		Expect(stack.At).To(BeNumerically("<=", trial.Observation.Strike.Actual))
	})

	It("of a target that does not leave stands in the finding", func(ctx SpecContext) {
		s := ofShell("stays", saving, GinkgoT().TempDir()+"/out", "stay")
		s.Strike.Random = &scenario.Random{Trials: 1}
		schedule, err := signals.ParseSchedule("TERM/200ms/KILL")
		Expect(err).NotTo(HaveOccurred())
		s.Stop.Schedule = schedule
		trial := savedIn(ctx, s)
		Expect(reasons(trial)).To(ContainElement("deadline/no-reaction"), describe(trial))
		Expect(functions(&trial.Observation.Forensics.Stacks[0])).To(Equal([]string{"wait", "<module>"}))
		Expect(strings.Join(trial.Judgement.Findings[0].Evidence, "\n")).To(ContainSubstring("it stood in wait (<string>:7) < <module> (<string>:12)"))
	})
})
