package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

const (
	ms = time.Millisecond
	s  = time.Second
)

// made is a scenario and an observation made by hand: of a worker that was struck 200 ms
// after launch, caught TERM, and left 30 ms later with code 0.
type made struct {
	scenario.Scenario
	o observation.Observation
}

func worker() made {
	var m made
	m.Target.Command = []string{"./bin/worker"}
	m.Scenario = m.WithDefaults()
	main := observation.Process{
		Identity: observation.Identity{PID: 100, StartTicks: 7}, Command: "worker", State: "S", Syscall: "futex",
		Caught: signals.SetOf(signals.TERM), Threads: []observation.Thread{{TID: 100, State: "S"}},
	}
	seen := 40 * ms
	m.o = observation.Observation{
		Stage: observation.Settled, Layers: []observation.Layer{observation.Subreaper}, Process: main.Identity,
		HandlerSeen: &seen,
		Strike:      &observation.Strike{Planned: 200 * ms, Actual: 200 * ms, Doing: &observation.Doing{Main: main}},
		Sent: []observation.Sent{{Signal: signals.TERM, To: signals.ToProcess, At: 200 * ms, Receivers: 1,
			Disposition: observation.Caught}},
		Exit: &observation.Exit{At: 230 * ms},
	}
	return m
}

// with is the trial with changes; m itself stays as it is.
func (m made) with(changes ...func(*made)) made {
	if m.o.Exit != nil {
		end := *m.o.Exit
		m.o.Exit = &end
	}
	if m.o.Strike != nil {
		strike := *m.o.Strike
		m.o.Strike = &strike
	}
	if m.o.Forensics != nil {
		look := *m.o.Forensics
		look.Stubborn = slices.Clone(look.Stubborn)
		m.o.Forensics = &look
	}
	m.o.Sent = slices.Clone(m.o.Sent)
	m.o.Survivors = slices.Clone(m.o.Survivors)
	for _, change := range changes {
		change(&m)
	}
	return m
}

func code(n int) func(*made)              { return func(m *made) { m.o.Exit.Status = uint32(n) << 8 } }
func diedOf(s signals.Signal) func(*made) { return func(m *made) { m.o.Exit.Status = uint32(s) } }

func after(latency time.Duration) func(*made) {
	return func(m *made) { m.o.Exit.At = m.o.Strike.Actual + latency }
}

func within(d time.Duration) func(*made) {
	return func(m *made) { m.Expect.Within = scenario.Duration(d) }
}

func accept(items ...string) func(*made) {
	return func(m *made) {
		accepts, err := scenario.ParseAccepts(items)
		if err != nil {
			panic(err)
		}
		m.Expect.Exit = accepts
	}
}

func disposed(d observation.Disposition) func(*made) {
	return func(m *made) {
		m.o.Sent[0].Disposition = d
	}
}

// called renames the main process.
func called(name string) func(*made) {
	return func(m *made) {
		doing := *m.o.Strike.Doing
		doing.Main.Command = name
		m.o.Strike.Doing = &doing
		if m.o.Forensics != nil {
			m.o.Forensics.Stubborn[0].Command = name
		}
	}
}

// killedAt lets the schedule's KILL end the trial, with the main process as it looked before.
func killedAt(latency time.Duration, look func(*observation.Process)) func(*made) {
	return func(m *made) {
		at := m.o.Strike.Actual + latency
		m.o.Sent = append(m.o.Sent, observation.Sent{Signal: signals.KILL, To: signals.ToProcess, At: at, Receivers: 1,
			Disposition: observation.Uncatchable})
		m.o.Exit = &observation.Exit{At: at + ms, Status: uint32(signals.KILL), Step: len(m.o.Sent) - 1}
		main := m.o.Strike.Doing.Main
		main.Threads = slices.Clone(main.Threads)
		if look != nil {
			look(&main)
		}
		m.o.Forensics = &observation.Forensics{At: at, Stubborn: []observation.Process{main}}
	}
}

func starved(waiting time.Duration) func(*made) {
	return func(m *made) {
		m.o.Starvation = observation.Starvation{Waiting: waiting, By: "pressure"}
	}
}

func survivor(change func(*observation.Survivor)) func(*made) {
	return func(m *made) {
		left := observation.Survivor{
			Member:      observation.Member{Identity: observation.Identity{PID: 103, StartTicks: 9}, Parent: 100, Command: "sleep", State: "S", Session: 100},
			Lineage:     []observation.Member{{Identity: observation.Identity{PID: 100}, Command: "worker"}},
			CommandLine: "sleep 60", User: "nobody", Memory: 3_400_000, Disposition: observation.Default, Killed: true,
		}
		if change != nil {
			change(&left)
		}
		m.o.Survivors = append(m.o.Survivors, left)
	}
}

// want is what is expected of a judgement.
type want struct {
	verdict verdict.Verdict
	finding string   // "check/kind" of the only finding; empty for none
	says    []string // parts of the reason, or of the finding's message, evidence and hint
}

func (w want) hold(t *testing.T, m made) {
	t.Helper()
	j := verdict.Judge(m.Scenario, m.o)
	if j.Verdict != w.verdict {
		t.Errorf("verdict %s, want %s: %+v", j.Verdict, w.verdict, j)
	}
	if got := strings.Join(named(j), " "); got != w.finding {
		t.Errorf("findings %q, want %q: %+v", got, w.finding, j)
	}
	for _, f := range j.Findings {
		known(t, f)
	}
	text := words(j)
	for _, part := range w.says {
		if !strings.Contains(text, part) {
			t.Errorf("nothing says %q in:\n%s", part, text)
		}
	}
}

func named(j verdict.Judgement) []string {
	var names []string
	for _, f := range j.Findings {
		names = append(names, f.Check+"/"+f.Kind)
	}
	return names
}

// words is all that a judgement says, a line each.
func words(j verdict.Judgement) string {
	lines := []string{j.Reason}
	for _, f := range j.Findings {
		lines = append(lines, f.Message)
		lines = append(lines, f.Evidence...)
		lines = append(lines, f.Hint)
	}
	return strings.Join(lines, "\n")
}

// row is a trial and what is expected of its judgement.
type row struct {
	name  string
	trial made
	want  want
}

func judgeAll(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { r.want.hold(t, r.trial) })
	}
}

var graceful = want{verdict: verdict.Graceful}

func violates(finding string, says ...string) want {
	return want{verdict.Violation, finding, says}
}

func inconclusive(says ...string) want { return want{verdict.Inconclusive, "", says} }
