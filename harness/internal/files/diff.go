package files

import (
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// maxChangedNames bounds the paths of all changes together, in bytes: they stand in one
// line of the record.
const maxChangedNames = 1 << 20

// Diff lists what differs between a snapshot and a later one of the same folder, in the
// order of the paths, and how many more changes there were at least that are not listed.
// It reads nothing.
//
// A file differs when its type, size, mode or hash do. Where one of the hashes is not
// known, it also differs when it has another inode, or other times of its last write or
// change. A folder differs when its mode does, or whether it could be looked into;
// a link when its target's name does; a socket, fifo or device when it is another one.
// What is below a folder that could not be looked into at one of the two times is not
// compared, nor is what lies behind the last path that a snapshot had room for.
func (s *Snapshot) Diff(later *Snapshot) (changes []observation.Change, cut int) {
	d := differ{before: s, after: later}
	a, b := s.entries, later.entries
	for len(a) > 0 || len(b) > 0 {
		switch order := compareFirst(a, b); {
		case order < 0:
			d.compare(a[0], nil)
			a = a[1:]
		case order > 0:
			d.compare(nil, b[0])
			b = b[1:]
		default:
			d.compare(a[0], b[0])
			a, b = a[1:], b[1:]
		}
	}
	changes, cut = bounded(d.changes, later.options.MaxChanges)
	return changes, cut + d.unknown()
}

// compareFirst says which list has the path that comes first.
func compareFirst(a, b []*entry) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return comparePaths(a[0].path, b[0].path)
}

// differ collects changes.
type differ struct {
	before, after *Snapshot
	changes       []change
	// unseen is a folder that could not be looked into; "" for none.
	unseen string
	// beyond counts paths of which only one of the snapshots can tell.
	beyond int
}

// change is a change whose path is not escaped.
type change struct {
	path string
	observation.Change
}

// compare notes a path that differs; nil stands for one that is not there.
func (d *differ) compare(before, after *entry) {
	path := pathOf(before, after)
	switch {
	case d.unseen == "." || d.unseen != "" && strings.HasPrefix(path, d.unseen+"/"):
		return
	case before == nil && d.before.ends(path), after == nil && d.after.ends(path):
		d.beyond++
		return
	case before != nil && after != nil:
		d.notice(before, after)
		if same(before, after) {
			return
		}
	}
	d.changes = append(d.changes, change{path, observation.Change{
		Path: observation.EscapePath(path), Before: fact(before), After: fact(after),
	}})
}

func pathOf(before, after *entry) string {
	if before != nil {
		return before.path
	}
	return after.path
}

func fact(e *entry) *observation.Entry {
	if e == nil {
		return nil
	}
	entry := e.Entry
	return &entry
}

// notice remembers a folder that was there both times, and once not to be looked into.
func (d *differ) notice(before, after *entry) {
	if before.Type == "folder" && after.Type == "folder" && (before.Unread != "" || after.Unread != "") {
		d.unseen = before.path
	}
}

// ends says that the snapshot had no room for a path: it cannot say that there was none.
func (s *Snapshot) ends(path string) bool {
	return s.more && (len(s.entries) == 0 || comparePaths(path, s.entries[len(s.entries)-1].path) > 0)
}

// unknown counts what was not compared, which is at least one path where a snapshot
// was cut.
func (d *differ) unknown() int {
	if d.before.more || d.after.more {
		return max(1, d.beyond)
	}
	return 0
}

func same(a, b *entry) bool {
	if a.Type != b.Type || a.Size != b.Size || a.Mode != b.Mode {
		return false
	}
	switch a.Type {
	case "folder":
		return a.Unread == b.Unread
	case "file", "link":
		if a.SHA256 != "" && b.SHA256 != "" {
			return a.SHA256 == b.SHA256
		}
		return a.stamp == b.stamp
	}
	return a.stamp.inode == b.stamp.inode
}

// bounded sorts the changes and keeps the first.
func bounded(all []change, limit int) (kept []observation.Change, cut int) {
	slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.path, b.path) })
	names := 0
	for i, c := range all {
		names += len(c.path)
		if i >= limit || names > maxChangedNames {
			return kept, len(all) - i
		}
		kept = append(kept, c.Change)
	}
	return kept, 0
}
