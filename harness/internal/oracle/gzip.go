package oracle

import (
	"compress/gzip"
	"errors"
	"io"
)

// gunzip unpacks gzip (RFC 1952) of one member or several, each with its checksum and
// length. Zero bytes behind the last, which gzip(1) passes over, are garbage here. It
// cannot see members that are missing at the end.
func gunzip(p *packedFile) (io.Reader, error) {
	r, err := gzip.NewReader(p.Reader)
	if err != nil {
		return nil, p.spoiled("gzip header", err)
	}
	r.Multistream(false)
	return readerFunc(func(buf []byte) (int, error) {
		n, err := r.Read(buf)
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, io.EOF):
			return n, p.spoiled("gzip data", err)
		}
		return n, p.nextMember(r)
	}), nil
}

// nextMember makes a reader go on with the next member: nil where there is one, io.EOF
// at the end of the file.
func (p *packedFile) nextMember(r *gzip.Reader) error {
	magic, err := p.Peek(2)
	switch {
	case len(magic) == 0 && errors.Is(err, io.EOF):
		return io.EOF
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case len(magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b:
		return p.garbage(p.place())
	}
	if err := r.Reset(p.Reader); err != nil {
		return p.spoiled("gzip header", err)
	}
	r.Multistream(false)
	return nil
}
