package oracle

import (
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// unzstd unpacks Zstandard (RFC 8878) of one frame or several, with their checksums where
// they have them. It cannot see frames that are missing at the end, nor, in a frame
// without a checksum, all content that is wrong.
func unzstd(p *packedFile) (io.Reader, error) {
	// One at a time: nothing is left running when the answer is known.
	d, err := zstd.NewReader(onlyReader{p.Reader}, zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(widest))
	if err != nil {
		return nil, err
	}
	return asDamage(d, func(err error) error {
		at := p.place() - zstdMagic
		switch {
		case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return p.fail("%w", errTooWide)
		case errors.Is(err, zstd.ErrUnknownDictionary):
			return p.fail("it needs a dictionary to be unpacked")
		case errors.Is(err, zstd.ErrMagicMismatch) && at > 0:
			return p.garbage(at)
		}
		return p.spoiled("zstd data", err)
	}), nil
}

// zstdMagic is the length of what a frame begins with.
const zstdMagic = 4
