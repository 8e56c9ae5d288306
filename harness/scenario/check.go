package scenario

import (
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// Bounds on what a scenario may ask for.
const (
	maxName   = 100
	maxTrials = 1_000_000
	maxTime   = 365 * 24 * time.Hour // sums of times stay far from overflow
)

// Check says what is wrong with a scenario in itself, wherever it came from, defaults
// filled in or not. It touches no file. The problems have a path and no position.
func Check(s Scenario) []Problem {
	var c collector
	c.name(s)
	c.target(s.Target)
	c.ready(s.Ready)
	c.stop(s.Stop)
	c.strike(s.Strike)
	c.expect(s.Expect)
	c.together(s)
	return c.problems
}

// CheckNames says which names stand twice among the scenarios of one run, whose
// defaults must be filled in.
func CheckNames(scenarios []Scenario) []Problem {
	var problems []Problem
	found := repeated(scenarios)
	for i := range scenarios {
		if problem, ok := found[i]; ok {
			problems = append(problems, problem)
		}
	}
	return problems
}

// repeated finds the scenarios whose name an earlier one has, by index.
func repeated(named []Scenario) map[int]Problem {
	problems, first := map[int]Problem{}, map[string]int{}
	for i, s := range named {
		if _, taken := first[s.Name]; taken && s.Name != "" {
			message := fmt.Sprintf("another scenario is called %q; give each a name of its own", s.Name)
			problems[i] = Problem{Path: "name", Message: message}
			continue
		}
		first[s.Name] = i
	}
	return problems
}

var goodName = regexp.MustCompile(namePattern)

const namePattern = `^[A-Za-z0-9_][A-Za-z0-9._-]*$`

func (c *collector) name(s Scenario) {
	switch {
	case s.Name == "":
	case len(s.Name) > maxName:
		c.add("name", "it has %d characters; use at most %d", len(s.Name), maxName)
	case !goodName.MatchString(s.Name):
		c.add("name", "%q does not fit into a path; use letters, digits, dots, dashes and underscores, and begin with no dot or dash", s.Name)
	}
}

func (c *collector) target(t Target) {
	if len(t.Command) == 0 || t.Command[0] == "" {
		c.add("target.command", "there is no program to launch; write it and its arguments as a list, such as [./server, --port, \"8080\"]")
	}
	for i, arg := range t.Command {
		c.noNUL(fmt.Sprintf("target.command[%d]", i), arg)
	}
	c.oneOf("target.workdir", string(t.Workdir), "work folder", string(Fresh), string(Inherit))
	if len(t.Files) > 0 && t.Workdir == Inherit {
		c.add("target.files", "files are copied into a fresh work folder only; write workdir: fresh, or leave files out")
	}
	c.files(t.Files)
	for name, value := range t.Env {
		path := "target.env." + name
		if name == "" || strings.ContainsAny(name, "=\x00") {
			c.add("target.env", "%q cannot name a variable; use a name without =", name)
		}
		c.noNUL(path, value)
	}
}

// files refuses two files that would be copied to the same place.
func (c *collector) files(files []string) {
	places := map[string]string{}
	for i, file := range files {
		path := fmt.Sprintf("target.files[%d]", i)
		c.noNUL(path, file)
		if file == "" {
			c.add(path, `"" is no path; write one, relative to the scenario file`)
			continue
		}
		if strings.HasSuffix(file, "/") {
			continue
		}
		base := filepath.Base(file)
		if other, taken := places[base]; taken {
			c.add(path, "%s and %s would both be copied to %s; rename one, or put them into a folder", other, file, base)
		}
		places[base] = file
	}
}

func (c *collector) ready(r Ready) {
	if set := r.conditions(); len(set) > 1 {
		c.add("ready", "%s exclude each other; keep one", strings.Join(set, " and "))
	}
	if r.Port < 0 || r.Port > math.MaxUint16 {
		c.add("ready.port", "%d is no port; write one from 1 to %d", r.Port, math.MaxUint16)
	}
	if r.HTTP != "" {
		c.url("ready.http", r.HTTP)
	}
	c.noNUL("ready.file", r.File)
	c.time("ready.timeout", r.Timeout)
	if r.After != nil {
		c.time("ready.after", *r.After)
	}
}

// conditions names the conditions that are set.
func (r Ready) conditions() []string {
	var set []string
	for _, condition := range []struct {
		name string
		set  bool
	}{
		{"output", r.Output != nil},
		{"port", r.Port != 0},
		{"http", r.HTTP != ""},
		{"file", r.File != ""},
		{"notify", r.Notify},
		{"after", r.After != nil},
	} {
		if condition.set {
			set = append(set, condition.name)
		}
	}
	return set
}

func (c *collector) url(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		c.add(path, "%q is no URL to GET; write one such as http://127.0.0.1:8080/health", text)
	}
}

