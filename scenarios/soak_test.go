package scenarios_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// The figures of the promise: every flaw is caught for its reason in all of so many
// campaigns with different seeds, and no well-behaved program is accused in so many
// trials, half of them on a busy machine.
const (
	soakCampaigns = 20
	soakTrials    = 2000
	// soakJobs is how many trials run at a time. Targets mostly wait.
	soakJobs = 8
)

// soakRow is the name of the report entries that make up the table at the end.
const soakRow = "soak"

// addRow puts a line into the table.
func addRow(name string, tally verdict.Tally, remark string) {
	AddReportEntry(soakRow, fmt.Sprintf("%-26s %6d %8d %9d %12d %5d  %s",
		name, tally.Total(), tally.Graceful, tally.Violation, tally.Inconclusive, tally.Error, remark))
}

var _ = ReportAfterSuite("the table of the long campaigns", func(report Report) {
	var rows []string
	for _, spec := range report.SpecReports {
		for _, entry := range spec.ReportEntries {
			if entry.Name == soakRow {
				rows = append(rows, entry.StringRepresentation())
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	slices.Sort(rows)
	fmt.Printf("\n%-26s trials graceful violation inconclusive error\n%s\n", "", strings.Join(rows, "\n"))
})

var _ = Describe("Long campaigns", Label("soak"), Serial, func() {
	for _, s := range named("flawed.yaml") {
		It("catch the flaw for its reason, whatever the seed: "+s.name, func(ctx SpecContext) {
			e, flawed := openEngine(soakJobs), pick("flawed.yaml", s.name)
			var sum verdict.Tally
			caught := 0
			for i := range uint64(soakCampaigns) {
				missed := 0
				tally := many(ctx, e, flawed, seed()+i, func(trial harness.Trial) {
					if !slices.Equal(reasons(trial), s.promise) {
						missed++
						AddReportEntry(fmt.Sprintf("campaign %d, trial %d", i, trial.Index), describe(trial))
					}
				})
				if missed == 0 {
					caught++
				}
				sum = plus(sum, tally)
			}
			addRow(s.name, sum, fmt.Sprintf("%s in %d of %d campaigns", strings.Join(s.promise, " "), caught, soakCampaigns))
			Expect(caught).To(Equal(soakCampaigns))
		}, NodeTimeout(time.Hour))
	}

	for _, s := range wellBehaved() {
		It("never accuse a well-behaved program: "+s[1], func(ctx SpecContext) {
			tally := neverAccused(ctx, s[0], s[1], soakTrials/2, soakJobs, seed())
			addRow(s[1], tally, "")
		}, NodeTimeout(time.Hour))

		It("never accuse a well-behaved program on a busy machine: "+s[1], func(ctx SpecContext) {
			burn()
			tally := neverAccused(ctx, s[0], s[1], soakTrials/2, soakJobs, seed())
			addRow(s[1]+" under load", tally, "")
		}, NodeTimeout(2*time.Hour))
	}
})

func plus(a, b verdict.Tally) verdict.Tally {
	return verdict.Tally{
		Graceful: a.Graceful + b.Graceful, Violation: a.Violation + b.Violation,
		Inconclusive: a.Inconclusive + b.Inconclusive, Error: a.Error + b.Error,
	}
}
