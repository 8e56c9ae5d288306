// Package scenarios_test runs the shipped scenarios against the real fixture daemons,
// and proves the harness by them: every flaw must be caught for its reason, every
// well-behaved twin must pass, and nothing may be left behind.
package scenarios_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

func TestScenarios(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Scenarios")
}

// builtBefore names an environment variable: when it is set, sigprobe and the fixtures are
// taken as they are, as they must be where the suite runs as a user who cannot build.
const builtBefore = "SIGPROBE_FIXTURES_BUILT"

var _ = SynchronizedBeforeSuite(func() {
	if os.Getenv(builtBefore) != "" {
		return
	}
	build("../bin/fixtures/", "../fixtures/daemons/...")
	build(sigprobeBinary, "../cmd/sigprobe")
}, func() {})

func build(to, packages string) {
	GinkgoHelper()
	command := exec.Command("go", "build", "-o", to, packages)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
}

// seed draws from the suite's seed and the spec's own text, so that a spec strikes at
// the same points whatever runs beside it.
func seed() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", GinkgoRandomSeed(), CurrentSpecReport().FullText()) //nolint:errcheck // a hash never fails
	return h.Sum64() >> 11
}

// load reads a scenario file of this folder.
func load(file string) []scenario.Scenario {
	GinkgoHelper()
	scenarios, err := scenario.Load(file)
	Expect(err).NotTo(HaveOccurred())
	return scenarios
}

// run runs a campaign and attaches what it showed to the report of a failing spec.
func run(ctx context.Context, s scenario.Scenario) []harness.Trial {
	GinkgoHelper()
	from := seed()
	AddReportEntry("seed", from, ReportEntryVisibilityFailureOrVerbose)
	trials, err := harness.Run(ctx, s, from)
	Expect(err).NotTo(HaveOccurred())
	for _, trial := range trials {
		AddReportEntry(fmt.Sprintf("trial %d", trial.Index), describe(trial), ReportEntryVisibilityFailureOrVerbose)
	}
	return trials
}

// describe is the evidence of a trial in a few lines.
func describe(trial harness.Trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n", trial.Shot, trial.Judgement.Verdict, trial.Judgement.Reason)
	if ending, ended := trial.Observation.Ending(); ended {
		latency, _ := trial.Observation.Latency()
		fmt.Fprintf(&b, "  %s after %s\n", ending.Describe(), latency)
	}
	for _, f := range trial.Judgement.Findings {
		fmt.Fprintf(&b, "  %s/%s: %s\n", f.Check, f.Kind, f.Message)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "    %s\n", e)
		}
	}
	return b.String()
}

// parse reads a scenario file without looking whether its programs exist.
func parse(file string) []scenario.Scenario {
	text, err := os.ReadFile(file)
	if err == nil {
		var scenarios []scenario.Scenario
		if scenarios, err = scenario.Parse(file, text); err == nil {
			return scenarios
		}
	}
	panic(err) // the specs cannot be laid out
}

// pick loads one scenario of a file.
func pick(file, name string) scenario.Scenario {
	GinkgoHelper()
	for _, s := range load(file) {
		if s.Name == name {
			return s
		}
	}
	Fail(file + " has no scenario " + name)
	return scenario.Scenario{}
}
