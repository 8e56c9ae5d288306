package verdict_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func TestUnproved(t *testing.T) {
	judgeAll(t, []row{
		{"a trial that proves something", worker(), graceful},
		{"failure", worker().with(code(3), func(m *made) {
			m.o.Failure = &observation.Failure{Kind: "not-ready", Message: "not ready after 30 s", Remedy: "give it longer: --ready-timeout"}
		}), want{verdict.Error, "", []string{"not ready after 30 s; give it longer: --ready-timeout"}}},
		{"left before the strike", worker().with(func(m *made) {
			m.o.Strike, m.o.Sent = nil, nil
			m.o.Exit = &observation.Exit{At: 3 * ms, Step: -1}
		}), inconclusive("it ended by itself, code 0, 3 ms after launch, before the signal was due")},
		{"crashed before the strike", worker().with(func(m *made) {
			m.o.Strike, m.o.Sent = nil, nil
			m.o.Exit = &observation.Exit{At: 3 * ms, Step: -1, Status: 11}
		}), inconclusive("crashed with SEGV, 3 ms after launch")},
		{"struck when already dead", worker().with(code(3), func(m *made) { m.o.Exit.At = 199 * ms }),
			inconclusive("code 3, 199 ms after launch")},
		{"struck a zombie", worker().with(struckState("Z", 0, "Z")), inconclusive("before the signal was due")},
		{"struck a zombie leader", worker().with(struckState("Z", 0, "S")), graceful},
		{"dead right after the strike", worker().with(struckState("Z", s, "Z")), graceful},
		{"no end, no failure", worker().with(func(m *made) { m.o.Exit, m.o.Stage = nil, observation.Struck }),
			want{verdict.Error, "", []string{"incomplete", `"struck"`}}},
		{"gone when the signal was sent", worker().with(code(3), func(m *made) { m.o.Sent[0].Error = "no such process" }),
			inconclusive("before TERM could be sent (no such process)")},
		{"signal refused", worker().with(func(m *made) { m.o.Sent[0].Error = "operation not permitted" }, killedAt(10*s, nil)),
			want{verdict.Error, "", []string{"TERM could not be sent to worker: operation not permitted"}}},
	})
}

// struckState is what was seen of the main process, and how long after launch.
func struckState(state string, at time.Duration, thread string) func(*made) {
	return func(m *made) {
		doing := *m.o.Strike.Doing
		doing.At, doing.Main.State = at, state
		doing.Main.Threads = []observation.Thread{{TID: 100, State: "Z"}, {TID: 101, State: thread}}
		m.o.Strike.Doing = &doing
	}
}

