package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Save copies the folders of a trial as they are now, so that [Workspace.Restore] can
// put them back. It is called once.
func (w *Workspace) Save() error {
	for name, dir := range w.folders() {
		if err := saveTree(dir, filepath.Join(w.root, "saved", name)); err != nil {
			return fmt.Errorf("save the work folder: %w", err)
		}
	}
	return nil
}

// Restore makes the folders what they were when they were saved, for processes that
// come later: who has one of its files open goes on with the old one.
func (w *Workspace) Restore() error {
	for name, dir := range w.folders() {
		if err := emptyFolder(dir); err != nil {
			return fmt.Errorf("restore the work folder: %w", err)
		}
		if err := saveTree(filepath.Join(w.root, "saved", name), dir); err != nil {
			return fmt.Errorf("restore the work folder: %w", err)
		}
	}
	return nil
}

func (w *Workspace) folders() map[string]string {
	return map[string]string{"work": w.Work, "tmp": w.Temp}
}

// emptyFolder removes what is in a folder, and leaves the folder.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, removeTree(filepath.Join(dir, e.Name())))
	}
	return err
}

// saveTree copies a tree with what a program may look at when it starts again: types,
// permissions and times. A socket is copied as what it is to a later process, a name at
// which nobody listens. Devices are left out.
func saveTree(from, to string) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the target removed its own folder
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if err := saveEntry(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return saveTraits(from, to)
}

func saveEntry(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch mode := info.Mode(); mode.Type() {
	case fs.ModeDir:
		return saveTree(from, to)
	case fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case fs.ModeNamedPipe:
		err = unix.Mknod(to, unix.S_IFIFO|0o600, 0)
	case fs.ModeSocket:
		err = unix.Mknod(to, unix.S_IFSOCK|0o600, 0)
	case 0:
		err = copyFile(from, to, 0o600)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	return saveTraits(from, to)
}

// saveTraits copies permissions and the time of the last change.
func saveTraits(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.Chmod(to, info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
