package reports

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sigprobe/sigprobe/harness/verdict"
)

func TestDamagedFilesAreMovedToTheEvidence(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	damaged := t.TempDir()
	if err := os.MkdirAll(filepath.Join(damaged, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "out", "a.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("not mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(damaged, "link")); err != nil {
		t.Fatal(err)
	}
	trial := trialOf("a", 1, verdict.Violation, 0)
	trial.Damaged = damaged
	mustAppend(t, w, trial)

	folder := filepath.Join(w.Path(), EvidencePath("a", 1), damagedName)
	if text, err := os.ReadFile(filepath.Join(folder, "out", "a.json")); err != nil || string(text) != "{" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := os.Lstat(filepath.Join(folder, "link")); err == nil {
		t.Error("a link was followed or copied")
	}
	if _, err := os.Stat(damaged); err == nil {
		t.Error("the files are still where they were")
	}
}

func TestDamagedFilesThatAreGoneEndNoRun(t *testing.T) {
	w := create(t, t.TempDir(), infoOf("a"))
	trial := trialOf("a", 1, verdict.Violation, 0)
	trial.Damaged = filepath.Join(t.TempDir(), "gone")
	mustAppend(t, w, trial)
}