func TestExit(t *testing.T) {
	at := func(handler int) func(*made) {
		return func(m *made) { seen := time.Duration(handler) * ms; m.o.HandlerSeen = &seen }
	}
	unseen := func(m *made) { m.o.HandlerSeen = nil }
	bare := worker().with(diedOf(signals.TERM), disposed(observation.Default), unseen)
	crash := worker().with(func(m *made) { m.o.Exit.Status = 11 | 0x80 })
	onlyKill := worker().with(diedOf(signals.KILL), func(m *made) {
		m.o.Sent = []observation.Sent{{Signal: signals.KILL, To: signals.ToProcess, At: 200 * ms, Disposition: observation.Uncatchable}}
	})
	judgeAll(t, []row{
		{"clean", worker(), graceful},
		{"clean where it is not accepted", worker().with(accept("code:3")), violates("exit/clean", "accepted: code:3")},
		{"code", worker().with(code(3)), violates("exit/code", "worker exited with code 3, 30 ms after TERM; accepted: clean", "--accept code:3")},
		{"code accepted", worker().with(code(3), accept("clean", "code:3")), graceful},
		{"another code accepted", worker().with(code(3), accept("code:4")), violates("exit/code")},
		{"code of a shell whose child died", worker().with(code(130)), violates("exit/code", "128 + INT, which was not sent")},
		{"code of a shell that found nothing", worker().with(code(127)), violates("exit/code", "cannot be started")},
		{"signal-code", worker().with(code(143)), violates("exit/signal-code", "--accept signal-code")},
		{"signal-code accepted", worker().with(code(143), accept("conventional")), graceful},
		{"re-raised", worker().with(diedOf(signals.TERM)), violates("exit/re-raised", "handled TERM, then died of it", "--accept re-raised")},
		{"re-raised by a runtime", worker().with(diedOf(signals.TERM), func(m *made) { m.o.Strike.Doing.Main.Caught = 0xfffffffd7fc1feff }), violates("exit/re-raised", "no handler of its own for TERM", "signal.NotifyContext")},
		{"re-raised accepted", worker().with(diedOf(signals.TERM), accept("re-raised")), graceful},
		{"default-action", bare, violates("exit/default-action", "no handler for TERM was installed when the signal came", "--accept default-action")},
		{"default-action accepted", bare.with(accept("default-action")), graceful},
		{"default-action of a shell", bare.with(called("sh")), violates("exit/default-action", "sh has no trap for TERM", "start the program with exec")},
		{"struck before the handler was installed", bare.with(at(212)), violates("exit/default-action", "the signal came 12 ms before the handler was installed")},
		{"handler gone when struck", bare.with(at(150)), violates("exit/default-action", "first seen 150 ms after launch")},
		{"crashed", crash, violates("exit/crashed", "crashed with SEGV and dumped core", "debugger")},
		{"crashed accepted", crash.with(accept("crashed")), graceful},
		{"killed by somebody else", worker().with(diedOf(signals.KILL)), violates("exit/crashed", "out-of-memory")},
		{"nothing but KILL was sent", onlyKill, violates("exit/killed", "schedule begins with KILL")},
		{"nothing but KILL was sent, accepted", onlyKill.with(accept("killed")), graceful},
	})
}

