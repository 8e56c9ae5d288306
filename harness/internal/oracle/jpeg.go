package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"image/jpeg"
	"io"
)

// jpegPicture is a JPEG whose pixels can all be decoded and that ends with its end marker.
// JPEG has no checksum: it cannot see pixels that are wrong. Arithmetic coding and other
// rare kinds are not read.
func jpegPicture(_ *look, file *source) error {
	if err := smallEnough(file, jpeg.DecodeConfig); err != nil {
		return err
	}
	_, err := jpeg.Decode(bufio.NewReaderSize(onlyReader{file}, chunk))
	var unsupported jpeg.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return notDecoded(file, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return broken(Truncated, file.size, "it ends before its end marker")
	case err != nil:
		return broken(Malformed, -1, "it cannot be decoded: %s", err)
	}
	return endsInMarker(file)
}

func endsInMarker(file *source) error {
	end := make([]byte, 2)
	if _, err := file.ReadAt(end, max(0, file.size-2)); notEnd(err) != nil {
		return err
	}
	if !bytes.Equal(end, []byte{0xff, 0xd9}) {
		return broken(TrailingGarbage, -1, "the picture is whole, and more follows its end marker")
	}
	return nil
}
