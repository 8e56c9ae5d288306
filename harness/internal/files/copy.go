package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

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
	return fill(source, to, mode)
}

// fill makes a file with the content of another one.
func fill(source *os.File, to string, mode fs.FileMode) (err error) {
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if unix.IoctlFileClone(int(target.Fd()), int(source.Fd())) == nil {
		return nil
	}
	return copyData(target, source)
}

// copyData copies the parts of a file that hold data, and leaves the holes between them
// (SEEK_DATA and SEEK_HOLE, lseek(2)). Where the file system knows no holes, all is one
// part.
func copyData(target, source *os.File) error {
	info, err := source.Stat()
	if err != nil {
		return err
	}
	if info.Size() == 0 { // which the kernel also says of files that it makes when they are read
		_, err := target.ReadFrom(source)
		return err
	}
	for end := int64(0); end < info.Size(); {
		start, err := source.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // nothing but a hole up to the end
		}
		if err != nil {
			return err
		}
		if end, err = source.Seek(start, unix.SEEK_HOLE); err != nil {
			return err
		}
		end = min(end, info.Size()) // it may be growing
		if err := copyPart(target, source, start, end-start); err != nil {
			return err
		}
	}
	return target.Truncate(info.Size())
}

func copyPart(target, source *os.File, start, length int64) error {
	for _, file := range []*os.File{source, target} {
		if _, err := file.Seek(start, io.SeekStart); err != nil {
			return err
		}
	}
	_, err := io.Copy(target, io.LimitReader(source, length))
	return err
}
