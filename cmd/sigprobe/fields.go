package main

import (
	"encoding"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// field is one field of a scenario as a flag of the command line.
type field struct {
	flag  string
	value string // what its value is called in the help; "" for a switch
	help  string
	path  string // the field in a scenario as problems name it; several with blanks between
	// over makes room in a scenario for the flag, whose value wins: it removes what
	// the value replaces. nil where the value just takes the old one's place.
	over func(*scenario.Scenario)
	// set lays one value over a scenario. A flag that is given more than once is set
	// in that order.
	set func(*scenario.Scenario, string) error
}

// fields is the table of all flags that stand for a field of a scenario.
var fields = []field{
	{"trials", "N", defaultOf("launches, each with a shot of its own; the bound of a sweep", scenario.DefaultTrials),
		"strike.random.trials strike.output.trials strike.syscall.trials strike.handlers.trials strike.sweep.trials", randomByDefault, setTrials},
	{"signal", "SIGNAL", defaultOf("first signal that is sent; the rest of the schedule stays", signals.TERM), "stop.schedule", nil, parsed(setSignal)},
	{"schedule", "SCHEDULE", defaultOf("signals and waits in turn", signals.DefaultSchedule), "stop.schedule", nil,
		parsed(func(s *scenario.Scenario, v signals.Schedule) { s.Stop.Schedule = v })},
	{"to", "WHOM", "who gets the signal: process, group, session or tty (default process)", "stop.to", nil,
		parsed(func(s *scenario.Scenario, v signals.Delivery) { s.Stop.To = v })},
	{"from", "EVENT", "what the window counts from: ready or launch (default ready)", "strike.random.from", toRandom,
		text(func(s *scenario.Scenario, v string) { s.Strike.Random.From = scenario.From(v) })},
	{"window", "A..B", "time in which the signal lands at random (default 0s..1s)", "strike.random.window", toRandom, parsed(setWindow)},
	{"strike-output", "RE", "strike when a line of output matches RE, in place of a time", "strike.output.matching", toOutput,
		parsed(func(s *scenario.Scenario, v scenario.Regexp) { s.Strike.Output.Matching = v })},
	{"strike-syscall", "CALL[@PATH]", "strike when the target makes a system call, in place of a time: a name or class such as write or %modify, and a pattern for its file", "strike.syscall.call strike.syscall.path", toSyscall, setSyscall},
	{"strike-file", "EVENT@PATH", "strike when something happens to a file, in place of a time: create, close or rename, and a pattern for the file", "strike.file.event strike.file.path", toFile, setFile},
	{"strike-nth", "A..B", "which matching line, file or system call, drawn at random (default 1)", "strike.output.nth strike.file.nth strike.syscall.nth", nil, setNth},
	{"strike-side", "SIDE", "where at the system call: before, inside or after it (default before)", "strike.syscall.side", nil, setSide},
	{"strike-delay", "A..B", "extra time after the line or call, drawn at random (default none)", "strike.output.delay strike.file.delay strike.syscall.delay", nil, setDelay},
	{"second-window", "A..B", "time after the first signal at which the schedule's second one is sent, drawn at random", "strike.stopping.window", toStopping, parsed(setSecondWindow)},
	{"second-syscall", "CALL[@PATH]", "send the schedule's second signal when the target makes a system call after the first", "strike.stopping.call strike.stopping.path", toStopping, setSecondCall},
	{"second-nth", "A..B", "which of those calls, drawn at random (default 1)", "strike.stopping.nth", toStopping,
		parsed(func(s *scenario.Scenario, v scenario.Range) { s.Strike.Stopping.Nth = v })},
	{"second-side", "SIDE", "where at that call: before, inside or after it (default before)", "strike.stopping.side", toStopping,
		text(func(s *scenario.Scenario, v string) { s.Strike.Stopping.Side = scenario.Side(v) })},
	{"strike-handlers", "A..B", "strike around the moment at which the target installs its handler, in place of a time: -20ms..20ms is before and after it", "strike.handlers.window", toHandlers, parsed(setHandlers)},
	{"sweep", "CALL[@PATH]", "strike at every such system call, one trial each, until a run proves that there is no further one", "strike.sweep.syscall strike.sweep.path", toSweep, setSweep},
	{"sides", "SIDE,...", "where at every call of the sweep: before, inside, after (default before)", "strike.sweep.side",
		ofSweepAnew(func(s *scenario.Sweep) { s.Sides = nil }), ofSweep(addSides)},
	{"sweep-signal", "first|second", "which signal of the schedule lands at the calls; second sweeps the clean-up, the first being sent when the target is ready (default first)", "strike.sweep.signal", nil,
		ofSweep(func(s *scenario.Sweep, text string) error { s.Signal = scenario.Which(text); return nil })},
	{"points", "A..B+STEP", "which calls of the sweep: 1.. for all, 5..100, 1..+10 (default 1..)", "strike.sweep.points", nil,
		ofSweep(func(s *scenario.Sweep, text string) error { return s.Points.UnmarshalText([]byte(text)) })},
	{"budget", "D", "time in which shots of the sweep are begun (default no bound)", "strike.sweep.budget", nil,
		ofSweep(func(s *scenario.Sweep, text string) error { return s.Budget.UnmarshalText([]byte(text)) })},
	{"count", "tree|process", "whose system calls are counted together (default tree)", "strike.syscall.count strike.sweep.count", nil, setCount},

	{"ready-output", "RE", "ready when a line of output matches RE", "ready.output", readyAnew,
		parsed(func(s *scenario.Scenario, v scenario.Regexp) { s.Ready.Output = &v })},
	{"ready-port", "PORT", "ready when the target listens on a TCP port", "ready.port", readyAnew,
		number(func(s *scenario.Scenario, v int) { s.Ready.Port = v })},
	{"ready-http", "URL", "ready when a GET is answered with a status below 400", "ready.http", readyAnew,
		text(func(s *scenario.Scenario, v string) { s.Ready.HTTP = v })},
	{"ready-file", "PATH", "ready when a file exists", "ready.file", readyAnew,
		text(func(s *scenario.Scenario, v string) { s.Ready.File = v })},
	{"ready-notify", "", "ready when the target says READY=1 on NOTIFY_SOCKET (sd_notify)", "ready.notify", readyAnew, setNotify},
	{"ready-after", "D", "ready after a time", "ready.after", readyAnew,
		parsed(func(s *scenario.Scenario, v scenario.Duration) { s.Ready.After = &v })},
	{"ready-timeout", "D", defaultOf("an error when not ready by then", scenario.DefaultReadyTimeout), "ready.timeout", nil,
		parsed(func(s *scenario.Scenario, v scenario.Duration) { s.Ready.Timeout = v })},

	{"within", "D", "how long the stop may take (default what the schedule gives before KILL)", "expect.within", nil,
		parsed(func(s *scenario.Scenario, v scenario.Duration) { s.Expect.Within = v })},
	{"latency", "QUANTILE=D", "budget of the shutdown latency: p50, p95, p99 or max, as in p99=800ms; repeatable", "expect.latency", ownLatency, setLatency},
	{"accept", "ENDING,...", "endings that are accepted: clean, signal-code, re-raised, default-action, crashed, killed, code:N or conventional (default clean)", "expect.exit",
		func(s *scenario.Scenario) { s.Expect.Exit = nil }, addAccepts},
	{"survivors", "none|allow", "whether descendants may stay alive (default none)", "expect.survivors", nil,
		text(func(s *scenario.Scenario, v string) { s.Expect.Survivors = scenario.Leftover(v) })},
	{"ports", "none|allow", "whether listening sockets may stay (default as --survivors)", "expect.ports", nil,
		text(func(s *scenario.Scenario, v string) { s.Expect.Ports = scenario.Leftover(v) })},
	{"settle", "D", defaultOf("how long descendants may outlive the main process", scenario.DefaultSettle), "stop.settle", nil,
		parsed(func(s *scenario.Scenario, v scenario.Duration) { s.Stop.Settle = &v })},
	{"limit", "D", defaultOf("bound of a wait of forever, and of the wait for a line or a system call to strike at", scenario.DefaultLimit), "stop.limit", nil,
		parsed(func(s *scenario.Scenario, v scenario.Duration) { s.Stop.Limit = v })},
	{"expect-output", "TEXT", "text that a line of output must contain", "expect.output.contains", ownExpectOutput,
		text(func(s *scenario.Scenario, v string) { s.Expect.Output.Contains = v })},
	{"expect-matches", "RE", "expression that a line of output must match", "expect.output.matches", ownExpectOutput,
		parsed(func(s *scenario.Scenario, v scenario.Regexp) { s.Expect.Output.Matches = &v })},
	{"expect-lacks", "RE", "expression that no line of output may match", "expect.output.lacks", ownExpectOutput,
		parsed(func(s *scenario.Scenario, v scenario.Regexp) { s.Expect.Output.Lacks = &v })},
	{"file", "GLOB=ORACLE", "what files that fit a pattern must be after the stop: absent, present, unchanged, old-or-new, append-only, resumable, format:NAME, sha256:HEX or command:CMD, in which {} is the file's path; repeatable", "expect.files", ownFiles, addFile},
	{"acknowledged", "RE", "line of output that acknowledges a record, whose id is the first group: none may be lost", "expect.acknowledged expect.acknowledged.output", ownAcknowledged,
		parsed(func(s *scenario.Scenario, v scenario.Regexp) { s.Expect.Acknowledged.Output = v })},
	{"acknowledged-in", "PATH", "file that must hold every acknowledged record", "expect.acknowledged.in", ownRecords,
		ofAcknowledged(func(a *scenario.Acknowledged, v string) { a.In = v })},
	{"acknowledged-command", "CMD", "shell command that prints the records, in place of a file", "expect.acknowledged.command", ownRecords,
		ofAcknowledged(func(a *scenario.Acknowledged, v string) { a.Command = v })},
	{"acknowledged-as", "FORMAT", "what a record looks like, with %s for its id (default the id as a word)", "expect.acknowledged.as", ownAcknowledged,
		ofAcknowledged(func(a *scenario.Acknowledged, v string) { a.As = v })},
	{"acknowledged-ordered", "", "the records must be in the order of their acknowledgement", "expect.acknowledged.ordered", ownAcknowledged, setOrdered},
	{"litter", "none|allow", "whether temporary, lock, pid and socket files and shared memory may be left (default not checked)", "expect.litter", nil, setLitter},
	{"allow-litter", "PATTERN", "path that may be left, all other litter may not; repeatable", "expect.litter.allow", ownLitter, addLitter},
	{"restart", "", "start the target again in the folder that the stop left: it must become ready", "expect.restarts", nil, setRestart},
	{"compare", "kill", "make every shot again with KILL, and accept no stop that loses more", "expect.compare", nil,
		text(func(s *scenario.Scenario, v string) { s.Expect.Compare = scenario.Comparison(v) })},
	{"min-conclusive", "N|N%", "how many trials must prove something (default 50%)", "expect.min_conclusive", nil,
		parsed(func(s *scenario.Scenario, v scenario.Quota) { s.Expect.MinConclusive = &v })},

	{"workdir", "inherit|fresh", "where the target runs (default inherit for a command, fresh for a scenario file)", "target.workdir", nil,
		text(func(s *scenario.Scenario, v string) { s.Target.Workdir = scenario.Workdir(v) })},
	{"copy", "PATH", "file to copy into a fresh work folder; repeatable, makes --workdir fresh", "target.files",
		func(s *scenario.Scenario) { s.Target.Files, s.Target.Workdir = nil, scenario.Fresh },
		text(func(s *scenario.Scenario, v string) { s.Target.Files = append(s.Target.Files, v) })},
	{"env", "K=V", "variable of the target's environment; repeatable", "target.env",
		func(s *scenario.Scenario) { s.Target.Env = maps.Clone(s.Target.Env) }, setEnv},
	{"inherit-signals", "", "start the target with sigprobe's own ignored signals ignored", "target.inherit_signals", nil, setInherit},
}

// text sets a field that is text; what may stand in it is checked with the scenario.
func text(place func(*scenario.Scenario, string)) func(*scenario.Scenario, string) error {
	return func(s *scenario.Scenario, text string) error {
		place(s, text)
		return nil
	}
}

// parsed sets a field by the way in which its type reads text.
func parsed[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](place func(*scenario.Scenario, T)) func(*scenario.Scenario, string) error {
	return func(s *scenario.Scenario, text string) error {
		var value T
		if err := P(&value).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		place(s, value)
		return nil
	}
}

// number sets a field that counts from 1.
func number(place func(*scenario.Scenario, int)) func(*scenario.Scenario, string) error {
	return func(s *scenario.Scenario, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no whole number from 1 on", text)
		}
		place(s, n)
		return nil
	}
}

