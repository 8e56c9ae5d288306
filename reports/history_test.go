package reports

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/verdict"
)

// entryOf is the n-th run of a scenario. Its letter says how it was: g graceful, v a
// violation, r a regression, i inconclusive.
func entryOf(n int, letter rune) Entry {
	e := Entry{Schema: Schema, Run: fmt.Sprintf("run%03d", n), Started: time.Date(2026, 1, 1, 0, n, 0, 0, time.UTC), Verdict: verdict.Graceful}
	switch letter {
	case 'v':
		e.Verdict, e.Findings = verdict.Violation, map[string]int{"exit/code": 2}
		e.Trials = Counts{10, verdict.Tally{Graceful: 8, Violation: 2}}
	case 'r':
		e.Regressions, e.Compared = []string{"latency"}, true
	case 'i':
		e.Verdict = verdict.Inconclusive
	}
	return e
}

func historyOf(letters string) (h History) {
	for i, letter := range letters {
		h.Add(entryOf(i, letter))
	}
	return h
}

func TestFirstBadRunIsThatOfTheLastRow(t *testing.T) {
	for letters, want := range map[string]string{
		"": "", "g": "", "v": "run000", "gggvv": "run003", "vvg": "", "vgr": "run002", "gvirv": "run001", "vgi": "", "gvi": "run001", "gi": "", "iv": "run001",
	} {
		first, ok := historyOf(letters).FirstBad()
		if ok != (want != "") || first.Run != want {
			t.Errorf("%q: %q %v, want %q", letters, first.Run, ok, want)
		}
	}
	if good, ok := historyOf("ggivv").LastGood(); !ok || good.Run != "run001" {
		t.Errorf("the last good one is %q", good.Run)
	}
	if good, ok := historyOf("rv").LastGood(); ok {
		t.Errorf("a run with a regression is good: %q", good.Run)
	}
}

func TestSightings(t *testing.T) {
	h := historyOf("gvgvg")
	h.Entries[4].Findings = map[string]int{"output/missing": 1}
	h.Entries[4].Trials = Counts{5, verdict.Tally{Graceful: 4, Violation: 1}}
	var got []string
	for _, s := range h.Sightings() {
		got = append(got, fmt.Sprintf("%s %s..%s in %d runs, %d of %d", s.Finding, s.First.Run, s.Last.Run, s.Runs, s.Count, s.Of))
	}
	want := []string{"output/missing run004..run004 in 1 runs, 1 of 5", "exit/code run001..run003 in 2 runs, 4 of 20"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAHistoryIsInOrderWhateverComesFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]rune("gvri")), 0, 250).Draw(t, "letters")
		var entries []Entry
		for i, letter := range letters {
			entries = append(entries, entryOf(i, letter))
		}
		var one, two History
		for _, e := range entries {
			one.Add(e)
			one.Add(e) // the same run again
		}
		for _, e := range rapid.Permutation(entries).Draw(t, "order") {
			two.Add(e)
		}
		if diff := cmp.Diff(one, two); diff != "" {
			t.Fatal(diff)
		}
		if want := min(len(entries), maxHistory); len(one.Entries) != want || want > 0 && one.Entries[want-1].Run != entries[len(entries)-1].Run {
			t.Fatalf("%d entries of %d", len(one.Entries), len(entries))
		}
	})
}

// page counts the entries, to see that it was written after them.
var page = HistoryPage{".txt", func(h History) ([]byte, error) { return fmt.Appendf(nil, "%s %d", h.Scenario, len(h.Entries)), nil }}

func TestHistoriesAreKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "history")
	for i := range 3 {
		warnings, err := KeepHistory(folder, map[string]Entry{"a": entryOf(i, 'g'), "b": entryOf(i, 'v')}, []HistoryPage{page})
		if err != nil || len(warnings) > 0 {
			t.Fatal(err, warnings)
		}
	}
	for name, want := range map[string]string{"a.txt": "a 3", "b.txt": "b 3"} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	lines, err := os.ReadFile(filepath.Join(folder, "b.jsonl"))
	if err != nil || strings.Count(string(lines), "\n") != 3 {
		t.Errorf("%s, %v", lines, err)
	}
	// What is torn or foreign in it is left out, and the rest stays.
	torn := append(lines, []byte("{\"run\":\"x\n<<<<<<< HEAD\n\n{}\n")...)
	if err := os.WriteFile(filepath.Join(folder, "b.jsonl"), torn, 0o644); err != nil {
		t.Fatal(err)
	}
	warnings, err := KeepHistory(folder, map[string]Entry{"b": entryOf(3, 'g')}, []HistoryPage{page})
	var told []string
	for _, w := range warnings {
		told = append(told, w.String())
	}
	want := []string{"b.jsonl:4: the line is no run and was left out", "b.jsonl:5: the line is no run and was left out", "b.jsonl:7: the line is no run and was left out"}
	if diff := cmp.Diff(want, told); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if got, _ := os.ReadFile(filepath.Join(folder, "b.txt")); string(got) != "b 4" {
		t.Errorf("%q", got)
	}
}

func TestRunsKeepIntoOneFolderAtATime(t *testing.T) {
	folder := t.TempDir()
	var runs sync.WaitGroup
	failed := make([]error, 20)
	for i := range failed {
		runs.Go(func() {
			_, failed[i] = KeepHistory(folder, map[string]Entry{"a": entryOf(i, 'g')}, []HistoryPage{page})
		})
	}
	runs.Wait()
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		t.Fatal(failed[i])
	}
	if got, _ := os.ReadFile(filepath.Join(folder, "a.txt")); string(got) != "a 20" {
		t.Errorf("%q: a run is lost", got)
	}
}

func TestANameCannotLeaveTheFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "history")
	if _, err := KeepHistory(folder, map[string]Entry{"../out": entryOf(0, 'g')}, nil); err == nil {
		t.Error("it is kept outside")
	}
	if names, _ := filepath.Glob(filepath.Join(filepath.Dir(folder), "out*")); len(names) > 0 {
		t.Errorf("there is %v", names)
	}
}

func TestEntriesOfARun(t *testing.T) {
	info := infoOf("a", "b")
	info.ID = "now"
	s := summarize(info, trialsOf("a", 8, 2)...)
	s.Comparison = &Comparison{Scenarios: []Compared{{Name: "a", Changes: []Change{
		{What: Violations, Outcome: Regression}, {What: LatencyOf, Outcome: Negligible}, {What: EndingOf, Name: "code 1", Outcome: Regression},
	}}}}
	got := s.Entries(info)
	a, b := got["a"], got["b"]
	if a.Run != "now" || a.Trials.Violation != 2 || a.Findings["exit/not-accepted"] != 2 || *a.Latency.Max != 9 || !a.Compared {
		t.Errorf("%+v", a)
	}
	if diff := cmp.Diff([]string{"violations", "ending code 1"}, a.Regressions); diff != "" {
		t.Error(diff)
	}
	if b.Compared || b.Verdict != verdict.Inconclusive || b.Latency.P50 != nil {
		t.Errorf("%+v", b)
	}
}
