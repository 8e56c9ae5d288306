package harness

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/internal/files"
	"github.com/sigprobe/sigprobe/harness/internal/oracle"
	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// inspection is a look at the files of one trial, from before the launch until all that the
// scenario asks about them is answered.
type inspection struct {
	expect scenario.Expect
	dir    string
	env    []string
	// space are the folders of the trial; nil where it takes place in the current folder,
	// which is never put back, and whose TMPDIR is everybody's.
	space *files.Workspace
	// drawer holds copies: of files before the launch, and of what a further run left.
	drawer *files.Workspace
	// leave lets the next trial look for litter.
	leave func()
	// evidence is where damaged files are kept; nil while there are none.
	evidence *files.Workspace

	work, temp *files.Snapshot
	objects    []observation.SharedObject
	// existed are the paths that fitted before the launch, for each expected file.
	existed [][]string
	before  map[string]string
	// undisturbed gives what undisturbed runs leave, and makes them where that is not
	// known; reference is what it gave, nil while nobody asked.
	undisturbed func() (*reference, error)
	reference   *reference
	resumed     *leftFiles
	answers     []answer
}

// looks says whether there is anything to be looked at beside the processes.
func looks(e scenario.Expect) bool {
	return len(e.Files) > 0 || e.Acknowledged != nil || e.Litter != nil || e.Restarts != nil
}

// note notes what is there before the launch.
func (l *inspection) note() (err error) {
	if err := l.snapshots(); err != nil {
		return err
	}
	if l.expect.Litter != nil {
		l.objects = files.Objects()
	}
	for _, f := range l.expect.Files {
		l.existed = append(l.existed, fitting(l.dir, f))
	}
	l.before, err = keepFitting(l.dir, patterns(l.expect, scenario.Unchanged, scenario.OldOrNew, scenario.AppendOnly), filepath.Join(l.drawer.Work, "before"))
	return err
}

// snapshots takes those of the trial's own folders. The current folder may be anybody's,
// and large: it is looked at for litter alone.
func (l *inspection) snapshots() (err error) {
	e := l.expect
	if e.Litter == nil && (l.space == nil || len(e.Files) == 0 && e.Restarts == nil) {
		return nil
	}
	if l.work, err = files.Take(l.dir, files.Options{Contents: l.contents()}); err != nil || l.space == nil {
		return err
	}
	l.temp, err = files.Take(l.space.Temp, files.Options{})
	return err
}

// contents says whether contents are compared, and not just the rest of a file.
func (l *inspection) contents() bool { return l.space != nil && len(l.expect.Files) > 0 }

// patterns lists the patterns of the files that any of the oracles is asked about.
func patterns(e scenario.Expect, kinds ...scenario.OracleKind) (list []string) {
	for _, f := range e.Files {
		if slices.ContainsFunc(f.Is, func(o scenario.Oracle) bool { return slices.Contains(kinds, o.Kind) }) {
			list = append(list, f.Path)
		}
	}
	return list
}

// split cuts a pattern into the folder that all it can match is in, as the pattern names
// it and as it is opened, and the rest.
func split(dir, pattern string) (named, opened, rest string) {
	named, rest = doublestar.SplitPattern(path.Clean(pattern))
	return named, within(dir, named), rest
}

// fitting lists what fits an expected file: of all types where it is about being there,
// of files and links where it is about their content.
func fitting(dir string, f scenario.ExpectFile) []string {
	named, opened, rest := split(dir, f.Path)
	options := []doublestar.GlobOption{doublestar.WithNoFollow()}
	if !slices.ContainsFunc(f.Is, func(o scenario.Oracle) bool { return o.Kind == scenario.Absent || o.Kind == scenario.Present }) {
		options = append(options, doublestar.WithFilesOnly())
	}
	matches, _ := doublestar.Glob(os.DirFS(opened), rest, options...) //nolint:errcheck // the pattern was checked
	var paths []string
	for _, match := range matches {
		if match != "." {
			paths = append(paths, path.Join(named, match))
		}
	}
	return paths
}

