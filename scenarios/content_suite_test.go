package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// contentJobs is how many trials of a campaign run at a time.
const contentJobs = 4

// A flaw that does not show at every moment says where it shows, or how often at least.
var (
	// contentWindows are the calls at which a signal does harm; at all others it does none.
	contentWindows = map[string][]string{
		"writes-in-place": append(sides("write state.json #%d, after", 1, 6), sides("write state.json #%d, before", 2, 7)...),
		"truncates-first": {"openat config.json #1, after", "write config.json #2, before"},
		"sorts-in-place":  append(sides("write words.txt #%d, before", 2, 10), sides("write words.txt #%d, after", 2, 9)...),
		// A transfer is four writes of pages; a death within a statement is rolled back.
		"sqlite-halves": {
			"pwrite64 bank.db #3, before", "pwrite64 bank.db #4, before", "pwrite64 bank.db #7, before", "pwrite64 bank.db #8, before",
			"pwrite64 bank.db #11, before", "pwrite64 bank.db #12, before", "pwrite64 bank.db #15, before", "pwrite64 bank.db #16, before",
			"pwrite64 bank.db #19, before", "pwrite64 bank.db #20, before",
		},
		// The odd writes are first pieces, and an acknowledgement stands between the two.
		"acks-half-record": {
			"write records #2, before", "write records #4, before", "write records #6, before", "write records #8, before",
			"write records #10, before", "write records #12, before", "write records #14, before", "write records #16, before",
		},
		"git-commit-lock": {
			"openat g/.git/index.lock #3, after", "openat g/.git/HEAD.lock #4, after", "openat g/.git/refs/heads/main.lock #5, after",
		},
		"breaks-first-start": {
			"mkdir state #1, after", "write state/version.json #2, before", "write state/version.json #2, after",
			"write state/users.json #3, before", "write state/users.json #3, after", "write state/settings.json #4, before",
		},
	}
	// missable are those of which a random shot may miss the flaw: a buffer that was just
	// written whole, a moment between two drafts, a program that is nearly done. Half of
	// the shots find it.
	missable = []string{
		"cuts-line", "leaves-draft", "tar-czf", "cp", "sort-onto-its-input", "sed-i", "curl-o", "make-precious",
	}
)

// sides gives the events of some calls in a row.
func sides(event string, first, last int) (events []string) {
	for nth := first; nth <= last; nth++ {
		events = append(events, fmt.Sprintf(event, nth))
	}
	return events
}

// outlined reads of a scenario file what specs are laid out by, and nothing else: a file
// that is refused as a whole then fails its own specs, and not the whole suite.
func outlined(file string) (list []promised) {
	var outline struct {
		Scenarios []struct {
			Name        string `yaml:"name"`
			Description string `yaml:"description"`
		} `yaml:"scenarios"`
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &outline)
	}
	if err != nil || len(outline.Scenarios) == 0 {
		panic(fmt.Sprintf("%s: the specs cannot be laid out: %v", file, err))
	}
	for _, s := range outline.Scenarios {
		list = append(list, promised{s.Name, declared(s.Description)})
	}
	return list
}

var caughtByAll = regexp.MustCompile(`CAUGHT BY: ([^\s,]+(?:, [^\s,]+)*)`)

// declared is the verdict, and every check/kind where there is one.
func declared(description string) []string {
	match := caughtByAll.FindStringSubmatch(description)
	if match == nil {
		return []string{string(verdict.Graceful)}
	}
	return append([]string{string(verdict.Violation)}, strings.Split(match[1], ", ")...)
}

// held runs a campaign of which every trial that was struck must be graceful or exactly as
// promised, with all checks held that the scenario asks for. It gives the events, or
// moments, of the two kinds.
func held(ctx context.Context, s scenario.Scenario, promise []string) (graceful, violated []string) {
	GinkgoHelper()
	many(ctx, openEngine(contentJobs), s, seed(), func(trial harness.Trial) {
		AddReportEntry(fmt.Sprintf("trial %d", trial.Index), describe(trial), ReportEntryVisibilityFailureOrVerbose)
		Expect(trial.Judgement.Verdict).NotTo(Equal(verdict.Error), describe(trial))
		if trial.Observation.Strike == nil {
			return
		}
		Expect(trial.Judgement.Checked).To(ContainElements(asked(s.Expect)...), describe(trial))
		event := trial.Observation.Strike.Event
		if trial.Judgement.Verdict == verdict.Graceful {
			graceful = append(graceful, event)
			return
		}
		Expect(reasons(trial)).To(ConsistOf(promise), describe(trial))
		violated = append(violated, event)
	})
	return graceful, violated
}

