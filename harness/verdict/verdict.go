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
	// Check is the name of the expectation, one of [Checks].
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

// check holds one expectation against the facts of a trial.
type check struct {
	name string
	hold func(facts) outcome // nil where sigprobe cannot decide the check yet
}

// outcome is what came of one check; the zero value is a check that was met.
type outcome struct {
	// unasked says that the scenario does not ask for it, or that there was nothing to hold
	// it against: nothing was written yet, nothing acknowledged.
	unasked bool
	// undecided says in one line why the facts prove neither the one nor the other.
	undecided string
	findings  []Finding
}

// checks is the table of them all, in the order in which they are reported.
var checks = []check{
	{"exit", exit},
	{"deadline", deadline},
	{"survivors", survivors},
	{"output", output},
	{"files", files},
	{"acknowledged", acknowledged},
	{"litter", litter},
	{"ports", ports},
	{"restart", restart},
	{"drain", nil},
}

// Checks lists the names of all checks, also of those that are always unchecked for now.
func Checks() []string {
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.name
	}
	return names
}

// Judge holds the scenario's expectations, with defaults filled in
// ([scenario.Scenario.WithDefaults]), against the observation of one of its trials.
// It takes any observation, also an incomplete one of a damaged record: that is an
// [Error], never a violation.
func Judge(s scenario.Scenario, o observation.Observation) Judgement {
	f := gather(s, o)
	if v, reason := f.unproved(); v != "" {
		return Judgement{Verdict: v, Reason: reason, Unchecked: Checks()}
	}
	j := Judgement{Verdict: Graceful}
	for _, c := range checks {
		j.hold(c, f)
	}
	if j.Verdict == Graceful && f.spared() {
		j.Verdict, j.Reason = Inconclusive, "it was gone before the point of the second signal came"
	}
	if len(j.Findings) > 0 {
		j.Verdict, j.Reason = Violation, ""
	}
	return j
}

// hold adds what comes of one check.
func (j *Judgement) hold(c check, f facts) {
	if c.hold == nil {
		j.Unchecked = append(j.Unchecked, c.name)
		return
	}
	out := c.hold(f)
	j.Findings = append(j.Findings, out.findings...)
	if out.undecided != "" && j.Verdict == Graceful {
		j.Verdict, j.Reason = Inconclusive, out.undecided
	}
	// A check that found something has decided, even where another part of it could not.
	if out.unasked || out.undecided != "" && len(out.findings) == 0 {
		j.Unchecked = append(j.Unchecked, c.name)
	} else {
		j.Checked = append(j.Checked, c.name)
	}
}
