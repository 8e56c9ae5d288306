package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// reader hashes files on as many goroutines as Go runs at once. They are started by the
// first file.
type reader struct {
	left    int64 // bytes that may still be read
	files   chan unread
	workers sync.WaitGroup
}

// unread is a file that is open and waits to be read.
type unread struct {
	fd int
	e  *entry
}

// takes says whether so much more may be read, and counts it.
func (r *reader) takes(bytes int64) bool {
	if bytes > r.left {
		return false
	}
	r.left -= bytes
	return true
}

// read has a file hashed and closed. The entry may be looked at after wait.
func (r *reader) read(fd int, e *entry) {
	if r.files == nil {
		// Each that waits holds a descriptor.
		r.files = make(chan unread, 16)
		for range runtime.GOMAXPROCS(0) {
			r.workers.Go(r.work)
		}
	}
	r.files <- unread{fd, e}
}

// wait waits until all files are read.
func (r *reader) wait() {
	if r.files != nil {
		close(r.files)
		r.workers.Wait()
	}
}

func (r *reader) work() {
	buf := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is in there
	defer buffers.Put(buf)
	for f := range r.files {
		f.hash(*buf)
		unix.Close(f.fd) //nolint:errcheck // nothing was written
	}
}

// buffers are kept, because trials come in thousands.
var buffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// hash notes the hash of a file, provided that it is the one that was looked at, and
// that it stays the same meanwhile.
func (f unread) hash(buf []byte) {
	sum, n, err := sha256Of(f.fd, f.e.Size, buf)
	var stat unix.Stat_t
	if err == nil {
		err = unix.Fstat(f.fd, &stat)
	}
	now := entry{path: f.e.path}
	now.describe(&stat)
	switch {
	case err != nil:
		f.e.Unread = err.Error()
	case n != f.e.Size || !sameMetadata(f.e, &now):
		f.e.Unread = "it changed while it was read"
	default:
		f.e.SHA256 = sum
	}
}

// sha256Of hashes a file up to one byte beyond the size that it should have.
func sha256Of(fd int, size int64, buf []byte) (sum string, n int64, err error) {
	hash := sha256.New()
	n, err = io.CopyBuffer(hash, io.LimitReader(descriptor(fd), size+1), buf)
	return hex.EncodeToString(hash.Sum(nil)), n, err
}

// descriptor reads with bare system calls: package os would register every file with the
// runtime's poller, as O_NONBLOCK is set.
type descriptor int

func (d descriptor) Read(buf []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