func (c *collector) stop(s Stop) {
	if len(s.Schedule.Steps) > 0 {
		if err := s.Schedule.Check(); err != nil {
			c.add("stop.schedule", "%v", err)
		}
	}
	c.oneOf("stop.to", string(s.To), "delivery", "process", "group", "session", "tty")
	if s.Settle != nil {
		c.time("stop.settle", *s.Settle)
	}
	c.time("stop.limit", s.Limit)
}

func (c *collector) strike(s Strike) {
	if set := s.triggers(); len(set) > 1 {
		c.add("strike", "%s exclude each other; keep one, or make two scenarios", strings.Join(set, " and "))
	}
	if s.Random != nil {
		c.random(*s.Random)
	}
	if s.Output != nil {
		c.output(*s.Output)
	}
	if s.File != nil {
		c.fileEvent(*s.File)
	}
	if s.Syscall != nil {
		c.syscall(*s.Syscall)
	}
	if s.Handlers != nil {
		c.handlers(*s.Handlers)
	}
	if s.Sweep != nil {
		c.sweep(*s.Sweep)
	}
	if s.Stopping != nil {
		c.stopping(*s.Stopping)
	}
	if s.Stopping != nil && s.Sweep != nil {
		c.add("strike.stopping", "a sweep sends one signal at every point; leave stopping out, or draw the points with syscall")
	}
}

func (c *collector) stopping(s Stopping) {
	if (s.Window != nil) == (s.Call != "") {
		c.add("strike.stopping", "it needs a window or a call, and not both; write window: 0s..50ms, or call: write")
	}
	c.window("strike.stopping.window", s.Window)
	if s.Call != "" {
		c.calls("strike.stopping.call", s.Call)
	}
	c.pattern("strike.stopping.path", s.Path)
	if s.Call == "" && (s.Path != "" || s.Nth != (Range{}) || s.Side != "") {
		c.add("strike.stopping", "path, nth and side say which call; write call too")
	}
	if s.Nth != (Range{}) && (s.Nth.First < 1 || s.Nth.Last < s.Nth.First) {
		c.add("strike.stopping.nth", "%s is no range; write a number from 1 on, or two as in 1..10", s.Nth)
	}
	c.oneOf("strike.stopping.side", string(s.Side), "side", string(Before), string(Inside), string(After))
}

// triggers names those that are set.
func (s Strike) triggers() []string {
	var set []string
	for _, trigger := range []struct {
		name string
		set  bool
	}{
		{"random", s.Random != nil},
		{"output", s.Output != nil},
		{"file", s.File != nil},
		{"syscall", s.Syscall != nil},
		{"handlers", s.Handlers != nil},
		{"sweep", s.Sweep != nil},
	} {
		if trigger.set {
			set = append(set, trigger.name)
		}
	}
	return set
}

func (c *collector) handlers(h Handlers) {
	c.trials("strike.handlers.trials", h.Trials)
	if w := h.Window; w != nil && (w.From > w.To || w.From < -maxTime || w.To > maxTime) {
		c.add("strike.handlers.window", "%s is no window around the handler; write the earlier end first, as in -20ms..20ms", w)
	}
	if h.Nth < 0 {
		c.add("strike.handlers.nth", "%d is no number of a handler; write one from 1 on", h.Nth)
	}
}

func (c *collector) fileEvent(f FileEvent) {
	c.trials("strike.file.trials", f.Trials)
	c.oneOf("strike.file.event", string(f.Event), "thing that happens to a file", string(Create), string(Close), string(Rename))
	if f.Path == "" {
		c.add("strike.file.path", "there is no file to wait for; write a pattern such as out/*.json")
	}
	c.pattern("strike.file.path", f.Path)
	if f.Nth != (Range{}) && (f.Nth.First < 1 || f.Nth.Last < f.Nth.First) {
		c.add("strike.file.nth", "%s is no range; write a number from 1 on, or two as in 1..10", f.Nth)
	}
	c.window("strike.file.delay", f.Delay)
}

