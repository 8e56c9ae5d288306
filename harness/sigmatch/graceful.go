package sigmatch

import (
	"fmt"

	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// BeGraceful asks for the verdict graceful: every check that the scenario asks for
// was met. A trial that is inconclusive or in error does not satisfy it, and the
// message says that it is no violation either. The one exception is a sweep's point
// that did not come ([harness.Trial.Absent]): it ends the sweep, and nothing was struck.
func BeGraceful() types.GomegaMatcher {
	return &matcher{
		wish:    "be graceful",
		wishNot: "be anything but graceful",
		fault:   notGraceful,
	}
}

func notGraceful(t harness.Trial) string {
	if t.Absent() {
		return ""
	}
	switch t.Judgement.Verdict {
	case verdict.Graceful:
		return ""
	case verdict.Violation:
		return fmt.Sprintf("the target violated what was expected (findings: %d)", len(t.Judgement.Findings))
	case verdict.Inconclusive:
		return "nothing was proved; this is no violation"
	case verdict.Error:
		return "the harness could not carry the trial out; this is no violation"
	default:
		return "the trial was not judged"
	}
}
