// Package browser makes stored runs to look at, opens their HTML reports in Chromium
// and holds what the pages promise. It is a module of its own, so that chromedp is no
// requirement of sigprobe.
package browser

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// Synthetic makes a run of so many trials in a store, and gives its folder. The trials
// are drawn from a fixed seed and look like those of programs: five scenarios, one of
// them a sweep, with every verdict and every ending.
func Synthetic(root string, trials int) (folder string, err error) {
	s := synthesis{draw: rand.New(rand.NewPCG(1, 2)), each: trials / scenarios}
	info := reports.RunInfo{
		Version: "0.1.0", Seed: 20260102, Jobs: 4, CommandLine: []string{"run", "scenarios.yaml", "--trials", fmt.Sprint(s.each)},
		Machine: reports.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1.0", Cores: 4, Layers: []observation.Layer{observation.Cgroup, observation.Subreaper}},
	}
	makers := s.makers()
	for _, m := range makers {
		info.Scenarios = append(info.Scenarios, m.scenario.WithDefaults())
	}
	w, err := reports.Create(root, info)
	if err != nil {
		return "", err
	}
	for i := range trials {
		m := makers[i%len(makers)]
		t := m.trial(i / len(makers))
		t.Scenario, t.Index = m.scenario.Name, i/len(makers)
		if i%len(makers) == 0 && t.Index < repeated { // the numbers of these lie behind the plan's, with a gap
			t.Index, t.Again = t.Index+100_000_000, true
		}
		if err := w.Append(t); err != nil {
			return "", err
		}
	}
	if err := w.Finish(reports.Finished{Verdict: verdict.Violation}); err != nil {
		return "", err
	}
	return w.Path(), w.Close()
}

// scenarios is how many a synthetic run has.
const scenarios = 5

// repeated is how many trials of the first scenario repeat earlier failures.
const repeated = 3

// synthesis draws trials.
type synthesis struct {
	draw *rand.Rand
	each int // trials of a scenario
}

// maker makes the trials of one scenario.
type maker struct {
	scenario scenario.Scenario
	trial    func(index int) harness.Trial
}

func (s *synthesis) makers() []maker {
	named := func(name, about string, command ...string) scenario.Scenario {
		return scenario.Scenario{Name: name, Description: about, Target: scenario.Target{Command: command}}
	}
	ledger := named("ledger-writer", "appends accounts to a ledger and syncs it", "./ledger-writer", "--out", "out/ledger.jsonl")
	server := named("http-drain", "answers requests and lets them end before it leaves", "./http-drain", "--port", "8080")
	pool := named("worker-pool", "hands jobs to four children and waits for them", "./worker-pool", "--jobs", "4")
	script := named("backup.sh", "a script that copies files, without a trap", "sh", "backup.sh")
	sweep := named("every-write", "the same ledger, struck at every write", "./ledger-writer", "--out", "out/ledger.jsonl")
	sweep.Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "out/**", Sides: []scenario.Side{scenario.Before, scenario.After}}
	return []maker{{ledger, s.ledger}, {server, s.server}, {pool, s.pool}, {script, s.script}, {sweep, s.sweep}}
}

