// Package plan turns a scenario and a seed into shots.
//
// It is pure: the same scenario and seed give the same shots on any machine and in
// any order of asking, so that a campaign can be cut into shards and a shot repeated
// from two numbers.
package plan

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// Shot is all that a trial needs to be repeated: where the first signal lands, what
// is sent, and to whom.
type Shot struct {
	Point Point `json:"point"`
	// Second is where the schedule's second signal lands, counted from the first; nil
	// for after the schedule's own wait.
	Second   *Point           `json:"second,omitempty"`
	Schedule signals.Schedule `json:"schedule"`
	To       signals.Delivery `json:"to"`
}

// String shows the shot in one line: "TERM/10s/KILL to process at ready+213ms".
func (s Shot) String() string {
	text := fmt.Sprintf("%s to %s at %s", s.Schedule, s.To, s.Point)
	if s.Second != nil {
		text += fmt.Sprintf(", the second at %s", s.Second)
	}
	return text
}

// Point is one concrete place where the first signal lands. Exactly one field is set.
type Point struct {
	Time *TimePoint `json:"time,omitempty"`
	Line *LinePoint `json:"line,omitempty"`
	File *FilePoint `json:"file,omitempty"`
	Call *CallPoint `json:"call,omitempty"`
	// Handler is about the moment at which a handler is installed.
	Handler *HandlerPoint `json:"handler,omitempty"`
}

// TimePoint is a moment after an event.
type TimePoint struct {
	From  scenario.From `json:"from"`
	After time.Duration `json:"after_ns"`
}

// LinePoint is the n-th line of output that matches a pattern, and a delay after it.
type LinePoint struct {
	Matching scenario.Regexp `json:"matching"`
	Nth      int             `json:"nth"`
	Delay    time.Duration   `json:"delay_ns,omitempty"`
}

// FilePoint is the n-th event of a file that fits, and a delay after it.
type FilePoint struct {
	Event scenario.FileDoing `json:"event"`
	Path  string             `json:"path"`
	Nth   int                `json:"nth"`
	Delay time.Duration      `json:"delay_ns,omitempty"`
}

// String shows the point: "2nd rename to out/*.json".
func (p FilePoint) String() string {
	of := map[scenario.FileDoing]string{scenario.Create: "of", scenario.Close: "of", scenario.Rename: "to"}[p.Event]
	text := fmt.Sprintf("%s %s %s %s", ordinal(p.Nth), p.Event, of, p.Path)
	if p.Delay > 0 {
		text += "+" + p.Delay.String()
	}
	return text
}

// CallPoint is the n-th system call that fits, and a side of it.
type CallPoint struct {
	Calls scenario.Calls `json:"calls"`
	Path  string         `json:"path,omitempty"`
	// Nth counts from 1. Zero is no point at all: a run that only counts.
	Nth   int            `json:"nth"`
	Side  scenario.Side  `json:"side"`
	Count scenario.Count `json:"count"`
	Delay time.Duration  `json:"delay_ns,omitempty"`
}

// String shows the point: "write #41 on out/*.json, before".
func (p CallPoint) String() string {
	text := string(p.Calls)
	if p.Nth == 0 {
		text = "no " + text
	} else {
		text += fmt.Sprintf(" #%d", p.Nth)
	}
	if p.Path != "" {
		text += " on " + p.Path
	}
	if p.Count == scenario.PerProcess {
		text += " of a process"
	}
	if p.Nth > 0 {
		text += ", " + string(p.Side)
	}
	if p.Delay > 0 {
		text += "+" + p.Delay.String()
	}
	return text
}

// HandlerPoint is a time around the moment at which the main process installs its n-th
// handler for a signal.
type HandlerPoint struct {
	Signal signals.Signal `json:"signal"`
	Nth    int            `json:"nth"`
	// Offset is the time after the moment; before it where it is negative.
	Offset time.Duration `json:"offset_ns"`
}

// String shows the point: "handler for TERM-5ms", "2nd handler for TERM+1ms".
func (p HandlerPoint) String() string {
	text := "handler for " + p.Signal.String()
	if p.Nth > 1 {
		text = ordinal(p.Nth) + " " + text
	}
	if p.Offset >= 0 {
		text += "+"
	}
	return text + p.Offset.String()
}

