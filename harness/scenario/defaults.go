package scenario

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// WithDefaults fills in every default that does not depend on where the scenario
// came from. What is impossible stays so for [Check] to find.
func (s Scenario) WithDefaults() Scenario {
	setDefault(&s.Name, nameOf(s.Target.Command))
	if len(s.Stop.Schedule.Steps) == 0 {
		s.Stop.Schedule = signals.DefaultSchedule
	}
	setDefault(&s.Stop.To, signals.ToProcess)
	setDefaultPointer(&s.Stop.Settle, Duration(DefaultSettle))
	setDefault(&s.Stop.Limit, Duration(DefaultLimit))
	setDefault(&s.Ready.Timeout, Duration(DefaultReadyTimeout))
	setDefault(&s.Target.Workdir, Fresh)
	s.Strike = s.Strike.withDefaults()
	s.Expect = s.Expect.withDefaults(s.Stop.Schedule)
	return s
}

// nameOf makes a name of a command: its base name with dashes for what a name cannot have.
func nameOf(command []string) string {
	if len(command) == 0 {
		return ""
	}
	name := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !goodName.MatchString("x"+string(r)) {
			return '-'
		}
		return r
	}, filepath.Base(command[0]))
	return strings.TrimLeft(name[:min(len(name), maxName)], ".-")
}

func (s Strike) withDefaults() Strike {
	if s.Stopping != nil && s.Stopping.Call != "" {
		stopping := *s.Stopping
		setDefault(&stopping.Nth, Range{1, 1})
		setDefault(&stopping.Side, Before)
		s.Stopping = &stopping
	}
	if s.Output != nil {
		output := *s.Output
		setDefault(&output.Trials, DefaultTrials)
		setDefault(&output.Nth, Range{1, 1})
		s.Output = &output
		return s
	}
	if s.File != nil {
		file := *s.File
		setDefault(&file.Trials, DefaultTrials)
		setDefault(&file.Event, Create)
		setDefault(&file.Nth, Range{1, 1})
		s.File = &file
		return s
	}
	if s.Handlers != nil {
		handlers := *s.Handlers
		setDefault(&handlers.Trials, DefaultTrials)
		setDefaultPointer(&handlers.Window, Offsets{-DefaultOffset, DefaultOffset})
		setDefault(&handlers.Nth, 1)
		s.Handlers = &handlers
		return s
	}
	if s.Syscall != nil || s.Sweep != nil {
		return s.callDefaults()
	}
	var random Random
	if s.Random != nil {
		random = *s.Random
	}
	setDefault(&random.Trials, DefaultTrials)
	setDefault(&random.From, FromReady)
	if random.Within != 0 && random.Window == nil {
		random.Window, random.Within = &Window{0, random.Within.D()}, 0
	}
	setDefaultPointer(&random.Window, Window{0, DefaultWindow})
	s.Random = &random
	return s
}

func (s Strike) callDefaults() Strike {
	if s.Syscall != nil {
		call := *s.Syscall
		setDefault(&call.Trials, DefaultTrials)
		setDefault(&call.Nth, Range{1, 1})
		setDefault(&call.Side, Before)
		setDefault(&call.Count, PerTree)
		s.Syscall = &call
	}
	if s.Sweep != nil {
		sweep := *s.Sweep
		if len(sweep.Sides) == 0 {
			sweep.Sides = []Side{Before}
		}
		setDefault(&sweep.Points, Span{First: 1, Step: 1})
		setDefault(&sweep.Count, PerTree)
		setDefault(&sweep.Signal, First)
		s.Sweep = &sweep
	}
	return s
}

func (e Expect) withDefaults(schedule signals.Schedule) Expect {
	if len(e.Exit) == 0 {
		e.Exit = []Accept{{Kind: observation.Clean}}
	}
	if e.Within == 0 {
		e.Within = Duration(schedule.Patience())
	}
	if e.Within == 0 {
		e.Within = Duration(signals.FinalWait)
	}
	setDefault(&e.Survivors, None)
	setDefault(&e.Ports, e.Survivors)
	setDefaultPointer(&e.MinConclusive, Quota{Percent: 50})
	return e.keptDefaults()
}

// keptDefaults are those of what is expected to be left, kept and started again. What is
// behind a pointer or in a list is copied first: it may be another scenario's too.
func (e Expect) keptDefaults() Expect {
	e.Files = slices.Clone(e.Files)
	for i, file := range e.Files {
		e.Files[i] = ExpectFile{Path: file.Path, Is: file.oracles()}
	}
	if e.Acknowledged != nil {
		acknowledged := *e.Acknowledged
		setDefault(&acknowledged.As, DefaultAs)
		e.Acknowledged = &acknowledged
	}
	if e.Restarts != nil {
		restarts := *e.Restarts
		setDefault(&restarts.Factor, DefaultFactor)
		setDefault(&restarts.Floor, Duration(DefaultFloor))
		e.Restarts = &restarts
	}
	return e
}

// oracles are those that are listed, then those in a short form.
func (f ExpectFile) oracles() []Oracle {
	all := slices.Clone(f.Is)
	for _, short := range f.short() {
		if short.oracle.Argument != "" {
			all = append(all, short.oracle)
		}
	}
	return all
}

// shortForm is an oracle that is written as a field of its own.
type shortForm struct {
	field  string
	oracle Oracle
}

func (f ExpectFile) short() []shortForm {
	return []shortForm{
		{"format", Oracle{Format, f.Format}},
		{"sha256", Oracle{SHA256, f.SHA256}},
		{"command", Oracle{Command, f.Command}},
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func setDefaultPointer[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}
