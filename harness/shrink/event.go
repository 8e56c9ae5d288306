package shrink

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Traced are the system calls that a range is told by: those that change files, make and
// end processes, and talk to others.
const Traced scenario.Calls = "%file,%modify,%process,%network"

// Event is one of the target's system calls, told apart from the others by its name, its
// file and its number among those.
type Event struct {
	Call  string   `json:"call"`
	Files []string `json:"files,omitempty"`
	// Path is the file that it is counted by; empty where its files have other names in
	// every run, so that all calls of the name are counted.
	Path string `json:"path,omitempty"`
	// Nth counts from 1, from the program's first instruction on.
	Nth int `json:"nth"`
	// At is when it was made in the traced run, since the launch.
	At time.Duration `json:"at_ns"`
}

// String shows it: "write #42 on out.json", "rename(out.tmp, out.json) #3", "fork #2".
func (e Event) String() string {
	var files []string
	for _, file := range e.Files {
		file, _, _ = strings.Cut(file, ":[") // the number of a pipe or a socket says nothing
		files = append(files, file)
	}
	switch len(files) {
	case 0:
		return fmt.Sprintf("%s #%d", e.Call, e.Nth)
	case 1:
		return fmt.Sprintf("%s #%d on %s", e.Call, e.Nth, files[0])
	}
	return fmt.Sprintf("%s(%s) #%d", e.Call, strings.Join(files, ", "), e.Nth)
}

// same says that both are the same call of two runs.
func (e Event) same(other Event) bool {
	return e.Call == other.Call && e.Path == other.Path && e.Nth == other.Nth
}

// Point is where the event is struck, on one side.
func (e Event) Point(side scenario.Side) plan.Point {
	return plan.Point{Call: &plan.CallPoint{
		Calls: scenario.Calls("=" + e.Call), Path: literal(e.Path), Nth: e.Nth, Side: side, Count: scenario.PerTree,
	}}
}

// literal is a path as a pattern that fits nothing else.
func literal(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(path)
}

// Events numbers the calls of a traced run. The other traces are of runs of the same
// target: a file that none of its calls is about there gets a new name in every run.
func Events(trace []observation.Call, others ...[]observation.Call) []Event {
	counted := map[string]int{} // by name and path, and by name alone
	events := make([]Event, len(trace))
	for i, call := range trace {
		counted[call.Name]++
		for _, path := range distinct(call.Files) {
			counted[call.Name+"\x00"+path]++
		}
		e := Event{Call: call.Name, Files: call.Files, At: call.At, Path: lasting(call, others)}
		e.Nth = counted[call.Name]
		if e.Path != "" {
			e.Nth = counted[call.Name+"\x00"+e.Path]
		}
		events[i] = e
	}
	return events
}

func distinct(files []string) []string { return slices.Compact(slices.Sorted(slices.Values(files))) }

// lasting is the last of the call's files that has the same name in every run; "" for none.
func lasting(call observation.Call, others [][]observation.Call) string {
	for _, path := range slices.Backward(call.Files) {
		if isFile(path) && !slices.ContainsFunc(others, func(trace []observation.Call) bool { return !has(trace, call.Name, path) }) {
			return path
		}
	}
	return ""
}

// isFile says that a path is that of a file, and no name that the kernel gives, which
// has a number in it.
func isFile(path string) bool {
	return path != "" && !strings.Contains(path, ":[") && !strings.HasPrefix(path, "/proc/") && !strings.HasSuffix(path, " (deleted)")
}

func has(trace []observation.Call, name, path string) bool {
	return slices.ContainsFunc(trace, func(c observation.Call) bool { return c.Name == name && slices.Contains(c.Files, path) })
}

// Match is the index of the event of a run that is the same as one of another; where
// there is none, the nearest index there is.
func Match(events []Event, e Event, index int) int {
	if i := slices.IndexFunc(events, e.same); i >= 0 {
		return i
	}
	return max(0, min(index, len(events)-1))
}

// Span is the time between two events in another run; ok is false where it has not both.
func Span(run []Event, first, last Event) (d time.Duration, ok bool) {
	i, j := slices.IndexFunc(run, first.same), slices.IndexFunc(run, last.same)
	if i < 0 || j < i {
		return 0, false
	}
	return run[j].At - run[i].At, true
}

// Jitter is how much the moments of the same events differ from run to run: the median
// over those nearest to a moment, each run counted from its own origin. 0 where the runs
// have none in common.
func Jitter(a, b []Event, originA, originB, near time.Duration) time.Duration {
	const most = 16
	type pair struct{ distance, differ time.Duration }
	var pairs []pair
	for _, e := range a {
		if i := slices.IndexFunc(b, e.same); i >= 0 {
			at := e.At - originA
			pairs = append(pairs, pair{abs(at - near), abs(at - (b[i].At - originB))})
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int { return int(x.distance - y.distance) })
	pairs = pairs[:min(len(pairs), most)]
	if len(pairs) == 0 {
		return 0
	}
	slices.SortFunc(pairs, func(x, y pair) int { return int(x.differ - y.differ) })
	return pairs[len(pairs)/2].differ
}

func abs(d time.Duration) time.Duration { return max(d, -d) }

// A place in a row of n events is a number from 0 to 2n-1: every event has one in front
// of it and one behind it.

// Places is the number of places at events.
func Places(events []Event) int64 { return 2 * int64(len(events)) }

// PlaceAt is the event and the side of a place.
func PlaceAt(events []Event, place int64) (Event, scenario.Side) {
	return events[place/2], [...]scenario.Side{scenario.Before, scenario.After}[place%2]
}

// PlaceOf is the place on a side of the event with this index.
func PlaceOf(index int, side scenario.Side) int64 {
	place := 2 * int64(index)
	if side != scenario.Before {
		place++
	}
	return place
}
