package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Oracle is a question about the content of a file, written as text: a word, or a word
// and its argument behind a colon. [Oracles] lists the words, the strongest first.
type Oracle struct {
	Kind OracleKind
	// Argument is what stands behind the colon: the format's name, the hash, the command,
	// the boundary of records; empty where there is none.
	Argument string
}

// OracleKind is the word of an oracle.
type OracleKind string

// The oracles, the strongest first.
const (
	Unchanged  OracleKind = "unchanged"   // the bytes from before the launch
	Absent     OracleKind = "absent"      // there is no such file
	Present    OracleKind = "present"     // there is one
	SHA256     OracleKind = "sha256"      // sha256:HEX, the content's hash; sha256:@FILE, a manifest as sha256sum writes it
	OldOrNew   OracleKind = "old-or-new"  // the bytes from before, or those that an undisturbed run leaves
	AppendOnly OracleKind = "append-only" // append-only[:BOUNDARY], whole records added to what was there
	Resumable  OracleKind = "resumable"   // starting again to the end gives what an undisturbed run leaves
	Command    OracleKind = "command"     // command:CMD, a shell command that exits with 0; {} is the file's path
	Format     OracleKind = "format"      // format:NAME, the file is whole by its format
)

// Oracles are all words that an oracle can begin with.
var Oracles = []OracleKind{Unchanged, Absent, Present, SHA256, OldOrNew, AppendOnly, Resumable, Command, Format}

// Formats are the names that format: takes, in the order of their kinds: text, records,
// documents, streams, archives, databases, pictures.
var Formats = []string{
	"text", "jsonl", "csv", "json", "xml", "yaml", "gzip", "bzip2", "zstd", "xz", "zip", "tar",
	"tar.gz", "tar.bz2", "tar.zst", "tar.xz", "sqlite", "parquet", "png", "jpeg",
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

// ParseOracle reads the text of an oracle.
func ParseOracle(text string) (Oracle, error) {
	word, argument, given := strings.Cut(text, ":")
	o := Oracle{OracleKind(word), argument}
	switch {
	case !slices.Contains(Oracles, o.Kind):
		return Oracle{}, fmt.Errorf("%q is no oracle; write absent, present, unchanged, old-or-new, append-only, resumable, format:NAME, sha256:HEX or command:CMD", text)
	case !o.takesArgument() && given:
		return Oracle{}, fmt.Errorf("%s takes nothing behind a colon; leave %q out", o.Kind, argument)
	}
	return o, o.checkArgument(given)
}

func (o Oracle) takesArgument() bool {
	return slices.Contains([]OracleKind{SHA256, AppendOnly, Command, Format}, o.Kind)
}

func (o Oracle) checkArgument(given bool) error {
	switch o.Kind {
	case SHA256:
		if !hexSHA256.MatchString(o.Argument) && (!strings.HasPrefix(o.Argument, "@") || o.Argument == "@") {
			return fmt.Errorf("%q is no SHA-256; write its 64 hexadecimal digits, or @FILE for a manifest as sha256sum writes it", o.Argument)
		}
	case AppendOnly:
		if given {
			_, err := ParseBoundary(o.Argument)
			return err
		}
	case Command:
		if strings.TrimSpace(o.Argument) == "" {
			return fmt.Errorf("command: needs a command, such as command:jq . {}")
		}
	case Format:
		if !slices.Contains(Formats, o.Argument) {
			return fmt.Errorf("%q is no format; write one of %s", o.Argument, strings.Join(Formats, ", "))
		}
	}
	return nil
}

// String writes the oracle so that [ParseOracle] reads it back.
func (o Oracle) String() string {
	if o.Argument == "" {
		return string(o.Kind)
	}
	return string(o.Kind) + ":" + o.Argument
}

// MarshalText writes what String writes.
func (o Oracle) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what [ParseOracle] reads.
func (o *Oracle) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOracle(string(text))
	return err
}

// Boundary is where a record of an append-only file ends.
type Boundary struct {
	// Kind is line, length or pattern.
	Kind string
	// Bytes is the width of a length in front of each record, 1, 2, 4 or 8, and Big says
	// that its first byte is the highest.
	Bytes int
	Big   bool
	// Pattern matches the bytes that end a record.
	Pattern *regexp.Regexp
}

// ParseBoundary reads `line`, `length:u32be` (u8, u16, u32, u64, with le or be) or
// `pattern:RE`, an RE2 that the bytes at the end of a record match. "" stands for line.
func ParseBoundary(text string) (Boundary, error) {
	kind, argument, _ := strings.Cut(text, ":")
	switch {
	case text == "" || text == "line":
		return Boundary{Kind: "line"}, nil
	case kind == "length":
		widths := map[string]int{"u8": 1, "u16be": 2, "u16le": 2, "u32be": 4, "u32le": 4, "u64be": 8, "u64le": 8}
		if n := widths[argument]; n > 0 {
			return Boundary{Kind: kind, Bytes: n, Big: strings.HasSuffix(argument, "be")}, nil
		}
	case kind == "pattern" && argument != "":
		re, err := endPattern(argument)
		return Boundary{Kind: kind, Pattern: re}, err
	}
	return Boundary{}, fmt.Errorf("%q is no boundary of records; write line, length:u32be (u8, u16, u32, u64, with le or be) or pattern:RE", text)
}

// endPattern is an expression held to the end of what it is matched with. It is read by
// itself first: a parenthesis in it must not close the one that is put around it.
func endPattern(text string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(text); err != nil {
		return nil, fmt.Errorf("%q is no regular expression: %w", text, err)
	}
	re, err := regexp.Compile(`(?s:` + text + `)\z`)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no regular expression at the end of a record: %w", text, err)
	case re.MatchString(""):
		return nil, fmt.Errorf("%q matches the end of anything; write an expression for the bytes that end a record", text)
	}
	return re, nil
}
