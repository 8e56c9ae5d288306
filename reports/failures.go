package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

const (
	failuresName = "failures"
	// maxFailures bounds the shots that are kept of a scenario; the newest stay.
	maxFailures = 100
	// passesToLeave is in how many runs in a row a shot has to pass to leave the list.
	passesToLeave = 3
)

// Failure is a shot that failed: one line of failures/SCENARIO.jsonl in the store.
type Failure struct {
	// Command is the target's; a scenario of the same name with another one is another.
	Command []string  `json:"command"`
	Shot    plan.Shot `json:"shot"`
	// Findings are what was found when it failed last, as CHECK/KIND.
	Findings []string `json:"findings"`
	// Run and Trial are where it failed last, and Time is when.
	Run   string    `json:"run"`
	Trial int       `json:"trial"`
	Time  time.Time `json:"time"`
	// Passed is in how many runs in a row it has passed since.
	Passed int `json:"passed,omitempty"`
}

// Failures are the shots of one scenario that failed in the runs of a store. Its
// methods are for one goroutine; several runs may use one store at a time.
type Failures struct {
	root     string
	scenario scenario.Scenario
	run      string
}

// FailuresOf finds the failing shots of a scenario, whose defaults are filled in. run
// is the ID that new ones are kept under. Nothing is read or made yet.
func FailuresOf(root string, s scenario.Scenario, run string) *Failures {
	if root == "" {
		root = DefaultRoot
	}
	return &Failures{root, s, run}
}

// ToReplay lists the shots to repeat before the plan, at most limit: those that the
// scenario as it is now could make itself. The newest of each kind of finding comes
// first, then a second one of each. What cannot be read of the file is left out.
func (f *Failures) ToReplay(limit int) ([]Failure, error) {
	kept, err := f.read()
	if err != nil {
		return nil, err
	}
	kept = slices.DeleteFunc(kept, func(k Failure) bool { return !f.asksFor(k) })
	slices.Reverse(kept)
	seen, visit := map[string]int{}, map[string]int{}
	for _, k := range kept {
		kind := strings.Join(k.Findings, " ")
		visit[k.key()] = seen[kind]
		seen[kind]++
	}
	slices.SortStableFunc(kept, func(a, b Failure) int { return visit[a.key()] - visit[b.key()] })
	return kept[:min(len(kept), limit)], nil
}

// Failed keeps the shot of a trial that violates an expectation. It is one line
// appended in one write, so that nothing is lost when sigprobe is killed; [Failures.Tidy]
// makes one of all lines of a shot.
func (f *Failures) Failed(t harness.Trial) error {
	var findings []string
	for _, found := range t.Judgement.Findings {
		if kind := found.Check + "/" + found.Kind; !slices.Contains(findings, kind) {
			findings = append(findings, kind)
		}
	}
	return f.append(Failure{
		Command: f.scenario.Target.Command, Shot: t.Shot, Findings: findings,
		Run: f.run, Trial: t.Index, Time: time.Now().UTC(),
	})
}

// Passed notes that a shot which had failed was graceful in this run.
func (f *Failures) Passed(k Failure) error {
	k.Passed++
	return f.append(k)
}

// Tidy leaves one line of each shot that still is to be repeated, and no more than a
// hundred. The file is replaced as a whole, and goes with the last shot.
func (f *Failures) Tidy() error {
	if _, err := os.Stat(f.path()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.locked(func(folder *os.Root) error {
		kept, err := f.read()
		if err != nil {
			return err
		}
		if len(kept) == 0 {
			return folder.Remove(f.name())
		}
		kept = kept[max(0, len(kept)-maxFailures):]
		var b bytes.Buffer
		for _, k := range kept {
			line, err := failureLine(k)
			if err != nil {
				return err
			}
			b.Write(line)
		}
		return errors.Join(writeWhole(folder, f.name(), b.Bytes()), syncFolder(folder.Open(".")))
	})
}

// key tells shots apart.
func (k Failure) key() string {
	text, _ := json.Marshal(struct {
		Command []string
		Shot    plan.Shot
	}{k.Command, k.Shot}) //nolint:errcheck // it was read from JSON, or is about to be written
	return string(text)
}

func (f *Failures) name() string { return f.scenario.Name + ".jsonl" }

func (f *Failures) path() string { return filepath.Join(f.root, failuresName, f.name()) }

// read gives the last line of each shot, in the order of those lines, without the shots
// that passed often enough. A line that is
// torn or of a newer format is left out: the shot is found again or it is not.
func (f *Failures) read() ([]Failure, error) {
	text, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, storeError("read the shots that failed before", err)
	}
	var kept []Failure
	last := map[string]bool{}
	for _, line := range slices.Backward(bytes.Split(text, []byte("\n"))) {
		var k Failure
		if json.Unmarshal(line, &k) != nil || k.Shot.Schedule.Check() != nil || last[k.key()] {
			continue
		}
		last[k.key()] = true
		if k.Passed < passesToLeave {
			kept = append(kept, k)
		}
	}
	slices.Reverse(kept)
	return kept, nil
}