func TestDeadline(t *testing.T) {
	look := func(change func(p *observation.Process)) made { return worker().with(killedAt(10*s, change)) }
	pending := signals.SetOf(signals.TERM)
	child := func(m *made) {
		m.o.Forensics.Tree = []observation.Member{{Identity: observation.Identity{PID: 103}, Parent: 100, Command: "sleep", State: "S"}}
	}
	twoSteps := worker().with(func(m *made) {
		m.Stop.Schedule, _ = signals.ParseSchedule("INT/2s/TERM/5s/KILL")
		m.o.Sent = []observation.Sent{
			{Signal: signals.INT, To: signals.ToProcess, At: 200 * ms, Disposition: observation.Ignored},
			{Signal: signals.TERM, To: signals.ToProcess, At: 2200 * ms, Disposition: observation.Caught},
		}
		m.o.Exit = &observation.Exit{At: 2320 * ms, Step: 1}
	})
	judgeAll(t, []row{
		{"in time", worker().with(after(2*s), within(2*s)), graceful},
		{"late", worker().with(after(3200*ms), within(2*s)), violates("deadline/late", "worker left 3.2 s after TERM, 2 s allowed", "--within 4s")},
		{"second step in time", twoSteps, graceful},
		{"second step late", twoSteps.with(within(s)), violates("deadline/late", "INT did nothing (ignored), TERM ended it after 120 ms", "--signal TERM")},
		{"killed", look(nil), violates("deadline/no-reaction", "had to be killed 10", "it took TERM and did not act on it", "in futex")},
		{"killed accepted", look(nil).with(accept("killed")), graceful},
		{"killed accepted, after an earlier deadline", look(nil).with(accept("killed"), within(2*s)), violates("deadline/no-reaction")},
		{"ignored", look(func(p *observation.Process) { p.Ignored = pending }), violates("deadline/ignored", "it ignores TERM")},
		{"blocked", look(func(p *observation.Process) { p.Threads[0].Blocked, p.Pending = pending, pending }),
			violates("deadline/blocked", "thread 100 blocks it", "pending: TERM")},
		{"blocked in all threads", look(func(p *observation.Process) {
			p.Threads = []observation.Thread{{TID: 100, Blocked: pending}, {TID: 101, Blocked: pending}}
		}), violates("deadline/blocked", "all threads block it: 100, 101")},
		{"blocked in one of two threads", look(func(p *observation.Process) {
			p.Threads = []observation.Thread{{TID: 100, Blocked: pending}, {TID: 101}}
		}), violates("deadline/no-reaction")},
		{"unhandled", look(func(p *observation.Process) { p.Caught, p.NSPid = 0, 1 }), violates("deadline/unhandled", "PID 1 of its namespace")},
		{"PID 1 with a handler", look(func(p *observation.Process) { p.NSPid = 1 }), violates("deadline/no-reaction")},
		{"deferred", look(nil).with(called("bash"), child), violates("deadline/deferred", "bash runs its trap for TERM only when its foreground child sleep (103) has ended")},
		{"shell without a child", look(nil).with(called("bash")), violates("deadline/no-reaction")},
		{"shell with a dead child", look(nil).with(called("bash"), child, func(m *made) { m.o.Forensics.Tree[0].State = "Z" }), violates("deadline/no-reaction")},
		{"no shell, with a child", look(nil).with(child), violates("deadline/no-reaction")},
		{"stopped", look(func(p *observation.Process) { p.State, p.Pending = "T", pending }), violates("deadline/stopped", "TERM waits until it is continued")},
		{"stopped by a tracer", look(func(p *observation.Process) { p.State = "t" }), violates("deadline/stopped", "a tracer")},
		{"uninterruptible", look(func(p *observation.Process) { p.State, p.WChan, p.Pending = "D", "nfs_wait", pending }),
			violates("deadline/uninterruptible", "waiting in nfs_wait")},
		{"in D for a moment", look(func(p *observation.Process) { p.State = "D" }), violates("deadline/no-reaction", "state D (uninterruptible)")},
		{"not yet taken", look(func(p *observation.Process) { p.Threads[0].Pending = pending }), violates("deadline/no-reaction", "is pending and was not taken")},
		{"key without a signal", look(func(p *observation.Process) { p.Caught = 0 }).with(func(m *made) { m.o.Sent[0].To = signals.ToTTY }),
			violates("deadline/undelivered", "raw mode")},
		{"a signal that does nothing by default", look(func(p *observation.Process) { p.Caught = 0 }).with(func(m *made) { m.o.Sent[0].Signal = signals.WINCH }),
			violates("deadline/unhandled", "no handler for WINCH, and the default action is to do nothing")},
		{"no handler, and alive", look(func(p *observation.Process) { p.Caught = 0 }), violates("deadline/no-reaction")},
		{"a KILL that took long", worker().with(diedOf(signals.KILL), accept("killed"), within(s), after(3*s), func(m *made) { m.o.Sent[0].Signal = signals.KILL }),
			violates("deadline/late", "worker died 3 s after KILL, 1 s allowed", "uninterruptible")},
		{"nobody looked, ignored", look(nil).with(disposed(observation.Ignored), noLook), violates("deadline/ignored")},
		{"nobody looked, blocked", look(nil).with(disposed(observation.Blocked), noLook), violates("deadline/blocked", "every thread blocks it")},
		{"nobody looked", look(nil).with(noLook), violates("deadline/no-reaction", "nobody could look at it")},
	})
}

func noLook(m *made) { m.o.Forensics = nil }

