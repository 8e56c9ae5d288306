package verdict_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/sigprobe/sigprobe/harness/internal/oracle"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func TestEveryCheckHasItsKinds(t *testing.T) {
	if got, want := slices.Sorted(maps.Keys(verdict.Kinds())), slices.Sorted(slices.Values(verdict.Checks())); !slices.Equal(got, want) {
		t.Errorf("kinds of %v; the checks are %v", got, want)
	}
}

// The words that others have for what they see are kinds of findings.
func TestWordsOfOthersAreKinds(t *testing.T) {
	for word := range oracle.Kinds {
		known(t, verdict.Finding{Check: "files", Kind: word})
	}
	for _, word := range observation.Kinds {
		known(t, verdict.Finding{Check: "exit", Kind: string(word)})
	}
}

// toCome are the kinds of a newer version, as tests make them up.
var toCome = map[string]bool{"litter/key": true}

// known wants a finding to be of a kind that is listed: what is not is not explained
// either. [judgeAll] asks it of every finding that a test of this package makes.
func known(t *testing.T, f verdict.Finding) {
	t.Helper()
	if !toCome[f.Check+"/"+f.Kind] && !slices.Contains(verdict.Kinds()[f.Check], f.Kind) {
		t.Errorf("%s/%s is not in Kinds: list it there, and explain it", f.Check, f.Kind)
	}
}
