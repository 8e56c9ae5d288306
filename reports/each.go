package reports

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"

	"github.com/sigprobe/sigprobe/harness"
)

// maxPrinted bounds what is read of one captured stream, in bytes.
const maxPrinted = 1 << 20

// Each goes through the trials of the run as [Reader] gives them, one at a time. An
// error, of opening or reading, is the last that it yields. Each call reads anew.
func (r *Run) Each() iter.Seq2[harness.Trial, error] {
	return func(yield func(harness.Trial, error) bool) {
		trials, err := r.Trials()
		if err != nil {
			yield(harness.Trial{}, err)
			return
		}
		defer trials.Close() //nolint:errcheck // opened for reading
		for trials.Scan() {
			if !yield(trials.Trial(), nil) {
				return
			}
		}
		if err := trials.Err(); err != nil {
			yield(harness.Trial{}, fmt.Errorf("read the trials of run %s: %w", r.Info.ID, err))
		}
	}
}

// Printed is what the target of a trial printed, as far as the evidence has it: the
// first MiB of each stream. Both are empty for a trial whose evidence was not kept.
func (r *Run) Printed(scenario string, trial int) (stdout, stderr string, err error) {
	if !validKey(scenario, trial) {
		return "", "", nil
	}
	folder := EvidencePath(scenario, trial)
	stdout, errOut := r.evidence(path.Join(folder, "stdout.txt"))
	stderr, errErr := r.evidence(path.Join(folder, "stderr.txt"))
	return stdout, stderr, errors.Join(errOut, errErr)
}

// evidence reads a file below the run's folder; it follows no link out of it.
func (r *Run) evidence(name string) (string, error) {
	f, err := os.OpenInRoot(r.Dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the evidence of run %s: %w", r.Info.ID, err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.LimitReader(f, maxPrinted))
	if err != nil {
		return "", fmt.Errorf("read the evidence of run %s: %w", r.Info.ID, err)
	}
	return string(text), nil
}
