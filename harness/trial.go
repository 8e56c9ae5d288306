// Package harness runs campaigns: for every shot of a plan it prepares a work
// folder, lets a warden strike the target, judges what was observed, and hands out
// the trial. It is the library's front door and links no test framework; the Gomega
// matchers live in package sigmatch.
package harness

import (
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Trial is one launch of the target and one shot at it, observed and judged.
type Trial struct {
	// Scenario is the scenario's name.
	Scenario string `json:"scenario"`
	// Index is the shot's place in the plan, from 0.
	Index int `json:"trial"`
	// Again marks a shot that failed in an earlier run and was repeated beside the plan.
	// Its index lies behind those of the plan.
	Again bool `json:"again,omitempty"`
	// Reference is what the run showed that counted a sweep's calls; nil outside of a sweep.
	Reference   *Reference              `json:"reference,omitempty"`
	Shot        plan.Shot               `json:"shot"`
	Observation observation.Observation `json:"observation"`
	Judgement   verdict.Judgement       `json:"judgement"`
	// Damaged is a folder with copies of the files that an oracle found damaged, under their
	// paths in the work folder; "" where there are none. Who records the trial moves them
	// to its evidence. What is not moved is gone when the engine is closed.
	Damaged string `json:"-"`
}

// Reference is what a sweep's first run, without a signal, showed.
type Reference struct {
	// Calls is how many calls that fit the sweep it made.
	Calls int `json:"calls"`
	// Ended says that the target ended by itself; else it was stopped behind the last
	// point that the sweep asks for, or when it had gone on for too long.
	Ended bool `json:"ended"`
	// Warnings tells what is safe against signals alone: renames of files that were not
	// written to the disk before.
	Warnings []string `json:"warnings,omitempty"`
}

// Hit says that the signal that the shot is about was sent at its point: the first one,
// or where the shot places the second at a system call that one.
func (t Trial) Hit() bool {
	o := t.Observation
	if t.Shot.Second == nil || t.Shot.Second.Call == nil {
		return o.Strike != nil
	}
	return len(o.Sent) > 1 && o.Sent[1].Event != ""
}

// Absent says that a sweep's point did not come: the target ended by itself, or by the
// first signal where the sweep is about the second, and had made fewer calls. Behind the last point that is the sweep's proof; before it, the
// target does not make the same calls in every run. Either way nothing is wrong with
// the trial, though it proves nothing about a stop.
func (t Trial) Absent() bool {
	o, point := t.Observation, t.Shot.Swept()
	switch {
	case t.Reference == nil || t.Reference.Calls == 0 || point == nil || o.Calls == nil:
		return false
	case t.Hit() || o.Failure != nil || o.Missed != "" || o.Exit == nil:
		return false
	case t.Shot.Second != nil && len(o.Sent) != 1:
		return false
	}
	return point.Count == scenario.PerProcess || o.Calls.Seen < point.Nth
}