func (c *collector) syscall(s Syscall) {
	c.trials("strike.syscall.trials", s.Trials)
	c.calls("strike.syscall.call", s.Call)
	c.pattern("strike.syscall.path", s.Path)
	if s.Nth != (Range{}) && (s.Nth.First < 1 || s.Nth.Last < s.Nth.First) {
		c.add("strike.syscall.nth", "%s is no range; write a number from 1 on, or two as in 1..10", s.Nth)
	}
	c.oneOf("strike.syscall.side", string(s.Side), "side", string(Before), string(Inside), string(After))
	c.oneOf("strike.syscall.count", string(s.Count), "way to count", string(PerTree), string(PerProcess))
	c.window("strike.syscall.delay", s.Delay)
}

func (c *collector) sweep(s Sweep) {
	c.calls("strike.sweep.syscall", s.Syscall)
	c.pattern("strike.sweep.path", s.Path)
	for i, side := range s.Sides {
		path := fmt.Sprintf("strike.sweep.side[%d]", i)
		c.oneOf(path, string(side), "side", string(Before), string(Inside), string(After))
		if slices.Contains(s.Sides[:i], side) {
			c.add(path, "%s stands twice; leave one out", side)
		}
	}
	if p := s.Points; p != (Span{}) && (p.First < 1 || p.Step < 1 || p.Last != 0 && p.Last < p.First) {
		c.add("strike.sweep.points", "%s is no part of a sweep; write 1.. for all points, 5..100 for some, 1..+10 for every tenth", p)
	}
	c.oneOf("strike.sweep.signal", string(s.Signal), "signal of a schedule", string(First), string(Second))
	if s.Signal == Second && s.Count == PerProcess {
		c.add("strike.sweep.count", "the calls of a clean-up are counted over the whole tree; leave count out")
	}
	c.oneOf("strike.sweep.count", string(s.Count), "way to count", string(PerTree), string(PerProcess))
	if s.Trials < 0 || s.Trials > maxTrials {
		c.add("strike.sweep.trials", "%d is no number of trials; write one from 1 to %d", s.Trials, maxTrials)
	}
	c.time("strike.sweep.budget", s.Budget)
}

func (c *collector) calls(path string, names Calls) {
	if _, err := names.Numbers(); err != nil {
		c.add(path, "%v", err)
	}
}

func (c *collector) pattern(path, pattern string) {
	if pattern != "" && !doublestar.ValidatePattern(pattern) {
		c.add(path, "%q is no pattern; close its brackets, or put a backslash before them", pattern)
	}
}

func (c *collector) random(r Random) {
	c.trials("strike.random.trials", r.Trials)
	c.oneOf("strike.random.from", string(r.From), "event to count from", string(FromReady), string(FromLaunch))
	c.time("strike.random.within", r.Within)
	c.window("strike.random.window", r.Window)
	if r.Within != 0 && r.Window != nil {
		c.add("strike.random", "within and window exclude each other; keep one")
	}
}

func (c *collector) output(o Output) {
	c.trials("strike.output.trials", o.Trials)
	if o.Matching.Regexp == nil {
		c.add("strike.output.matching", "there is no pattern for the line; write a regular expression such as 'saved \\d+'")
	}
	if o.Nth != (Range{}) && (o.Nth.First < 1 || o.Nth.Last < o.Nth.First) {
		c.add("strike.output.nth", "%s is no range; write a number from 1 on, or two as in 1..10", o.Nth)
	}
	c.window("strike.output.delay", o.Delay)
}

func (c *collector) expect(e Expect) {
	for i, accept := range e.Exit {
		if err := accept.check(); err != nil {
			c.add(fmt.Sprintf("expect.exit[%d]", i), "%v", err)
		}
	}
	c.time("expect.within", e.Within)
	c.latency(e.Latency)
	c.oneOf("expect.survivors", string(e.Survivors), "answer", string(None), string(Allow))
	c.oneOf("expect.ports", string(e.Ports), "answer", string(None), string(Allow))
	if e.Output != nil {
		c.expectOutput(*e.Output)
	}
	c.kept(e)
	if q := e.MinConclusive; q != nil && (q.Count < 0 || !(q.Percent >= 0 && q.Percent <= 100)) {
		c.add("expect.min_conclusive", "%s is neither a number of trials nor a share; write one such as 10 or 50%%", q)
	}
}

