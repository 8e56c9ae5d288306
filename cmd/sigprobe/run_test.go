package main

import (
	"testing"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

func TestDrawnSeedsFitIntoFloatingPoint(t *testing.T) {
	seen := map[uint64]bool{}
	for range 1000 {
		seed, err := parseSeed("")
		if err != nil || seed >= 1<<53 {
			t.Fatalf("parseSeed drew %d, %v", seed, err)
		}
		seen[seed] = true
	}
	if len(seen) < 1000 {
		t.Errorf("%d different seeds in 1000 draws of 53 bits", len(seen))
	}
}

func TestGivenSeedsAreKept(t *testing.T) {
	if seed, err := parseSeed("18446744073709551615"); err != nil || seed != 1<<64-1 {
		t.Errorf("parseSeed gave %d, %v", seed, err)
	}
	for _, text := range []string{"-1", "0x10", "1.5", "18446744073709551616", " 1"} {
		if seed, err := parseSeed(text); err == nil {
			t.Errorf("parseSeed(%q) gave %d", text, seed)
		}
	}
}

func TestFixedPort(t *testing.T) {
	for _, c := range []struct {
		ready scenario.Ready
		port  int
		fixed bool
	}{
		{scenario.Ready{}, 0, false},
		{scenario.Ready{Port: 80}, 80, true},
		{scenario.Ready{HTTP: "http://localhost:8080/health"}, 8080, true},
		{scenario.Ready{HTTP: "http://[::1]:8080"}, 8080, true},
		{scenario.Ready{HTTP: "https://127.0.0.1/"}, 443, true},
		{scenario.Ready{HTTP: "http://example.org:8080/"}, 0, false},
		{scenario.Ready{File: "x"}, 0, false},
	} {
		port, fixed := fixedPort(scenario.Scenario{Ready: c.ready})
		if port != c.port || fixed != c.fixed {
			t.Errorf("fixedPort(%+v) = %d, %t", c.ready, port, fixed)
		}
	}
}

// A flag that stands twice would be laid over a scenario twice, one without a path would
// leave a problem without the flag that mends it.
func TestFieldsStandOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.flag] || f.path == "" || f.help == "" || f.set == nil {
			t.Errorf("--%s stands twice or is not complete", f.flag)
		}
		seen[f.flag] = true
	}
}
