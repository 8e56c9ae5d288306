package oracle

import (
	"encoding/json"
	"errors"
	"io"
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

// jsonDamage is what the end of decoding says about a file. The decoder tells the place
// of the last good token, or that of the byte that broke the syntax.
func jsonDamage(file *source, d *json.Decoder, err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return inText(file, Truncated, file.size, "it ends within a value")
	case errors.As(err, &syntax):
		// Offset counts the bytes read before the error, the bad one with them.
		return inText(file, Malformed, max(0, min(syntax.Offset, file.size)-1), "%s", err)
	}
	return inText(file, Malformed, d.InputOffset(), "%s", err)
}

// onlySpaceFrom says that nothing but white space follows.
func onlySpaceFrom(file *source, at int64) error {
	r, buf := file.from(at), make([]byte, chunk)
	for {
		n, err := r.Read(buf)
		for i, b := range buf[:n] {
			if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
				return inText(file, TrailingGarbage, at+int64(i), "the value is whole, and more follows at byte %d", at+int64(i))
			}
		}
		at += int64(n)
		if err != nil {
			return notEnd(err)
		}
	}
}
