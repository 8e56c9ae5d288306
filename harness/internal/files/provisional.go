package files

// provisional: replaced at the merge by the room's own snapshots, copies and litter.

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Options says how much of a tree is looked at.
type Options struct {
	Contents bool
	Since    *Snapshot
}

// Snapshot is a tree of files at one time.
type Snapshot struct{ entries map[string]observation.Entry }

// Take looks at a folder and at all that is in it.
func Take(dir string, o Options) (*Snapshot, error) {
	s := &Snapshot{map[string]observation.Entry{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(dir, path) //nolint:errcheck // it is below
		e := observation.Entry{Type: map[fs.FileMode]string{0: "file", fs.ModeDir: "folder", fs.ModeSymlink: "link", fs.ModeSocket: "socket", fs.ModeNamedPipe: "fifo"}[d.Type()]}
		if e.Type == "file" {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			e.Size, e.SHA256 = int64(len(text)), fmt.Sprintf("%x", sha256.Sum256(text))
		}
		s.entries[relative] = e
		return nil
	})
	return s, err
}

// Diff lists what differs in a later snapshot.
func (s *Snapshot) Diff(later *Snapshot) (changes []observation.Change, cut int) {
	paths := map[string]bool{}
	for _, snapshot := range []*Snapshot{s, later} {
		for path := range snapshot.entries {
			paths[path] = true
		}
	}
	for path := range paths {
		c := observation.Change{Path: path}
		if e, there := s.entries[path]; there {
			c.Before = &e
		}
		if e, there := later.entries[path]; there {
			c.After = &e
		}
		if c.Before == nil || c.After == nil || *c.Before != *c.After {
			changes = append(changes, c)
		}
	}
	slices.SortFunc(changes, func(a, b observation.Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, 0
}

// Keep copies the regular files in dir that fit any of the patterns into a folder.
func Keep(dir string, patterns []string, into string) (map[string]string, error) {
	copies := map[string]string{}
	for _, pattern := range patterns {
		paths, _ := doublestar.Glob(os.DirFS(dir), pattern, doublestar.WithFilesOnly(), doublestar.WithNoFollow()) //nolint:errcheck // provisional
		for _, path := range paths {
			copies[path] = filepath.Join(into, path)
			if err := os.MkdirAll(filepath.Dir(copies[path]), 0o755); err != nil {
				return nil, err
			}
			if err := copyFile(filepath.Join(dir, path), copies[path], 0o644); err != nil {
				return nil, err
			}
		}
	}
	return copies, nil
}

// Evidence copies files into a folder.
func Evidence(dir string, paths []string, into string, maxBytes int64) (kept []string, err error) {
	for _, path := range paths {
		if _, err := Keep(dir, []string{path}, into); err == nil {
			kept = append(kept, path)
		}
	}
	return kept, nil
}

// MarkLitter notes in the changes of a folder which of the paths look like litter.
func MarkLitter(dir string, changes []observation.Change) {
	for i := range changes {
		if c := &changes[i]; c.Before == nil && c.After != nil {
			c.Litter = map[string]string{".lock": "lock", ".pid": "pid", ".tmp": "temporary"}[filepath.Ext(c.Path)]
			if c.After.Type == "socket" || c.After.Type == "fifo" {
				c.Litter = c.After.Type
			}
		}
	}
}

// Objects lists the names in /dev/shm.
func Objects() (objects []observation.SharedObject) {
	entries, _ := os.ReadDir("/dev/shm") //nolint:errcheck // provisional
	for _, e := range entries {
		objects = append(objects, observation.SharedObject{Kind: "shm", Name: e.Name()})
	}
	return objects
}

// NewObjects lists what is there after and was not before.
func NewObjects(before, after []observation.SharedObject, _ func(pid int) bool) (made []observation.SharedObject) {
	for _, o := range after {
		if !slices.Contains(before, o) {
			made = append(made, o)
		}
	}
	return made
}

// RemoveObjects removes objects.
func RemoveObjects(objects []observation.SharedObject) error {
	for _, o := range objects {
		os.Remove(filepath.Join("/dev/shm", o.Name)) //nolint:errcheck // provisional
	}
	return nil
}
