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

// maxWait bounds a schedule: a year is longer than any stop, and sums of waits stay
// far from overflow.
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
	s, err := parseSchedule(strings.Split(text, "/"))
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	return s, nil
}

func parseSchedule(items []string) (Schedule, error) {
	if len(items) == 1 {
		wait, ok, err := parseWait(items[0])
		if wait == Forever {
			return Schedule{}, errors.New("forever names no signal; write TERM/forever")
		}
		if ok {
			return Schedule{[]Step{{TERM, wait}, {KILL, wait}}}, err
		}
	}
	var s Schedule
	for i, item := range items {
		if err := s.add(item, i == len(items)-1); err != nil {
			return Schedule{}, err
		}
	}
	return s, nil
}

// Check says what is wrong with a schedule that was not parsed: no step, a number
// that is no signal, a wait that is negative, a wait without end before the last
// step, more than a year in all.
func (s Schedule) Check() error {
	if len(s.Steps) == 0 {
		return errors.New("it sends nothing; write signals and waits in turn, such as TERM/10s/KILL")
	}
	var sum time.Duration
	for i, step := range s.Steps {
		if err := step.check(i == len(s.Steps)-1); err != nil {
			return err
		}
		if step.Wait != Forever {
			sum += step.Wait
		}
		if sum > maxWait {
			return errTooLong
		}
	}
	return nil
}

func (step Step) check(last bool) error {
	switch {
	case !step.Signal.Valid():
		_, err := fromNumber(int(step.Signal), strconv.Itoa(int(step.Signal)))
		return err
	case step.Wait < 0:
		return fmt.Errorf("the wait %s is not positive; write one such as 10s, or leave it out", step.Wait)
	case step.Wait == Forever && !last:
		return errEarlyForever
	case step.Wait > maxWait && step.Wait != Forever:
		return errTooLong
	}
	return nil
}

var (
	errEarlyForever = errors.New("forever stands before the end, and what follows it would never be sent; end with it, as in TERM/forever")
	errTooLong      = errors.New("it waits longer than a year; write shorter waits, or forever at the end")
)

// add appends one item: a signal opens a step, a wait lengthens the open one.
func (s *Schedule) add(item string, last bool) error {
	wait, isWait, err := parseWait(item)
	if err != nil {
		return err
	}
	if !isWait {
		return s.addSignal(item)
	}
	if len(s.Steps) == 0 {
		return fmt.Errorf("the wait %q stands before any signal; write the signal first, as in TERM/%s", item, item)
	}
	step := &s.Steps[len(s.Steps)-1]
	switch {
	case wait == Forever && !last:
		return errEarlyForever
	case wait == Forever:
		step.Wait = Forever
	case step.Wait > maxWait-wait:
		return errTooLong
	default:
		step.Wait += wait
	}
	return nil
}

func (s *Schedule) addSignal(item string) error {
	if item == "" {
		return errors.New("a signal or a wait is missing; write signals and waits in turn, such as TERM/10s/KILL")
	}
	sig, err := Parse(strings.TrimPrefix(item, "-"))
	if err == nil {
		s.Steps = append(s.Steps, Step{Signal: sig})
	}
	return err
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
	text := item
	if strings.Trim(item, "0123456789") == "" {
		text += "s"
	}
	wait, err = time.ParseDuration(text)
	switch {
	case err != nil && text != item, wait > maxWait:
		return 0, true, errTooLong
	case err != nil:
		return 0, true, fmt.Errorf("%q is neither whole seconds nor a duration; write 10 or 7.5s", item)
	case wait <= 0:
		return 0, true, fmt.Errorf("the wait %q is not positive; leave it out to send the next signal at once", item)
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
