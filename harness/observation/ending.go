package observation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// Kind is one of the seven ways a main process ends.
type Kind string

// The kinds of ending.
const (
	Clean         Kind = "clean"          // code 0
	Code          Kind = "code"           // another code
	SignalCode    Kind = "signal-code"    // code 128+N of a signal N that was sent: trapped
	ReRaised      Kind = "re-raised"      // a handler was installed; it died of the same signal
	DefaultAction Kind = "default-action" // no handler; it died of the signal
	Crashed       Kind = "crashed"        // died of a signal nobody here sent
	Killed        Kind = "killed"         // needed the schedule's KILL, or the harness'
)

// Kinds lists them all.
var Kinds = []Kind{Clean, Code, SignalCode, ReRaised, DefaultAction, Crashed, Killed}

// Ending is how the main process ended.
type Ending struct {
	Kind   Kind
	Code   int            // exit code, for the kinds that have one
	Signal signals.Signal // what it died of, for the kinds that do
	Core   bool           // a core was dumped
}

// String is the kind, with the number for code: "code 3".
func (e Ending) String() string {
	if e.Kind == Code {
		return fmt.Sprintf("code %d", e.Code)
	}
	return string(e.Kind)
}

// Describe says it for a person: "died of TERM, which it had no handler for".
func (e Ending) Describe() string {
	switch e.Kind {
	case Clean:
		return "exited with code 0"
	case Code:
		return fmt.Sprintf("exited with code %d", e.Code)
	case SignalCode:
		return fmt.Sprintf("exited with code %d (128 + %s)", e.Code, signals.Signal(e.Code-128))
	case ReRaised:
		return fmt.Sprintf("handled %s, then died of it", e.Signal)
	case DefaultAction:
		return fmt.Sprintf("died of %s, which it had no handler for", e.Signal)
	case Killed:
		return "had to be killed"
	}
	if e.Core {
		return fmt.Sprintf("crashed with %s and dumped core", e.Signal)
	}
	return fmt.Sprintf("crashed with %s", e.Signal)
}

// Ending derives the kind from the raw status and the signals sent. ok is false when
// the main process was not seen to end.
func (o Observation) Ending() (ending Ending, ok bool) {
	if o.Exit == nil {
		return Ending{}, false
	}
	status := unix.WaitStatus(o.Exit.Status)
	if status.Exited() {
		return o.exited(status.ExitStatus()), true
	}
	died := signals.Signal(status.Signal())
	ending = Ending{Kind: Crashed, Signal: died, Core: status.CoreDump()}
	sent, wasSent := o.lastSent(died)
	switch {
	case !wasSent:
	case died == signals.KILL:
		ending.Kind = Killed
	case sent.Disposition == Caught:
		ending.Kind = ReRaised
	default:
		ending.Kind = DefaultAction
	}
	return ending, true
}

func (o Observation) exited(code int) Ending {
	switch {
	case code == 0:
		return Ending{Kind: Clean}
	case code > 128 && o.wasSent(signals.Signal(code-128)):
		return Ending{Kind: SignalCode, Code: code}
	}
	return Ending{Kind: Code, Code: code}
}

func (o Observation) wasSent(s signals.Signal) bool {
	_, sent := o.lastSent(s)
	return sent
}

// lastSent finds the last time s was sent before the main process ended.
func (o Observation) lastSent(s signals.Signal) (Sent, bool) {
	for i := len(o.Sent) - 1; i >= 0; i-- {
		if o.Sent[i].Signal == s && o.Sent[i].Error == "" && i <= o.Exit.Step {
			return o.Sent[i], true
		}
	}
	return Sent{}, false
}

// Latency is the time from the first signal to the end of the main process; ok is
// false when it was not struck or not seen to end.
func (o Observation) Latency() (latency time.Duration, ok bool) {
	if o.Strike == nil || o.Exit == nil {
		return 0, false
	}
	return o.Exit.At - o.Strike.Actual, true
}

// ParseKind reads a kind as `--accept` writes it: "clean", "code:7", "killed".
// code is meaningful for the kind Code only.
func ParseKind(text string) (kind Kind, code int, err error) {
	if rest, isCode := strings.CutPrefix(text, "code:"); isCode {
		code, err := strconv.Atoi(rest)
		if err != nil || code < 0 || code > 255 {
			return "", 0, fmt.Errorf("%q: an exit code is a number from 0 to 255, as in code:3", text)
		}
		return Code, code, nil
	}
	for _, kind := range Kinds {
		if kind != Code && text == string(kind) {
			return kind, 0, nil
		}
	}
	return "", 0, fmt.Errorf("%q is no way to end: write clean, signal-code, re-raised, default-action, crashed, killed, or code:N", text)
}
