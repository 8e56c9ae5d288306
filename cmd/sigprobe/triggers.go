package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// The flags that say where the first signal lands. Each of them that names a trigger
// makes it the only one; the trigger that gives way leaves its number of trials, but
// for a sweep, whose number is a bound and no number of draws.

func toRandom(s *scenario.Scenario) {
	random := scenario.Random{Trials: drawn(s.Strike)}
	if s.Strike.Random != nil {
		random = *s.Strike.Random
	}
	s.Strike = none(s.Strike)
	s.Strike.Random = &random
}

func toOutput(s *scenario.Scenario) {
	output := scenario.Output{Trials: drawn(s.Strike)}
	if s.Strike.Output != nil {
		output = *s.Strike.Output
	}
	s.Strike = none(s.Strike)
	s.Strike.Output = &output
}

func toSyscall(s *scenario.Scenario) {
	call := scenario.Syscall{Trials: drawn(s.Strike)}
	if s.Strike.Syscall != nil {
		call = *s.Strike.Syscall
	}
	s.Strike = none(s.Strike)
	s.Strike.Syscall = &call
}

func toFile(s *scenario.Scenario) {
	file := scenario.FileEvent{Trials: drawn(s.Strike)}
	if s.Strike.File != nil {
		file = *s.Strike.File
	}
	s.Strike = none(s.Strike)
	s.Strike.File = &file
}

func toHandlers(s *scenario.Scenario) {
	handlers := scenario.Handlers{Trials: drawn(s.Strike)}
	if s.Strike.Handlers != nil {
		handlers = *s.Strike.Handlers
	}
	s.Strike = none(s.Strike)
	s.Strike.Handlers = &handlers
}

func setHandlers(s *scenario.Scenario, w scenario.Offsets) { s.Strike.Handlers.Window = &w }

func toSweep(s *scenario.Scenario) {
	sweep := scenario.Sweep{}
	if s.Strike.Sweep != nil {
		sweep = *s.Strike.Sweep
	}
	s.Strike = scenario.Strike{Sweep: &sweep}
}

// none takes the trigger out, and leaves what goes with any of them.
func none(s scenario.Strike) scenario.Strike {
	s.Random, s.Output, s.File, s.Syscall, s.Handlers, s.Sweep = nil, nil, nil, nil, nil, nil
	return s
}

// drawn is the number of trials that a scenario draws; 0 where it does not say.
func drawn(s scenario.Strike) int {
	switch {
	case s.Random != nil:
		return s.Random.Trials
	case s.Output != nil:
		return s.Output.Trials
	case s.File != nil:
		return s.File.Trials
	case s.Syscall != nil:
		return s.Syscall.Trials
	case s.Handlers != nil:
		return s.Handlers.Trials
	}
	return 0
}

// randomByDefault makes room for a flag that every trigger has.
func randomByDefault(s *scenario.Scenario) {
	if s.Strike.Output == nil && s.Strike.File == nil && s.Strike.Syscall == nil && s.Strike.Handlers == nil && s.Strike.Sweep == nil {
		toRandom(s)
	}
}

var setTrials = number(func(s *scenario.Scenario, n int) {
	switch strike := &s.Strike; {
	case strike.Output != nil:
		strike.Output.Trials = n
	case strike.File != nil:
		strike.File.Trials = n
	case strike.Syscall != nil:
		strike.Syscall.Trials = n
	case strike.Handlers != nil:
		strike.Handlers.Trials = n
	case strike.Sweep != nil:
		strike.Sweep.Trials = n
	default:
		strike.Random.Trials = n
	}
})

func setWindow(s *scenario.Scenario, w scenario.Window) {
	s.Strike.Random.Window, s.Strike.Random.Within = &w, 0
}

// callAt reads CALL[@PATH]. Names of calls have no @, a path may.
func callAt(text string) (calls scenario.Calls, path string, err error) {
	names, path, given := strings.Cut(text, "@")
	if given && path == "" {
		return "", "", fmt.Errorf("%q has no path behind the @; write a pattern for the file as in write@out/**, or leave the @ out", text)
	}
	err = calls.UnmarshalText([]byte(names))
	return calls, path, err
}

