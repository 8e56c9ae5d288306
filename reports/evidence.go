package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// EvidencePath is where the evidence of a trial stands, relative to the run's folder.
func EvidencePath(scenario string, trial int) string {
	return path.Join(evidenceName, scenario, strconv.Itoa(trial))
}

// checkKey refuses what cannot be told apart later or would lead out of the store.
func checkKey(t harness.Trial) error {
	if !validKey(t.Scenario, t.Index) {
		return fmt.Errorf("trial %d of %q: a scenario's name has letters, digits, dots, dashes and underscores only, and a trial counts from 0", t.Index, t.Scenario)
	}
	return nil
}

func validKey(scenario string, trial int) bool {
	return trial >= 0 && scenario != "" && scenario != "." && scenario != ".." && !strings.ContainsAny(scenario, "/\\\x00")
}

func (w *Writer) wantsEvidence(t harness.Trial) bool {
	return w.KeepAllEvidence || t.Judgement.Verdict != verdict.Graceful
}

// keepEvidence writes what the record of a trial leaves out or shows badly: the
// captured output and the observation in a form to read. It is not synced: it can be
// had again by a replay.
func (w *Writer) keepEvidence(t harness.Trial) error {
	observed, err := json.MarshalIndent(t.Observation, "", "  ")
	if err != nil {
		return err
	}
	folder := EvidencePath(t.Scenario, t.Index)
	if err := w.dir.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	unsynced := func(*os.File) error { return nil }
	return errors.Join(
		replace(w.dir, path.Join(folder, "observation.json"), append(observed, '\n'), unsynced),
		replace(w.dir, path.Join(folder, "stdout.txt"), []byte(t.Observation.Output.Stdout.Text()), unsynced),
		replace(w.dir, path.Join(folder, "stderr.txt"), []byte(t.Observation.Output.Stderr.Text()), unsynced),
	)
}
