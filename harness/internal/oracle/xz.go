package oracle

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// unxz unpacks xz of one stream or several, with their checksums and indexes. It cannot
// see streams that are missing at the end. Filters other than LZMA2 are not read.
func unxz(p *packedFile) (io.Reader, error) {
	x := &xzStreams{packedFile: p}
	if err := x.next(); err != nil {
		return nil, err
	}
	return x, nil
}

// xzStreams reads stream after stream. The library takes an end between two blocks for a
// good one, index or not, and so it is told apart here.
type xzStreams struct {
	*packedFile
	stream *xz.Reader
	// ended says that the library asked for more than there is.
	ended bool
}

// errXZEnd is what the library gets at the end of the file.
var errXZEnd = errors.New("the file ends")

// raw is the file as the library sees it.
func (x *xzStreams) raw() io.Reader {
	return readerFunc(func(buf []byte) (int, error) {
		n, err := x.packedFile.Reader.Read(buf)
		if err == io.EOF { //nolint:errorlint // a reader's end is bare
			x.ended, err = true, errXZEnd
		}
		return n, err
	})
}

func (x *xzStreams) next() error {
	if tooWideXZ(x.packedFile) {
		return x.fail("%w", errTooWide)
	}
	var err error
	if x.stream, err = (xz.ReaderConfig{SingleStream: true, DictCap: lzma.MinDictCap}).NewReader(x.raw()); err != nil {
		return x.spoiledXZ(err)
	}
	return nil
}

// Read reads the streams as one.
func (x *xzStreams) Read(buf []byte) (int, error) {
	n, err := x.stream.Read(buf)
	switch {
	case err == nil:
		return n, nil
	// The stream is whole, and the library tried to read a byte behind it.
	case strings.Contains(err.Error(), "unexpected data after stream"):
		return n, x.behind()
	}
	return n, x.spoiledXZ(err)
}

// behind passes over the padding behind a stream, zeros by the four: nil where another
// stream follows, io.EOF where nothing does.
func (x *xzStreams) behind() error {
	if x.ended {
		return io.EOF
	}
	if err := x.UnreadByte(); err != nil {
		return err
	}
	for {
		head, err := x.Peek(xz.HeaderLen)
		switch {
		case len(head) == 0 && errors.Is(err, io.EOF):
			return io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case xz.ValidHeader(head):
			return x.next()
		case !bytes.HasPrefix(head, make([]byte, 4)):
			return x.garbage(x.place())
		}
		x.Discard(4) //nolint:errcheck // they were seen
	}
}

func (x *xzStreams) spoiledXZ(err error) error {
	switch {
	case x.ended || errors.Is(err, errXZEnd):
		return x.cut()
	case strings.Contains(err.Error(), "filter id"), strings.Contains(err.Error(), "filter count"):
		return x.fail("it has a filter that is not read: %w", err)
	}
	return x.spoiled("xz data", err)
}

// tooWideXZ says that the first block asks for a dictionary wider than what is kept in
// memory. The block header (xz file format 3.1) has its size, flags, and in the
// commonest form at once the id, the length and the dictionary size of LZMA2.
func tooWideXZ(p *packedFile) bool {
	const flags, id, size = xz.HeaderLen + 1, xz.HeaderLen + 2, xz.HeaderLen + 4
	head, err := p.Peek(size + 1)
	if err != nil || head[flags]&0xC0 != 0 || head[id] != 0x21 {
		return false
	}
	width, err := lzma.DecodeDictCap(head[size])
	return err == nil && width > widest
}
