package oracle

import (
	"bufio"
	"errors"
	"image/png"
	"io"
)

// pngPicture is a PNG whose pixels can all be decoded, with the checksums of its chunks,
// its end chunk, and nothing behind that.
func pngPicture(_ *look, file *source) error {
	if err := smallEnough(file, png.DecodeConfig); err != nil {
		return err
	}
	r := bufio.NewReaderSize(onlyReader{file}, chunk)
	_, err := png.Decode(r)
	at := file.at - int64(r.Buffered())
	var unsupported png.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return notDecoded(file, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return broken(Truncated, file.size, "it ends before its end chunk")
	case err != nil:
		return broken(Malformed, at, "it cannot be decoded: %s", err)
	case at < file.size:
		return broken(TrailingGarbage, at, "the picture is whole, and %d bytes follow", file.size-at)
	}
	return nil
}