func failureLine(k Failure) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(k)
	return b.Bytes(), err
}

func (f *Failures) append(k Failure) error {
	line, err := failureLine(k)
	if err != nil {
		return fmt.Errorf("keep the shot of trial %d of %q: %w", k.Trial, f.scenario.Name, err)
	}
	return f.locked(func(folder *os.Root) error {
		lines, err := folder.OpenFile(f.name(), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		err = endTornLine(lines)
		if err == nil {
			_, err = lines.Write(line)
		}
		return errors.Join(err, lines.Close())
	})
}

// locked keeps other runs of the store from the folder of failures, which it makes
// where there is none.
func (f *Failures) locked(do func(*os.Root) error) error {
	err := f.lock(do)
	if err != nil {
		err = storeError("keep the shots that fail in "+path.Join(f.root, failuresName), err)
	}
	return err
}

func (f *Failures) lock(do func(*os.Root) error) error {
	folder := filepath.Join(f.root, failuresName)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	held, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer held.Close() //nolint:errcheck // opened for the lock, which goes with it
	if err := flock(held); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a folder has nothing to lose
	return do(root)
}

// flock waits for the lock of a folder. A file system without locks goes without: two
// runs that end in the same instant may then lose a line of each other.
func flock(f *os.File) error {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ENOLCK), errors.Is(err, errors.ErrUnsupported):
			return nil
		default:
			return err
		}
	}
}

// asksFor says whether the scenario as it is now could make the shot itself. A gate
// must not fail for what nobody asks for any more, nor for another program.
func (f *Failures) asksFor(k Failure) bool {
	s := f.scenario
	if !slices.Equal(k.Command, s.Target.Command) || k.Shot.Schedule.String() != s.Stop.Schedule.String() || k.Shot.To != s.Stop.To {
		return false
	}
	if sweep := s.Strike.Sweep; sweep != nil && sweep.Signal == scenario.Second {
		return k.Shot.Second != nil && k.Shot.Second.Call != nil && asksForCall(s.Strike, *k.Shot.Second.Call)
	}
	if !asksForSecond(s.Strike.Stopping, k.Shot.Second) {
		return false
	}
	switch p := k.Shot.Point; {
	case p.Time != nil:
		r := s.Strike.Random
		return r != nil && p.Time.From == r.From && within(p.Time.After, r.Window)
	case p.Line != nil:
		o := s.Strike.Output
		return o != nil && p.Line.Matching.String() == o.Matching.String() && among(p.Line.Nth, o.Nth) && within(p.Line.Delay, o.Delay)
	case p.File != nil:
		w := s.Strike.File
		return w != nil && p.File.Event == w.Event && p.File.Path == w.Path && among(p.File.Nth, w.Nth) && within(p.File.Delay, w.Delay)
	case p.Handler != nil:
		h := s.Strike.Handlers
		return h != nil && p.Handler.Nth == h.Nth && p.Handler.Offset >= h.Window.From && p.Handler.Offset <= h.Window.To
	case p.Call != nil:
		return asksForCall(s.Strike, *p.Call)
	}
	return false
}

func asksForCall(s scenario.Strike, p plan.CallPoint) bool {
	if c := s.Syscall; c != nil {
		return p.Calls == c.Call && p.Path == c.Path && p.Count == c.Count && p.Side == c.Side && among(p.Nth, c.Nth) && within(p.Delay, c.Delay)
	}
	if w := s.Sweep; w != nil {
		return p.Calls == w.Syscall && p.Path == w.Path && p.Count == w.Count && slices.Contains(w.Sides, p.Side) && w.Points.Has(p.Nth) && p.Delay == 0
	}
	return false
}

func asksForSecond(s *scenario.Stopping, p *plan.Point) bool {
	switch {
	case s == nil || p == nil:
		return s == nil && p == nil
	case p.Time != nil:
		return s.Window != nil && within(p.Time.After, s.Window)
	case p.Call != nil:
		return p.Call.Calls == s.Call && p.Call.Path == s.Path && p.Call.Side == s.Side && among(p.Call.Nth, s.Nth)
	}
	return false
}

// within holds a time against the window that it is drawn from; no window is no time.
func within(d time.Duration, w *scenario.Window) bool {
	if w == nil {
		return d == 0
	}
	return d >= w.From && d <= w.To
}

func among(n int, r scenario.Range) bool { return n >= r.First && n <= r.Last }
