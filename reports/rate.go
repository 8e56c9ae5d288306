package reports

import (
	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// Statistics is what a run was asked to show of its random shots.
type Statistics struct {
	// Confidence is that of bounds and intervals, from 0 to 1. Default: 0.95.
	Confidence float64 `json:"confidence,omitempty"`
	// FailureRate is the rate, from 0 to 1, that failures are to be shown to stay below;
	// 0 where none was asked for.
	FailureRate float64 `json:"failure_rate,omitempty"`
	// Sequential ends a campaign as soon as a sequential test has decided.
	Sequential bool `json:"sequential,omitempty"`
	// OneShot says that the same shot was repeated, which tells nothing of others.
	OneShot bool `json:"one_shot,omitempty"`
}

// confidence is the one that counts.
func (s *Statistics) confidence() float64 {
	if s == nil || s.Confidence == 0 {
		return stats.DefaultConfidence
	}
	return s.Confidence
}

// Trials is how many are made of every scenario with random shots; 0 where that was not
// asked for. With a sequential test it is the most.
func (s *Statistics) Trials() int {
	if s == nil || s.FailureRate == 0 {
		return 0
	}
	if test, ok := s.test(); ok {
		return test.Limit()
	}
	return stats.TrialsNeeded(0, s.FailureRate, s.confidence())
}

// test is the sequential test; not ok where none was asked for.
func (s *Statistics) test() (stats.Sequential, bool) {
	if s == nil || !s.Sequential {
		return stats.Sequential{}, false
	}
	test, err := stats.NewSequential(s.FailureRate, s.confidence())
	return test, err == nil
}

// FailureRate is what the conclusive trials of a campaign with random shots say of all
// shots that could have been drawn.
type FailureRate struct {
	Failures int `json:"failures"`
	Trials   int `json:"trials"`
	// Below is the rate, from 0 to 1, that is not exceeded with the confidence (Clopper
	// and Pearson, one-sided).
	Below      float64 `json:"below"`
	Confidence float64 `json:"confidence"`
	// Wanted is the rate to stay below: the one asked for, else one percent.
	Wanted float64 `json:"wanted"`
	// Needed is how many trials would show that if no further one failed; 0 where it is shown.
	Needed int `json:"needed,omitempty"`
}

// wantedRate is what few trials are measured by where nobody asked for a rate.
const wantedRate = 0.01

// failureRate bounds the rate of failures; nil without a conclusive trial.
func (s *Statistics) failureRate(failures, trials int) *FailureRate {
	if trials == 0 || s != nil && s.OneShot {
		return nil
	}
	r := &FailureRate{Failures: failures, Trials: trials, Confidence: s.confidence(), Wanted: wantedRate}
	if s != nil && s.FailureRate > 0 {
		r.Wanted = s.FailureRate
	}
	r.Below = stats.UpperBound(failures, trials, r.Confidence)
	if r.Below > r.Wanted {
		r.Needed = stats.TrialsNeeded(failures, r.Wanted, r.Confidence)
	}
	return r
}

// Sequential is what a sequential test of a campaign came to. There is no bound beside
// it: how many trials were made depended on what they showed.
type Sequential struct {
	// Rule is the test in one line.
	Rule string `json:"rule"`
	// Decision is accept, reject, or empty where the trials did not decide.
	Decision stats.Decision `json:"decision,omitempty"`
	// Failures and Trials are the conclusive ones up to the decision, in the plan's order.
	Failures int `json:"failures"`
	Trials   int `json:"trials"`
}

// Deciding follows a sequential test while trials come in, in any order. It asks the
// rule in the order of the plan, so that slow trials, which come later, weigh the same;
// where one is missing it waits for it.
type Deciding struct {
	test    stats.Sequential
	came    map[int]outcome
	next    int
	decided Sequential
}

// outcome is what a trial adds to a test.
type outcome struct{ conclusive, failed bool }

// Deciding starts the test that was asked for; nil where none was.
func (s *Statistics) Deciding() *Deciding {
	test, ok := s.test()
	if !ok {
		return nil
	}
	return &Deciding{test: test, came: map[int]outcome{}, decided: Sequential{Rule: test.Rule()}}
}

// Judge takes a trial of the plan.
func (d *Deciding) Judge(t harness.Trial) {
	if d.Decided() {
		return
	}
	d.came[t.Index] = outcome{conclusive(t), t.Judgement.Verdict == verdict.Violation}
	for d.decided.Decision == stats.GoOn {
		o, ok := d.came[d.next]
		if !ok {
			return
		}
		delete(d.came, d.next)
		d.next++
		d.count(o)
	}
}

func (d *Deciding) count(o outcome) {
	if !o.conclusive {
		return
	}
	d.decided.Trials++
	if o.failed {
		d.decided.Failures++
	}
	d.decided.Decision = d.test.Decide(d.decided.Failures, d.decided.Trials)
}

// Decided says whether the test has come to a decision.
func (d *Deciding) Decided() bool { return d.decided.Decision != stats.GoOn }

// Sequential is what the test has come to so far; nil of no test.
func (d *Deciding) Sequential() *Sequential {
	if d == nil {
		return nil
	}
	decided := d.decided
	return &decided
}

// drawn says whether the shots of a scenario are drawn at random.
func drawn(s scenario.Scenario) bool { return s.Strike.Sweep == nil }
