package shrink

import (
	"fmt"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Result is what is known of a finding after it was shrunk.
type Result struct {
	// Scenario and Trial are the trial that was shrunk, Check and Kind the finding.
	Scenario string    `json:"scenario"`
	Trial    int       `json:"trial"`
	Check    string    `json:"check"`
	Kind     string    `json:"kind"`
	Shot     plan.Shot `json:"shot"`
	// Repeats counts how often the finding came back at the trial's own point; where it did
	// not, the points around it count too.
	Repeats Count `json:"repeats"`
	// Back says that the finding came back at all.
	Back bool `json:"back"`
	// Everywhere says that it came wherever the target was struck.
	Everywhere bool `json:"everywhere,omitempty"`
	// Around counts the shots at system calls around it, where it did not come at any.
	Around Count `json:"around,omitzero"`
	// There counts the shots at the places where it comes, Outside those beyond.
	There   Count `json:"there"`
	Outside Count `json:"outside"`
	// Between is the system calls that bound it; nil where striking at calls did not bring it.
	Between *Between `json:"between,omitempty"`
	// Window is the moments that bound it; nil where the trial was struck at no moment, and
	// where no moment brought it back.
	Window *Window `json:"window,omitempty"`
	// Signals tells which signals bring it, in place of the schedule's first; Deliveries,
	// to whom; Numbers, how many of the schedule's signals are needed.
	Signals    []Variant `json:"signals,omitempty"`
	Deliveries []Variant `json:"deliveries,omitempty"`
	Numbers    []Variant `json:"numbers,omitempty"`
	// Shots is how many shots were made, Took how long it took.
	Shots int           `json:"shots"`
	Took  time.Duration `json:"took_ns"`
	// Cut says why it was ended early; empty where it was not.
	Cut string `json:"cut,omitempty"`
}

// Between is the first and the last place at system calls at which a finding comes.
type Between struct {
	First     Event         `json:"first"`
	FirstSide scenario.Side `json:"first_side"`
	Last      Event         `json:"last"`
	LastSide  scenario.Side `json:"last_side"`
	// OpenFirst says that the target makes no call in front of the first that was struck
	// without the finding, OpenLast the same of calls behind the last.
	OpenFirst bool `json:"open_first,omitempty"`
	OpenLast  bool `json:"open_last,omitempty"`
	// Width is the time between both in the traced run.
	Width time.Duration `json:"width_ns"`
	// Elsewhere are other places at which the finding came too.
	Elsewhere []string `json:"elsewhere,omitempty"`
	// Exact says that both edges were told to the call; else time was up before.
	Exact bool `json:"exact"`
}

// Window is the moments at which a finding comes, in nanoseconds from an event.
type Window struct {
	From  scenario.From `json:"from"`
	Left  Edge          `json:"left"`
	Right Edge          `json:"right"`
	There Count         `json:"there"`
	// Outside counts the shots beyond both outer edges.
	Outside Count `json:"outside"`
	// Jitter is how much the target's own moments differ from run to run.
	Jitter time.Duration `json:"jitter_ns"`
	// Exact says that both edges were told as finely as wanted; else time was up before.
	Exact bool `json:"exact"`
	// Before and After are the calls of a traced run around it; nil where there is none.
	Before *Event `json:"before,omitempty"`
	After  *Event `json:"after,omitempty"`
}

// Blurred says that the window is no wider than the target's jitter: where it begins and
// ends cannot be told in time.
func (w Window) Blurred() bool { return w.Width() <= w.Jitter }

// Width is the time between the middles of both edges.
func (w Window) Width() time.Duration {
	return time.Duration(w.Right.middle() - w.Left.middle())
}

// middle is where an edge most likely is; an open one is at its last place inside.
func (e Edge) middle() int64 {
	if e.Open {
		return e.Inside
	}
	return e.Inside + (e.Outside-e.Inside)/2
}

// Variant is another signal, delivery or number of signals, and how often the finding
// came with it.
type Variant struct {
	Name string `json:"name"`
	Count
}

// Lines says it for a person: what was found first, then what it rests on.
func (r Result) Lines() []string {
	lines := []string{r.headline()}
	if r.Between != nil && len(r.Between.Elsewhere) > 0 {
		lines = append(lines, "fails elsewhere too: "+strings.Join(r.Between.Elsewhere, "; "))
	}
	if r.Window != nil && r.Between != nil {
		lines = append(lines, "in time: "+r.Window.beside())
	}
	for _, v := range []struct {
		name string
		list []Variant
	}{{"signals", r.Signals}, {"delivery", r.Deliveries}, {"signals of the schedule", r.Numbers}} {
		if len(v.list) > 0 {
			lines = append(lines, v.name+": "+variants(v.list))
		}
	}
	last := fmt.Sprintf("%s in %s", counted(r.Shots, "shot"), r.Took.Round(10*time.Millisecond))
	if r.Cut != "" {
		last += "; " + r.Cut
	}
	return append(lines, last)
}

func (r Result) headline() string {
	switch {
	case !r.Back && r.Repeats.Shots == 0:
		return "no repeat of the shot could strike"
	case !r.Back:
		return "did not come back in " + counted(r.Repeats.Shots, "repeat") + r.around()
	case r.Everywhere:
		return "fails everywhere: " + r.There.String()
	case r.Between != nil:
		return fmt.Sprintf("fails %s %s; %s; %s there, %s outside", only(r.Between.Exact), r.Between, short(r.Between.Width), r.There, r.Outside)
	case r.Window != nil:
		return fmt.Sprintf("fails %s %s; %s there, %s outside", only(r.Window.Exact), r.Window, r.There, r.Outside)
	}
	return fmt.Sprintf("came back in %s repeats, and was not narrowed down", r.Repeats)
}

func (r Result) around() string {
	if r.Around.Shots == 0 {
		return ""
	}
	return fmt.Sprintf(", nor in %s at the system calls around it", counted(r.Around.Shots, "shot"))
}

// only is what may be said of a range: what lies beyond is known where it is exact.
func only(exact bool) string {
	if exact {
		return "only"
	}
	return "at least"
}

// String says between which calls it is. A call that is struck in front of it and behind
// it with the same result is among them.
func (b Between) String() string {
	one := b.First.same(b.Last)
	switch {
	case b.OpenFirst && b.Exact:
		return "up to " + at(b.Last, b.LastSide)
	case b.OpenLast && b.Exact:
		return "from " + at(b.First, b.FirstSide) + " on"
	case one && b.FirstSide == b.LastSide:
		return at(b.First, b.FirstSide)
	case one:
		return "at " + b.First.String() + ", in front of it and behind it"
	case b.FirstSide == scenario.After && b.LastSide == scenario.Before:
		return fmt.Sprintf("between %s and %s", b.First, b.Last)
	}
	return fmt.Sprintf("from %s to %s", at(b.First, b.FirstSide), at(b.Last, b.LastSide))
}

func at(e Event, side scenario.Side) string { return string(side) + " " + e.String() }

// String says when it is: "from ready+101.2ms to ready+103.3ms, 2.1 ms (edges to 0.2 ms)".
func (w Window) String() string {
	return w.span() + w.around()
}

// beside is what it says where the calls are known: where the moments cannot be told, the
// place of the shot that happened to fail says nothing.
func (w Window) beside() string {
	if w.Exact && w.Blurred() {
		return fmt.Sprintf("no moment is sure to bring it: the target's own jitter is %s", short(w.Jitter))
	}
	return only(w.Exact) + " " + w.String()
}

func (w Window) span() string {
	switch from, to := w.moment(w.Left), w.moment(w.Right); {
	case !w.Exact:
		return fmt.Sprintf("from %s+%s to %s+%s", w.From, round(w.Left.Inside), w.From, round(w.Right.Inside))
	case w.Blurred():
		return fmt.Sprintf("near %s: it is narrower than the target's own jitter, %s", from, short(w.Jitter))
	case w.Left.Open:
		return "up to " + to
	case w.Right.Open:
		return "from " + from + " on"
	default:
		return fmt.Sprintf("from %s to %s, %s (edges to %s)", from, to, short(w.Width()), short(max(w.Left.doubt(), w.Right.doubt())))
	}
}

func (e Edge) doubt() time.Duration { return abs(time.Duration(e.Outside - e.Inside)) }

func (w Window) moment(e Edge) string {
	return fmt.Sprintf("%s+%s", w.From, round(e.middle()))
}

func round(ns int64) time.Duration { return time.Duration(ns).Round(10 * time.Microsecond) }

func (w Window) around() string {
	switch {
	case w.Before != nil && w.After != nil:
		return fmt.Sprintf(", between %s and %s", w.Before, w.After)
	case w.Before != nil:
		return ", behind " + w.Before.String()
	case w.After != nil:
		return ", in front of " + w.After.String()
	}
	return ""
}

// variants lists those that bring the finding, then those that do not.
func variants(list []Variant) string {
	var yes, no []string
	for _, v := range list {
		text := v.Name + " " + v.Count.String()
		switch {
		case v.Shots == 0:
		case v.Failed > 0:
			yes = append(yes, text)
		default:
			no = append(no, text)
		}
	}
	switch {
	case len(yes) == 0:
		return "none brings it: " + strings.Join(no, ", ")
	case len(no) == 0:
		return "fails for " + strings.Join(yes, ", ")
	}
	return "fails for " + strings.Join(yes, ", ") + "; not for " + strings.Join(no, ", ")
}

// short is a time with two or three digits: "1.8 ms", "240 µs", "2.31 s".
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1e3)
	case d >= time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.0f µs", d.Seconds()*1e6)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
