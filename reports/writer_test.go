package reports

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func create(t *testing.T, root string, info RunInfo) *Writer {
	t.Helper()
	w, err := Create(root, info)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func mustAppend(t *testing.T, w *Writer, trials ...harness.Trial) {
	t.Helper()
	for _, trial := range trials {
		if err := w.Append(trial); err != nil {
			t.Fatal(err)
		}
	}
}

// readAll reads the trials of a run, and the warnings of their record.
func readAll(t *testing.T, run *Run) ([]harness.Trial, []Warning) {
	t.Helper()
	r, err := run.Trials()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var trials []harness.Trial
	for r.Scan() {
		trials = append(trials, r.Trial())
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return trials, r.Warnings()
}

func open(t *testing.T, path string) *Run {
	t.Helper()
	run, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestARunIsReadBackAsItWasWritten(t *testing.T) {
	root := t.TempDir()
	w := create(t, root, infoOf("a"))
	written := []harness.Trial{
		trialOf("a", 0, verdict.Graceful, time.Millisecond),
		trialOf("a", 1, verdict.Violation, time.Second),
	}
	mustAppend(t, w, written...)
	if open(t, w.Path()).Finished != nil {
		t.Error("a run that goes on reads as finished")
	}
	if err := errors.Join(w.Finish(Finished{Verdict: verdict.Violation, InterruptedBy: "INT"}), w.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{w.Path(), filepath.Join(root, "latest")} {
		run := open(t, path)
		if diff := cmp.Diff(w.Info().Scenarios[0].Name, run.Info.Scenarios[0].Name); diff != "" || run.Info.ID != w.ID() || run.Info.Seed != 42 {
			t.Errorf("%s: run.json came back as %+v", path, run.Info)
		}
		if run.Finished == nil || run.Finished.InterruptedBy != "INT" || run.Finished.Time.IsZero() {
			t.Errorf("%s: finished.json came back as %+v", path, run.Finished)
		}
		trials, warnings := readAll(t, run)
		if diff := cmp.Diff(written, trials); diff != "" || len(warnings)+len(run.Warnings) > 0 {
			t.Errorf("%s: trials differ:\n%s\nwarnings: %v %v", path, diff, warnings, run.Warnings)
		}
	}
}

func TestRunsAreFoundByIDAndLatest(t *testing.T) {
	root := t.TempDir()
	first, second := create(t, root, infoOf("a")), create(t, root, infoOf("a"))
	for path, want := range map[string]string{first.ID(): first.ID(), second.ID(): second.ID(), "latest": second.ID()} {
		run, err := OpenIn(root, path)
		if err != nil || run.Info.ID != want {
			t.Errorf("OpenIn(%q): %+v, %v; want %s", path, run, err, want)
		}
	}
	if err := os.Remove(filepath.Join(root, "latest")); err != nil {
		t.Fatal(err)
	}
	if run, err := OpenIn(root, "latest"); err != nil || run.Info.ID != max(first.ID(), second.ID()) {
		t.Errorf("without a link, latest is %+v, %v", run, err)
	}
	if _, err := OpenIn(root, "no-such-run"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--store") {
		t.Errorf("a missing run: %v", err)
	}
}

func TestDefaultsAreFilledInAndEnvironmentValuesAreNotRecorded(t *testing.T) {
	info := infoOf("a")
	info.Scenarios[0].Target.Env = map[string]string{"TOKEN": "hush-1", "LEVEL": "hush-2"}
	info.CommandLine = []string{"run", "--env", "TOKEN=hush-1", "--env=LEVEL=hush-2", "--", "./a", "--env", "x=own"}
	w := create(t, t.TempDir(), info)
	text, err := os.ReadFile(filepath.Join(w.Path(), "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "hush") {
		t.Errorf("run.json has the value of a variable:\n%s", text)
	}
	got := open(t, w.Path()).Info
	if want := []string{"run", "--env", "TOKEN=…", "--env=LEVEL=…", "--", "./a", "--env", "x=own"}; !slices.Equal(got.CommandLine, want) {
		t.Errorf("command line %q", got.CommandLine)
	}
	if !slices.Equal(got.EnvNames["a"], []string{"LEVEL", "TOKEN"}) {
		t.Errorf("names of variables: %q", got.EnvNames)
	}
	if got.Schema != 1 || got.Shard != (Shard{0, 1}) || got.Jobs != 1 || got.Scenarios[0].Stop.Schedule.String() != "TERM/10s/KILL" {
		t.Errorf("defaults are missing: %+v", got)
	}
	if info.CommandLine[2] != "TOKEN=hush-1" || info.Scenarios[0].Stop.Schedule.Steps != nil {
		t.Error("the caller's RunInfo was changed")
	}
}

func TestEvidenceIsKeptOfTrialsThatAreNotGraceful(t *testing.T) {
	for _, all := range []bool{false, true} {
		w := create(t, t.TempDir(), infoOf("a"))
		w.KeepAllEvidence = all
		good, bad := trialOf("a", 0, verdict.Graceful, 0), trialOf("a", 1, verdict.Error, 0)
		bad.Observation.Output.Stdout.Head = []byte("begin\n")
		bad.Observation.Output.Stdout.Tail = []byte("end\n")
		bad.Observation.Output.Stdout.Dropped = 9
		bad.Observation.Output.Stderr.Head = []byte("oh\x1b[0m")
		mustAppend(t, w, good, bad)
		folder := filepath.Join(w.Path(), EvidencePath("a", 1))
		for name, want := range map[string]string{"stdout.txt": "begin\n[… 9 bytes not kept …]\nend\n", "stderr.txt": "oh\x1b[0m"} {
			if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if got, err := os.ReadFile(filepath.Join(folder, "observation.json")); err != nil || !strings.Contains(string(got), `"stage": "settled"`) {
			t.Errorf("observation.json: %q, %v", got, err)
		}
		if _, err := os.Stat(filepath.Join(w.Path(), EvidencePath("a", 0))); (err == nil) != all {
			t.Errorf("all evidence %v: that of a graceful trial: %v", all, err)
		}
	}
}

func TestRunsAtOnceDoNotCollide(t *testing.T) {
	root := t.TempDir()
	var workers sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		workers.Go(func() {
			w, err := Create(root, infoOf("a"))
			if err != nil {
				t.Error(err)
				return
			}
			var appenders sync.WaitGroup
			for trial := range 20 {
				appenders.Go(func() {
					if err := w.Append(trialOf("a", trial, verdict.Violation, 0)); err != nil {
						t.Error(err)
					}
				})
			}
			appenders.Wait()
			if err := w.Close(); err != nil {
				t.Error(err)
			}
			ids[i] = w.ID()
		})
	}
	workers.Wait()
	for _, id := range ids {
		run, err := OpenIn(root, id)
		if err != nil {
			t.Fatal(err)
		}
		if trials, warnings := readAll(t, run); len(trials) != 20 || len(warnings) > 0 {
			t.Errorf("run %s: %d trials, warnings %v", id, len(trials), warnings)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(root, ".latest-*")); left != nil {
		t.Errorf("temporary links were left: %q", left)
	}
}

func TestAStoreThatCannotBeMadeNamesTheRemedy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, infoOf("a")); err == nil || !strings.Contains(err.Error(), "--store DIR") {
		t.Errorf("a file as root: %v", err)
	}
	for cause, want := range map[error]string{syscall.EACCES: "written", syscall.EROFS: "written", syscall.ENOSPC: "free some space", syscall.ENOENT: "--store DIR, and do not delete it"} {
		if err := storeError("write", cause); !errors.Is(err, cause) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestADeletedRunIsAnError(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	mustAppend(t, w, trialOf("a", 0, verdict.Graceful, 0))
	if err := os.RemoveAll(w.Path()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Append(trialOf("a", 1, verdict.Graceful, 0)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("append to a deleted run: %v", err)
		}
	}
	if err := w.Finish(Finished{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("finish a deleted run: %v", err)
	}
	if err := w.Close(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("close a deleted run: %v", err)
	}
}

func TestAFailedWriteStopsTheRun(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	whole := w.lines
	readOnly, err := os.Open(filepath.Join(w.Path(), trialsName))
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	w.lines = readOnly
	if err := w.Append(trialOf("a", 0, verdict.Graceful, 0)); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a failed write: %v", err)
	}
	w.lines = whole
	if err := w.Append(trialOf("a", 1, verdict.Graceful, 0)); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a record with a hole was continued: %v", err)
	}
}

func TestNamesThatLeadOutOfTheStoreAreRefused(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	for _, name := range []string{"", ".", "..", "../../x", "a/b", "a\x00"} {
		if err := w.Append(trialOf(name, 0, verdict.Violation, 0)); err == nil {
			t.Errorf("a scenario called %q was recorded", name)
		}
	}
	mustAppend(t, w, trialOf("a", 0, verdict.Graceful, 0)) // refusing one trial does not stop the run
}

func TestTrialsThatCannotBeReadBackAreRefused(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	unjudged, unplanned := trialOf("a", 0, "", 0), trialOf("a", 0, verdict.Error, 0)
	unplanned.Shot.Schedule.Steps = nil
	for _, trial := range []harness.Trial{unjudged, unplanned} {
		if err := w.Append(trial); err == nil {
			t.Errorf("%+v was recorded", trial)
		}
	}
	if trials, warnings := readAll(t, open(t, w.Path())); len(trials)+len(warnings) > 0 {
		t.Errorf("the record has %v, %v", trials, warnings)
	}
}

func TestAppendedLinesAreSynced(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	trial := trialOf("a", 0, verdict.Graceful, 0)
	line := []byte(lineOf(t, trial))
	for range 3 {
		// Under the lock the sync cannot have happened yet.
		w.mu.Lock()
		err := w.append(trial, line)
		due := w.due != nil
		w.mu.Unlock()
		if err != nil || !due {
			t.Fatalf("no sync is due after a line: %v", err)
		}
		for deadline := time.Now().Add(30 * time.Second); due; time.Sleep(time.Millisecond) {
			w.mu.Lock()
			due = w.due != nil
			w.mu.Unlock()
			if time.Now().After(deadline) {
				t.Fatal("a line was never synced")
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestReopenGoesOnBehindATornLine(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	mustAppend(t, w, trialOf("a", 0, verdict.Graceful, 0), trialOf("a", 1, verdict.Graceful, 0))
	if err := errors.Join(w.Finish(Finished{InterruptedBy: "TERM"}), w.Close()); err != nil {
		t.Fatal(err)
	}
	record := filepath.Join(w.Path(), trialsName)
	info, err := os.Stat(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(record, info.Size()-5); err != nil {
		t.Fatal(err)
	}
	again, err := Reopen(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, again, trialOf("a", 1, verdict.Violation, 0))
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	run := open(t, w.Path())
	trials, warnings := readAll(t, run)
	if len(trials) != 2 || trials[1].Judgement.Verdict != verdict.Violation || len(warnings) != 1 || warnings[0].Line != 2 {
		t.Errorf("%d trials, warnings %v", len(trials), warnings)
	}
	if run.Finished != nil || again.ID() != w.ID() {
		t.Errorf("a reopened run is finished: %+v", run.Finished)
	}
}

// appendForever is the environment variable that makes this test binary a process
// that records trials until it is killed, and says on standard output which it has.
const appendForever = "REPORTS_TEST_APPEND_FOREVER"

func TestMain(m *testing.M) {
	if root := os.Getenv(appendForever); root != "" {
		w, err := Create(root, infoOf("a"))
		for trial := 0; err == nil; trial++ {
			if err = w.Append(trialOf("a", trial, verdict.Graceful, 0)); err == nil {
				fmt.Println(trial)
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestKillingTheWriterLosesNothing(t *testing.T) {
	root := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), appendForever+"="+root)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(stdout)
	last := -1
	for said.Scan() {
		if last, err = strconv.Atoi(said.Text()); err != nil {
			t.Fatal(err)
		}
		if last == 200 {
			cmd.Process.Kill()
		}
	}
	cmd.Wait() // it was killed
	run, err := OpenIn(root, "latest")
	if err != nil {
		t.Fatal(err)
	}
	trials, _ := readAll(t, run)
	if last < 200 || len(trials) <= last {
		t.Errorf("%d trials were recorded, %d are left", last+1, len(trials))
	}
	for i, trial := range trials {
		if trial.Index != i {
			t.Fatalf("trial %d stands in place %d", trial.Index, i)
		}
	}
}

func TestScenariosAreReadBackWhole(t *testing.T) {
	info := infoOf("a")
	s := &info.Scenarios[0]
	s.Ready.Output = scenario.MustRegexp(`^ready \d+$`)
	s.Stop.Schedule, _ = signals.ParseSchedule("INT/7.5s/TERM/forever")
	s.Strike.Output = &scenario.Output{Matching: *scenario.MustRegexp("saved"), Nth: scenario.Range{First: 1, Last: 9}, Delay: &scenario.Window{To: time.Second}}
	s.Expect.Exit = append(scenario.Conventional, scenario.Accept{Kind: observation.Code, Code: 7})
	s.Expect.Output = &scenario.ExpectOutput{Contains: "bye", Lacks: scenario.MustRegexp("panic")}
	w := create(t, t.TempDir(), info)
	want, err := json.Marshal(s.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	run := open(t, w.Path())
	got, err := json.Marshal(run.Info.Scenarios[0])
	if diff := cmp.Diff(string(want), string(got)); diff != "" || err != nil || len(run.Warnings) > 0 {
		t.Errorf("%v, %v:\n%s", err, run.Warnings, diff)
	}
}
