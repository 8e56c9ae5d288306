package oracle

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// text is UTF-8 without NUL whose last line has its end. No lines at all are good. It
// cannot see a cut behind a line, nor what the lines say.
func text(k *look, file *source) error {
	if err := validUTF8(file); err != nil {
		return err
	}
	return endsInLine(file, 0)
}

// validUTF8 reads a whole file and says that it is UTF-8 without NUL.
func validUTF8(file *source) error {
	r, buf, kept, at := file.from(0), make([]byte, chunk), 0, int64(0)
	for {
		n, err := io.ReadFull(r, buf[kept:])
		if notEnd(err) != nil {
			return err
		}
		n += kept
		bad := firstBad(buf[:n])
		switch {
		case bad < 0:
			kept = 0
		case err == nil && !utf8.FullRune(buf[bad:n]):
			kept = copy(buf, buf[bad:n])
		case buf[bad] == 0:
			return inText(file, Malformed, at+int64(bad), "byte %d is zero, which no text has", at+int64(bad))
		case !utf8.FullRune(buf[bad:n]):
			return inText(file, Truncated, at+int64(bad), "it ends within a character")
		default:
			return inText(file, Malformed, at+int64(bad), "byte %d is no UTF-8", at+int64(bad))
		}
		if err != nil {
			return nil
		}
		at += int64(n - kept)
	}
}

// firstBad is the first byte that is zero or no part of a whole character, -1 where
// there is none.
func firstBad(buf []byte) int {
	zero := bytes.IndexByte(buf, 0)
	if zero < 0 && utf8.Valid(buf) {
		return -1
	}
	for i := 0; i < len(buf); {
		r, size := utf8.DecodeRune(buf[i:])
		if buf[i] == 0 || (r == utf8.RuneError && size == 1) {
			return i
		}
		i += size
	}
	return -1
}