// base is a trial that ended cleanly after a latency around the median.
func (s *synthesis) base(command string, index int, median time.Duration) harness.Trial {
	after := time.Duration(s.draw.IntN(1_000_000)) * time.Microsecond
	launch := 8 * time.Millisecond
	ready := launch + time.Duration(s.draw.IntN(9000))*time.Microsecond
	struck := ready + after
	latency := time.Duration(float64(median) * math.Exp(0.45*s.draw.NormFloat64()))
	exit := struck + latency
	empty := exit + 200*time.Microsecond
	main := observation.Identity{PID: 1000 + index%60000, StartTicks: 500_000 + uint64(index)*20}
	return harness.Trial{
		Shot: plan.Shot{
			Point:    plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: after}},
			Schedule: signals.DefaultSchedule, To: signals.ToProcess,
		},
		Observation: observation.Observation{
			Stage: observation.Settled, Layers: []observation.Layer{observation.Cgroup, observation.Subreaper},
			Process: main, Launched: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), LaunchCost: 900 * time.Microsecond,
			Ready:       &observation.Readiness{By: "output", Detail: "ready", At: ready},
			HandlerSeen: &launch,
			Strike: &observation.Strike{Planned: struck - 40*time.Microsecond, Actual: struck, RealTime: true, Doing: &observation.Doing{
				At: struck, Main: observation.Process{
					Identity: main, Command: command, State: "S", Syscall: []string{"fsync", "write", "epoll_wait", "futex"}[s.draw.IntN(4)],
					Caught:  signals.SetOf(signals.TERM, signals.INT),
					Threads: []observation.Thread{{TID: main.PID, State: "S", Syscall: "futex"}},
				},
				Files: []observation.OpenFile{{FD: 3, Path: "out/ledger.jsonl", Mode: "wa", Offset: int64(index) * 112, Size: int64(index) * 112}},
			}},
			Sent:      []observation.Sent{{Signal: signals.TERM, To: signals.ToProcess, At: struck, Receivers: 1, Disposition: observation.Caught}},
			Exit:      &observation.Exit{At: exit, Usage: observation.Usage{User: 3 * time.Millisecond, System: time.Millisecond, MaxRSS: 9 << 20}},
			TreeEmpty: &empty,
			Output:    observation.Output{Stdout: observation.Captured{Bytes: 4200, Lines: 61, Head: []byte("ready\nsaved 1\nsaved 2\n")}, Last: fmt.Sprintf("saved %d", index)},
		},
		Judgement: verdict.Judgement{
			Verdict: verdict.Graceful, Checked: []string{"exit", "deadline", "survivors"}, Unchecked: []string{"output", "files", "ports"},
		},
	}
}

func violate(t *harness.Trial, f verdict.Finding) {
	t.Judgement.Verdict = verdict.Violation
	t.Judgement.Findings = append(t.Judgement.Findings, f)
}

// tree numbers the processes of a trial.
type tree struct{ pid int }

func (t *tree) member(command string, parent observation.Identity, born uint64) observation.Member {
	t.pid++
	return observation.Member{
		Identity: observation.Identity{PID: parent.PID + t.pid, StartTicks: parent.StartTicks + born},
		Parent:   parent.PID, Command: command, State: "S", Session: parent.PID, Group: parent.PID,
	}
}

// ledger has one bad window, in which it ends with code 3, and now and then crashes.
func (s *synthesis) ledger(index int) harness.Trial {
	t := s.base("ledger-writer", index, 4*time.Millisecond)
	after := t.Shot.Point.Time.After
	switch {
	case after > 412*time.Millisecond && after < 437*time.Millisecond:
		t.Observation.Exit.Status = 3 << 8
		violate(&t, verdict.Finding{
			Check: "exit", Kind: "code", Message: "ledger-writer exited with code 3, accepted is clean",
			Evidence: []string{"it was in fsync when it was struck", "last line before the signal: \"" + t.Observation.Output.Last + "\""},
			Hint:     "where 3 is this program's way to say that it was told to stop: --accept code:3",
		})
	case s.draw.IntN(4000) == 0:
		t.Observation.Exit.Status = 11
		violate(&t, verdict.Finding{Check: "exit", Kind: "crashed", Message: "ledger-writer crashed with SEGV", Hint: "run it under a sanitizer"})
	}
	return t
}

// server is slow where a request is long, and then has to be killed.
func (s *synthesis) server(index int) harness.Trial {
	t := s.base("http-drain", index, 60*time.Millisecond)
	switch n := s.draw.IntN(1000); {
	case n < 12:
		o := &t.Observation
		kill := o.Strike.Actual + 10*time.Second
		o.Sent = append(o.Sent, observation.Sent{Signal: signals.KILL, To: signals.ToProcess, At: kill, Receivers: 1, Disposition: observation.Uncatchable})
		o.Exit.At, o.Exit.Step, o.Exit.Status = kill+time.Millisecond, 1, 9
		empty := kill + 2*time.Millisecond
		o.TreeEmpty = &empty
		violate(&t, verdict.Finding{Check: "deadline", Kind: "killed", Message: "http-drain had to be killed 10 s after TERM: it was still draining", Evidence: []string{"it was in epoll_wait", "one connection was open"}, Hint: "bound the time of a drain"})
	case n < 30:
		t.Judgement = verdict.Judgement{Verdict: verdict.Inconclusive, Reason: fmt.Sprintf("the machine was starved: the tree waited %d ms for a processor", 200+n), Unchecked: verdict.Checks()}
	}
	return t
}

