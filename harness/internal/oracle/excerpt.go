package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// shown is how many bytes an excerpt shows of a place, half of them before it.
const shown = 32

// row is a line of a hexdump around a place: its offset, its bytes, what of them can be
// printed. Where the file ends before the place the row says so.
func row(s *source, at int64) (string, error) {
	start := max(0, at-shown/2)
	buf := make([]byte, shown)
	n, err := s.ReadAt(buf, start)
	if notEnd(err) != nil {
		return "", err
	}
	text := fmt.Sprintf("%08x  % x  |%s|", start, buf[:n], printable(buf[:n]))
	if start+int64(n) <= at {
		text += " and here it ends"
	}
	return text, nil
}

// printable has a dot for each byte that is no printable ASCII.
func printable(raw []byte) string {
	text := bytes.Clone(raw)
	for i, b := range text {
		if b < ' ' || b > '~' {
			text[i] = '.'
		}
	}
	return string(text)
}

// sideBySide shows two files at the same place.
func sideBySide(wanted, found *source, at int64) (string, error) {
	w, errW := row(wanted, at)
	f, errF := row(found, at)
	return "expected " + w + "\nfound    " + f, errors.Join(errW, errF)
}

// show adds the excerpt to damage of a file: its line where there is one, else a row of
// a hexdump.
func (d *damage) show(s *source) {
	if d.excerpt != "" || d.offset < 0 {
		return
	}
	if d.line > 0 {
		d.excerpt, _ = lineAt(s, d.line, d.offset) //nolint:errcheck // then there is no excerpt
		return
	}
	d.excerpt, _ = row(s, d.offset) //nolint:errcheck // likewise
}

// longestExcerpt bounds what is shown of a line, in bytes.
const longestExcerpt = 160

// lineAt shows a line, from at most half the longest excerpt before the place.
func lineAt(s *source, line int, at int64) (string, error) {
	from := max(0, at-longestExcerpt/2)
	buf := make([]byte, longestExcerpt)
	n, err := s.ReadAt(buf, from)
	if notEnd(err) != nil {
		return "", err
	}
	buf = buf[:n]
	here := min(int(at-from), n)
	if i := bytes.LastIndexByte(buf[:here], '\n'); i >= 0 {
		buf, here = buf[i+1:], here-i-1
	}
	if i := bytes.IndexByte(buf[here:], '\n'); i >= 0 {
		buf = buf[:here+i]
	}
	return fmt.Sprintf("%d: %s", line, strconv.Quote(string(buf))), nil
}

// lineOf counts the lines up to a place, from 1.
func lineOf(s *source, at int64) (int, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(s, 0, max(0, at)), chunk)
	line, buf := 1, make([]byte, chunk)
	for {
		n, err := r.Read(buf)
		line += bytes.Count(buf[:n], []byte{'\n'})
		if err != nil {
			return line, notEnd(err)
		}
	}
}
