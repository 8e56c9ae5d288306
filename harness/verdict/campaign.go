package verdict

import (
	"fmt"
	"slices"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// worstFirst is the order of the verdicts when one has to stand for several.
var worstFirst = []Verdict{Violation, Error, Inconclusive, Graceful}

// Worst is the verdict that stands for all: violation before error before
// inconclusive before graceful. Of none it is inconclusive, since nothing was proved;
// a verdict that is none of the four counts as an error.
func Worst(verdicts ...Verdict) Verdict {
	if len(verdicts) == 0 {
		return Inconclusive
	}
	worst := len(worstFirst) - 1
	for _, v := range verdicts {
		worst = min(worst, rank(v))
	}
	return worstFirst[worst]
}

func rank(v Verdict) int {
	if i := slices.Index(worstFirst, v); i >= 0 {
		return i
	}
	return slices.Index(worstFirst, Error)
}

// Tally counts the verdicts of a campaign's trials.
type Tally struct {
	Graceful     int `json:"graceful"`
	Violation    int `json:"violation"`
	Inconclusive int `json:"inconclusive"`
	Error        int `json:"error"`
	// Absent is how many of the inconclusive ones are trials of a sweep whose point did
	// not come, because the target made no such call any more. They are the sweep's own
	// business, and no reason to call its campaign inconclusive.
	Absent int `json:"absent,omitempty"`
}

// Add counts one more trial; a verdict that is none of the four counts as an error.
func (t *Tally) Add(v Verdict) {
	switch v {
	case Graceful:
		t.Graceful++
	case Violation:
		t.Violation++
	case Inconclusive:
		t.Inconclusive++
	default:
		t.Error++
	}
}

// Total is the number of trials.
func (t Tally) Total() int { return t.Graceful + t.Violation + t.Inconclusive + t.Error }

// Conclusive is the number of trials that proved something.
func (t Tally) Conclusive() int { return t.Graceful + t.Violation }

// Due is the number of trials that could have proved something: all but the absent.
func (t Tally) Due() int { return t.Total() - t.Absent }

// Campaign is the verdict of a campaign of s from those of its trials, and in one line
// why it is not graceful. The worst trial decides; inconclusive ones do so only where
// no trial, or fewer than expect.min_conclusive of those that were due, were conclusive.
func Campaign(s scenario.Scenario, t Tally) (v Verdict, reason string) {
	due := t.Due()
	need := 1
	if quota := s.Expect.MinConclusive; quota != nil {
		need = max(need, quota.Of(due))
	}
	switch {
	case t.Violation > 0:
		return Violation, fmt.Sprintf("%d of %s violated an expectation", t.Violation, count(due, "trial", "trials"))
	case t.Error > 0:
		return Error, fmt.Sprintf("%d of %s could not be carried out", t.Error, count(due, "trial", "trials"))
	case t.Total() == 0:
		return Inconclusive, "no trial was carried out"
	case t.Conclusive() < need:
		return Inconclusive, fmt.Sprintf("%d of %s proved something, and min_conclusive asks for %d", t.Conclusive(), count(due, "trial", "trials"), need)
	}
	return Graceful, ""
}
