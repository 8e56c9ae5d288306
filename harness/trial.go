// Package harness runs campaigns: for every shot of a plan it prepares a work
// folder, lets a warden strike the target, judges what was observed, and hands out
// the trial. It is the library's front door and links no test framework; the Gomega
// matchers live in package sigmatch.
package harness

import (
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Trial is one launch of the target and one shot at it, observed and judged.
type Trial struct {
	// Scenario is the scenario's name.
	Scenario string `json:"scenario"`
	// Index is the shot's place in the plan, from 0.
	Index       int                     `json:"trial"`
	Shot        plan.Shot               `json:"shot"`
	Observation observation.Observation `json:"observation"`
	Judgement   verdict.Judgement       `json:"judgement"`
}
