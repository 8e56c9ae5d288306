package oracle

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// jsonDocument is one JSON value of UTF-8, and white space around it. It cannot see a
// number at the outermost level that lost digits, nor a name that stands twice.
func jsonDocument(k *look, file *source) error {
	g := &guarded{source: file}
	d := json.NewDecoder(g)
	d.UseNumber()
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return jsonDamage(file, d, err)
		}
		g.mark = d.InputOffset()
		if depth += nesting(token); depth > k.Depth {
			return file.fail("its values are nested deeper than the limit of %d", k.Depth)
		}
		if depth == 0 {
			break
		}
	}
	if err := onlySpaceFrom(file, d.InputOffset()); err != nil {
		return err
	}
	return validUTF8(file)
}

// nesting is how a token changes the depth.
func nesting(token json.Token) int {
	switch token {
	case json.Delim('{'), json.Delim('['):
		return 1
	case json.Delim('}'), json.Delim(']'):
		return -1
	}
	return 0
}

// jsonDamage is what the end of decoding says about a file.
func jsonDamage(file *source, d *json.Decoder, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return inText(file, Truncated, file.size, "it ends within a value")
	case !errors.As(err, &syntax):
		return err
	}
	at, readErr := brokenSyntax(file, d.InputOffset(), strings.Contains(err.Error(), " after "))
	if readErr != nil {
		return readErr
	}
	return inText(file, Malformed, at, "%s", err)
}

// brokenSyntax finds the byte that broke the syntax behind the last good token. The
// decoder of tokens does not count the bytes between them, so that its own place is of no
// use. misplaced says that a separator is missing there; else one may come first.
func brokenSyntax(file *source, at int64, misplaced bool) (int64, error) {
	r := bufio.NewReader(file.from(at))
	at, err := skipSpace(r, at)
	if misplaced || err != nil {
		return at, err
	}
	if next, _ := r.Peek(1); len(next) > 0 && (next[0] == ',' || next[0] == ':') { //nolint:errcheck // then there is none
		r.Discard(1) //nolint:errcheck // it was seen
		if at, err = skipSpace(r, at+1); err != nil {
			return at, err
		}
	}
	var syntax *json.SyntaxError
	if err := json.NewDecoder(io.LimitReader(r, longestToken)).Decode(new(json.RawMessage)); errors.As(err, &syntax) {
		at += max(0, syntax.Offset-1) // it counts the bad byte
	}
	return min(at, file.size), nil
}

// skipSpace passes over white space, and returns the place behind it.
func skipSpace(r *bufio.Reader, at int64) (int64, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return at, notEnd(err)
		}
		if !isSpace(b) {
			return at, r.UnreadByte()
		}
		at++
	}
}

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

// onlySpaceFrom says that nothing but white space follows.
func onlySpaceFrom(file *source, at int64) error {
	r, buf := file.from(at), make([]byte, chunk)
	for {
		n, err := r.Read(buf)
		for i, b := range buf[:n] {
			if !isSpace(b) {
				return inText(file, TrailingGarbage, at+int64(i), "the value is whole, and more follows at byte %d", at+int64(i))
			}
		}
		at += int64(n)
		if err != nil {
			return notEnd(err)
		}
	}
}
