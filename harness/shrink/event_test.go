package shrink_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
)

// traces draws the calls of a run.
func traces() *rapid.Generator[[]observation.Call] {
	paths := rapid.SampledFrom([]string{"out", "out.tmp", "a*b", "a{b", "/abs/[x]", `back\slash`, "pipe:[17]", "what?"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) observation.Call {
		return observation.Call{
			Name:  rapid.SampledFrom([]string{"write", "rename", "fork"}).Draw(t, "name"),
			Files: rapid.SliceOfN(paths, 0, 2).Draw(t, "files"),
		}
	}), 0, 30)
}

// TestAnEventIsStruckAtItsOwnCall counts as the warden does: of the calls that fit the
// event's point, the one with its number is the event.
func TestAnEventIsStruckAtItsOwnCall(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		trace, other := traces().Draw(t, "trace"), traces().Draw(t, "another run")
		for i, event := range shrink.Events(trace, other) {
			point := event.Point(scenario.After).Call
			if point.Side != scenario.After || strings.TrimPrefix(string(point.Calls), "=") != trace[i].Name {
				t.Fatalf("%s is struck at %s", event, point)
			}
			seen := 0
			for _, call := range trace[:i+1] {
				if fits(call, trace[i].Name, point.Path) {
					seen++
				}
			}
			if seen != point.Nth || !fits(trace[i], trace[i].Name, point.Path) {
				t.Fatalf("call %d is the %d. of %s, not %d.", i, seen, point, point.Nth)
			}
		}
	})
}

func fits(call observation.Call, name, pattern string) bool {
	return call.Name == name && (pattern == "" || slices.ContainsFunc(call.Files, func(path string) bool {
		match, err := doublestar.Match(pattern, path)
		return match && err == nil
	}))
}

func TestAPathThatIsNewInEveryRunIsNoMark(t *testing.T) {
	first := []observation.Call{{Name: "write", Files: []string{"log"}}, {Name: "rename", Files: []string{"tmp-a1", "out"}}, {Name: "write", Files: []string{"tmp-a1"}}}
	second := []observation.Call{{Name: "write", Files: []string{"log"}}, {Name: "rename", Files: []string{"tmp-b2", "out"}}, {Name: "write", Files: []string{"tmp-b2"}}}
	var paths, texts []string
	for _, e := range shrink.Events(first, second) {
		paths, texts = append(paths, e.Path), append(texts, e.String())
	}
	if !slices.Equal(paths, []string{"log", "out", ""}) {
		t.Errorf("counted by %q", paths)
	}
	if want := []string{"write #1 on log", "rename(tmp-a1, out) #1", "write #2 on tmp-a1"}; !slices.Equal(texts, want) {
		t.Errorf("%q, not %q", texts, want)
	}
	if e := shrink.Events(first[2:], nil...)[0]; e.Path != "tmp-a1" {
		t.Errorf("with one run known, %q", e.Path)
	}
	for _, name := range []string{"pipe:[17]", "/proc/17/fd/3", "gone (deleted)"} {
		if e := shrink.Events([]observation.Call{{Name: "write", Files: []string{name}}})[0]; e.Path != "" {
			t.Errorf("counted by %q", e.Path)
		}
	}
}

func TestPlacesAreInOrderAndOnBothSides(t *testing.T) {
	events := shrink.Events(make([]observation.Call, 3))
	for place := range shrink.Places(events) {
		event, side := shrink.PlaceAt(events, place)
		if got := shrink.PlaceOf(event.Nth-1, side); got != place {
			t.Errorf("place %d is %s %s, which is place %d", place, side, event, got)
		}
	}
}

func TestJitterIsOfTheCallsNearBy(t *testing.T) {
	calls := func(shift time.Duration) []shrink.Event {
		var trace []observation.Call
		for i := range 100 {
			at := time.Duration(i) * time.Millisecond
			if i >= 50 {
				at += shift
			}
			trace = append(trace, observation.Call{Name: "write", At: at})
		}
		return shrink.Events(trace)
	}
	a, b := calls(0), calls(7*time.Millisecond)
	for near, want := range map[time.Duration]time.Duration{10 * time.Millisecond: 2 * time.Millisecond, 90 * time.Millisecond: 5 * time.Millisecond} {
		// The second run was ready 2 ms later, by its own calls.
		if got := shrink.Jitter(a, b, 0, 2*time.Millisecond, near); got != want {
			t.Errorf("near %s the jitter is %s, not %s", near, got, want)
		}
	}
	if got := shrink.Jitter(a, nil, 0, 0, 0); got != 0 {
		t.Errorf("of one run, %s", got)
	}
}

// FuzzSearch tells a search anything at all.
func FuzzSearch(f *testing.F) {
	f.Add([]byte{1, 0, 1, 2}, int64(0), int64(100), int64(50))
	f.Fuzz(func(t *testing.T, outcomes []byte, from, to, start int64) {
		if from > to || from < -1<<40 || to > 1<<40 || len(outcomes) == 0 {
			t.Skip()
		}
		s := shrink.NewSearch(shrink.Line{From: from, To: to, Start: start, Repeats: 3, Reach: 9})
		for i := 0; ; i++ {
			at, more := s.Next()
			if !more {
				break
			}
			if at < from || at > to || i > 1000 {
				t.Fatalf("after %d shots it asks for %d of %d..%d", i, at, from, to)
			}
			s.Add(at, shrink.Outcome(outcomes[i%len(outcomes)]%3))
		}
		if r := s.Range(); r.Found && (r.Left.Inside > r.Right.Inside || !r.Settled) {
			t.Fatalf("%+v", r)
		}
	})
}
