package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// failed is a violation at ready plus so many milliseconds, with one finding.
func failed(millis int, check string) harness.Trial {
	t := trialOf("a", millis, verdict.Violation, time.Millisecond)
	t.Shot.Point.Time.After = time.Duration(millis) * time.Millisecond
	t.Judgement.Findings[0].Check = check
	return t
}

func listOf(t *testing.T, root string) *Failures {
	t.Helper()
	return FailuresOf(root, infoOf("a").Scenarios[0].WithDefaults(), "run")
}

// times lists the points to replay, in milliseconds.
func times(t *testing.T, f *Failures, limit int) string {
	t.Helper()
	shots, err := f.ToReplay(limit)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range shots {
		all = append(all, fmt.Sprint(k.Shot.Point.Time.After.Milliseconds()))
	}
	return strings.Join(all, " ")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEachFailingShotIsKeptOnce(t *testing.T) {
	f := listOf(t, t.TempDir())
	if got := times(t, f, 9); got != "" {
		t.Errorf("of an empty store: %s", got)
	}
	must(t, f.Tidy())
	for _, millis := range []int{1, 2, 1, 3} {
		must(t, f.Failed(failed(millis, "exit")))
	}
	if got := times(t, f, 9); got != "3 1 2" {
		t.Errorf("%s; want the newest first", got)
	}
	must(t, f.Tidy())
	text, err := os.ReadFile(f.path())
	must(t, err)
	if got := times(t, f, 2); got != "3 1" || strings.Count(string(text), "\n") != 3 {
		t.Errorf("%s of %s", got, text)
	}
}

func TestOneOfEachKindComesFirst(t *testing.T) {
	f := listOf(t, t.TempDir())
	must(t, f.Failed(failed(1, "ports")))
	for millis := 2; millis < 9; millis++ {
		must(t, f.Failed(failed(millis, "exit")))
	}
	if got := times(t, f, 3); got != "8 1 7" {
		t.Error(got)
	}
}

func TestThreePassesInARowLeave(t *testing.T) {
	f := listOf(t, t.TempDir())
	must(t, f.Failed(failed(1, "exit")))
	pass := func() {
		t.Helper()
		shots, err := f.ToReplay(9)
		must(t, err)
		if len(shots) != 1 {
			t.Fatalf("%d shots", len(shots))
		}
		must(t, f.Passed(shots[0]))
		must(t, f.Tidy())
	}
	pass()
	pass()
	must(t, f.Failed(failed(1, "exit")))
	pass()
	pass()
	pass()
	if got := times(t, f, 9); got != "" {
		t.Errorf("still there: %s", got)
	}
	if _, err := os.Stat(f.path()); !os.IsNotExist(err) {
		t.Errorf("the empty file is there: %v", err)
	}
}

func TestTheNewestHundredStay(t *testing.T) {
	f := listOf(t, t.TempDir())
	for millis := range 130 {
		must(t, f.Failed(failed(millis, "exit")))
	}
	must(t, f.Tidy())
	if got := strings.Fields(times(t, f, 1000)); len(got) != 100 || got[0] != "129" || got[99] != "30" {
		t.Errorf("%d shots: %v", len(got), got)
	}
}

func TestATornLineIsSkipped(t *testing.T) {
	f := listOf(t, t.TempDir())
	must(t, f.Failed(failed(1, "exit")))
	whole, err := os.ReadFile(f.path())
	must(t, err)
	for _, damage := range []string{string(whole[:40]), "{}\n", "\x00\x00", `{"shot":{"schedule":"NOSUCH"}}` + "\n"} {
		must(t, os.WriteFile(f.path(), append([]byte(damage+"\n"), whole...), 0o644))
		if got := times(t, f, 9); got != "1" {
			t.Errorf("behind %q: %q", damage, got)
		}
		must(t, os.WriteFile(f.path(), append(whole[:len(whole):len(whole)], damage...), 0o644))
		must(t, f.Failed(failed(2, "exit")))
		if got := times(t, f, 9); got != "2 1" {
			t.Errorf("around %q: %q", damage, got)
		}
	}
}

func TestRunsThatShareAStoreLoseNothing(t *testing.T) {
	root := t.TempDir()
	var runs sync.WaitGroup
	for run := range 4 {
		runs.Go(func() {
			f := FailuresOf(root, infoOf("a").Scenarios[0].WithDefaults(), fmt.Sprint(run))
			for i := range 20 {
				if err := f.Failed(failed(100*run+i, "exit")); err != nil {
					t.Error(err)
				}
				if err := f.Tidy(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	runs.Wait()
	if got := strings.Fields(times(t, listOf(t, root), 1000)); len(got) != 80 {
		t.Errorf("%d shots: %v", len(got), got)
	}
	if left, _ := filepath.Glob(filepath.Join(root, failuresName, "*.tmp-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// A gate does not fail for what nobody asks for any more.
func TestOnlyWhatTheScenarioAsksForIsRepeated(t *testing.T) {
	window := &scenario.Window{From: time.Millisecond, To: time.Second}
	call := plan.CallPoint{Calls: "write", Path: "x", Nth: 4, Side: scenario.After, Count: scenario.PerTree}
	line := plan.LinePoint{Matching: *scenario.MustRegexp("saved"), Nth: 2}
	second := plan.Point{Time: &plan.TimePoint{From: scenario.FromStrike, After: time.Millisecond}}
	random := scenario.Strike{Random: &scenario.Random{Window: window}}
	sweep := scenario.Strike{Sweep: &scenario.Sweep{Syscall: "write", Path: "x", Sides: both}}
	for _, c := range []struct {
		name  string
		point plan.Point
		then  *plan.Point
		now   scenario.Strike
		want  bool
	}{
		{"in the window", plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: time.Millisecond}}, nil, random, true},
		{"before the window", plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: time.Microsecond}}, nil, random, false},
		{"from another event", plan.Point{Time: &plan.TimePoint{From: scenario.FromLaunch, After: time.Millisecond}}, nil, random, false},
		{"another trigger", plan.Point{Call: &call}, nil, random, false},
		{"in the sweep", plan.Point{Call: &call}, nil, sweep, true},
		{"another side", plan.Point{Call: &call}, nil, scenario.Strike{Sweep: &scenario.Sweep{Syscall: "write", Path: "x"}}, false},
		{"beyond the points", plan.Point{Call: &call}, nil, scenario.Strike{Sweep: &scenario.Sweep{Syscall: "write", Path: "x", Sides: both, Points: scenario.Span{First: 1, Step: 1, Last: 3}}}, false},
		{"a call in the range", plan.Point{Call: &call}, nil, scenario.Strike{Syscall: &scenario.Syscall{Call: "write", Path: "x", Side: scenario.After, Nth: scenario.Range{First: 1, Last: 4}}}, true},
		{"another file", plan.Point{Call: &call}, nil, scenario.Strike{Syscall: &scenario.Syscall{Call: "write", Path: "y", Side: scenario.After, Nth: scenario.Range{First: 1, Last: 4}}}, false},
		{"a line in the range", plan.Point{Line: &line}, nil, scenario.Strike{Output: &scenario.Output{Matching: line.Matching, Nth: scenario.Range{First: 1, Last: 2}}}, true},
		{"a line out of it", plan.Point{Line: &line}, nil, scenario.Strike{Output: &scenario.Output{Matching: line.Matching}}, false},
		{"a second signal's point", plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: time.Millisecond}}, &second, scenario.Strike{Random: random.Random, Stopping: &scenario.Stopping{Window: window}}, true},
		{"one that is not asked for", plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: time.Millisecond}}, &second, random, false},
	} {
		s := infoOf("a").Scenarios[0]
		s.Strike = c.now
		f := FailuresOf(t.TempDir(), s.WithDefaults(), "run")
		trial := failed(1, "exit")
		trial.Shot.Point, trial.Shot.Second = c.point, c.then
		must(t, f.Failed(trial))
		shots, err := f.ToReplay(9)
		must(t, err)
		if (len(shots) == 1) != c.want {
			t.Errorf("%s: %d shots", c.name, len(shots))
		}
	}
}

func TestAnotherCommandIsAnotherScenario(t *testing.T) {
	root := t.TempDir()
	must(t, listOf(t, root).Failed(failed(1, "exit")))
	s := infoOf("a").Scenarios[0]
	s.Target.Command = []string{"./other"}
	if got := times(t, FailuresOf(root, s.WithDefaults(), "run"), 9); got != "" {
		t.Error(got)
	}
	must(t, FailuresOf(root, s.WithDefaults(), "run").Failed(failed(2, "exit")))
	must(t, FailuresOf(root, s.WithDefaults(), "run").Tidy())
	if got := times(t, listOf(t, root), 9); got != "1" {
		t.Errorf("after the other one's: %q", got)
	}
}
