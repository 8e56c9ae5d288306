// Package sigmatch holds Gomega matchers over trials, for suites that assert how a
// program stops:
//
//	Expect(trial).To(BeGraceful())
//	Expect(trials).To(EndWith("clean", "code:3"))
//	Expect(trial).To(HaveFinding("survivors", "orphan"))
//
// Each of them takes a [harness.Trial], a *[harness.Trial], a slice of either, or
// anything with a method Trials() []harness.Trial. Of several trials, BeGraceful,
// EndWith, ExitWithin and LeaveNoSurvivors ask for all, HaveFinding for at least one.
// Another type, a nil pointer and an empty slice are errors: they assert nothing,
// whichever way they were asked.
//
// A failure message shows of each trial at fault the shot, the verdict and the findings
// with their evidence, so that a red test can be understood without another run.
//
// The negation of a matcher over several trials is met by a single one: NotTo(BeGraceful())
// holds when one trial is not graceful, were it only inconclusive. To assert that a
// program misbehaves, use [HaveFinding].
package sigmatch

import (
	"fmt"
	"strings"

	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
)

// Trialed is what has trials, such as a campaign.
type Trialed interface {
	Trials() []harness.Trial
}

// trialsOf reads what a matcher was given.
func trialsOf(actual any) ([]harness.Trial, error) {
	var trials []harness.Trial
	switch given := actual.(type) {
	case harness.Trial:
		return []harness.Trial{given}, nil
	case *harness.Trial:
		if given == nil {
			return nil, fmt.Errorf("sigmatch: the trial is a nil pointer")
		}
		return []harness.Trial{*given}, nil
	case []harness.Trial:
		trials = given
	case []*harness.Trial:
		for i, t := range given {
			if t == nil {
				return nil, fmt.Errorf("sigmatch: trial %d of the slice is a nil pointer", i)
			}
			trials = append(trials, *t)
		}
	case Trialed:
		trials = given.Trials()
	default:
		return nil, fmt.Errorf("sigmatch: expected a harness.Trial, a *harness.Trial, a slice of either, or something with Trials() []harness.Trial; got %T", actual)
	}
	if len(trials) == 0 {
		return nil, fmt.Errorf("sigmatch: there is no trial, so nothing is asserted")
	}
	return trials, nil
}

// matcher holds a wish against every trial.
type matcher struct {
	// wish and wishNot finish "expected the trial to …" in the two directions.
	wish, wishNot string
	// misused is an error of whoever made the matcher.
	misused error
	// fault says in one line why a trial does not meet the wish; empty when it does.
	fault func(harness.Trial) string
	// any asks for one trial that meets the wish, instead of all.
	any bool

	trials []harness.Trial
	faults []string // one per trial
}

// Match implements Gomega's matcher.
func (m *matcher) Match(actual any) (bool, error) {
	if m.misused != nil {
		return false, m.misused
	}
	trials, err := trialsOf(actual)
	if err != nil {
		return false, err
	}
	m.trials, m.faults = trials, nil
	met := 0
	for _, t := range trials {
		fault := m.fault(t)
		m.faults = append(m.faults, fault)
		if fault == "" {
			met++
		}
	}
	if m.any {
		return met > 0, nil
	}
	return met == len(trials), nil
}

// FailureMessage says what was expected and shows the trials that do not meet it.
func (m *matcher) FailureMessage(any) string {
	return m.message(m.wish, m.any, func(fault string) bool { return fault != "" })
}

// NegatedFailureMessage says what was not expected and shows the trials that meet it.
func (m *matcher) NegatedFailureMessage(any) string {
	return m.message(m.wishNot, !m.any, func(fault string) bool { return fault == "" })
}

// MatchMayChangeInTheFuture is false: a trial is over, so Eventually need not ask again.
func (m *matcher) MatchMayChangeInTheFuture(any) bool { return false }

var _ types.GomegaMatcher = (*matcher)(nil)

// shownTrials bounds how many trials a message shows.
const shownTrials = 5

// message shows the trials at fault. one says that a single trial would have met the wish.
func (m *matcher) message(wish string, one bool, atFault func(fault string) bool) string {
	var b strings.Builder
	shown := 0
	for i, t := range m.trials {
		if !atFault(m.faults[i]) {
			continue
		}
		if shown++; shown <= shownTrials {
			show(&b, t, m.faults[i])
		}
	}
	if more := shown - shownTrials; more > 0 {
		fmt.Fprintf(&b, "\n… and %d more\n", more)
	}
	return fmt.Sprintf("expected %s to %s\n%s", m.subject(one, shown), wish, strings.TrimSuffix(b.String(), "\n"))
}

func (m *matcher) subject(one bool, shown int) string {
	switch {
	case len(m.trials) == 1:
		return "the trial"
	case one:
		return fmt.Sprintf("at least one of %d trials", len(m.trials))
	}
	return fmt.Sprintf("all of %d trials (%d at fault)", len(m.trials), shown)
}
