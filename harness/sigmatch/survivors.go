package sigmatch

import (
	"fmt"
	"strings"

	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// LeaveNoSurvivors asks that no descendant was alive after the settling time, whatever
// the scenario allows. A trial that did not come to the end of that time does not
// satisfy it. Where the process table was the only layer of tracking, none seen is
// all that it says; the trial's degradations tell.
func LeaveNoSurvivors() types.GomegaMatcher {
	return &matcher{
		wish:    "leave no survivors",
		wishNot: "leave survivors",
		fault:   leftSurvivors,
	}
}

func leftSurvivors(t harness.Trial) string {
	o := t.Observation
	switch {
	case len(o.Survivors) > 0:
		return "alive: " + names(o.Survivors)
	case o.Failure != nil:
		return fmt.Sprintf("what it left is not known: the trial failed (%q)", o.Failure.Kind)
	case o.Stage != observation.Settled:
		return fmt.Sprintf("what it left is not known: the trial ended at the stage %q", o.Stage)
	}
	return ""
}

func names(survivors []observation.Survivor) string {
	var names []string
	for _, s := range survivors {
		names = append(names, fmt.Sprintf("%q (%d)", s.Command, s.PID))
	}
	return strings.Join(names, ", ")
}
