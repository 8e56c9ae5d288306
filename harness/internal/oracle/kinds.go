package oracle

import "fmt"

// Kinds are the words for damage, each with what it means. They stay the same from one
// version to the next: a comparison of runs counts on them.
var Kinds = map[string]string{
	Created:         "there is a file where there was none",
	Left:            "a file is there that should not be",
	Empty:           "it has no bytes",
	Truncated:       "it ends too early: what is there is right",
	ZeroFilled:      "from some place to the end there are only zero bytes",
	Torn:            "its last record is there in part, or it is new as far as some place and old behind it",
	TrailingGarbage: "it is whole, and something follows that does not belong to it",
	NotAPrefix:      "what was there before is not what it begins with",
	Changed:         "its content differs from what was expected",
	Malformed:       "it breaks the rules of its format",
	CommandFailed:   "the command did not exit with 0",
}

// The kinds of damage.
const (
	Created         = "created"
	Left            = "left"
	Empty           = "empty"
	Truncated       = "truncated"
	ZeroFilled      = "zero-filled"
	Torn            = "torn"
	TrailingGarbage = "trailing-garbage"
	NotAPrefix      = "not-a-prefix"
	Changed         = "changed"
	Malformed       = "malformed"
	CommandFailed   = "command"
)

// damage is what is wrong with a file.
type damage struct {
	kind    string
	message string
	// offset is the first damaged byte, -1 where that cannot be said.
	offset int64
	// line is the line of that byte, from 1; 0 where there are none.
	line int
	// expected is the size that the file should have, nil where that is not known.
	expected *int64
	excerpt  string
}

func (d *damage) Error() string { return d.kind + ": " + d.message }

// broken is damage at a place.
func broken(kind string, offset int64, format string, args ...any) *damage {
	return &damage{kind: kind, offset: offset, message: fmt.Sprintf(format, args...)}
}

// inLine adds the line of the damage.
func (d *damage) inLine(line int) *damage {
	d.line = line
	return d
}

// expecting adds the size that was expected.
func (d *damage) expecting(size int64) *damage {
	d.expected = &size
	return d
}
