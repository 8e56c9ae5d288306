// Package verdict holds expectations against the facts of a trial.
//
// It is pure: no input or output, no clock. A stored observation judged again gives
// the findings and the verdict that it gave when it was fresh.
package verdict

import (
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Verdict is the outcome of a trial, a campaign or a run.
type Verdict string

// The four verdicts. They are never mixed: a violation is the target's, an error is
// the harness', and inconclusive says that nothing was proved.
const (
	Graceful     Verdict = "graceful"
	Violation    Verdict = "violation"
	Inconclusive Verdict = "inconclusive"
	Error        Verdict = "error"
)

// Judgement is a verdict with its reasons.
type Judgement struct {
	Verdict Verdict `json:"verdict"`
	// Reason says in one line why a trial is inconclusive or in error; empty otherwise.
	Reason   string    `json:"reason,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Checked and Unchecked name the checks that were held against the observation
	// and those that were not asked for or could not be decided.
	Checked   []string `json:"checked,omitempty"`
	Unchecked []string `json:"unchecked,omitempty"`
}

// Finding is one violated expectation.
type Finding struct {
	// Check is the name of the expectation: exit, deadline, survivors, output, ports.
	Check string `json:"check"`
	// Kind is the way in which it was violated, one short word or two with a dash,
	// the same for the same cause in every trial: findings are grouped by Check and Kind.
	Kind string `json:"kind"`
	// Message says what happened, in one line.
	Message string `json:"message"`
	// Evidence shows it, a fact a line.
	Evidence []string `json:"evidence,omitempty"`
	// Hint helps to mend the target.
	Hint string `json:"hint,omitempty"`
}

// Judge holds the scenario's expectations, with defaults filled in, against the
// observation of one of its trials.
func Judge(s scenario.Scenario, o observation.Observation) Judgement {
	panic("not written yet")
}
