package observation_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func TestEscapePath(t *testing.T) {
	for path, want := range map[string]string{
		"out/ledger.jsonl": "out/ledger.jsonl",
		"grün\n":           "grün\n",
		"a\xffb":           `a\xffb`,
		`a\xff`:            `a\\xff`,
		"\xe2\x82":         `\xe2\x82`,
		"\ufffd":           "\ufffd",
	} {
		if got := observation.EscapePath(path); got != want {
			t.Errorf("%q is written as %s, not %s", path, got, want)
		}
	}
	for text, want := range map[string]string{`a\`: `a\`, `\xzz`: `\xzz`, `\x4`: `\x4`, `\y`: `\y`} {
		if got := observation.UnescapePath(text); got != want {
			t.Errorf("%s is read as %q", text, got)
		}
	}
}

// TestEveryPathSurvivesJSON: the bytes of a name come back, whatever they are.
func TestEveryPathSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := string(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte(`\x/f0é`)))).Draw(t, "path"))
		change := observation.Change{Path: observation.EscapePath(path)}
		if !utf8.ValidString(change.Path) {
			t.Fatalf("%q is written as %q", path, change.Path)
		}
		text, err := json.Marshal(change)
		if err != nil {
			t.Fatal(err)
		}
		var read observation.Change
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatal(err)
		}
		if got := observation.UnescapePath(read.Path); got != path {
			t.Fatalf("%q came back as %q, by way of %s", path, got, text)
		}
	})
}
