package oracle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// unpacker gives the bytes that are packed in a file. Its reader says io.EOF only where
// the file is whole to its last byte, and *damage where it is not.
type unpacker func(*packedFile) (io.Reader, error)

// packedFile is a packed file while it is unpacked.
type packedFile struct {
	*source
	*bufio.Reader
}

func (k *look) unpack(file *source, by unpacker) (io.Reader, error) {
	p := &packedFile{file, bufio.NewReaderSize(onlyReader{file}, chunk)}
	r, err := by(p)
	if err != nil {
		return nil, err
	}
	return &bounded{from: r, file: file, limit: k.Bytes}, nil
}

// place is how far the decoder has come.
func (p *packedFile) place() int64 { return p.at - int64(p.Buffered()) }

// packed is the format of files that an unpacker reads.
func packed(by unpacker) format {
	return func(k *look, file *source) error {
		r, err := k.unpack(file, by)
		if err != nil {
			return err
		}
		return drain(r)
	}
}

// cut is the damage of a file that ends within a stream.
func (p *packedFile) cut() *damage {
	return broken(Truncated, p.size, "it ends within its packed data")
}

// spoiled is what a decoder's error says: the end came too early, or something at about
// this place is wrong. what is the stream's name.
func (p *packedFile) spoiled(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return p.cut()
	}
	return broken(Malformed, min(p.place(), p.size), "its %s is damaged before byte %d: %s", what, p.place(), err)
}

// garbage is the damage of a file that goes on behind its last stream.
func (p *packedFile) garbage(at int64) *damage {
	return broken(TrailingGarbage, at, "its packed data is whole, and %d bytes follow", p.size-at)
}

// A small file may unpack to very much. From freeOfRatio bytes on, more than mostRatio
// bytes from each are beyond the limits: gzip cannot reach that, and what a target writes
// does not.
const (
	freeOfRatio = 256 << 20
	mostRatio   = 2_000
)

// bounded is what is unpacked, within the limits.
type bounded struct {
	from  io.Reader
	file  *source
	limit int64
	given int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.file.ctx.Err() != nil {
		return 0, b.file.fail("%w", b.file.look.outOfTime())
	}
	n, err := b.from.Read(p)
	b.given += int64(n)
	switch {
	case b.given > b.limit:
		return n, b.file.fail("it unpacks to more than the limit of %d bytes", b.limit)
	case b.given > freeOfRatio && b.given/mostRatio > b.file.size:
		return n, b.file.fail("it unpacks to more than %d times its size", mostRatio)
	}
	return n, err
}

// readerFunc is a reader that is one function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// asDamage reads, and puts a decoder's error into the words of damage.
func asDamage(r io.Reader, say func(error) error) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		n, err := r.Read(p)
		if err == nil || err == io.EOF { //nolint:errorlint // a reader's end is bare
			return n, err
		}
		return n, say(err)
	})
}

var errTooWide = fmt.Errorf("it needs a window of more than %d bytes to be unpacked", widest)

// widest is the largest window that is kept in memory to unpack, in bytes: that of
// zstd --long and of xz -9, and more.
const widest = 128 << 20
