package oracle

import (
	"io"
	"strings"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// unxz unpacks xz of one stream or several, with their checksums and indexes. It cannot
// see streams that are missing at the end. Filters other than LZMA2 are not read.
func unxz(p *packedFile) (io.Reader, error) {
	if tooWideXZ(p) {
		return nil, p.fail("%w", errTooWide)
	}
	r, err := xz.NewReader(p.Reader)
	if err != nil {
		return nil, p.spoiledXZ(err)
	}
	return asDamage(r, p.spoiledXZ), nil
}

// spoiledXZ tells apart what the library says in words only.
func (p *packedFile) spoiledXZ(err error) error {
	at := p.place() - xz.HeaderLen
	switch {
	case strings.Contains(err.Error(), "header magic") && at > 0:
		return p.garbage(at)
	case strings.Contains(err.Error(), "filter"):
		return p.fail("it has a filter that is not read: %w", err)
	}
	return p.spoiled("xz data", err)
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
