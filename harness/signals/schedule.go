package signals

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultSchedule is TERM/10s/KILL, what most service managers do.
var DefaultSchedule = Schedule{Steps: []Step{{TERM, 10 * time.Second}, {KILL, 0}}}

// FinalWait is how long the last signal of a schedule is given when the schedule
// does not say.
const FinalWait = 10 * time.Second

// Forever is the wait of a step that never gives up. Who carries a schedule out
// bounds it.
const Forever = time.Duration(1<<63 - 1)

// maxWait keeps sums of waits far from overflow: a year is longer than any stop.
const maxWait = 365 * 24 * time.Hour

// Step sends one signal and waits for the program to leave.
type Step struct {
	Signal Signal
	// Wait is how long the program is given before the next step. Zero means at
	// once, but for the last step, where it means [FinalWait]. [Forever] ends a schedule.
	Wait time.Duration
}

// Schedule is the order in which a program is told to stop, in the grammar of
// start-stop-daemon(8) --retry, with Go durations beside whole seconds:
//
//	TERM/30/KILL/5           TERM, 30 s, KILL, 5 s
//	INT/7.5s/TERM/2.5s/KILL  INT, 7.5 s, TERM, 2.5 s, KILL
//	TERM/forever             TERM, and no escalation
//	30                       TERM/30s/KILL/30s
//	-15/10/-9                signals by number need the minus
//
// Unlike there, forever stands at the end only and means: wait without escalation.
type Schedule struct {
	Steps []Step
}

// ParseSchedule reads the grammar above.
func ParseSchedule(text string) (Schedule, error) {
	items := strings.Split(text, "/")
	if len(items) == 1 {
		if wait, ok, err := parseWait(items[0]); ok {
			if err != nil {
				return Schedule{}, scheduleError(text, err)
			}
			return Schedule{[]Step{{TERM, wait}, {KILL, wait}}}, nil
		}
	}
	var s Schedule
	for i, item := range items {
		if err := s.add(item, i == len(items)-1); err != nil {
			return Schedule{}, scheduleError(text, err)
		}
	}
	return s, nil
}

func scheduleError(text string, err error) error {
	return fmt.Errorf("schedule %q: %w; write signals and waits in turn, such as TERM/10s/KILL", text, err)
}

// add appends one item: a signal opens a step, a wait lengthens the open one.
func (s *Schedule) add(item string, last bool) error {
	wait, isWait, err := parseWait(item)
	if err != nil {
		return err
	}
	if !isWait {
		sig, err := Parse(strings.TrimPrefix(item, "-"))
		if err == nil {
			s.Steps = append(s.Steps, Step{Signal: sig})
		}
		return err
	}
	if len(s.Steps) == 0 {
		return fmt.Errorf("the wait %q stands before any signal", item)
	}
	if wait == Forever && !last {
		return errors.New("forever can only stand at the end: what follows it would never be sent")
	}
	step := &s.Steps[len(s.Steps)-1]
	if wait == Forever {
		step.Wait = Forever
	} else {
		step.Wait += wait
	}
	if step.Wait > maxWait && step.Wait != Forever {
		return fmt.Errorf("the wait %q is longer than a year", item)
	}
	return nil
}

// parseWait reads seconds, a Go duration or forever; ok is false for anything that
// does not begin like a wait.
func parseWait(item string) (wait time.Duration, ok bool, err error) {
	if item == "forever" {
		return Forever, true, nil
	}
	if item == "" || item[0] != '.' && (item[0] < '0' || item[0] > '9') {
		return 0, false, nil
	}
	if seconds, err := strconv.ParseUint(item, 10, 32); err == nil {
		item = strconv.FormatUint(seconds, 10) + "s"
	}
	wait, err = time.ParseDuration(item)
	switch {
	case err != nil:
		return 0, true, fmt.Errorf("%q is neither seconds nor a duration such as 7.5s", item)
	case wait <= 0:
		return 0, true, fmt.Errorf("the wait %q is not positive", item)
	case wait > maxWait:
		return 0, true, fmt.Errorf("the wait %q is longer than a year", item)
	}
	return wait, true, nil
}

// First is the signal that asks the program to stop; 0 for an empty schedule.
func (s Schedule) First() Signal {
	if len(s.Steps) == 0 {
		return 0
	}
	return s.Steps[0].Signal
}

// Patience is the time from the first signal to the first KILL, or to the end where
// there is no KILL: what the schedule gives the program to leave by itself. A wait
// without end counts as [FinalWait].
func (s Schedule) Patience() time.Duration {
	var sum time.Duration
	for i, step := range s.Steps {
		if step.Signal == KILL {
			break
		}
		sum += s.wait(i)
	}
	return sum
}

// Length is the time the whole schedule takes when nothing leaves; a wait without
// end counts as limit.
func (s Schedule) Length(limit time.Duration) time.Duration {
	var sum time.Duration
	for _, wait := range s.Waits(limit) {
		sum += wait
	}
	return sum
}

// wait is the wait of step i with the defaults filled in.
func (s Schedule) wait(i int) time.Duration {
	wait := s.Steps[i].Wait
	if wait == Forever || wait == 0 && i == len(s.Steps)-1 {
		return FinalWait
	}
	return wait
}

// Waits lists the wait of every step with the default of the last one filled in and
// a wait without end replaced by limit.
func (s Schedule) Waits(limit time.Duration) []time.Duration {
	waits := make([]time.Duration, len(s.Steps))
	for i, step := range s.Steps {
		waits[i] = s.wait(i)
		if step.Wait == Forever {
			waits[i] = limit
		}
	}
	return waits
}

// Equal says whether both schedules are the same.
func (s Schedule) Equal(other Schedule) bool { return slices.Equal(s.Steps, other.Steps) }

// String writes the schedule so that [ParseSchedule] reads it back.
func (s Schedule) String() string {
	items := make([]string, 0, 2*len(s.Steps))
	for _, step := range s.Steps {
		items = append(items, step.Signal.String())
		switch step.Wait {
		case 0:
		case Forever:
			items = append(items, "forever")
		default:
			items = append(items, step.Wait.String())
		}
	}
	return strings.Join(items, "/")
}

// MarshalText writes what [Schedule.String] writes.
func (s Schedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [ParseSchedule] reads.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := ParseSchedule(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
