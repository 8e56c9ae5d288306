package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// sweepOf is a sweep over a program that writes a file in the current folder, which is
// told apart from all other writes by its path.
func sweepOf(name string, command ...string) scenario.Scenario {
	s := scenario.Scenario{Name: name, Target: scenario.Target{Command: command}}
	s.Target.Env = map[string]string{"GOMAXPROCS": "4"}
	settle := scenario.Duration(0)
	s.Stop.Settle = &settle
	s.Expect.Exit = []scenario.Accept{{Kind: observation.DefaultAction}, {Kind: observation.ReRaised}, {Kind: observation.Clean}}
	s.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "**/out-*.txt", Sides: []scenario.Side{scenario.Before, scenario.After}}
	return s
}

var _ = Describe("A sweep", func() {
	It("strikes at every write of a shell, before and after, and proves that there was no other", func(ctx SpecContext) {
		out := filepath.Join(GinkgoT().TempDir(), "out-1.txt")
		s := sweepOf("dash", "/bin/sh", "-c", fmt.Sprintf("exec >%s; i=0; while [ $i -lt 12 ]; do i=$((i+1)); echo $i; done", out))
		struck := map[string]int{}
		last := harness.Trial{}
		e, err := harness.Open(1)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(e.Close()).To(Succeed()) }()
		for trial, err := range (harness.Campaign{Scenario: s.WithDefaults()}).Trials(ctx, e) {
			Expect(err).NotTo(HaveOccurred())
			last = trial
			if trial.Observation.Strike == nil {
				fmt.Fprintln(GinkgoWriter, describe(trial), trial.Observation.Missed)
				continue
			}
			point := trial.Shot.Point.Call
			struck[fmt.Sprintf("%d %s", point.Nth, point.Side)]++
			text, err := os.ReadFile(out)
			Expect(err).NotTo(HaveOccurred())
			lines := strings.Count(string(text), "\n")
			Expect(lines).To(Equal(map[scenario.Side]int{scenario.Before: point.Nth - 1, scenario.After: point.Nth}[point.Side]), describe(trial))
		}
		Expect(struck).To(HaveLen(24), "every point once")
		Expect(last.Observation.Strike).To(BeNil())
		Expect(last.Observation.Calls.Seen).To(Equal(12), "the last run made no thirteenth call: "+describe(last))
	})
})
