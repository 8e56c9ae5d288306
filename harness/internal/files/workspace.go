// Package files makes the work folders that trials run in, and removes them.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// Room holds the work folders of one campaign, below the system's temporary folder.
type Room struct {
	dir string
}

// roomPrefix begins the name of every room; PID and start time of its owner follow. It
// names the PID namespace: containers may share the folder, and a PID means nothing
// in another namespace.
func roomPrefix() string {
	link, _ := os.Readlink("/proc/self/ns/pid") //nolint:errcheck // then all share the number 0
	inode, _ := proc.Inode(link, "pid")
	return fmt.Sprintf("sigprobe-%d-", inode)
}

// NewRoom makes a room, and removes those whose owners died without a chance to.
func NewRoom() (*Room, error) {
	self, err := proc.ReadMember(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("make a folder for trials: %w", err)
	}
	removeStale(os.TempDir())
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-%d-", roomPrefix(), self.PID, self.StartTicks))
	if err != nil {
		return nil, fmt.Errorf("make a folder for trials: %w; set TMPDIR to a folder that can be written", err)
	}
	return &Room{dir}, nil
}

// Close removes the room with all that is in it.
func (r *Room) Close() error { return removeTree(r.dir) }

// removeStale removes this user's rooms whose owners are gone.
func removeStale(parent string) {
	rooms, _ := filepath.Glob(filepath.Join(parent, roomPrefix()+"*-*-*")) //nolint:errcheck // the pattern is sound
	for _, dir := range rooms {
		var stat unix.Stat_t
		mine := unix.Lstat(dir, &stat) == nil && int(stat.Uid) == os.Geteuid() && stat.Mode&unix.S_IFMT == unix.S_IFDIR
		if mine && !ownerAlive(filepath.Base(dir)) {
			removeTree(dir) //nolint:errcheck // the next run tries again
		}
	}
}

func ownerAlive(name string) bool {
	parts := strings.Split(strings.TrimPrefix(name, roomPrefix()), "-")
	if len(parts) != 3 {
		return true // not made by us
	}
	pid, errPID := strconv.Atoi(parts[0])
	start, errStart := strconv.ParseUint(parts[1], 10, 64)
	if errPID != nil || errStart != nil {
		return true
	}
	owner, err := proc.ReadMember(pid)
	return err == nil && owner.StartTicks == start
}

// Workspace is the folders of one trial.
type Workspace struct {
	root string
	// Work is the folder that the target runs in, and Temp its TMPDIR, beside it.
	Work, Temp string
}

// Workspace makes the folders of a trial and copies the inputs into the work folder:
// a file or folder by its name, a folder that ends in a slash by its content.
func (r *Room) Workspace(inputs []string) (*Workspace, error) {
	root, err := os.MkdirTemp(r.dir, "trial-")
	if err != nil {
		return nil, fmt.Errorf("make a work folder: %w", err)
	}
	w := &Workspace{root: root, Work: filepath.Join(root, "work"), Temp: filepath.Join(root, "tmp")}
	if err := w.fill(inputs); err != nil {
		w.Close() //nolint:errcheck // the error that counts is the other
		return nil, err
	}
	return w, nil
}

func (w *Workspace) fill(inputs []string) error {
	for _, dir := range []string{w.Work, w.Temp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make a work folder: %w", err)
		}
	}
	for _, input := range inputs {
		into := filepath.Join(w.Work, filepath.Base(input))
		if strings.HasSuffix(input, "/") {
			into = w.Work
		}
		if err := copyTree(input, into); err != nil {
			return fmt.Errorf("copy %s into the work folder: %w", input, err)
		}
	}
	return nil
}

// Close removes the folders, whatever the target made of their permissions.
func (w *Workspace) Close() error { return removeTree(w.root) }

// removeTree removes a folder, giving itself the permission where a folder in it was
// locked. It never follows a link.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { //nolint:errcheck // the second removal tells
		if entry != nil && entry.IsDir() {
			os.Chmod(path, 0o700) //nolint:errcheck // likewise
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// copyTree copies a file, a link or a folder with all that is in it, with permissions.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyEntry(path, filepath.Join(to, relative), entry)
	})
}

func copyEntry(from, to string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		// It must be possible to fill it; a folder that cannot be written stays so in
		// the source only.
		return os.MkdirAll(to, info.Mode().Perm()|0o700)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case info.Mode().IsRegular():
		return copyFile(from, to, info.Mode().Perm())
	}
	return fmt.Errorf("%s is neither a file, a folder nor a link", from)
}

// copyFile shares the blocks where the file system can (FICLONE, ioctl_ficlone(2)) and
// copies them elsewhere.
func copyFile(from, to string, mode fs.FileMode) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if unix.IoctlFileClone(int(target.Fd()), int(source.Fd())) == nil {
		return nil
	}
	_, err = target.ReadFrom(source)
	return err
}
