package oracle

import (
	"bufio"
	"image"
	"io"
)

// mostPixels is how many pixels a picture may have to be decoded in memory.
const mostPixels = 64 << 20

// smallEnough refuses a picture that has more pixels than are decoded. Its header says
// how many; one that cannot be read is left to the decoder.
func smallEnough(file *source, config func(io.Reader) (image.Config, error)) error {
	c, err := config(bufio.NewReader(file.from(0)))
	if err == nil && (c.Width <= 0 || c.Height <= 0 || c.Width > mostPixels/c.Height) {
		return file.fail("its %d x %d pixels are more than the %d that are decoded", c.Width, c.Height, mostPixels)
	}
	return nil
}

// notDecoded is why a picture of a kind that is not decoded says nothing, but where it ends
// in zeros: then they may be what makes it look like one.
func notDecoded(file *source, err error) error {
	if d, zeroErr := zeroTail(file, 0); zeroErr == nil && d != nil && file.size-d.offset >= leastZeros {
		return d
	}
	return file.fail("%w", err)
}
