package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sigprobe/sigprobe/harness"
)

// DefaultRoot is the folder of the run store, relative to the current folder.
const DefaultRoot = ".sigprobe"

// The names of a run store.
const (
	runsName     = "runs"
	latestName   = "latest"
	infoName     = "run.json"
	trialsName   = "trials.jsonl"
	finishedName = "finished.json"
	evidenceName = "evidence"
)

// syncAfter is how long an appended line waits for its sync. With the sync itself it
// stays below the 200 ms that the format promises.
const syncAfter = 150 * time.Millisecond

// Writer writes one run. Its methods can be called by several goroutines at once.
// After an error every further Append gives the same error: a record with holes would
// look like a complete one, so the campaign has to stop.
type Writer struct {
	// KeepAllEvidence keeps the evidence of graceful trials too. Set it before the
	// first Append.
	KeepAllEvidence bool

	info RunInfo
	path string
	dir  *os.Root // stays right when the folder is moved

	mu     sync.Mutex // guards what follows
	lines  *os.File
	due    *time.Timer // set while a line is not synced
	failed error
	closed bool
}

// Create makes the folder of a new run, root/runs/ID, with its run.json and an empty
// record, and lets root/latest point to it. An empty root means [DefaultRoot]; a zero
// Started means now. ID, Schema, EnvNames and the scenarios' defaults are filled in.
// Any number of runs can be made in one root at the same time.
func Create(root string, info RunInfo) (*Writer, error) {
	if root == "" {
		root = DefaultRoot
	}
	if info.Started.IsZero() {
		info.Started = time.Now()
	}
	runs := filepath.Join(root, runsName)
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return nil, storeError("make the run store", err)
	}
	id, err := makeRunFolder(runs, info.Started)
	if err != nil {
		return nil, storeError("make a run folder", err)
	}
	w := &Writer{path: filepath.Join(runs, id), info: info.completed(id, info.Started.UTC())}
	if err := w.begin(root); err != nil {
		w.release()
		os.RemoveAll(w.path) //nolint:errcheck // nothing is in it yet, and the cause is reported
		return nil, err
	}
	return w, nil
}

// begin makes the record before run.json, so a folder with a run.json is a whole run.
func (w *Writer) begin(root string) error {
	if err := w.open(os.O_CREATE | os.O_EXCL); err != nil {
		return err
	}
	if err := w.writeJSON(infoName, w.info); err != nil {
		return err
	}
	if err := pointLatest(root, w.info.ID); err != nil {
		return storeError("point "+filepath.Join(root, latestName)+" to the run", err)
	}
	return w.failure("sync the run store",
		errors.Join(syncFolder(os.Open(filepath.Join(root, runsName))), syncFolder(os.Open(root))))
}

// Reopen opens a run for more trials: those of a run that was interrupted. A line that
// was torn is ended, so that the next one stands alone, and finished.json is removed.
func Reopen(path string) (*Writer, error) {
	run, err := Open(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{path: run.Dir, info: run.Info}
	if err := w.resume(); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

func (w *Writer) resume() error {
	if err := w.open(0); err != nil {
		return err
	}
	if err := endTornLine(w.lines); err != nil {
		return w.failure("end the torn line of the record", err)
	}
	if err := w.dir.Remove(finishedName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return w.failure("remove "+finishedName, err)
	}
	return nil
}

// endTornLine gives the last line its newline when a crash has cut it off.
func endTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && err != io.EOF {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

// open opens the folder and its record.
func (w *Writer) open(flags int) (err error) {
	if w.dir, err = os.OpenRoot(w.path); err != nil {
		return w.failure("open the run folder", err)
	}
	w.lines, err = w.dir.OpenFile(trialsName, os.O_RDWR|os.O_APPEND|flags, 0o644)
	return w.failure("open the record of trials", err)
}

// ID is the name of the run.
func (w *Writer) ID() string { return w.info.ID }

// Path is the run's folder.
func (w *Writer) Path() string { return w.path }

// Info is what run.json says.
func (w *Writer) Info() RunInfo { return w.info }

// Append records a trial: one whole line in one write, which is in the kernel's hands
// when Append returns and on the disk less than 200 ms later. The evidence of a trial
// that is not graceful follows; the trial's damaged files are moved.
func (w *Writer) Append(t harness.Trial) error {
	// A line that no reader takes would be a lost trial.
	err := errors.Join(valid(t), t.Shot.Schedule.Check())
	var line []byte
	if err == nil {
		line, err = encodeLine(t)
	}
	if err != nil {
		return fmt.Errorf("record trial %d of %q: %w", t.Index, t.Scenario, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = w.append(t, line)
	}
	return w.failed
}

// append does the work of Append. The line comes first: a verdict without evidence can
// be repeated, evidence without a verdict is not found.
func (w *Writer) append(t harness.Trial, line []byte) error {
	if w.closed {
		return fmt.Errorf("record a trial in %s: %w", w.path, os.ErrClosed)
	}
	if err := w.present(); err != nil {
		return w.failure("record a trial", err)
	}
	if _, err := w.lines.Write(line); err != nil {
		return w.failure("record a trial", err)
	}
	if w.due == nil {
		w.due = time.AfterFunc(syncAfter, w.sync)
	}
	if t.Damaged != "" {
		defer os.RemoveAll(t.Damaged) //nolint:errcheck // the engine removes it too
	}
	if !w.wantsEvidence(t) {
		return nil
	}
	return w.failure("keep evidence", w.keepEvidence(t))
}

// present finds out whether the record is still in its folder: writing to a file that
// was deleted succeeds, and loses everything.
func (w *Writer) present() error {
	opened, err := w.lines.Stat()
	if err != nil {
		return err
	}
	named, err := w.dir.Stat(trialsName)
	if err == nil && !os.SameFile(opened, named) {
		err = fmt.Errorf("%s was replaced by another file: %w", trialsName, fs.ErrNotExist)
	}
	return err
}

func encodeLine(t harness.Trial) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(t) // ends in the one newline of the line
	return b.Bytes(), err
}

// sync runs when a line has waited long enough. Lines that come while it works have
// their own timer.
func (w *Writer) sync() {
	w.mu.Lock()
	w.due = nil
	lines := w.lines
	w.mu.Unlock()
	err := lines.Sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.failed == nil && !w.closed {
		w.failed = w.failure("sync the record of trials", err)
	}
}

// Finish records how the run ended. Append can still be called, Close must be.
func (w *Writer) Finish(f Finished) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("finish the run in %s: %w", w.path, os.ErrClosed)
	}
	if f.Time.IsZero() {
		f.Time = time.Now()
	}
	f.Time = f.Time.UTC()
	return w.writeJSON(finishedName, f)
}

// Close syncs the record and releases it. It gives the first error of the run that
// Append has not had a chance to give.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if w.failed == nil {
		w.failed = w.failure("sync the record of trials", w.lines.Sync())
	}
	w.release()
	return w.failed
}

func (w *Writer) release() {
	w.closed = true
	if w.due != nil {
		w.due.Stop()
	}
	if w.lines != nil {
		w.lines.Close() //nolint:errcheck // synced before, or of no use
	}
	if w.dir != nil {
		w.dir.Close() //nolint:errcheck // a folder has nothing to lose
	}
}

func (w *Writer) writeJSON(name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	err = writeWhole(w.dir, name, append(text, '\n'))
	if err == nil {
		err = syncFolder(w.dir.Open("."))
	}
	return w.failure("write "+name, err)
}

func (w *Writer) failure(operation string, err error) error {
	if err == nil {
		return nil
	}
	return storeError(operation+" in "+w.path, err)
}
