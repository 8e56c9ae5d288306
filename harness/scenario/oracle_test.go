package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

func TestOracles(t *testing.T) {
	hash := strings.Repeat("0aF9", 16)
	for text, argument := range map[string]string{
		"absent": "", "present": "", "unchanged": "", "old-or-new": "", "resumable": "", "append-only": "",
		"append-only:line": "line", "append-only:length:u32be": "length:u32be", "append-only:pattern:a:b": "pattern:a:b",
		"sha256:" + hash: hash, "sha256:@sums/SHA256SUMS": "@sums/SHA256SUMS",
		"format:tar.gz": "tar.gz", "command:jq . {}": "jq . {}", "command:test a: = a:": "test a: = a:",
	} {
		o, err := scenario.ParseOracle(text)
		if err != nil || o.Argument != argument || o.String() != text {
			t.Errorf("%q is read as %+v, %v, and written as %q", text, o, err, o)
		}
	}
	if o, err := scenario.ParseOracle("append-only:"); err != nil || o.String() != "append-only" {
		t.Errorf("append-only: is read as %q, %v", o, err)
	}
}

// TestRefusedOracles holds that every refusal says what would be right.
func TestRefusedOracles(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "write absent, present",
		"Absent":                            "write absent, present",
		"old_or_new":                        "old-or-new",
		"absent:":                           "takes nothing behind a colon",
		"unchanged:x":                       `leave "x" out`,
		"sha256":                            "64 hexadecimal digits",
		"sha256:@":                          "@FILE",
		"sha256:" + strings.Repeat("0", 63): "64 hexadecimal digits",
		"sha256:" + strings.Repeat("0", 64) + "\n": "64 hexadecimal digits",
		"format":                    "write one of text",
		"format:JSON":               "write one of text",
		"command":                   "needs a command",
		"command: \t":               "needs a command",
		"append-only:lines":         "write line, length:u32be",
		"append-only:length:u16":    "write line, length:u32be",
		"append-only:length:":       "write line, length:u32be",
		"append-only:pattern:":      "write line, length:u32be",
		"append-only:pattern:(":     "no regular expression",
		"append-only:pattern:a)|(b": "no regular expression",
		"append-only:pattern:x*":    "matches the end of anything",
		"append-only:pattern:^|x":   "matches the end of anything",
	} {
		if o, err := scenario.ParseOracle(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %+v, %v; want a refusal with %q", text, o, err, want)
		}
	}
}

// TestBoundaryPatterns sees that a pattern counts at the end alone, as a whole.
func TestBoundaryPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, content string
		want             bool
	}{
		{"x|y", "ax", true}, {"x|y", "ay", true}, {"x|y", "xa", false}, {"x|y", "", false},
		{"a.b", "a\nb", true}, {";$", "a;", true}, {";$", "a;\n", false}, {`\x00`, "a\x00", true},
	} {
		b, err := scenario.ParseBoundary("pattern:" + c.pattern)
		if err != nil || b.Pattern.MatchString(c.content) != c.want {
			t.Errorf("%q at the end of %q: %v, want %v", c.pattern, c.content, err, c.want)
		}
	}
}

// oracleTexts draws what might be an oracle.
func oracleTexts() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		word := string(rapid.SampledFrom(scenario.Oracles).Draw(t, "word"))
		argument := rapid.OneOf(rapid.SampledFrom(append([]string{"line", "length:u8", "length:u64le", "pattern:;+", "@sums"}, scenario.Formats...)),
			rapid.StringMatching(`[0-9a-f]{64}`), rapid.String()).Draw(t, "argument")
		return rapid.SampledFrom([]string{word, word + ":" + argument}).Draw(t, "text")
	})
}

func TestOraclesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { readOracleBack(t, oracleTexts().Draw(t, "oracle")) })
}

// readOracleBack holds what is true of every text: it is refused with a word, or read
// and written so that it is read as the same.
func readOracleBack(t interface{ Fatalf(string, ...any) }, text string) {
	o, err := scenario.ParseOracle(text)
	if err != nil {
		if err.Error() == "" {
			t.Fatalf("%q is refused without a word", text)
		}
		return
	}
	if !slices.Contains(scenario.Oracles, o.Kind) {
		t.Fatalf("%q is read as the kind %q", text, o.Kind)
	}
	written, err := o.MarshalText()
	if err != nil {
		t.Fatalf("%+v is not written: %v", o, err)
	}
	var again scenario.Oracle
	if err := again.UnmarshalText(written); err != nil || again != o {
		t.Fatalf("%q is read as %+v, written as %q, and then read as %+v, %v", text, o, written, again, err)
	}
}

func FuzzParseOracle(f *testing.F) {
	for _, text := range []string{"absent", "append-only:length:u16be", "append-only:pattern:a|b", "command:x {}", "sha256:@f", "format:json", "sha256:" + strings.Repeat("0", 64)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { readOracleBack(t, text) })
}

func FuzzParseBoundary(f *testing.F) {
	for _, text := range []string{"", "line", "length:u8", "length:u64le", "pattern:;", "pattern:a)|(b"} {
		f.Add(text, []byte("a;b"))
	}
	f.Fuzz(func(t *testing.T, text string, content []byte) {
		b, err := scenario.ParseBoundary(text)
		if err != nil {
			return
		}
		good := map[string]bool{
			"line":    b.Bytes == 0 && b.Pattern == nil,
			"length":  slices.Contains([]int{1, 2, 4, 8}, b.Bytes) && b.Pattern == nil,
			"pattern": b.Bytes == 0 && b.Pattern != nil,
		}
		if !good[b.Kind] {
			t.Fatalf("%q is %+v", text, b)
		}
		if b.Pattern == nil {
			return
		}
		if at := b.Pattern.FindIndex(content); at != nil && at[1] != len(content) {
			t.Fatalf("%q matches %q at %v, which is not its end", text, content, at)
		}
	})
}
