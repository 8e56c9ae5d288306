package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sigprobe/sigprobe/harness"
)

// Run is a stored run.
type Run struct {
	// Dir is the run's folder.
	Dir string
	// Info is what run.json says; empty when it cannot be read.
	Info RunInfo
	// Finished is nil while the run goes on, and when sigprobe was killed.
	Finished *Finished
	// Warnings tells what is wrong with run.json and finished.json.
	Warnings []Warning
}

// Open opens a run: a run's folder, an ID, or "latest". The last two are looked up in
// [DefaultRoot].
func Open(path string) (*Run, error) { return OpenIn(DefaultRoot, path) }

// OpenIn is Open with another root for IDs and for "latest".
func OpenIn(root, path string) (*Run, error) {
	dir, err := find(root, path)
	if err != nil {
		return nil, err
	}
	run := &Run{Dir: dir}
	run.Warnings = append(run.Warnings, readJSON(filepath.Join(dir, infoName), &run.Info, true)...)
	run.Warnings = append(run.Warnings, readJSON(filepath.Join(dir, finishedName), &run.Finished, false)...)
	if run.Info.Schema > Schema {
		run.Warnings = append(run.Warnings, Warning{File: infoName,
			Message: fmt.Sprintf("the run was written in format %d, and this sigprobe knows formats up to %d: parts of it may be missing here", run.Info.Schema, Schema)})
	}
	if run.Info.ID == "" {
		run.Info.ID = filepath.Base(dir)
	}
	return run, nil
}

// find tries the path itself, then the name of a run under the root.
func find(root, path string) (string, error) {
	candidates := []string{path, filepath.Join(root, runsName, path)}
	if path == latestName {
		candidates = []string{filepath.Join(root, latestName), newest(root)}
	} else if filepath.Base(path) == latestName {
		candidates = append(candidates, newest(filepath.Dir(path)))
	}
	for _, dir := range candidates {
		if dir != "" && path != "" && isRun(dir) {
			// latest may point elsewhere a moment later: settle on what it means now.
			return filepath.EvalSymlinks(dir)
		}
	}
	return "", fmt.Errorf("open the run %q: it is neither the folder of a run nor a run in %s: %w; %s",
		path, filepath.Join(root, runsName), fs.ErrNotExist, "list that folder for the runs there are, or name another store with --store DIR")
}

// isRun is content with either file: a run whose run.json was lost can still be read.
func isRun(dir string) bool {
	for _, name := range []string{infoName, trialsName} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// newest is the run with the highest ID, for stores that have no symbolic links.
func newest(root string) string {
	entries, err := os.ReadDir(filepath.Join(root, runsName)) // sorted by name
	if err != nil {
		return ""
	}
	for _, entry := range slices.Backward(entries) {
		if dir := filepath.Join(root, runsName, entry.Name()); isRun(dir) {
			return dir
		}
	}
	return ""
}

// readJSON reads a file leniently: what cannot be read is a warning and leaves value
// as it was.
func readJSON[T any](path string, value *T, needed bool) []Warning {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !needed {
		return nil
	}
	var read T
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	if err != nil {
		return []Warning{{File: filepath.Base(path), Message: err.Error()}}
	}
	*value = read
	return nil
}

// Trials opens the record of the run's trials. Close the reader after use.
func (r *Run) Trials() (*Reader, error) {
	f, err := os.Open(filepath.Join(r.Dir, trialsName))
	if err != nil {
		return nil, fmt.Errorf("read the trials of run %s: %w", r.Info.ID, err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close() //nolint:errcheck // opened for reading
		return nil, fmt.Errorf("read the trials of run %s: %w", r.Info.ID, err)
	}
	// What is appended from now on is not read: the reader's view does not change.
	reader := NewReader(f, info.Size())
	reader.closer = f
	return reader, nil
}

// Summarize reads all trials of the run and sums them up. Who else wants to see each
// trial is called with it, which saves reading the record twice.
func (r *Run) Summarize(also ...func(harness.Trial)) (Summary, error) {
	s, warnings, err := r.sum(also...)
	if err != nil {
		return Summary{}, err
	}
	summary := s.Summary()
	summary.Warnings = warnings
	return summary, nil
}

// sum reads all trials of the run.
func (r *Run) sum(also ...func(harness.Trial)) (*Summarizer, []Warning, error) {
	trials, err := r.Trials()
	if err != nil {
		return nil, nil, err
	}
	defer trials.Close() //nolint:errcheck // opened for reading
	s := NewSummarizer(r.Info)
	for trials.Scan() {
		t := trials.Trial()
		s.Add(t)
		for _, see := range also {
			see(t)
		}
	}
	if err := trials.Err(); err != nil {
		return nil, nil, fmt.Errorf("read the trials of run %s: %w", r.Info.ID, err)
	}
	shrunk, unread := readShrunk(r.Dir)
	for _, result := range shrunk {
		s.AddShrunk(result)
	}
	s.Ended(r.Finished)
	return s, slices.Concat(r.Warnings, trials.Warnings(), unread), nil
}