func setSyscall(s *scenario.Scenario, text string) (err error) {
	s.Strike.Syscall.Call, s.Strike.Syscall.Path, err = callAt(text)
	return err
}

func setFile(s *scenario.Scenario, text string) error {
	event, path, both := strings.Cut(text, "@")
	if !both || path == "" {
		return fmt.Errorf("%q names no file; write what happens to which, as in create@out/*.tmp, close@out/* or rename@out/*.json", text)
	}
	s.Strike.File.Event, s.Strike.File.Path = scenario.FileDoing(event), path
	return nil
}

// toStopping makes room for the second signal's point.
func toStopping(s *scenario.Scenario) {
	stopping := scenario.Stopping{}
	if s.Strike.Stopping != nil {
		stopping = *s.Strike.Stopping
	}
	s.Strike.Stopping = &stopping
}

func setSecondWindow(s *scenario.Scenario, w scenario.Window) { s.Strike.Stopping.Window = &w }

func setSecondCall(s *scenario.Scenario, text string) (err error) {
	s.Strike.Stopping.Call, s.Strike.Stopping.Path, err = callAt(text)
	return err
}

func setSweep(s *scenario.Scenario, text string) (err error) {
	s.Strike.Sweep.Syscall, s.Strike.Sweep.Path, err = callAt(text)
	return err
}

// errUncounted refuses what counts lines, files or calls where neither is struck at.
var errUncounted = errors.New("it counts lines of output, events of files or system calls; say which with --strike-output RE, --strike-file EVENT@PATH or --strike-syscall CALL")

func setNth(s *scenario.Scenario, text string) error {
	switch {
	case s.Strike.Output != nil:
		return s.Strike.Output.Nth.UnmarshalText([]byte(text))
	case s.Strike.File != nil:
		return s.Strike.File.Nth.UnmarshalText([]byte(text))
	case s.Strike.Syscall != nil:
		return s.Strike.Syscall.Nth.UnmarshalText([]byte(text))
	}
	return errUncounted
}

func setDelay(s *scenario.Scenario, text string) error {
	delay, err := scenario.ParseWindow(text)
	switch {
	case s.Strike.Output != nil:
		s.Strike.Output.Delay = &delay
	case s.Strike.File != nil:
		s.Strike.File.Delay = &delay
	case s.Strike.Syscall != nil:
		s.Strike.Syscall.Delay = &delay
	default:
		return errUncounted
	}
	return err
}

func setSide(s *scenario.Scenario, text string) error {
	if s.Strike.Syscall == nil {
		return errors.New("it is a side of a system call; say which call with --strike-syscall CALL, or list the sides of a sweep with --sides")
	}
	s.Strike.Syscall.Side = scenario.Side(text)
	return nil
}

func setCount(s *scenario.Scenario, text string) error {
	switch {
	case s.Strike.Syscall != nil:
		s.Strike.Syscall.Count = scenario.Count(text)
	case s.Strike.Sweep != nil:
		s.Strike.Sweep.Count = scenario.Count(text)
	default:
		return errors.New("it counts system calls; say which with --sweep CALL or --strike-syscall CALL")
	}
	return nil
}

// ofSweep sets a field that only a sweep has.
func ofSweep(set func(*scenario.Sweep, string) error) func(*scenario.Scenario, string) error {
	return func(s *scenario.Scenario, text string) error {
		if s.Strike.Sweep == nil {
			return errors.New("it is for a sweep; say of which system calls with --sweep CALL")
		}
		return set(s.Strike.Sweep, text)
	}
}

// ofSweepAnew makes room in a sweep, where there is one.
func ofSweepAnew(clear func(*scenario.Sweep)) func(*scenario.Scenario) {
	return func(s *scenario.Scenario) {
		if s.Strike.Sweep != nil {
			toSweep(s) // a sweep of its own: the file's is not to change
			clear(s.Strike.Sweep)
		}
	}
}

func addSides(s *scenario.Sweep, text string) error {
	for _, side := range strings.Split(text, ",") {
		s.Sides = append(s.Sides, scenario.Side(strings.TrimSpace(side)))
	}
	return nil
}