func (c *collector) expectOutput(o ExpectOutput) {
	if o == (ExpectOutput{}) {
		c.add("expect.output", "nothing is expected of it; write contains, matches or lacks, or leave output out")
	}
	if strings.ContainsAny(o.Contains, "\n") {
		c.add("expect.output.contains", "no line has a line break in it; write a text of one line")
	}
}

// together refuses what only shows once defaults are filled in.
// secondSignal is the path of what gives the schedule's second signal a point; empty
// where nothing does.
func (s Strike) secondSignal() string {
	switch {
	case s.Stopping != nil:
		return "strike.stopping"
	case s.Sweep != nil && s.Sweep.Signal == Second:
		return "strike.sweep.signal"
	}
	return ""
}

func (c *collector) together(s Scenario) {
	s = s.WithDefaults()
	if after := s.Ready.After; after != nil && *after > s.Ready.Timeout {
		c.add("ready.after", "%s is later than the timeout of %s; write a longer timeout", after, s.Ready.Timeout)
	}
	if none := s.Stop.Schedule.Untypable(); s.Stop.To == signals.ToTTY && len(none) > 0 {
		c.add("stop.schedule", "no key stands for %s, and to: tty types keys; schedule INT, QUIT, TSTP, HUP or WINCH, or deliver to process, group or session", none[0])
	}
	if steps := s.Stop.Schedule.Steps; s.Strike.secondSignal() != "" && (len(steps) < 2 || steps[1].Signal == signals.KILL) {
		c.add(s.Strike.secondSignal(), "the schedule %s has no second signal that the target can handle; write one such as TERM/2s/TERM/8s/KILL", s.Stop.Schedule)
	}
	c.ownFolder(s)
	if s.Expect.Compare == CompareKill && s.Stop.Schedule.First() == signals.KILL {
		c.add("expect.compare", "the schedule %s begins with KILL itself; let it begin with a signal that the target can handle, or leave compare out", s.Stop.Schedule)
	}
	trials := 0
	switch {
	case s.Strike.Output != nil:
		trials = s.Strike.Output.Trials
	case s.Strike.Random != nil:
		trials = s.Strike.Random.Trials
	case s.Strike.File != nil:
		trials = s.Strike.File.Trials
	case s.Strike.Syscall != nil:
		trials = s.Strike.Syscall.Trials
	case s.Strike.Handlers != nil:
		trials = s.Strike.Handlers.Trials
	}
	if q := s.Expect.MinConclusive; q != nil && trials > 0 && q.Percent == 0 && q.Count > trials {
		c.add("expect.min_conclusive", "only %d trials are made; ask for at most %d, or for more trials", trials, trials)
	}
}

func (a Accept) check() error {
	if a.Kind == observation.Code && (a.Code < 1 || a.Code > 255) {
		return fmt.Errorf("%d is no exit code of a failure; write one from code:1 to code:255, or clean", a.Code)
	}
	if !slices.Contains(observation.Kinds, a.Kind) {
		return fmt.Errorf("%q is no way to end; write clean, signal-code, re-raised, default-action, crashed, killed or code:N", a.Kind)
	}
	return nil
}

func (c *collector) trials(path string, n int) {
	if n < 0 || n > maxTrials {
		c.add(path, "%d is no number of trials; write one from 1 to %d", n, maxTrials)
	}
}

func (c *collector) window(path string, w *Window) {
	switch {
	case w == nil:
	case w.From < 0:
		c.add(path, "the window %s begins before its event; begin at 0s or later", w)
	case w.To < w.From:
		c.add(path, "the window %s ends before it starts; write %s..%s", w, w.To, w.From)
	case w.To > maxTime:
		c.add(path, "the window %s is longer than a year; write a shorter one", w)
	}
}

func (c *collector) time(path string, d Duration) {
	switch {
	case d < 0:
		c.add(path, "%s is negative; write 0s or more", d)
	case d.D() > maxTime:
		c.add(path, "%s is longer than a year; write less", d)
	}
}

// oneOf refuses a value that is none of the choices; "" is the default.
func (c *collector) oneOf(path, value, what string, choices ...string) {
	if value == "" || slices.Contains(choices, value) {
		return
	}
	last := len(choices) - 1
	c.add(path, "%q is no %s; write %s or %s", value, what, strings.Join(choices[:last], ", "), choices[last])
}

// noNUL refuses what the kernel would cut off: its strings end at the first NUL.
func (c *collector) noNUL(path, text string) {
	if strings.ContainsRune(text, 0) {
		c.add(path, "it has a NUL byte, which no argument, variable or path can have; take it out")
	}
}
