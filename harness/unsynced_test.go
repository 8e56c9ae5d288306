package harness

import (
	"slices"
	"strings"
	"testing"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// traced makes a trace of lines such as "rename a b".
func traced(text string) (trace []observation.Call) {
	for _, line := range strings.Split(text, "; ") {
		words := strings.Fields(line)
		trace = append(trace, observation.Call{Name: words[0], Files: words[1:]})
	}
	return trace
}

func TestUnsyncedRenamesAreWarnedOf(t *testing.T) {
	for text, want := range map[string][]string{
		"openat out.tmp; renameat2 out.tmp out.json":                       {"out.tmp"},
		"openat out.tmp; fsync out.tmp; rename out.tmp out.json":           nil,
		"openat out.tmp; fdatasync out.tmp; rename out.tmp out.json":       nil,
		"openat out.tmp; sync_file_range out.tmp; rename out.tmp out.json": {"out.tmp"},
		"openat out.tmp; syncfs out; rename out.tmp out.json":              nil,
		"openat out.tmp; fsync other; rename out.tmp out.json":             {"out.tmp"},
		"openat a; fsync a; openat a; rename a b":                          {"a"},
		"rename old new":                             nil,
		"openat a; rename a b; rename b c":           {"a", "b"},
		"openat a; rename a b; openat a; rename a b": {"a"},
		"creat a; rename a b":                        {"a"},
		"rename":                                     nil,
		"openat a; fsync a; rename a b; rename b c":  nil,
		"openat a; rename a b; fsync b; openat a; fsync a; rename a b": {"a"},
	} {
		var got []string
		for _, warning := range unsynced(traced(text)) {
			got = append(got, strings.Fields(warning)[0])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: warned of %v, want %v", text, got, want)
		}
	}
}
