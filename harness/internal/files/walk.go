package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Bounds of a walk that have no option. Every folder on the way down holds a
// descriptor open; and names may be 255 bytes long each.
const (
	maxDepth = 128
	maxNames = 64 << 20 // bytes of all paths together
)

// walk fills a snapshot. It goes down with *at calls, so the length of a path is no
// limit, and nobody can lead it elsewhere by putting a link in place of a folder.
type walk struct {
	*Snapshot
	reader *reader
	device uint64
	names  int // bytes
}

// visit looks at a name in the folder that is open as parent, and at what is in it.
func (w *walk) visit(parent int, name, path string, depth int) {
	if w.more || len(w.entries) >= w.options.MaxEntries || w.names+len(path) > maxNames {
		w.more = true
		return
	}
	e, err := look(parent, name, path)
	if errors.Is(err, unix.ENOENT) {
		return
	}
	w.names += len(path)
	w.entries = append(w.entries, e)
	switch e.Type {
	case "folder":
		w.folder(parent, name, e, depth)
	case "file":
		w.content(parent, name, e)
	}
}

// look describes a path, but for the content of files. An entry is returned with every
// error but ENOENT.
func look(parent int, name, path string) (*entry, error) {
	var stat unix.Stat_t
	if err := lstatat(parent, name, &stat); err != nil {
		return &entry{path: path, Entry: observation.Entry{Type: "unknown", Unread: err.Error()}}, err
	}
	e := &entry{path: path}
	e.describe(&stat)
	if e.Type == "link" {
		target, err := readlinkat(parent, name)
		if err != nil {
			e.Unread = err.Error()
			return e, err
		}
		sum := sha256.Sum256([]byte(target))
		e.SHA256 = hex.EncodeToString(sum[:])
	}
	return e, nil
}

// describe takes over what stat(2) says.
func (e *entry) describe(stat *unix.Stat_t) {
	e.Entry = observation.Entry{Type: typeOf(stat.Mode), Mode: stat.Mode &^ unix.S_IFMT}
	if e.Type == "file" {
		e.Size = stat.Size
	}
	e.stamp = stamp{stat.Dev, stat.Ino, stat.Mtim, stat.Ctim}
}

func typeOf(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return "file"
	case unix.S_IFDIR:
		return "folder"
	case unix.S_IFLNK:
		return "link"
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFIFO:
		return "fifo"
	}
	return "device"
}

// folder looks at what is in a folder, which is the last entry.
func (w *walk) folder(parent int, name string, e *entry, depth int) {
	switch {
	case depth >= maxDepth:
		e.Unread = "too deep: more folders above it than are looked into"
		return
	case e.stamp.device != w.device:
		e.Unread = "another file system is mounted there"
		return
	}
	fd, err := openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		w.unopened(e, err)
		return
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	names, more, err := readNames(fd, w.options.MaxEntries-len(w.entries))
	if err != nil {
		e.Unread = err.Error()
	}
	for _, name := range names {
		w.visit(fd, name, join(e.path, name), depth+1)
	}
	w.more = w.more || more
}

// unopened notes why the last entry could not be opened. What is gone was never seen.
func (w *walk) unopened(e *entry, err error) {
	if errors.Is(err, unix.ENOENT) {
		w.entries = w.entries[:len(w.entries)-1]
		return
	}
	e.Unread = err.Error()
}

func join(folder, name string) string {
	if folder == "." {
		return name
	}
	return folder + "/" + name
}

// content has a file read, where that is wanted and needed.
func (w *walk) content(parent int, name string, e *entry) {
	switch earlier := w.unchanged(e); {
	case !w.options.Contents:
		e.Unread = "not asked for"
	case earlier != nil:
		e.SHA256, e.Unread = earlier.SHA256, earlier.Unread
	case !w.reader.takes(e.Size):
		e.Unread = "too large for what may be read of the folder"
	default:
		// Without O_NONBLOCK a fifo that was put in its place would block.
		fd, err := openat(parent, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
		if err != nil {
			w.unopened(e, err)
			return
		}
		w.reader.read(fd, e)
	}
}

// unchanged is the entry of the earlier snapshot where that proves that the file is the
// same.
func (w *walk) unchanged(e *entry) *entry {
	if w.options.Since == nil {
		return nil
	}
	earlier := w.options.Since.find(e.path)
	if earlier == nil || !sameMetadata(earlier, e) || earlier.SHA256 != "" && w.options.Since.doubtful(earlier) {
		return nil
	}
	return earlier
}

// sameMetadata says that nothing is known to differ, other than perhaps the content.
func sameMetadata(a, b *entry) bool {
	return a.Type == b.Type && a.Size == b.Size && a.Mode == b.Mode && a.stamp == b.stamp
}

// readNames lists a folder in order. Of more than limit names it keeps the first, and
// says so.
func readNames(fd, limit int) (names []string, more bool, err error) {
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n <= 0 {
			names, cut := first(names, limit)
			return names, more || cut, err
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
		if len(names) > 2*limit+1024 {
			names, _ = first(names, limit)
			more = true
		}
	}
}

func first(names []string, limit int) (kept []string, more bool) {
	slices.Sort(names)
	if len(names) <= limit {
		return names, false
	}
	return names[:max(0, limit)], true
}

// openat opens without following a link in the last place, and without being given a
// descriptor that a target would inherit.
func openat(parent int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(parent, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

func lstatat(parent int, name string, stat *unix.Stat_t) error {
	return unix.Fstatat(parent, name, stat, unix.AT_SYMLINK_NOFOLLOW)
}

func readlinkat(parent int, name string) (string, error) {
	var target [unix.PathMax]byte
	n, err := unix.Readlinkat(parent, name, target[:])
	return string(target[:max(0, n)]), err
}