func TestStarvation(t *testing.T) {
	late := worker().with(after(3200*ms), within(2*s))
	running := func(p *observation.Process) { p.State, p.Threads[0].State = "R", "R" }
	excused := worker().with(killedAt(10*s, running), starved(4*s))
	judgeAll(t, []row{
		{"late, starved for as long", late.with(starved(1200 * ms)), inconclusive("worker left 3.2 s after TERM, 2 s allowed", "it waited 1.2 s of that for a processor (pressure)")},
		{"late, starved for less", late.with(starved(1199 * ms)), violates("deadline/late")},
		{"late, the harness later", late.with(func(m *made) { m.o.Starvation.Harness = 2 * s }), inconclusive("sigprobe itself ran up to 2 s late")},
		{"in time and starved", worker().with(starved(s)), graceful},
		{"late and starved, with another violation", late.with(starved(2*s), code(3)), violates("exit/code")},
		{"killed, runnable and starved", excused, inconclusive("had to be killed 10", "waited 4 s")},
		{"killed, runnable and hardly starved", worker().with(killedAt(10*s, running), starved(900*ms)), violates("deadline/no-reaction")},
		{"killed, asleep and starved for a while", worker().with(killedAt(10*s, nil), starved(4*s)), violates("deadline/no-reaction")},
		{"killed, asleep and starved for long", worker().with(killedAt(10*s, nil), starved(5*s)), inconclusive("waited 5 s")},
		{"killed long after the deadline", excused.with(within(2 * s)), violates("deadline/no-reaction")},
		{"killed, deaf and starved", worker().with(killedAt(10*s, func(p *observation.Process) { running(p); p.Ignored = signals.SetOf(signals.TERM) }), starved(9*s)),
			violates("deadline/ignored")},
		{"the harness late with a kill", worker().with(killedAt(10*s, running), func(m *made) { m.o.Starvation.Harness = 9 * s }), violates("deadline/no-reaction")},
		{"a slow KILL, starved", worker().with(diedOf(signals.KILL), accept("killed"), within(s), after(3*s), starved(2*s), func(m *made) { m.o.Sent[0].Signal = signals.KILL }),
			inconclusive("waited 2 s")},
		{"an excused kill leaves children", excused.with(survivor(nil)), inconclusive("waited 4 s")},
		{"an excused kill leaves a socket", excused.with(listening(0)), inconclusive("waited 4 s")},
		{"an excused kill prints nothing", excused.with(contains, seen(`saved\.`, 0)), inconclusive("waited 4 s")},
		{"an excused kill and a forbidden line", excused.with(lacks, seen("panic", 1)), violates("output/forbidden")},
	})
}

func TestUndecidedIsUnchecked(t *testing.T) {
	j := verdict.Judge(excusedKill().Scenario, excusedKill().o)
	for _, name := range []string{"exit", "deadline", "survivors"} {
		if !slices.Contains(j.Unchecked, name) || slices.Contains(j.Checked, name) {
			t.Errorf("%s is called checked: %v, unchecked: %v", name, j.Checked, j.Unchecked)
		}
	}
}

func TestAFindingDecidesACheck(t *testing.T) {
	m := excusedKill().with(func(m *made) { m.o.Unreaped = []observation.Unreaped{{For: s}} })
	if j := verdict.Judge(m.Scenario, m.o); !slices.Contains(j.Checked, "survivors") || len(j.Findings) != 1 {
		t.Errorf("%+v", j)
	}
}

func excusedKill() made {
	return worker().with(survivor(nil), starved(9*s),
		killedAt(10*s, func(p *observation.Process) { p.State = "R" }))
}

