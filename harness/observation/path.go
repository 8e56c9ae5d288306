package observation

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EscapePath writes a path as text that JSON keeps. Names of files are bytes; a byte
// that is not part of UTF-8 becomes \xNN, and a backslash is doubled. Every other path
// stays as it is. [UnescapePath] gives the bytes back.
func EscapePath(path string) string {
	if utf8.ValidString(path) && !strings.Contains(path, `\`) {
		return path
	}
	var b strings.Builder
	for len(path) > 0 {
		r, size := utf8.DecodeRuneInString(path)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, path[0])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			b.WriteString(path[:size])
		}
		path = path[size:]
	}
	return b.String()
}

// UnescapePath is the path that [EscapePath] wrote. A backslash that it would not have
// written stands for itself.
func UnescapePath(text string) string {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(text, `\`)
		b.WriteString(plain)
		if !found {
			return b.String()
		}
		char, length := unescape(rest)
		b.WriteByte(char)
		text = rest[length:]
	}
}

// unescape reads what stands behind a backslash: the byte meant, and its length.
func unescape(text string) (char byte, length int) {
	if strings.HasPrefix(text, `\`) {
		return '\\', 1
	}
	if len(text) >= 3 && text[0] == 'x' {
		if value, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
			return byte(value), 3
		}
	}
	return '\\', 0
}
