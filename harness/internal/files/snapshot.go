package files

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Defaults of [Options].
const (
	DefaultMaxEntries = 100_000
	DefaultMaxBytes   = 1 << 30
	DefaultMaxChanges = 1_000
)

// Options says how much of a tree is looked at.
type Options struct {
	// Contents asks for hashes of the content of files. Default: metadata alone.
	Contents bool
	// Since is an earlier snapshot of the same tree. A file whose metadata is as it was
	// then is not read again and keeps the hash it had; where it had none, it gets none.
	// Where equal metadata proves nothing, a file that has a hash is read again: in the
	// tick of the clock in which it was written, and on tmpfs. Default: every file is read.
	Since *Snapshot
	// MaxEntries bounds how many paths are looked at, the first in the order of the
	// walk. Default: 100,000.
	MaxEntries int
	// MaxBytes bounds how much content is read, in bytes. A file that does not fit into
	// what is left is Unread. Default: 1 GiB.
	MaxBytes int64
	// MaxChanges bounds how many changes Diff hands out when this snapshot is the later
	// one. Default: 1,000.
	MaxChanges int
}

func (o Options) withDefaults() Options {
	o.MaxEntries = cmp.Or(o.MaxEntries, DefaultMaxEntries)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.MaxChanges = cmp.Or(o.MaxChanges, DefaultMaxChanges)
	return o
}

// Snapshot is a tree of files at one time. Nothing in it changes once it is taken; it
// can be used by several goroutines.
type Snapshot struct {
	dir     string
	options Options
	// taken is when the walk began, on the clock that stamps files.
	taken unix.Timespec
	// entries are in the order of [comparePaths]; the first is ".", the folder itself.
	entries []*entry
	// more says that there was more than is here: all of it behind the last entry.
	more bool
	// silent says that the file system lets files be changed without a trace in their
	// metadata.
	silent bool
}

// entry is what is known of one path.
type entry struct {
	path string // bytes, relative, with slashes
	observation.Entry
	stamp stamp
}

// stamp is the metadata that changes with every change of a file, but that nobody
// wants to read about.
type stamp struct {
	device, inode    uint64
	modified, change unix.Timespec
}

// Take looks at a folder and at all that is in it, and follows no link: also dir itself
// is followed only where it ends in a slash. Other file systems that are mounted in it are not
// looked into, nor are folders more than 128 deep. What cannot be looked at or read says so in its entry;
// what vanishes meanwhile is left out. A folder that does not exist gives an empty
// snapshot. The error is not nil only when that cannot be told.
//
// Sockets, fifos and devices are not opened. Opening and reading does not block.
func Take(dir string, o Options) (*Snapshot, error) {
	s := &Snapshot{dir: dir, options: o.withDefaults(), taken: stampClock(), silent: silent(dir)}
	var stat unix.Stat_t
	err := lstatat(unix.AT_FDCWD, dir, &stat)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	}
	w := &walk{Snapshot: s, reader: &reader{left: s.options.MaxBytes}, device: stat.Dev}
	w.visit(unix.AT_FDCWD, dir, ".", 0)
	w.reader.wait()
	return s, nil
}

// silent says that a file can be changed through a shared mapping without that its times
// change: on tmpfs, where its page was read through the mapping before (measured on
// Linux 6.18). Elsewhere the first store into a page that is not dirty sets the times.
func silent(dir string) bool {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return true
	}
	return stat.Type == unix.TMPFS_MAGIC || stat.Type == unix.RAMFS_MAGIC
}

// stampClock is the clock that the kernel stamps files with (current_time in
// fs/inode.c): the coarse one, which stands still between ticks.
func stampClock() unix.Timespec {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_REALTIME_COARSE, &now) //nolint:errcheck // the clock exists since Linux 2.6.32
	return now
}

// Types are all types of an entry.
var Types = []string{"file", "folder", "link", "socket", "fifo", "device", "unknown"}

// Match lists the paths that fit a pattern, in order: of regular files, or of the types
// that are given. The pattern is relative to the folder and may begin with ./; * and ?
// stand for what is in one name, ** for any folders, [a-z] and {a,b} for choices. A
// pattern that is wrong fits nothing. The paths are bytes, as the file system has them,
// not escaped.
func (s *Snapshot) Match(pattern string, types ...string) []string {
	if len(types) == 0 {
		types = []string{"file"}
	}
	var paths []string
	for _, e := range s.entries {
		if slices.Contains(types, e.Type) && fits(pattern, e.path) {
			paths = append(paths, e.path)
		}
	}
	slices.Sort(paths)
	return paths
}

func fits(pattern, path string) bool {
	match, err := doublestar.Match(strings.TrimPrefix(pattern, "./"), path)
	return match && err == nil && path != "."
}

// find looks a path up; nil where it is not there.
func (s *Snapshot) find(path string) *entry {
	i, found := slices.BinarySearchFunc(s.entries, path, func(e *entry, path string) int {
		return comparePaths(e.path, path)
	})
	if !found {
		return nil
	}
	return s.entries[i]
}

// comparePaths orders paths as a walk comes to them: a folder, then all that is in it,
// then what stands beside it. The folder itself is the first.
func comparePaths(a, b string) int {
	a, b = below(a), below(b)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Compare(rank(a[i]), rank(b[i]))
		}
	}
	return cmp.Compare(len(a), len(b))
}

// below is a path without the name of the folder itself.
func below(path string) string {
	if path == "." {
		return ""
	}
	return path
}

// rank puts the slash before everything that a name can hold.
func rank(b byte) int {
	if b == '/' {
		return 0
	}
	return int(b)
}

// doubtful says that a file may have been changed after the snapshot without a trace in
// its metadata: on some file systems always; on others when it was changed so shortly
// before that a second change could get the same time. Where a file system keeps whole seconds only, shortly is a second.
func (s *Snapshot) doubtful(e *entry) bool {
	changed, taken := e.stamp.change, s.taken
	if changed.Nsec == 0 {
		taken.Nsec = 0
	}
	return s.silent || changed.Nano() >= taken.Nano()
}
