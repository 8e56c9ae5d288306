package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// source is a file that is read within the limits. It remembers why it could not be
// read to the end: a decoder may make something else of that.
type source struct {
	ctx  context.Context
	look *look
	name string
	file *os.File
	size int64
	// at is the place of the next read.
	at     int64
	failed error
}

// open opens a file for reading. A missing file is an absence, one that is no file or
// larger than the limits another error. It never blocks on a pipe (O_NONBLOCK, fifo(7)).
func (k *look) open(path, name string) (*source, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &absence{"there is no such file"}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, withoutPath(err))
	}
	s := &source{ctx: k.ctx, look: k, name: name, file: file}
	k.sources = append(k.sources, s)
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, withoutPath(err))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: it is no regular file but %s", name, typeOf(info.Mode()))
	case info.Size() > k.Bytes:
		return nil, fmt.Errorf("read %s: its %d bytes are more than the limit of %d", name, info.Size(), k.Bytes)
	}
	s.size = info.Size()
	return s, nil
}

// withoutPath is the cause of an error of package os: a path of this machine says
// nothing to who reads the answer.
func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

func typeOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// Read reads on, unless the time is over.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.ReadAt(p, s.at)
	s.at += int64(n)
	if n > 0 && err == io.EOF { //nolint:errorlint // ReadAt returns it bare
		return n, nil
	}
	return n, err
}

// ReadAt reads at a place, unless the time is over.
func (s *source) ReadAt(p []byte, at int64) (int, error) {
	if s.ctx.Err() != nil {
		s.failed = s.look.outOfTime()
		return 0, s.failed
	}
	n, err := s.file.ReadAt(p, at)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failed = fmt.Errorf("read %s: %w", s.name, withoutPath(err))
		return n, s.failed
	}
	return n, err
}

// from reads a source from a place to its end.
func (s *source) from(at int64) io.Reader { return io.NewSectionReader(s, at, max(0, s.size-at)) }

// unread is why one of the files could not be read, nil where all could.
func (k *look) unread() error {
	for _, s := range k.sources {
		if s.failed != nil {
			return s.failed
		}
	}
	return nil
}

func (k *look) close() {
	for _, s := range k.sources {
		s.file.Close() //nolint:errcheck // it was only read
	}
}

// fail makes the answer Undecided, whatever a decoder makes of the error.
func (s *source) fail(format string, args ...any) error {
	s.failed = fmt.Errorf(format, args...)
	return s.failed
}

func lstat(path string) (fs.FileInfo, error) { return os.Lstat(path) }

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return 0, errors.Join(err, errors.ErrUnsupported)
	}
	return info.Size(), nil
}