// keepFitting copies the files that fit patterns.
func keepFitting(dir string, patterns []string, into string) (map[string]string, error) {
	copies := map[string]string{}
	for i, pattern := range patterns {
		named, opened, rest := split(dir, pattern)
		if _, err := os.Stat(opened); err != nil {
			continue // there is nothing to be kept
		}
		kept, err := files.Keep(opened, []string{rest}, filepath.Join(into, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		for name, copied := range kept {
			copies[path.Join(named, name)] = copied
		}
	}
	return copies, nil
}

// differences compares the folders with what they were before the launch.
func (l *inspection) differences(o *observation.Observation) *observation.Files {
	var f observation.Files
	var err error
	if l.work != nil {
		f.Work, err = l.changes(&f, l.work, l.dir, l.contents())
	}
	if l.temp != nil {
		var other error
		f.Temp, other = l.changes(&f, l.temp, l.space.Temp, false)
		err = errors.Join(err, other)
	}
	if err != nil {
		degrade(o, "files", err.Error())
	}
	if l.expect.Litter != nil {
		f.Shared = l.leftObjects(*o)
		if l.space == nil {
			degrade(o, "litter", "the target's TMPDIR is everybody's, so nobody looked there; give it a work folder of its own (workdir: fresh)")
		}
	}
	return &f
}

// changes takes a later snapshot of a folder and lists what differs.
func (l *inspection) changes(f *observation.Files, earlier *files.Snapshot, dir string, contents bool) ([]observation.Change, error) {
	later, err := files.Take(dir, files.Options{Contents: contents, Since: earlier})
	if err != nil {
		return nil, err
	}
	changes, cut := earlier.Diff(later)
	f.Cut += cut
	files.MarkLitter(dir, changes)
	return changes, nil
}

// degrade records that something could not be looked at as intended.
func degrade(o *observation.Observation, what, why string) {
	o.Degradations = append(o.Degradations, observation.Degradation{What: what, Why: why})
}

// leftObjects lists the shared memory that was made in the trial and that nobody holds
// any more, or only who survived. What a living process of somebody else holds is his:
// the kernel does not tell who made a name in /dev/shm.
func (l *inspection) leftObjects(o observation.Observation) []observation.SharedObject {
	tree := treeOf(o)
	made := files.NewObjects(l.objects, files.Objects(), func(pid int) bool { return slices.Contains(tree, pid) })
	return slices.DeleteFunc(made, func(object observation.SharedObject) bool {
		if object.Maker != 0 {
			return false
		}
		holders := proc.Holders("/dev/shm/" + observation.UnescapePath(object.Name))
		return slices.ContainsFunc(holders, func(pid int) bool { return !slices.Contains(tree, pid) })
	})
}

// treeOf lists the PIDs that were seen in the target's tree.
func treeOf(o observation.Observation) []int {
	pids := []int{o.Process.PID}
	for _, s := range o.Survivors {
		pids = append(pids, s.PID)
	}
	for _, l := range o.Lingering {
		pids = append(pids, l.PID)
	}
	if o.Strike != nil && o.Strike.Doing != nil {
		for _, m := range o.Strike.Doing.Descendants {
			pids = append(pids, m.PID)
		}
	}
	return pids
}

// answer is one oracle's about one path.
type answer struct {
	path   string
	oracle scenario.Oracle
	given  observation.Examined
}

// ask lists what is to be examined: every oracle of every expected file about each path
// that fits it, or did before the launch. A pattern that nothing fits is answered.
func (l *inspection) ask() error {
	if l.resumes() {
		if err := l.refer(); err != nil {
			return err
		}
	}
	for i, f := range l.expect.Files {
		for _, o := range f.Is {
			paths := append(slices.Clone(l.existed[i]), fitting(l.dir, f)...)
			if o.Kind == scenario.Resumable {
				paths = append(paths, l.reference.fitting(f.Path)...)
			}
			if len(paths) == 0 && o.Kind == scenario.OldOrNew {
				// There was none and there is none: the oracle knows this as the old state.
				paths = []string{f.Path}
			}
			slices.Sort(paths)
			for _, p := range slices.Compact(paths) {
				l.answers = append(l.answers, answer{path: p, oracle: o})
			}
			if len(paths) == 0 {
				l.answers = append(l.answers, answer{given: observation.Examined{
					Path: f.Path, Oracle: o.String(), Answer: observation.Missing, Message: "no file fits the pattern",
				}})
			}
		}
	}
	return nil
}

// refer finds out what undisturbed runs leave.
func (l *inspection) refer() (err error) {
	if l.reference == nil {
		l.reference, err = l.undisturbed()
	}
	return err
}

// examine has the oracles answer: those about what a further run leaves, or all others.
func (l *inspection) examine(ctx context.Context, resumable bool) error {
	for i := range l.answers {
		a := &l.answers[i]
		if a.path == "" || (a.oracle.Kind == scenario.Resumable) != resumable {
			continue
		}
		a.given = l.examineOne(ctx, a.path, a.oracle)
		// Undisturbed runs take their time, and an old file is as good as a new one.
		if a.oracle.Kind == scenario.OldOrNew && a.given.Answer != observation.Whole && l.reference == nil {
			if err := l.refer(); err != nil {
				return err
			}
			a.given = l.examineOne(ctx, a.path, a.oracle)
		}
	}
	return nil
}

func (l *inspection) examineOne(ctx context.Context, p string, o scenario.Oracle) observation.Examined {
	s := oracle.Subject{Path: observation.EscapePath(p), File: within(l.dir, p), Before: l.before[p], Dir: l.dir}
	why := "no undisturbed run was made"
	if l.reference != nil {
		s.Reference, s.HasReference, why = l.reference.of(p)
	}
	if l.resumed != nil {
		s.Resumed, s.HasResumed = l.resumed.copies[p], l.resumed.none == ""
		if !s.HasResumed {
			why = l.resumed.none
		}
	}
	e := oracle.Examine(ctx, s, o, oracle.Limits{})
	needed := o.Kind == scenario.OldOrNew && !s.HasReference || o.Kind == scenario.Resumable && !(s.HasReference && s.HasResumed)
	if e.Answer == observation.Undecided && needed && why != "" {
		e.Message = why
	}
	return e
}

// examined are the answers, in the order of what was asked.
func (l *inspection) examined() (list []observation.Examined) {
	for _, a := range l.answers {
		list = append(list, a.given)
	}
	return list
}

// maxEvidence bounds the damaged files that are kept of one trial, in bytes.
const maxEvidence = 16 << 20

// keepEvidence copies the files of the work folder that were found damaged.
func (l *inspection) keepEvidence(room *files.Room) error {
	var damaged []string
	for _, a := range l.answers {
		shown := a.given.Path
		if a.given.Answer == observation.Damaged && a.oracle.Kind != scenario.Resumable && filepath.IsLocal(a.path) && !slices.Contains(damaged, shown) {
			damaged = append(damaged, shown)
		}
	}
	if len(damaged) == 0 {
		return nil
	}
	kept, err := room.Workspace(nil)
	if err != nil {
		return err
	}
	l.evidence = kept
	_, err = files.Evidence(l.dir, damaged, kept.Work, maxEvidence)
	return err
}

// removeObjects removes the shared memory that the trial left.
func (l *inspection) removeObjects(o observation.Observation) error {
	if l.expect.Litter == nil {
		return nil
	}
	return files.RemoveObjects(l.leftObjects(o))
}

// close removes the copies.
func (l *inspection) close() (err error) {
	if l.drawer != nil {
		err = l.drawer.Close()
	}
	if l.leave != nil {
		l.leave()
	}
	return err
}
