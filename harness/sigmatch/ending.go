package sigmatch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// EndWith asks that the main process ended in one of the given ways, whatever the
// scenario accepts. A kind is written as `--accept` takes it: an [observation.Kind]
// such as observation.Clean, or a string such as "clean", "code:3" or "conventional".
// A text that names no ending, and an empty list, are errors. The bare kind
// observation.Code is such a text, since it lacks the number.
func EndWith[T ~string](kinds ...T) types.GomegaMatcher {
	texts := make([]string, len(kinds))
	for i, kind := range kinds {
		texts[i] = string(kind)
	}
	accepts, err := scenario.ParseAccepts(texts)
	switch {
	case err != nil:
		err = fmt.Errorf("sigmatch: EndWith: %w", err)
	case len(accepts) == 0:
		err = fmt.Errorf("sigmatch: EndWith needs at least one way to end, such as \"clean\"")
	}
	list := strings.Join(texts, ", ")
	return &matcher{
		wish:    "end with " + list,
		wishNot: "end with anything but " + list,
		misused: err,
		fault:   func(t harness.Trial) string { return endedElse(t, accepts) },
	}
}

func endedElse(t harness.Trial, accepts []scenario.Accept) string {
	ending, ok := t.Observation.Ending()
	if !ok {
		return "the main process was not seen to end"
	}
	if slices.ContainsFunc(accepts, func(a scenario.Accept) bool { return a.Matches(ending) }) {
		return ""
	}
	return "it ended with " + ending.String()
}

// ExitWithin asks that the main process left at most limit after the first signal, and
// without a KILL. A trial that was not struck, or whose end was not seen, does not
// satisfy it.
func ExitWithin(limit time.Duration) types.GomegaMatcher {
	return &matcher{
		wish:    fmt.Sprintf("exit within %s of the first signal", limit),
		wishNot: fmt.Sprintf("need longer than %s after the first signal, or a KILL", limit),
		fault:   func(t harness.Trial) string { return tookLonger(t, limit) },
	}
}

func tookLonger(t harness.Trial, limit time.Duration) string {
	latency, ok := t.Observation.Latency()
	ending, _ := t.Observation.Ending()
	switch {
	case t.Observation.Strike == nil:
		return "it was not struck"
	case !ok:
		return "the main process was not seen to end"
	case latency < 0:
		return fmt.Sprintf("it ended %s before the first signal", -latency)
	case ending.Kind == observation.Killed:
		return fmt.Sprintf("it had to be killed after %s", latency)
	case latency > limit:
		return fmt.Sprintf("it took %s, %s too long", latency, latency-limit)
	}
	return ""
}
