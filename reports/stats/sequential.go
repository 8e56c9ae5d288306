package stats

import (
	"errors"
	"fmt"
	"math"
)

// Sequential is Wald's sequential probability ratio test for a rate of failures: trials
// are made until they show which of two rates is the better account of them. Its error
// rates hold for the decision. A [UpperBound] of the same trials means nothing, because
// how many there were depended on what they showed.
type Sequential struct {
	// Good and Bad are the rates that are told apart, 0 < Good < Bad < 1.
	Good, Bad float64
	// Alpha is about how often a program that fails at the rate Good is rejected, and
	// Beta about how often one that fails at the rate Bad is accepted. What they are at
	// most is a little more: see [Sequential.Wrong].
	Alpha, Beta float64
}

// Decision is what a sequential test has come to.
type Decision string

// The decisions.
const (
	GoOn   Decision = ""       // neither yet
	Accept Decision = "accept" // the rate is below Bad
	Reject Decision = "reject" // the rate is above Good
)

// goodShare is what part of the bad rate counts as good where only one rate is asked for.
const goodShare = 20

// NewSequential is the test that shows a rate of failures to be below bad with the
// confidence. A twentieth of it counts as good. Both must lie between 0 and 1, and the
// confidence above one half.
func NewSequential(bad, confidence float64) (Sequential, error) {
	if !plausible(bad) || !plausible(confidence) || confidence <= 0.5 {
		return Sequential{}, errors.New("a sequential test needs a rate between 0 and 1 and a confidence between 0.5 and 1")
	}
	wrong := 1 - confidence
	nominal := wrong / (1 + wrong) // so that Wrong is what was asked for
	return Sequential{Good: bad / goodShare, Bad: bad, Alpha: nominal, Beta: nominal}, nil
}

// Wrong is how often either of the wrong decisions is made at most, by Wald's
// inequalities: trials come one by one and overshoot what they have to reach.
func (s Sequential) Wrong() float64 {
	return max(s.Alpha/(1-s.Beta), s.Beta/(1-s.Alpha))
}

// Decide is what so many failures in so many trials come to. It must be asked after
// every trial, in an order that does not depend on the outcomes, and its first decision counts.
func (s Sequential) Decide(failures, trials int) Decision {
	ratio := float64(failures)*s.failure() + float64(trials-failures)*s.success()
	switch {
	case ratio >= s.upper():
		return Reject
	case ratio <= s.lower():
		return Accept
	}
	return GoOn
}

// AcceptedAfter is how many trials without a failure are needed to accept.
func (s Sequential) AcceptedAfter() int { return int(math.Ceil(s.lower() / s.success())) }

// Limit bounds the trials: a rate between the two could keep the test going for long.
// It is four times what acceptance without a failure takes.
func (s Sequential) Limit() int { return 4 * s.AcceptedAfter() }

// Rule says in one line when the test ends.
func (s Sequential) Rule() string {
	return fmt.Sprintf("Wald's test of a failure rate of %s against %s, wrong in at most %s: accepted after %d trials without a failure, given up after %d",
		Percent(s.Bad), Percent(s.Good), Percent(s.Wrong()), s.AcceptedAfter(), s.Limit())
}

// failure and success are what one trial adds to the logarithm of the likelihood ratio.
func (s Sequential) failure() float64 { return math.Log(s.Bad / s.Good) }

func (s Sequential) success() float64 { return math.Log((1 - s.Bad) / (1 - s.Good)) }

func (s Sequential) upper() float64 { return math.Log((1 - s.Beta) / s.Alpha) }

func (s Sequential) lower() float64 { return math.Log(s.Beta / (1 - s.Alpha)) }
