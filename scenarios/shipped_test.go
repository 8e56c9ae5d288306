package scenarios_test

import (
	"os/exec"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

var _ = Describe("The shipped scenarios", func() {
	for _, file := range []string{"well-behaved.yaml", "flawed.yaml", "hostile.yaml", "node.yaml"} {
		for _, s := range named(file) {
			It(file+" "+s.name, func(ctx SpecContext) {
				if file == "node.yaml" {
					needNode()
				}
				trials := run(ctx, pick(file, s.name))
				Expect(trials).NotTo(BeEmpty())
				for _, trial := range trials {
					Expect(reasons(trial)).To(Equal(s.promise), describe(trial))
				}
			})
		}
	}
})

// promised is a scenario with the outcome that its description promises.
type promised struct {
	name    string
	promise []string
}

var caughtBy = regexp.MustCompile(`CAUGHT BY: (\S+)`)

// named lists the scenarios of a file without checking the machine's side of it: the
// fixtures are not built yet when the specs are laid out.
func named(file string) []promised {
	var list []promised
	for _, s := range parse(file) {
		list = append(list, promised{s.Name, promise(s)})
	}
	return list
}

// promise is the verdict, and check/kind where there is one.
func promise(s scenario.Scenario) []string {
	match := caughtBy.FindStringSubmatch(s.Description)
	switch {
	case s.Name == "finishes-early":
		return []string{string(verdict.Inconclusive)}
	case match == nil || match[1] == "none":
		return []string{string(verdict.Graceful)}
	}
	return []string{string(verdict.Violation), match[1]}
}

// reasons is what came, in the form of promise.
func reasons(trial harness.Trial) []string {
	list := []string{string(trial.Judgement.Verdict)}
	for _, f := range trial.Judgement.Findings {
		list = append(list, f.Check+"/"+f.Kind)
	}
	return list
}

func needNode() {
	if _, err := exec.LookPath("node"); err != nil {
		Skip("node is not installed: the Node.js fixture cannot run")
	}
}