func TestSurvivors(t *testing.T) {
	shell := worker().with(called("sh"), diedOf(signals.TERM), disposed(observation.Default), accept("default-action"), survivor(nil))
	away := survivor(func(s *observation.Survivor) { s.OwnSession, s.Session, s.HoldsOutput = true, 103, true })
	dead := func(long time.Duration) func(*made) {
		return func(m *made) {
			m.o.Unreaped = []observation.Unreaped{{Member: observation.Member{Identity: observation.Identity{PID: 104}, Parent: 100, Command: "true"}, For: long}}
		}
	}
	lingering := func(m *made) {
		m.o.Lingering = []observation.Lingerer{{Member: observation.Member{Command: "child"}, Gone: 600 * ms}}
	}
	judgeAll(t, []row{
		{"none", worker(), graceful},
		{"gone after a while", worker().with(lingering), graceful},
		{"orphan", worker().with(survivor(nil)), violates("survivors/orphan",
			"sleep (103), child of worker (100) was still alive 2 s after worker had ended",
			`command line "sleep 60"`, "user nobody", "memory 3.4 MB", "TERM went to worker alone")},
		{"orphan allowed", worker().with(survivor(nil), allowed), graceful},
		{"two orphans", worker().with(survivor(nil), survivor(nil)), violates("survivors/orphan", "and 1 other process")},
		{"orphan of a shell", shell, violates("survivors/orphan",
			"sh died without forwarding TERM to its child sleep: start the program with exec, or trap and forward")},
		{"orphan of a group that did not ignore it", worker().with(survivor(nil), func(m *made) { m.Stop.To = signals.ToGroup }),
			violates("survivors/orphan", "let worker wait for its children before it leaves")},
		{"grandchild of a shell", shell.with(func(m *made) {
			m.o.Survivors[0].Parent = 102
			m.o.Survivors[0].Lineage = []observation.Member{
				{Identity: observation.Identity{PID: 102}, Parent: 100, Command: "make"},
				{Identity: observation.Identity{PID: 100}, Parent: 1, Command: "sh"},
			}
		}), violates("survivors/orphan", "sleep (103), child of make (102), child of sh (100)", "without forwarding TERM to its child make")},
		{"orphan of a shell that trapped", worker().with(called("bash"), survivor(nil)), violates("survivors/orphan", "bash ended without forwarding TERM")},
		{"orphan of a group", worker().with(survivor(ignoring), func(m *made) { m.Stop.To = signals.ToGroup }),
			violates("survivors/orphan", "it has ignored TERM")},
		{"own session", worker().with(away), violates("survivors/own-session", "setsid'ed away", "holds the target's output open", "session 103")},
		{"unreaped", worker().with(dead(250 * ms)), violates("survivors/unreaped", "true (104) was dead for at least 250 ms", "waitpid")},
		{"not yet reaped", worker().with(dead(249 * ms)), graceful},
		{"unreaped allowed", worker().with(dead(s), allowed), graceful},
		{"orphan and own session", worker().with(survivor(nil), away), violates("survivors/orphan survivors/own-session")},
		{"orphan of a killed target", worker().with(survivor(nil), killedAt(10*s, nil)), violates("deadline/no-reaction survivors/orphan", "had to be killed and could not stop its children")},
	})
}

func ignoring(s *observation.Survivor) { s.Disposition = observation.Ignored }

func allowed(m *made) { m.Expect.Survivors = scenario.Allow }

func contains(m *made) { m.Expect.Output = &scenario.ExpectOutput{Contains: "saved."} }

func matches(m *made) {
	m.Expect.Output = &scenario.ExpectOutput{Matches: scenario.MustRegexp(`saved \d+`)}
}

func lacks(m *made) { m.Expect.Output = &scenario.ExpectOutput{Lacks: scenario.MustRegexp("panic")} }

func seen(pattern string, count int) func(*made) {
	return func(m *made) {
		line := observation.Seen{Pattern: pattern, Count: count}
		if count > 0 {
			line.Line, line.First, line.Last = "panic:\x1b[31m saved. 3", 10*ms, 220*ms
		}
		m.o.Output.Seen = append(slices.Clone(m.o.Output.Seen), line)
	}
}

