package scenario_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// same compares scenarios; expressions by their text.
var same = cmp.Options{
	cmp.Comparer(func(a, b scenario.Regexp) bool { return a.String() == b.String() }),
	cmpopts.EquateEmpty(),
}

func TestScenariosAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(goodScenarios(), 1, 3, func(s scenario.Scenario) string { return s.Name }).Draw(t, "scenarios")
		full := make([]scenario.Scenario, len(list))
		for i, s := range list {
			if problems := scenario.Check(s); len(problems) > 0 {
				t.Fatalf("drawn to be good: %v", problems)
			}
			full[i] = s.WithDefaults()
		}
		readBack(t, list, full)
		readBack(t, full, full)
	})
}

func readBack(t *rapid.T, list, want []scenario.Scenario) {
	text, err := scenario.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenario.Parse("written.yaml", text)
	if err != nil {
		t.Fatalf("%s\nis refused:\n%v", text, err)
	}
	if diff := cmp.Diff(want, again, same); diff != "" {
		t.Fatalf("%s\nis read differently (-want +got):\n%s", text, diff)
	}
}

func TestDefaultsAreFilledInOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once := goodScenarios().Draw(t, "scenario").WithDefaults()
		if diff := cmp.Diff(once, once.WithDefaults(), same); diff != "" {
			t.Fatalf("defaults change when they are filled in again:\n%s", diff)
		}
		if problems := scenario.Check(once); len(problems) > 0 {
			t.Fatalf("defaults make it wrong: %v", problems)
		}
	})
}

// TestStoredExpectationsAreReadBack: a run is judged again by what its run.json holds.
func TestStoredExpectationsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := goodScenarios().Draw(t, "scenario").WithDefaults().Expect
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got scenario.Expect
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Fatalf("%s\nis read differently (-want +got):\n%s", text, diff)
		}
	})
}
