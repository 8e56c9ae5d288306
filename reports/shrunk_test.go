package reports

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// shrunkRun is a kept run of one trial that violates an expectation.
func shrunkRun(t *testing.T) string {
	t.Helper()
	w, err := Create(t.TempDir(), infoOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(trialOf("a", 3, verdict.Violation, 0)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Path()
}

// shrunkOf is what the summary of a run says of its finding.
func shrunkOf(t *testing.T, path string) (*shrink.Result, []Warning) {
	t.Helper()
	run, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	summary, err := run.Summarize()
	if err != nil {
		t.Fatal(err)
	}
	return summary.Scenarios[0].Findings[0].Shrunk, summary.Warnings
}

func resultOf(t *testing.T, back bool, shots int) shrink.Result {
	t.Helper()
	f := trialOf("a", 3, verdict.Violation, 0).Judgement.Findings[0]
	return shrink.Result{Scenario: "a", Trial: 3, Check: f.Check, Kind: f.Kind, Shot: trialOf("a", 3, verdict.Violation, 0).Shot, Back: back, Shots: shots}
}

func TestWhatWasShrunkIsInTheSummary(t *testing.T) {
	path := shrunkRun(t)
	if got, _ := shrunkOf(t, path); got != nil {
		t.Fatalf("before anything was shrunk: %+v", got)
	}
	other := resultOf(t, true, 99)
	other.Kind = "another"
	for _, r := range []shrink.Result{resultOf(t, false, 1), other, resultOf(t, true, 2)} {
		if err := KeepShrunk(path, r); err != nil {
			t.Fatal(err)
		}
	}
	if got, warnings := shrunkOf(t, path); got == nil || got.Shots != 2 || len(warnings) != 0 {
		t.Errorf("%+v, %v; the later result of the same finding counts", got, warnings)
	}
	var kept Shrunk
	if warnings := readJSON(filepath.Join(path, ShrunkPath("a", 3)), &kept, true); len(warnings) != 0 || len(kept.Findings) != 2 {
		t.Errorf("%d findings are kept, not 2; %v", len(kept.Findings), warnings)
	}
}

func TestTheResultOfAnotherTrialThatCameBackIsPreferred(t *testing.T) {
	s := NewSummarizer(infoOf("a"))
	s.Add(trialOf("a", 3, verdict.Violation, 0))
	for _, r := range []shrink.Result{resultOf(t, false, 1), resultOf(t, true, 2), resultOf(t, false, 3)} {
		s.AddShrunk(r)
	}
	if got := s.Summary().Scenarios[0].Findings[0].Shrunk; got == nil || got.Shots != 2 {
		t.Errorf("%+v", got)
	}
}

func TestATornResultIsAWarning(t *testing.T) {
	path := shrunkRun(t)
	if err := KeepShrunk(path, resultOf(t, true, 1)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(path, ShrunkPath("a", 3))
	if err := os.Truncate(name, 20); err != nil {
		t.Fatal(err)
	}
	if got, warnings := shrunkOf(t, path); got != nil || len(warnings) != 1 {
		t.Errorf("%+v, %v", got, warnings)
	}
	if err := KeepShrunk(path, resultOf(t, true, 2)); err != nil {
		t.Fatalf("it is not replaced: %v", err)
	}
	if got, _ := shrunkOf(t, path); got == nil || got.Shots != 2 {
		t.Errorf("%+v", got)
	}
}

func TestNoResultLeadsOutOfTheRun(t *testing.T) {
	path := shrunkRun(t)
	for _, name := range []string{"", "..", "a/b", "../../x"} {
		r := resultOf(t, true, 1)
		r.Scenario = name
		if err := KeepShrunk(path, r); err == nil {
			t.Errorf("a result of scenario %q was kept", name)
		}
	}
}
