package render

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a text of unknown origin safe to show in one line, in a terminal, a CI
// log or XML. What does not print is shown as a Go escape: control characters with
// the line feed and ESC, the C1 controls, bidirectional overrides and other format
// characters, private and unassigned ones, every blank but U+0020, and bytes that are
// no UTF-8. Commands that CI systems read out of a log are broken up: those that stand
// anywhere in a line (##[…], ##vso[…], ##teamcity[…]) and those at its start (::…).
//
// It is for the eye: a backslash stays as it is, so there is no way back.
func Escape(text string) string {
	if !printable(text) {
		text = escapeRunes(text)
	}
	text = lineCommand.ReplaceAllString(text, `$1\x3a:`)
	return logCommand.ReplaceAllString(text, `#\x23$1`)
}

var (
	logCommand  = regexp.MustCompile(`##((?i:vso|teamcity)?\[)`)
	lineCommand = regexp.MustCompile(`^( *)::`)
)

func printable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

func escapeRunes(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		text = text[size:]
	}
	return b.String()
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