func TestOutput(t *testing.T) {
	both := func(m *made) {
		m.Expect.Output = &scenario.ExpectOutput{Contains: "saved.", Lacks: scenario.MustRegexp("panic")}
	}
	judgeAll(t, []row{
		{"contains", worker().with(contains, seen(`saved\.`, 1)), graceful},
		{"contains not", worker().with(contains, seen(`saved\.`, 0)), violates("output/missing", `no line that worker printed contained "saved."`)},
		{"matches", worker().with(matches, seen(`saved \d+`, 1)), graceful},
		{"matches not", worker().with(matches, seen(`saved \d+`, 0)), violates("output/missing", `matched /saved \d+/`)},
		{"lacks", worker().with(lacks, seen("panic", 0)), graceful},
		{"lacks not", worker().with(lacks, seen("panic", 2)), violates("output/forbidden", `2 lines matched /panic/`, `"panic:\x1b[31m saved. 3"`)},
		{"both", worker().with(both, seen(`saved\.`, 0), seen("panic", 1)), violates("output/missing output/forbidden")},
		{"not asked for", worker().with(seen("panic", 1)), graceful},
		{"not watched", worker().with(contains), inconclusive(`nobody watched for a line with "saved."`)},
		{"missing since killed", worker().with(contains, seen(`saved\.`, 0), killedAt(10*s, nil)), violates("deadline/no-reaction output/missing", "mend that first")},
	})
}

func TestWatched(t *testing.T) {
	e := scenario.Expect{Output: &scenario.ExpectOutput{Contains: "a+b", Matches: scenario.MustRegexp("x*"), Lacks: scenario.MustRegexp(`a\+b`)}}
	if got, want := verdict.Watched(e), []string{`a\+b`, "x*"}; !slices.Equal(got, want) {
		t.Errorf("watched %q, want %q", got, want)
	}
	if got := verdict.Watched(scenario.Expect{}); len(got) != 0 {
		t.Errorf("watched %q without an expectation", got)
	}
}

func listening(pid int) func(*made) {
	return func(m *made) {
		m.o.StillListening = []observation.Socket{{Network: "tcp", Address: "127.0.0.1:8080", PID: pid}}
	}
}

func TestPorts(t *testing.T) {
	portsOnly := func(m *made) { m.Expect.Survivors = scenario.Allow }
	portsAllowed := func(m *made) { m.Expect.Ports = scenario.Allow }
	judgeAll(t, []row{
		{"none", worker().with(func(m *made) { m.o.Listening = []observation.Socket{{Network: "tcp"}} }), graceful},
		{"held", worker().with(listening(103), survivor(nil), portsOnly), violates("ports/still-listening",
			"tcp 127.0.0.1:8080 is still held by sleep (103) 2 s after worker had ended")},
		{"held by somebody", worker().with(listening(0)), violates("ports/still-listening", "an unknown process")},
		{"held by a stranger", worker().with(listening(77)), violates("ports/still-listening", "process 77")},
		{"allowed", worker().with(listening(103), portsAllowed), graceful},
	})
}

func TestCheckedAndUnchecked(t *testing.T) {
	later := []string{"drain"}
	for name, m := range map[string]struct {
		made
		checked []string
	}{
		"all":     {worker().with(contains, seen(`saved\.`, 1)), []string{"exit", "deadline", "survivors", "output", "ports"}},
		"default": {worker(), []string{"exit", "deadline", "survivors", "ports"}},
		"allowed": {worker().with(allowed, func(m *made) { m.Expect.Ports = scenario.Allow }), []string{"exit", "deadline"}},
		"error":   {worker().with(func(m *made) { m.o.Failure = &observation.Failure{Kind: "warden"} }), nil},
	} {
		j := verdict.Judge(m.Scenario, m.o)
		if !slices.Equal(j.Checked, m.checked) {
			t.Errorf("%s: checked %q, want %q", name, j.Checked, m.checked)
		}
		for _, check := range verdict.Checks() {
			if slices.Contains(j.Checked, check) == slices.Contains(j.Unchecked, check) {
				t.Errorf("%s: %s is in both or in none of %q and %q", name, check, j.Checked, j.Unchecked)
			}
		}
		for _, check := range later {
			if !slices.Contains(j.Unchecked, check) {
				t.Errorf("%s: %s is not called unchecked", name, check)
			}
		}
	}
}
