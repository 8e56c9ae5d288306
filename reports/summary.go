package reports

import (
	"time"

	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Summary is what the trials of a run showed. Its JSON form is a contract: fields are
// added, but none changes its meaning or goes while Schema stays.
type Summary struct {
	Schema  int             `json:"schema"`
	Verdict verdict.Verdict `json:"verdict"`
	// Run is the ID of the run.
	Run     string    `json:"run,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Seed    uint64    `json:"seed"`
	// Scenarios stand in the order of the run; never nil.
	Scenarios []Campaign `json:"scenarios"`
	// Degradations are what could not be measured as well as intended, over all scenarios.
	Degradations []Degraded `json:"degradations,omitempty"`
	// Comparison is that with a baseline; nil where none was given.
	Comparison *Comparison `json:"comparison,omitempty"`
	// Warnings tells what of a stored run could not be used.
	Warnings []Warning `json:"warnings,omitempty"`
}

// Campaign sums up the trials of one scenario.
type Campaign struct {
	Name    string          `json:"name"`
	Verdict verdict.Verdict `json:"verdict"`
	// Reason says in one line why the campaign is not graceful.
	Reason string `json:"reason,omitempty"`
	Trials Counts `json:"trials"`
	// Sweep tells how far a sweep came; nil for other campaigns.
	Sweep *Sweep `json:"sweep,omitempty"`
	// Replayed counts the shots of earlier runs that had failed and were repeated; nil
	// where there were none. They are not among Trials, Latency, Endings, Checks and
	// Late, and prove nothing but what they repeat; what they violate counts.
	Replayed *Counts `json:"replayed,omitempty"`
	// Findings are grouped by check and kind, the most frequent first; never nil.
	Findings []Findings `json:"findings"`
	// Unproven groups the trials that are inconclusive or in error by their reason.
	Unproven []Unproven `json:"unproven,omitempty"`
	Latency  Latency    `json:"latency_ms"`
	// LatencyBy splits Latency by where the signals landed; nil where that was the same
	// part of the target's life in all trials.
	LatencyBy []LatencyAt `json:"latency_by,omitempty"`
	// FailureRate bounds the rate of failures of random shots; nil for sweeps, and where
	// Sequential stands in its place.
	FailureRate *FailureRate `json:"failure_rate,omitempty"`
	// Sequential is what the sequential test that was asked for came to.
	Sequential *Sequential `json:"sequential,omitempty"`
	// Endings counts how the main process ended, over the trials that were struck and
	// saw it end; never nil.
	Endings map[string]int `json:"endings"`
	// Checks tells what was held against the trials and what was not.
	Checks []CheckCount `json:"checks,omitempty"`
	// Late counts the shots that came more than [LateShot] after they were due.
	Late int `json:"late_shots"`
}

// LateShot is the lateness from which on a shot is counted as late.
const LateShot = time.Millisecond

// Counts are numbers of trials by verdict, and their sum.
type Counts struct {
	Total int `json:"total"`
	verdict.Tally
}

// Findings are the findings of one check and kind, also in replayed shots. Message, Evidence and Hint are
// those of one trial, the worked example.
type Findings struct {
	Check   string `json:"check"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Group
	Evidence []string `json:"evidence,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	// Shot is where the worked example was struck, and with what.
	Shot string `json:"shot"`
	// Points are those of a sweep at which it came, by side.
	Points []Struck `json:"points,omitempty"`
	// Shrunk is what it was narrowed down to, in one of its trials; nil where it was not.
	Shrunk *shrink.Result `json:"shrunk,omitempty"`
}

// Unproven is a reason why trials proved nothing.
type Unproven struct {
	// Verdict is inconclusive or error.
	Verdict verdict.Verdict `json:"verdict"`
	Reason  string          `json:"reason"`
	Group
	// Remedy says what would mend it, when that is known.
	Remedy string `json:"remedy,omitempty"`
}

// Degraded is a degradation and how many trials had it. Trials of several scenarios
// are counted together.
type Degraded struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Count int    `json:"count"`
}

// CheckCount tells in how many trials a check was decided, and in how many it was not
// asked for or could not be.
type CheckCount struct {
	Check     string `json:"check"`
	Checked   int    `json:"checked"`
	Unchecked int    `json:"unchecked"`
}

// Latency is the time from the first signal to the end of the main process, in
// milliseconds, over all trials that were struck and saw it end. The quantiles are
// measured values (nearest rank); they are nil when Count is 0.
type Latency struct {
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	Max   *float64 `json:"max"`
	Count int      `json:"count"`
	// P50Interval holds the median of all stops that could have been seen; nil where
	// there are too few for it.
	P50Interval *Interval `json:"p50_interval,omitempty"`
	// Histogram is the distribution, in bins that are the same in all runs, ten to each
	// decade; empty ones are left out.
	Histogram []Bin `json:"histogram,omitempty"`
}
