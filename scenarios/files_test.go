package scenarios_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness/scenario"
	. "github.com/sigprobe/sigprobe/harness/sigmatch"
)

// mover makes folders and files, renames one, and then waits.
const mover = `mkdir -p out/deep; echo ready
for i in 1 2 3; do echo $i >out/deep/$i.tmp; mv out/deep/$i.tmp out/deep/$i.json; done
: >other.txt; sleep 1000`

var _ = DescribeTable("A strike at a file's event",
	func(ctx SpecContext, event scenario.FileDoing, path string, nth int, shown string) {
		s := scenario.Scenario{Name: "mover", Target: scenario.Target{Command: []string{"sh", "-c", mover}}}
		settle := scenario.Duration(time.Millisecond)
		s.Stop.Settle, s.Expect.Survivors = &settle, scenario.Allow
		s.Expect.Exit = []scenario.Accept{{Kind: "default-action"}}
		s.Strike.File = &scenario.FileEvent{Trials: 3, Event: event, Path: path, Nth: scenario.Range{First: nth, Last: nth}}
		for _, trial := range run(ctx, s) {
			Expect(trial).To(BeGraceful())
			Expect(trial.Observation.Strike.Event).To(HaveSuffix(shown))
		}
	},
	EntryDescription("%s of %s, no. %d"),
	Entry(nil, scenario.Create, "out/**", 2, ".tmp"),
	Entry(nil, scenario.Create, "other.txt", 1, "/other.txt"),
	Entry(nil, scenario.Rename, "out/deep/*.json", 3, "/out/deep/3.json"),
	Entry(nil, scenario.Close, "**/2.tmp", 1, "/out/deep/2.tmp"),
)

var _ = It("A strike at a file that never comes is inconclusive", func(ctx SpecContext) {
	s := scenario.Scenario{Name: "mover", Target: scenario.Target{Command: []string{"sh", "-c", mover}}}
	s.Stop.Limit = scenario.Duration(300 * time.Millisecond)
	s.Strike.File = &scenario.FileEvent{Trials: 1, Event: scenario.Rename, Path: "never/*"}
	trials := run(ctx, s)
	Expect(reasons(trials[0])).To(Equal([]string{"inconclusive"}))
	Expect(trials[0].Judgement.Reason).To(ContainSubstring("1st rename to never/* did not come within 300ms"))
})
