package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"

	"github.com/sigprobe/sigprobe/reports"
)

// JSON writes the summary, indented: the contract for programs. Characters that do
// not print are written as \u escapes, which loses nothing and keeps a terminal safe
// from a cat.
func JSON(w io.Writer, r Report, _ Style) error {
	text, err := encode(r.Summary)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func encode(summary reports.Summary) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(summary); err != nil {
		return nil, err
	}
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON can look at characters alone: what does not print stands only inside
// strings, but for the line feeds of the indentation.
func escapeJSON(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
