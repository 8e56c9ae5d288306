package sigmatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// HaveFinding asks for a finding of the check ("survivors") of one of the kinds
// ("orphan"), or of any kind when none is given; of several trials at least one must
// have it. A name that is no check ([verdict.Checks]) is an error, since a suite that
// misspells it would assert nothing when negated.
func HaveFinding(check string, kinds ...string) types.GomegaMatcher {
	var misused error
	if !slices.Contains(verdict.Checks(), check) {
		misused = fmt.Errorf("sigmatch: HaveFinding: no check is called %q: write one of %s", check, strings.Join(verdict.Checks(), ", "))
	}
	wanted := check
	if len(kinds) > 0 {
		wanted += "/" + strings.Join(kinds, " or "+check+"/")
	}
	return &matcher{
		wish:    "have the finding " + wanted,
		wishNot: "not have the finding " + wanted,
		misused: misused,
		fault:   func(t harness.Trial) string { return lacksFinding(t, check, kinds) },
		any:     true,
	}
}

func lacksFinding(t harness.Trial, check string, kinds []string) string {
	var found []string
	for _, f := range t.Judgement.Findings {
		if f.Check == check && (len(kinds) == 0 || slices.Contains(kinds, f.Kind)) {
			return ""
		}
		found = append(found, f.Check+"/"+f.Kind)
	}
	if len(found) == 0 {
		return "it has no finding"
	}
	return "it has only " + strings.Join(found, ", ")
}
