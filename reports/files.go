package reports

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// makeRunFolder makes a folder that nobody else has. Names sort by time; the random
// end keeps runs apart that start in the same millisecond.
func makeRunFolder(runs string, started time.Time) (id string, err error) {
	for range 10 {
		id = started.UTC().Format("20060102-150405.000") + "-" + suffix()
		if err = os.Mkdir(filepath.Join(runs, id), 0o755); !errors.Is(err, fs.ErrExist) {
			return id, err
		}
	}
	return "", err
}

// suffix is six random characters of a-z and 2-7.
func suffix() string { return strings.ToLower(rand.Text()[:6]) }

// pointLatest swaps root/latest in one step: somebody who reads it sees the old run or
// the new one. Where there are no symbolic links it is left out; Open then takes the
// newest ID.
func pointLatest(root, id string) error {
	temp := filepath.Join(root, "."+latestName+"-"+id)
	err := os.Symlink(filepath.Join(runsName, id), temp)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp, filepath.Join(root, latestName)); err != nil {
		os.Remove(temp) //nolint:errcheck // the cause is reported
		return err
	}
	return nil
}

// writeWhole writes a file so that whoever reads it sees all of it or none of it, also
// after a crash of the machine: the folder is the caller's to sync.
func writeWhole(dir *os.Root, name string, content []byte) error {
	return replace(dir, name, content, (*os.File).Sync)
}

// replace writes a temporary file beside the named one and renames it over that.
func replace(dir *os.Root, name string, content []byte, sync func(*os.File) error) error {
	temp := name + ".tmp-" + suffix()
	f, err := dir.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, sync(f), f.Close())
	if err == nil {
		err = dir.Rename(temp, name)
	}
	if err != nil {
		dir.Remove(temp) //nolint:errcheck // the cause is reported
	}
	return err
}

// syncFolder makes the names in a folder, just opened, durable. Some file systems cannot sync a
// folder and say EINVAL (fsync(2)); there is nothing to be done about it there.
func syncFolder(f *os.File, err error) error {
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// storeError names the operation and what would mend it.
func storeError(operation string, err error) error {
	return fmt.Errorf("%s: %w; %s", operation, err, remedy(err))
}

func remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "name a folder that can be written with --store DIR"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space, or name a folder on another disk with --store DIR"
	case errors.Is(err, fs.ErrNotExist):
		return "name a folder that exists or can be made with --store DIR, and do not delete it while the run goes on"
	}
	return "name another folder with --store DIR"
}
