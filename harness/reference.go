package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// leftFiles are copies of the files that a run to the target's own end left.
type leftFiles struct {
	copies map[string]string
	// none says why there are none.
	none string
}

// reference is what undisturbed runs of the target leave.
type reference struct {
	leftFiles
	// unstable are the paths that two runs left with different contents, or one of them
	// not at all.
	unstable map[string]bool
}

// of is what a trial's path is held against; why says why there is nothing.
func (r *reference) of(p string) (copied string, has bool, why string) {
	switch {
	case r.none != "":
		return "", false, r.none
	case r.unstable[p]:
		return "", false, "two undisturbed runs did not leave the same content, so a new content cannot be told from a damaged one"
	}
	return r.copies[p], true, ""
}

// fitting lists the paths of the reference that fit a pattern.
func (r *reference) fitting(pattern string) (paths []string) {
	for p := range r.copies {
		if match, _ := doublestar.Match(filepath.Clean(pattern), p); match { //nolint:errcheck // the pattern was checked
			paths = append(paths, p)
		}
	}
	return paths
}

// referenced are the oracles that hold a file against a reference. AppendOnly takes one
// in where it is there anyway.
var referenced = []scenario.OracleKind{scenario.OldOrNew, scenario.Resumable}

// reference makes two undisturbed runs of a scenario's target when it is asked first,
// each in a fresh folder, by a warden of their own: who asks holds one that may have
// survivors to keep. The error is not nil only where the harness failed.
func (e *Engine) reference(ctx context.Context, s scenario.Scenario) (*reference, error) {
	return e.references.get(keyOf(s), func() (*reference, error) {
		if s.Target.Workdir != scenario.Fresh {
			return &reference{leftFiles: leftFiles{none: "the target runs in the current folder, where no undisturbed run is made"}}, nil
		}
		return e.makeReference(ctx, s)
	})
}

func (e *Engine) makeReference(ctx context.Context, s scenario.Scenario) (_ *reference, err error) {
	w, err := warden.Start()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	first, err := e.undisturbed(ctx, w, s)
	if err != nil || first.none != "" {
		return &reference{leftFiles: first}, err
	}
	second, err := e.undisturbed(ctx, w, s)
	if err != nil || second.none != "" {
		return &reference{leftFiles: second}, err
	}
	unstable, err := differing(first.copies, second.copies)
	return &reference{leftFiles: first, unstable: unstable}, err
}

// undisturbed lets the target run to its own end in a fresh folder.
func (e *Engine) undisturbed(ctx context.Context, w *warden.Warden, s scenario.Scenario) (leftFiles, error) {
	at, err := e.newSite(s, plan.Shot{Schedule: s.Stop.Schedule, To: s.Stop.To})
	if err != nil {
		return leftFiles{}, err
	}
	defer at.close() //nolint:errcheck // what is left is removed with the engine's room
	drawer, err := e.room.Workspace(nil)
	if err != nil {
		return leftFiles{}, err
	}
	o, err := w.Run(ctx, toTheEnd(at.request))
	if err := errors.Join(err, ctx.Err()); err != nil {
		return leftFiles{}, err
	}
	return leftBy(o, s.Expect, at.request.Dir, drawer.Work)
}

// toTheEnd asks for an undisturbed run in the folder of a request.
func toTheEnd(r warden.Request) warden.Request {
	r.Undisturbed, r.Minimal, r.Hold, r.Places = true, true, false, false
	r.Watch, r.Acknowledge = nil, nil
	return r
}

// undisturbedRun begins the reasons why there is no reference.
const undisturbedRun = "undisturbed: "

// leftBy keeps what a run to the end left.
func leftBy(o observation.Observation, e scenario.Expect, dir, into string) (leftFiles, error) {
	if none := unfinished(o); none != "" {
		return leftFiles{none: undisturbedRun + none}, nil
	}
	copies, err := keepFitting(dir, patterns(e, append([]scenario.OracleKind{scenario.AppendOnly}, referenced...)...), into)
	return leftFiles{copies: copies}, err
}

// unfinished says why a run did not come to its own good end.
func unfinished(o observation.Observation) string {
	if o.Failure != nil {
		return o.Failure.Message
	}
	if o.Missed != "" {
		return o.Missed
	}
	if ending, ended := o.Ending(); !ended || ending.Kind != observation.Clean {
		return "the target " + ending.Describe()
	}
	if len(o.Survivors) > 0 {
		return "descendants of the target were still alive after it"
	}
	return ""
}

// differing lists the paths of which two runs left different contents.
func differing(a, b map[string]string) (map[string]bool, error) {
	paths := map[string]bool{}
	for p := range b {
		paths[p] = a[p] == ""
	}
	for p, first := range a {
		same, err := sameContent(first, b[p])
		if err != nil {
			return nil, err
		}
		paths[p] = !same
	}
	return paths, nil
}

// sameContent compares two files byte by byte; "" is a file that does not exist.
func sameContent(a, b string) (bool, error) {
	if a == "" || b == "" {
		return a == b, nil
	}
	first, err := os.Open(a)
	if err != nil {
		return false, err
	}
	defer first.Close() //nolint:errcheck // nothing was written
	second, err := os.Open(b)
	if err != nil {
		return false, err
	}
	defer second.Close() //nolint:errcheck // likewise
	return sameBytes(first, second)
}

func sameBytes(a, b io.Reader) (bool, error) {
	var left, right [32 << 10]byte
	for {
		n, errA := io.ReadFull(a, left[:])
		m, errB := io.ReadFull(b, right[:])
		if n != m || !bytes.Equal(left[:n], right[:m]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return false, err
			}
		}
		if n < len(left) {
			return true, nil
		}
	}
}

// keyOf names what undisturbed runs of a scenario depend on.
func keyOf(s scenario.Scenario) string {
	return fmt.Sprintf("%q %q %q %q %q %v %v", s.Name, s.Target.Command, s.Target.Files, s.Target.Env, s.Target.Workdir, s.Stop.Limit, s.Expect.Files)
}

// once keeps what is found out once for a scenario. It is safe for use by several
// goroutines: who asks while somebody finds out waits. An error is not kept.
type once[T any] struct {
	mu      sync.Mutex
	answers map[string]*onceAnswer[T]
}

type onceAnswer[T any] struct {
	mu    sync.Mutex
	known bool
	value T
}

func (o *once[T]) get(key string, find func() (T, error)) (T, error) {
	a := o.of(key)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known {
		return a.value, nil
	}
	value, err := find()
	if err == nil {
		a.known, a.value = true, value
	}
	return value, err
}

func (o *once[T]) of(key string) *onceAnswer[T] {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answers == nil {
		o.answers = map[string]*onceAnswer[T]{}
	}
	if o.answers[key] == nil {
		o.answers[key] = &onceAnswer[T]{}
	}
	return o.answers[key]
}
