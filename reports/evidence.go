package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
// captured output, the observation in a form to read, and the files that were found
// damaged. It is not synced: it can be
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
		w.keepDamaged(t.Damaged, path.Join(folder, damagedName)),
	)
}

// damagedName is the folder, in a trial's evidence, of the files that were found damaged.
const damagedName = "files"

// keepDamaged copies the files that were found damaged. Those of an engine that was closed
// in the meantime are gone, and no reason to end a run.
func (w *Writer) keepDamaged(from, to string) error {
	if from == "" {
		return nil
	}
	return fs.WalkDir(os.DirFS(from), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return w.dir.MkdirAll(path.Join(to, name), 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		return w.copyIn(path.Join(from, name), path.Join(to, name))
	})
}

func (w *Writer) copyIn(from, to string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	target, err := w.dir.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	_, err = io.Copy(target, source)
	return err
}
