package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// maxEvidence bounds how many files are kept of a trial.
const maxEvidence = 100

// Keep copies the regular files in dir that fit any of the patterns (see
// [Snapshot.Match]) into a folder, which is made where it does not exist, and returns
// the copy of each path. The blocks are shared where the file system can do that. The
// paths are bytes, not escaped. Links are not followed; what vanishes meanwhile is left
// out.
func Keep(dir string, patterns []string, into string) (map[string]string, error) {
	tree, err := Take(dir, Options{})
	if err != nil {
		return nil, err
	}
	root, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, fmt.Errorf("keep files of %s: %w", dir, err)
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written
	copies := map[string]string{}
	for _, pattern := range patterns {
		for _, path := range tree.Match(pattern) {
			if _, done := copies[path]; done {
				continue
			}
			switch _, err := keep(root, path, into, -1); {
			case err == nil:
				copies[path] = filepath.Join(into, path)
			case !errors.Is(err, errNotKept):
				return copies, fmt.Errorf("keep %s: %w", filepath.Join(dir, path), err)
			}
		}
	}
	return copies, nil
}

// Evidence copies files into a folder, which is made where it does not exist, under the
// paths that they have in dir: at most the first 100, and at most maxBytes together. A
// file that does not fit into what is left is left out as a whole, since a part of it
// could be taken for damage. The paths are those of an observation, as [observation.EscapePath] writes
// them, and so are those of the files that were kept.
//
// No link is followed, in no place of a path. What is no regular file, cannot be read, or
// is gone, is left out. The error tells which of the others could not be written.
func Evidence(dir string, paths []string, into string, maxBytes int64) (kept []string, err error) {
	root, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("keep files of %s: %w", dir, err)
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written
	var errs []error
	for _, path := range paths {
		if len(kept) == maxEvidence {
			break
		}
		switch size, err := keep(root, observation.UnescapePath(path), into, maxBytes); {
		case err == nil:
			kept = append(kept, path)
			maxBytes -= size
		case !errors.Is(err, errNotKept):
			errs = append(errs, fmt.Errorf("keep %s: %w", path, err))
		}
	}
	return kept, errors.Join(errs...)
}

// errNotKept says that there is nothing that could be kept.
var errNotKept = errors.New("nothing to keep")

// keep copies a file of at most limit bytes, and returns its size; a limit below 0 is
// none.
func keep(root int, path, into string, limit int64) (size int64, err error) {
	source, size, err := openRegular(root, path)
	if err != nil {
		return 0, err
	}
	defer source.Close() //nolint:errcheck // nothing was written
	if limit >= 0 && size > limit {
		return 0, errNotKept
	}
	to := filepath.Join(into, path)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, err
	}
	if err := fill(source, to, 0o644); err != nil {
		if !errors.Is(err, fs.ErrExist) {
			os.Remove(to) //nolint:errcheck // half a copy is worse than none
		}
		return 0, err
	}
	return size, nil
}

// openRegular opens a regular file below a folder, and returns its size. Where there is
// none, or it must not be read, the error is errNotKept.
func openRegular(root int, path string) (*os.File, int64, error) {
	fd, err := openBelow(root, path)
	if err != nil {
		return nil, 0, err
	}
	// Only now is it certain what was opened.
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd) //nolint:errcheck // nothing was written
		return nil, 0, errNotKept
	}
	return os.NewFile(uintptr(fd), path), stat.Size, nil
}

// openBelow opens a path name by name, so that no link in it leads elsewhere, and
// however long it is. What is no regular file by lstat(2) is not opened: a fifo would
// notice.
func openBelow(root int, path string) (fd int, err error) {
	if !filepath.IsLocal(path) || filepath.Clean(path) != path {
		return -1, errNotKept
	}
	folder, err := unix.FcntlInt(uintptr(root), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer func() { unix.Close(folder) }() //nolint:errcheck // nothing was written
	names := strings.Split(path, "/")
	for _, name := range names[:len(names)-1] {
		next, err := openat(folder, name, unix.O_PATH|unix.O_DIRECTORY)
		if err != nil {
			return -1, unkept(err)
		}
		unix.Close(folder) //nolint:errcheck // nothing was written
		folder = next
	}
	name := names[len(names)-1]
	var stat unix.Stat_t
	if err := lstatat(folder, name, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
		return -1, errNotKept
	}
	fd, err = openat(folder, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	return fd, unkept(err)
}

// unkept tells what a trial can bring about from what only the machine can.
func unkept(err error) error {
	switch err {
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.EACCES, unix.EPERM, unix.ENXIO, unix.EWOULDBLOCK, unix.ENAMETOOLONG:
		return errNotKept
	}
	return err
}