// String shows the point: "ready+213ms", "3rd line matching /saved/".
func (p Point) String() string {
	switch {
	case p.Time != nil:
		return fmt.Sprintf("%s+%s", p.Time.From, p.Time.After)
	case p.Line != nil:
		text := fmt.Sprintf("%s line matching /%s/", ordinal(p.Line.Nth), p.Line.Matching)
		if p.Line.Delay > 0 {
			text += "+" + p.Line.Delay.String()
		}
		return text
	case p.File != nil:
		return p.File.String()
	case p.Call != nil:
		return p.Call.String()
	case p.Handler != nil:
		return p.Handler.String()
	}
	return "nowhere"
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}

// Plan is the shots of a campaign. The zero value is not useful; see [New].
type Plan struct {
	scenario scenario.Scenario
	seed     uint64
	stream   uint64
}

// New plans a campaign of s, whose defaults must be filled in. The seed alone and
// the scenario's name decide the draws, so scenarios of one run differ.
func New(s scenario.Scenario, seed uint64) Plan {
	name := fnv.New64a()
	name.Write([]byte(s.Name)) //nolint:errcheck // a hash never fails
	return Plan{scenario: s, seed: seed, stream: name.Sum64()}
}

// Len is the number of shots; 0 for a sweep, whose shots are known after its reference
// run only, see [Sweep].
func (p Plan) Len() int {
	switch strike := p.scenario.Strike; {
	case strike.Output != nil:
		return strike.Output.Trials
	case strike.File != nil:
		return strike.File.Trials
	case strike.Syscall != nil:
		return strike.Syscall.Trials
	case strike.Handlers != nil:
		return strike.Handlers.Trials
	case strike.Random != nil:
		return strike.Random.Trials
	}
	return 0
}

// Shot is shot i, 0 ≤ i < Len. It depends on nothing but the scenario, the seed and i.
func (p Plan) Shot(i int) Shot {
	draw := newDraw(p.seed, p.stream, i)
	shot := Shot{Point: p.point(draw), Schedule: p.scenario.Stop.Schedule, To: p.scenario.Stop.To}
	if s := p.scenario.Strike.Stopping; s != nil {
		shot.Second = secondPoint(*s, draw)
	}
	return shot
}

// secondPoint draws where the second signal lands, after the first one's draws.
func secondPoint(s scenario.Stopping, draw *draw) *Point {
	if s.Window != nil {
		return &Point{Time: &TimePoint{From: scenario.FromStrike, After: draw.within(*s.Window)}}
	}
	return &Point{Call: &CallPoint{Calls: s.Call, Path: s.Path, Nth: draw.among(s.Nth), Side: s.Side, Count: scenario.PerTree}}
}

func (p Plan) point(draw *draw) Point {
	if output := p.scenario.Strike.Output; output != nil {
		line := LinePoint{Matching: output.Matching, Nth: draw.among(output.Nth)}
		if output.Delay != nil {
			line.Delay = draw.within(*output.Delay)
		}
		return Point{Line: &line}
	}
	if file := p.scenario.Strike.File; file != nil {
		point := FilePoint{Event: file.Event, Path: file.Path, Nth: draw.among(file.Nth)}
		if file.Delay != nil {
			point.Delay = draw.within(*file.Delay)
		}
		return Point{File: &point}
	}
	if call := p.scenario.Strike.Syscall; call != nil {
		point := CallPoint{Calls: call.Call, Path: call.Path, Nth: draw.among(call.Nth), Side: call.Side, Count: call.Count}
		if call.Delay != nil {
			point.Delay = draw.within(*call.Delay)
		}
		return Point{Call: &point}
	}
	if handlers := p.scenario.Strike.Handlers; handlers != nil {
		w := *handlers.Window
		point := HandlerPoint{Signal: p.scenario.Stop.Schedule.First(), Nth: handlers.Nth}
		point.Offset = w.From + draw.within(scenario.Window{To: w.To - w.From})
		return Point{Handler: &point}
	}
	random := p.scenario.Strike.Random
	return Point{Time: &TimePoint{From: random.From, After: draw.within(*random.Window)}}
}
