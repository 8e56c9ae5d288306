package render

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// timeline shows a trial on the axis of time: a lane for each process of the tree, and
// the moments that matter across all lanes.
type timeline struct {
	Lanes   []lane
	Moments []moment
	X       []mark
	Top     int // of the lanes
	Bottom  int
	Height  int
	More    int // processes without a lane
}

// lane is the life of one process as far as it was seen.
type lane struct {
	Name  string
	Note  string
	Y     int // of its bar
	TextY int
	X     int
	Width int
	Class string
	// Open says that the end was not seen.
	Open bool
	Edge int
}

// moment is a vertical line with a name.
type moment struct {
	X     int
	TextX int
	TextY int
	Text  string
	Class string
}

const (
	laneLeft   = 150
	laneRight  = 700
	laneHeight = 26
	maxLanes   = 24
	momentRow  = 15
	letter     = 6.6 // width of a character, about
	// tick is the length of a clock tick of proc_pid_stat(5) on Linux: USER_HZ is 100 on
	// every architecture that sigprobe runs on.
	tick = 10 * time.Millisecond
)

// life is what is known of one process.
type life struct {
	observation.Member
	from, to time.Duration
	note     string
	class    string
	open     bool
}

// timelineOf is nil for a trial in which nothing was launched.
func timelineOf(t harness.Trial) *timeline {
	o := t.Observation
	if o.Process.PID == 0 && o.Exit == nil {
		return nil
	}
	all := lives(o)
	line := &timeline{More: max(0, len(all)-maxLanes)}
	x := scale{low: 0, high: max(1, micros(lastMoment(o))*1.02), from: laneLeft, to: laneRight}
	line.addMoments(o, x)
	for _, l := range all[:min(len(all), maxLanes)] {
		line.addLane(l, x)
	}
	line.Bottom = line.Top + len(line.Lanes)*laneHeight + 4
	line.Height = line.Bottom + 24
	line.X = x.marks(shortTime)
	return line
}

// lastMoment is the latest that the observation has.
func lastMoment(o observation.Observation) (last time.Duration) {
	if o.Exit != nil {
		last = o.Exit.At
		for _, l := range o.Lingering {
			last = max(last, o.Exit.At+l.Gone)
		}
	}
	for _, at := range []*time.Duration{o.TreeEmpty, o.OutputClosed, o.HandlerSeen} {
		if at != nil {
			last = max(last, *at)
		}
	}
	for _, s := range o.Sent {
		last = max(last, s.At)
	}
	if o.Ready != nil {
		last = max(last, o.Ready.At)
	}
	if o.Strike != nil {
		last = max(last, o.Strike.Planned, o.Strike.Actual)
	}
	return last
}

// lives are those of the main process and of its descendants.
func lives(o observation.Observation) []life {
	last := lastMoment(o)
	first := life{Member: observation.Member{Identity: o.Process, Command: mainCommand(o)}, to: last, class: "main", open: o.Exit == nil}
	if o.Exit != nil {
		first.to = o.Exit.At
		if ending, ok := o.Ending(); ok {
			first.note = ending.Describe()
		}
	}
	all := []life{first}
	seen := map[observation.Identity]bool{o.Process: true}
	add := func(l life) {
		if !seen[l.Identity] {
			seen[l.Identity] = true
			l.from = started(o, l.Identity)
			l.to = max(l.to, l.from)
			all = append(all, l)
		}
	}
	for _, s := range o.Survivors {
		add(life{Member: s.Member, to: last, class: "survivor", open: true, note: "alive after the settling time"})
	}
	for _, l := range o.Lingering {
		add(life{Member: l.Member, to: first.to + l.Gone, class: "lingerer", note: "left " + span(l.Gone) + " after the main process"})
	}
	for _, u := range o.Unreaped {
		add(life{Member: u.Member, to: first.to, class: "descendant", note: "dead and not waited for, for " + span(u.For)})
	}
	if o.Strike != nil && o.Strike.Doing != nil {
		for _, m := range o.Strike.Doing.Descendants {
			add(life{Member: m, to: first.to, class: "descendant", open: true, note: "gone when the main process was"})
		}
	}
	return all
}

func mainCommand(o observation.Observation) string {
	if o.Strike != nil && o.Strike.Doing != nil {
		return o.Strike.Doing.Main.Command
	}
	return "main process"
}

// started is when a process began, to the clock tick; 0 where that is not known.
func started(o observation.Observation, p observation.Identity) time.Duration {
	if p.StartTicks < o.Process.StartTicks || o.Process.StartTicks == 0 {
		return 0
	}
	return time.Duration(p.StartTicks-o.Process.StartTicks) * tick
}

func (l *timeline) addLane(p life, x scale) {
	from, to := int(math.Round(x.at(micros(p.from)))), int(math.Round(x.at(micros(p.to))))
	y := l.Top + len(l.Lanes)*laneHeight + 4
	name := p.Command
	if name == "" {
		name = "process"
	}
	l.Lanes = append(l.Lanes, lane{
		Name: Escape(shortened(name, 15)) + " " + strconv.Itoa(p.PID), Note: Escape(p.note),
		Y: y, TextY: y + 12, X: from, Width: max(2, to-from), Class: p.class, Open: p.open, Edge: max(from+2, to),
	})
}

// addMoments puts the names in rows, so that none covers another.
func (l *timeline) addMoments(o observation.Observation, x scale) {
	var ends []float64 // of the rows
	add := func(at time.Duration, text, class string) {
		px := x.at(micros(at))
		width := letter*float64(utf8.RuneCountInString(text)) + 8
		text0 := min(px+3, float64(plotWidth)-width)
		rank := 0
		for rank < len(ends) && ends[rank] > text0 {
			rank++
		}
		if rank == len(ends) {
			ends = append(ends, 0)
		}
		ends[rank] = text0 + width
		l.Moments = append(l.Moments, moment{int(math.Round(px)), int(math.Round(text0)), (rank + 1) * momentRow, text, class})
	}
	if o.HandlerSeen != nil {
		add(*o.HandlerSeen, "handler", "handler")
	}
	if o.Ready != nil {
		add(o.Ready.At, "ready", "ready")
	}
	for i, s := range o.Sent {
		if i < 8 {
			add(s.At, sentName(s), "signal")
		}
	}
	if o.Exit != nil {
		add(o.Exit.At, "exit", "exit")
	}
	if o.TreeEmpty != nil && (o.Exit == nil || *o.TreeEmpty-o.Exit.At > time.Millisecond) {
		add(*o.TreeEmpty, "tree empty", "empty")
	}
	l.Top = len(ends)*momentRow + 8
}

func sentName(s observation.Sent) string {
	text := s.Signal.String()
	if s.Error != "" {
		text += " refused"
	}
	if s.Final {
		text += " (harness)"
	}
	return text
}

// span is a time for a person, with three digits or so.
func span(d time.Duration) string {
	if d.Abs() < 100*time.Microsecond {
		return shortTime(float64(d.Microseconds()))
	}
	ms := float64(d) / float64(time.Millisecond)
	return millis(&ms)
}

// bytesText is a number of bytes for a person.
func bytesText(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return counted(int(n), "byte")
}
