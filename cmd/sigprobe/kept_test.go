package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// TestFileAndOracleAreDividedAtTheFirstPlace: the two parts make the whole again, and no
// shorter path has an oracle behind it.
func TestFileAndOracleAreDividedAtTheFirstPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		oracle := rapid.SampledFrom([]string{"absent", "format:json", "command:a=absent", "command:x=y {}", "sha256:@a=present", "append-only:pattern:=$"}).Draw(t, "oracle")
		text := rapid.StringMatching(`[a*/.=ä]{0,6}(=present)?`).Draw(t, "path") + "=" + oracle
		path, o, err := fileAndOracle(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if path+"="+o.String() != text {
			t.Fatalf("%s became %s and %s", text, path, o)
		}
		for at := range path {
			if _, err := scenario.ParseOracle(text[at+1:]); text[at] == '=' && err == nil {
				t.Fatalf("%s is divided behind %q, and not at byte %d", text, path, at)
			}
		}
	})
}

func TestProblemsAreNamedByTheNearestFlag(t *testing.T) {
	for path, flag := range map[string]string{
		"expect.litter":              "--litter: ",
		"expect.litter.allow[0]":     "--allow-litter: ",
		"expect.acknowledged":        "--acknowledged: ",
		"expect.acknowledged.output": "--acknowledged: ",
		"expect.acknowledged.as":     "--acknowledged-as: ",
		"expect.files[0].is[1]":      "--file: ",
		"expect.restarts.factor":     "--restart: ",
		"expect.filesystem":          "expect.filesystem: ",
		"strike.random.trials":       "--trials: ",
		"target.command[0]":          "",
	} {
		if got := flagOf(path); got != flag {
			t.Errorf("flagOf(%q) = %q, want %q", path, got, flag)
		}
	}
}
