package reports

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// stored is a run of three trials; the second one printed something.
func stored(t *testing.T) *Run {
	t.Helper()
	w := create(t, t.TempDir(), infoOf("a"))
	bad := trialOf("a", 1, verdict.Violation, time.Millisecond)
	bad.Observation.Output.Stdout.Head = []byte("ready\n\x1b[2J\xff")
	bad.Observation.Output.Stderr.Head = []byte("oh")
	mustAppend(t, w, trialOf("a", 0, verdict.Graceful, time.Millisecond), bad, trialOf("a", 2, verdict.Graceful, time.Millisecond))
	run, err := Open(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestEachGivesAllTrialsEveryTime(t *testing.T) {
	run := stored(t)
	for range 2 {
		next := 0
		for trial, err := range run.Each() {
			if err != nil || trial.Index != next {
				t.Fatalf("trial %d, %v; want %d", trial.Index, err, next)
			}
			next++
		}
		if next != 3 {
			t.Errorf("%d trials", next)
		}
	}
	for trial := range run.Each() {
		if trial.Index == 1 {
			break // must not go on, nor panic
		}
	}
}

func TestEachEndsWithTheError(t *testing.T) {
	run := stored(t)
	if err := os.Remove(filepath.Join(run.Dir, trialsName)); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, err := range run.Each() {
		count++
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if count != 1 {
		t.Errorf("%d yields, want the error alone", count)
	}
}

func TestSummarizeShowsEachTrialToOthersToo(t *testing.T) {
	var seen []int
	summary, err := stored(t).Summarize(func(trial harness.Trial) { seen = append(seen, trial.Index) })
	if err != nil || len(seen) != 3 || summary.Scenarios[0].Trials.Total != 3 {
		t.Errorf("%v, %v, %+v", err, seen, summary.Scenarios)
	}
}

func TestPrintedIsTheEvidence(t *testing.T) {
	run := stored(t)
	stdout, stderr, err := run.Printed("a", 1)
	if err != nil || stdout != "ready\n\x1b[2J\xff" || stderr != "oh" {
		t.Errorf("%q, %q, %v", stdout, stderr, err)
	}
	for name, trial := range map[string]int{"a": 0, "b": 1, "../a": 1, "": 1} {
		if stdout, stderr, err := run.Printed(name, trial); stdout != "" || stderr != "" || err != nil {
			t.Errorf("%q/%d: %q, %q, %v", name, trial, stdout, stderr, err)
		}
	}
}

func TestPrintedIsBoundedAndStaysInTheRun(t *testing.T) {
	run := stored(t)
	path := filepath.Join(run.Dir, "evidence", "a", "1", "stdout.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("x", maxPrinted+1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if stdout, _, err := run.Printed("a", 1); len(stdout) != maxPrinted || err != nil {
		t.Errorf("%d bytes, %v", len(stdout), err)
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(outside, []byte("secret"), 0o644), os.Remove(path), os.Symlink(outside, path)); err != nil {
		t.Fatal(err)
	}
	if stdout, _, err := run.Printed("a", 1); stdout != "" || err == nil {
		t.Errorf("a link out of the run gave %q, %v", stdout, err)
	}
}