// asked are the checks about content that a scenario asks for: a flaw that nobody looks
// for would not be found, and a twin be graceful for the same reason.
func asked(e scenario.Expect) (checks []any) {
	for name, wanted := range map[string]bool{
		"files": len(e.Files) > 0, "acknowledged": e.Acknowledged != nil, "litter": e.Litter != nil, "restart": e.Restarts != nil,
	} {
		if wanted {
			checks = append(checks, name)
		}
	}
	return checks
}

var become = regexp.MustCompile(`\bexec (\S+)`)

// needPrograms skips where the program is missing that a scenario's shell becomes.
func needPrograms(s scenario.Scenario) {
	for _, match := range become.FindAllStringSubmatch(strings.Join(s.Target.Command, " "), -1) {
		if _, err := exec.LookPath(match[1]); err != nil {
			Skip(match[1] + " is not installed: its true result cannot be demanded")
		}
	}
}

// keeps demands what a scenario promises, in as many of its trials as can show it.
func keeps(ctx context.Context, file, name string, promise []string) {
	GinkgoHelper()
	s := pick(file, name)
	needPrograms(s)
	graceful, violated := held(ctx, s, promise)
	Expect(append(graceful, violated...)).NotTo(BeEmpty(), "no trial was struck: nothing is proved")
	window, swept := contentWindows[name]
	switch {
	case promise[0] == string(verdict.Graceful):
		Expect(violated).To(BeEmpty())
	case swept:
		Expect(violated).To(ConsistOf(window))
		Expect(graceful).NotTo(BeEmpty(), "the sweep goes beyond the window")
	case slices.Contains(missable, name):
		Expect(len(violated)).To(BeNumerically(">=", len(graceful)), "graceful at %q", graceful)
	default:
		Expect(graceful).To(BeEmpty(), "the flaw shows at every moment")
	}
}

var _ = Describe("Files, acknowledged records, litter and the next start", Label("content", "shipped"), func() {
	for _, file := range []string{"content.yaml", "content-good.yaml", "real.yaml"} {
		for _, s := range outlined(file) {
			It(file+" "+s.name, func(ctx SpecContext) { keeps(ctx, file, s.name, s.promise) })
		}
	}

	It("are asked for by every scenario of these files", func() {
		for _, file := range []string{"content.yaml", "content-good.yaml", "real.yaml"} {
			for _, s := range load(file) {
				Expect(asked(s.Expect)).NotTo(BeEmpty(), s.Name)
			}
		}
	})

	It("have a twin for every flaw, which differs by the mend alone", func() {
		good := load("content-good.yaml")
		for _, s := range load("content.yaml") {
			if declared(s.Description)[0] == string(verdict.Graceful) {
				continue
			}
			twin := slices.IndexFunc(good, func(g scenario.Scenario) bool { return strings.HasPrefix(g.Name, s.Name+"-") })
			Expect(twin).NotTo(Equal(-1), s.Name)
			words := len(s.Target.Command)
			Expect(good[twin].Target.Command).To(HaveLen(words+1), s.Name)
			Expect(good[twin].Target.Command[:words]).To(Equal(s.Target.Command), s.Name)
			Expect(asked(good[twin].Expect)).To(ConsistOf(asked(s.Expect)...), s.Name)
		}
	})
})

var _ = Describe("A sweep warns of a rename without an fsync", Label("content"), func() {
	warnings := func(ctx SpecContext, before string) []string {
		GinkgoHelper()
		s := scenario.Scenario{
			Name: "renames",
			Target: scenario.Target{Command: []string{"/usr/bin/python3", "-c", `
import os
f = os.open('out.tmp', os.O_WRONLY | os.O_CREAT)
os.write(f, b'new')
` + before + `
os.rename('out.tmp', 'out.json')`}},
			Strike: scenario.Strike{Sweep: &scenario.Sweep{Syscall: "rename"}},
			Expect: scenario.Expect{Exit: []scenario.Accept{{Kind: observation.DefaultAction}}},
		}
		trials := run(ctx, s)
		Expect(trials).NotTo(BeEmpty())
		return trials[0].Reference.Warnings
	}

	It("and of none where there is one", func(ctx SpecContext) {
		Expect(warnings(ctx, "")).To(ConsistOf("out.tmp was renamed to out.json without an fsync before: safe against signals, not against power loss"))
		Expect(warnings(ctx, "os.fsync(f)")).To(BeEmpty())
	})
})