// setSignal replaces the first signal of the schedule.
func setSignal(s *scenario.Scenario, first signals.Signal) {
	if len(s.Stop.Schedule.Steps) == 0 {
		s.Stop.Schedule = signals.DefaultSchedule
	}
	s.Stop.Schedule.Steps = slices.Clone(s.Stop.Schedule.Steps)
	s.Stop.Schedule.Steps[0].Signal = first
}

// readyAnew drops the conditions that a file has. Two flags exclude each other, which
// the scenario's own check finds.
func readyAnew(s *scenario.Scenario) { s.Ready = scenario.Ready{Timeout: s.Ready.Timeout} }

func setNotify(s *scenario.Scenario, text string) (err error) {
	s.Ready.Notify, err = strconv.ParseBool(text)
	return err
}

func setInherit(s *scenario.Scenario, text string) (err error) {
	s.Target.InheritSignals, err = strconv.ParseBool(text)
	return err
}

func addAccepts(s *scenario.Scenario, text string) error {
	accepts, err := scenario.ParseAccepts(strings.Split(text, ","))
	s.Expect.Exit = append(s.Expect.Exit, accepts...)
	return err
}

func ownExpectOutput(s *scenario.Scenario) {
	expected := scenario.ExpectOutput{}
	if s.Expect.Output != nil {
		expected = *s.Expect.Output
	}
	s.Expect.Output = &expected
}

func setEnv(s *scenario.Scenario, text string) error {
	name, value, both := strings.Cut(text, "=")
	if !both || name == "" {
		return fmt.Errorf("%q is no assignment; write NAME=VALUE", text)
	}
	if s.Target.Env == nil {
		s.Target.Env = map[string]string{}
	}
	s.Target.Env[name] = value
	return nil
}

// spare is a scenario that has room for every flag, to try a value on.
func spare() *scenario.Scenario {
	return &scenario.Scenario{
		Strike: scenario.Strike{Random: &scenario.Random{}, Output: &scenario.Output{}, File: &scenario.FileEvent{}, Syscall: &scenario.Syscall{}, Handlers: &scenario.Handlers{}, Sweep: &scenario.Sweep{}, Stopping: &scenario.Stopping{}},
		Expect: scenario.Expect{Output: &scenario.ExpectOutput{}, Acknowledged: &scenario.Acknowledged{}, Litter: &scenario.Litter{}, Latency: &scenario.LatencyBudget{}},
	}
}

// span prints a time without the digits that nobody reads.
func span(d time.Duration) string {
	if d > time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Microsecond).String()
}