// pool leaves a child behind, lets one linger, or cannot be launched.
func (s *synthesis) pool(index int) harness.Trial {
	t := s.base("worker-pool", index, 15*time.Millisecond)
	o, family := &t.Observation, tree{}
	for i := range 4 {
		o.Strike.Doing.Descendants = append(o.Strike.Doing.Descendants, family.member("worker", o.Process, uint64(1+i)))
	}
	switch n := s.draw.IntN(1000); {
	case n < 25:
		orphan := observation.Survivor{
			Member: family.member("sleep", o.Process, 3), Lineage: []observation.Member{o.Strike.Doing.Descendants[0]},
			CommandLine: "sleep 600", User: "root", Disposition: observation.Default, OwnSession: true, Killed: true,
		}
		o.Survivors, o.TreeEmpty = []observation.Survivor{orphan}, nil
		violate(&t, verdict.Finding{
			Check: "survivors", Kind: "alive", Message: "1 descendant of worker-pool outlived it by more than 2 s",
			Evidence: []string{fmt.Sprintf("sleep (PID %d), child of worker (PID %d): sleep 600", orphan.PID, orphan.Parent)},
			Hint:     "forward TERM to the children and wait for them",
		})
	case n < 60:
		o.Lingering = []observation.Lingerer{{Member: o.Strike.Doing.Descendants[2], Gone: time.Duration(n) * time.Millisecond}}
		empty := o.Exit.At + o.Lingering[0].Gone
		o.TreeEmpty = &empty
	case n < 64:
		*o = observation.Observation{Stage: observation.Prepared, Failure: &observation.Failure{Kind: "launch", Message: "launch ./worker-pool: resource temporarily unavailable", Remedy: "raise the limit of processes"}}
		t.Judgement = verdict.Judgement{Verdict: verdict.Error, Reason: o.Failure.Message, Unchecked: verdict.Checks()}
	}
	return t
}

// script dies of the signal, or traps it and says so in its code.
func (s *synthesis) script(index int) harness.Trial {
	t := s.base("sh", index, 700*time.Microsecond)
	switch n := s.draw.IntN(100); {
	case n < 60:
		t.Observation.Exit.Status = 143 << 8
	case n < 80:
		t.Observation.Exit.Status = 15
	case n < 82:
		t.Observation.Exit.Status = 15
		t.Observation.Sent[0].Disposition = observation.Default
		violate(&t, verdict.Finding{Check: "exit", Kind: "default-action", Message: "sh died of TERM, which it had no handler for", Hint: "install a trap before the work begins"})
	}
	return t
}

// sweep strikes at both sides of each write, again and again where there are more trials
// than points. In the middle of the run every seventh one fails behind the call. The last
// trial proves that there is no further call.
func (s *synthesis) sweep(index int) harness.Trial {
	t := s.base("ledger-writer", index, 3*time.Millisecond)
	calls := min(1500, s.each/2)
	nth, side := index/2%calls+1, []scenario.Side{scenario.Before, scenario.After}[index%2]
	last := index == s.each-1
	if last {
		nth, side = calls+1, scenario.Before
	}
	t.Reference = &harness.Reference{Calls: calls, Ended: true}
	t.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: "write", Path: "out/**", Nth: nth, Side: side, Count: scenario.PerTree}}
	t.Observation.Calls = &observation.Calls{Seen: nth}
	switch {
	case last:
		t.Observation.Strike, t.Observation.Sent, t.Observation.Calls.Seen, t.Observation.Exit.Step = nil, nil, calls, -1
		t.Judgement = verdict.Judgement{Verdict: verdict.Inconclusive, Reason: fmt.Sprintf("it ended by itself, code 0, before the signal was due: it had made %d calls of write", calls), Unchecked: verdict.Checks()}
	case side == scenario.After && nth%7 == 0 && nth > calls/3 && nth < calls/2:
		t.Observation.Exit.Status = 1 << 8
		violate(&t, verdict.Finding{Check: "exit", Kind: "code", Message: "ledger-writer exited with code 1, accepted is clean", Evidence: []string{fmt.Sprintf("struck behind write #%d", nth)}})
	}
	return t
}
