package render

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// Plots are drawn here as paths of whole pixels; the template puts them into SVG. A
// plot's size does not grow with the trials: what falls on one place is drawn once.

// Measures of a plot, in units of its view box.
const (
	plotWidth   = 720
	plotLeft    = 58
	plotRight   = 708
	panelHeight = 130
	panelGap    = 18
	plotTop     = 10
)

// scale places values between two pixels, in even or logarithmic steps.
type scale struct {
	low, high float64
	log       bool
	from, to  float64
}

// at is the place of a value; what lies outside is put on the border.
func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	v = min(max(v, low), high)
	if s.log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	if high == low {
		return s.from
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// mark is a value on an axis.
type mark struct {
	At   int
	Text string
}

// steps are round values in a range, about five of them.
func (s scale) steps() (values []float64) {
	if s.log {
		return s.decades()
	}
	raw := (s.high - s.low) / 5
	if raw <= 0 {
		return []float64{s.low}
	}
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, times := range []float64{1, 2, 5, 10} {
		if size*times >= raw {
			size *= times
			break
		}
	}
	for v := math.Ceil(s.low/size) * size; v <= s.high+size/1000; v += size {
		values = append(values, v)
	}
	return values
}

// decades are 1, 10, 100, … and where the range is short values between them.
func (s scale) decades() (values []float64) {
	between := []float64{1}
	switch ratio := s.high / s.low; {
	case ratio < 20:
		between = []float64{1, 2, 3, 5, 7}
	case ratio < 1000:
		between = []float64{1, 2, 5}
	}
	for decade := math.Pow(10, math.Floor(math.Log10(s.low))); decade <= s.high*1.001; decade *= 10 {
		for _, times := range between {
			if v := decade * times; v >= s.low*0.999 && v <= s.high*1.001 {
				values = append(values, v)
			}
		}
	}
	return values
}

func (s scale) marks(text func(float64) string) (list []mark) {
	for _, v := range s.steps() {
		list = append(list, mark{int(math.Round(s.at(v))), text(v)})
	}
	return list
}

// wide is the ratio from which on latencies are shown in logarithmic steps.
const wide = 4

// latencyScale spans latencies, in microseconds, with some room on both sides.
func latencyScale(low, high int64, from, to float64) scale {
	s := scale{low: float64(max(low, 1)), high: float64(max(high, 1)), from: from, to: to}
	if s.log = s.high/s.low >= wide; s.log {
		room := math.Pow(s.high/s.low, 0.03)
		s.low, s.high = s.low/room, s.high*room
		return s
	}
	room := max((s.high-s.low)*0.05, s.high*0.002)
	s.low, s.high = max(0, s.low-room), s.high+room
	return s
}

// shortTime is a time of an axis, from microseconds: "50 µs", "1.5 ms", "2 s".
func shortTime(micros float64) string {
	switch {
	case math.Abs(micros) >= 1e6:
		return trimmed(micros/1e6) + " s"
	case math.Abs(micros) >= 1000:
		return trimmed(micros/1000) + " ms"
	case math.Abs(micros) < 1e-6:
		return "0"
	}
	return trimmed(micros) + " µs"
}

func trimmed(v float64) string { return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) }

func wholeNumber(v float64) string { return strconv.Itoa(int(math.Round(v))) }

// layer is what is drawn of one kind of trials.
type layer struct {
	Class string // of the style sheet
	Path  string
}

// scatter shows where the signals landed, and how long the stop took then.
type scatter struct {
	Title, Across   string
	X, Y            []mark
	Layers          []layer
	Bottom, Height  int
	Shown           int
	LowX, HighX     string // for the script: the range of the axes
	LowY, HighY     string
	LogY            bool
	MissingLatency  int
	HasGraceful     bool
	HasViolations   bool
	HasInconclusive bool
	HasError        bool
}

// shapes are the marks of the verdicts: each has a form of its own, for those who do
// not see colours.
var shapes = []struct{ class, path string }{
	{"graceful", "h0"},
	{"violation", "m-3-3l6 6m0-6l-6 6"},
	{"inconclusive", "m-3 0h6"},
	{"error", "m-3 0h6m-3-3v6"},
}

func scatterOf(r *rows) *scatter {
	x, y, ok := axes(r)
	if !ok {
		return nil
	}
	s := &scatter{
		Title: "Latency by where the signal landed", Across: r.across(), Bottom: int(y.from), Height: int(y.from) + 44,
		X: x.marks(r.placeText()), Y: y.marks(shortTime),
		LowX: trimmed(x.low), HighX: trimmed(x.high), LowY: trimmed(y.low), HighY: trimmed(y.high), LogY: y.log,
	}
	paths := make([]strings.Builder, len(verdicts))
	drawn := map[[3]int]bool{}
	for _, n := range r.list {
		where, on := n.place()
		if !on || n.latency == none {
			s.MissingLatency++
			continue
		}
		s.Shown++
		px, py := int(math.Round(x.at(where))), int(math.Round(y.at(float64(max(n.latency, 1)))))
		if key := [3]int{int(n.verdict), px / 2, py / 2}; !drawn[key] {
			drawn[key] = true
			fmt.Fprintf(&paths[n.verdict], "M%d %d%s", px, py, shapes[n.verdict].path)
		}
	}
	for _, v := range []int{0, 2, 3, 1} { // violations lie on top
		if paths[v].Len() > 0 {
			s.Layers = append(s.Layers, layer{shapes[v].class, paths[v].String()})
		}
	}
	s.HasGraceful, s.HasViolations, s.HasInconclusive, s.HasError = paths[0].Len() > 0, paths[1].Len() > 0, paths[2].Len() > 0, paths[3].Len() > 0
	return s
}

// place is where a trial stands on the axis of strikes.
func (n row) place() (float64, bool) {
	if n.nth > 0 {
		return float64(n.nth), n.hit
	}
	return float64(n.when), n.when != none
}

func (r *rows) sweeps() bool { return len(r.list) > 0 && r.list[0].nth > 0 }

func (r *rows) across() string {
	if r.sweeps() {
		return "number of the call that was struck at"
	}
	return "moment of the strike, from ready on"
}

func (r *rows) placeText() func(float64) string {
	if r.sweeps() {
		return wholeNumber
	}
	return shortTime
}

// axes span what the trials show; ok is false where that is nothing.
func axes(r *rows) (x, y scale, ok bool) {
	x = scale{low: math.Inf(1), high: math.Inf(-1), from: plotLeft, to: plotRight}
	low, high := int64(math.MaxInt64), int64(0)
	for _, n := range r.list {
		where, on := n.place()
		if on && n.latency != none {
			ok = true
			x.low, x.high = min(x.low, where), max(x.high, where)
			low, high = min(low, n.latency), max(high, n.latency)
		}
	}
	if x.high == x.low {
		x.low, x.high = x.low-1, x.high+1
	}
	return x, latencyScale(low, high, plotTop+210, plotTop), ok
}

// distribution shows the latencies twice over one axis: how many trials took so long,
// and which part of them took no longer.
type distribution struct {
	X          []mark
	Counts     []mark
	Shares     []mark
	Bars, Bad  string
	Steps      string
	Quantiles  []mark
	Count      int
	TopBottom  int // of the histogram
	LowTop     int
	Bottom     int
	Height     int
	Words      string
	HasBadBars bool
}

const barWidth = 10

func distributionOf(r *rows, latency reports.Latency) *distribution {
	sorted := r.latencies()
	if len(sorted) == 0 {
		return nil
	}
	x := latencyScale(sorted[0], sorted[len(sorted)-1], plotLeft, plotRight)
	d := &distribution{
		X: x.marks(shortTime), Count: len(sorted), TopBottom: plotTop + panelHeight, LowTop: plotTop + panelHeight + panelGap,
		Bottom: plotTop + 2*panelHeight + panelGap, Height: plotTop + 2*panelHeight + panelGap + 44,
	}
	d.histogram(r, x)
	d.cumulative(sorted, x)
	for _, q := range []struct {
		name  string
		value *float64
	}{{"p50", latency.P50}, {"p95", latency.P95}, {"p99", latency.P99}} {
		if q.value != nil {
			d.Quantiles = append(d.Quantiles, mark{int(math.Round(x.at(*q.value * 1000))), q.name})
		}
	}
	d.Words = fmt.Sprintf("%s: half of them within %s, 95 in 100 within %s, 99 in 100 within %s, the slowest %s",
		counted(len(sorted), "trial"), millis(latency.P50), millis(latency.P95), millis(latency.P99), millis(latency.Max))
	return d
}

// latencies of the plan's trials, in rising order.
func (r *rows) latencies() (sorted []int64) {
	for _, n := range r.list {
		if n.latency != none && !n.again {
			sorted = append(sorted, n.latency)
		}
	}
	slices.Sort(sorted)
	return sorted
}

func (d *distribution) histogram(r *rows, x scale) {
	const bars = (plotRight - plotLeft) / barWidth
	var all, bad [bars]int
	for _, n := range r.list {
		if n.latency == none || n.again {
			continue
		}
		bar := min(bars-1, int((x.at(float64(n.latency))-plotLeft)/barWidth))
		all[bar]++
		if n.verdict == 1 {
			bad[bar]++
			d.HasBadBars = true
		}
	}
	y := scale{low: 0, high: float64(slices.Max(all[:])), from: plotTop + panelHeight, to: plotTop}
	for _, v := range y.steps() {
		if v == math.Trunc(v) {
			d.Counts = append(d.Counts, mark{int(math.Round(y.at(v))), wholeNumber(v)})
		}
	}
	d.Bars, d.Bad = barsPath(all[:], y), barsPath(bad[:], y)
}

// barsPath draws a bar for each count that is not 0, one pixel high at the least.
func barsPath(counts []int, y scale) string {
	var b strings.Builder
	for i, n := range counts {
		if n > 0 {
			height := max(1, int(math.Round(y.from-y.at(float64(n)))))
			fmt.Fprintf(&b, "M%d %dv-%dh%dv%dz", plotLeft+i*barWidth, int(y.from), height, barWidth-1, height)
		}
	}
	return b.String()
}

// cumulative draws the empirical distribution function, a step for each pixel at most.
func (d *distribution) cumulative(sorted []int64, x scale) {
	y := scale{low: 0, high: 1, from: float64(d.Bottom), to: float64(d.LowTop)}
	for _, share := range []float64{0, 0.5, 0.95} {
		d.Shares = append(d.Shares, mark{int(math.Round(y.at(share))), trimmed(share*100) + " %"})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", plotLeft, d.Bottom)
	lastX, lastY := plotLeft, d.Bottom
	for i, v := range sorted {
		px, py := int(math.Round(x.at(float64(v)))), int(math.Round(y.at(float64(i+1)/float64(len(sorted)))))
		if i+1 < len(sorted) && int(math.Round(x.at(float64(sorted[i+1])))) == px || px == lastX && py == lastY {
			continue
		}
		fmt.Fprintf(&b, "H%dV%d", px, py)
		lastX, lastY = px, py
	}
	fmt.Fprintf(&b, "H%d", plotRight)
	d.Steps = b.String()
}

// window is a stretch of the axis of strikes in which all trials that prove something fail.
type window struct {
	From, To string
	Count    int
	Trials   []int // the first of them
	order    int
}

const shownWindows = 8

// windowsOf lists the stretches with the most violations, in the order of the axis, and
// says how many more there are. A sweep has its strip in their place.
func windowsOf(r *rows) (list []window, more int) {
	var proved []row
	for _, n := range r.list {
		if n.when != none && n.nth == 0 && n.verdict <= 1 {
			proved = append(proved, n)
		}
	}
	slices.SortStableFunc(proved, func(a, b row) int { return int(a.when - b.when) })
	for start := 0; start < len(proved); {
		end := start
		for end < len(proved) && proved[end].verdict == proved[start].verdict {
			end++
		}
		if proved[start].verdict == 1 {
			w := window{From: shortTime(float64(proved[start].when)), To: shortTime(float64(proved[end-1].when)), Count: end - start, order: start}
			for _, n := range proved[start:min(end, start+shownTrials)] {
				w.Trials = append(w.Trials, n.index)
			}
			list = append(list, w)
		}
		start = end
	}
	more = max(0, len(list)-shownWindows)
	slices.SortStableFunc(list, func(a, b window) int { return b.Count - a.Count })
	list = list[:len(list)-more]
	slices.SortFunc(list, func(a, b window) int { return a.order - b.order })
	return list, more
}

// strip shows every point of a sweep, a cell each, a band for each side.
type strip struct {
	Bands  []band
	Height int
	// Each is how many points a cell stands for.
	Each   int
	Points int
}

type band struct {
	Side   string
	Y      int // of its name
	Layers []layer
	Labels []label
}

type label struct {
	X, Y int
	Text string
}

const (
	cell       = 10
	cellsInRow = 60
	maxCells   = 2400
	stripLeft  = 70
)

// states of a cell from the best to the worst, as classes; a cell shows the worst.
var states = []string{"untried", "graceful", "inconclusive", "error", "violation"}

// stripOf draws a sweep's points; nil for what is none.
func stripOf(r *rows, sweep *reports.Sweep) *strip {
	if sweep == nil || !r.sweeps() {
		return nil
	}
	s := &strip{Each: 1, Points: sweep.Points, Height: 6}
	for s.Points > maxCells*s.Each {
		s.Each++
	}
	for _, side := range []scenario.Side{scenario.Before, scenario.Inside, scenario.After} {
		if worst, any := r.worst(side, s); any {
			s.addBand(side, worst)
		}
	}
	return s
}

// worst is the state of each cell of a side.
func (r *rows) worst(side scenario.Side, s *strip) (cells []int, any bool) {
	cells = make([]int, (s.Points+s.Each-1)/s.Each)
	for _, n := range r.list {
		if n.side != side || n.nth < 1 || n.nth > s.Points {
			continue
		}
		any = true
		at := (n.nth - 1) / s.Each
		cells[at] = max(cells[at], []int{1, 4, 2, 3}[n.verdict])
	}
	return cells, any
}

func (s *strip) addBand(side scenario.Side, cells []int) {
	b := band{Side: Escape(string(side)), Y: s.Height + cell - 1}
	paths := make([]strings.Builder, len(states))
	for i, state := range cells {
		x, y := stripLeft+i%cellsInRow*cell, s.Height+i/cellsInRow*(cell+3)
		if i%cellsInRow == 0 && i > 0 {
			b.Labels = append(b.Labels, label{stripLeft - 6, y + cell - 1, strconv.Itoa(i*s.Each + 1)})
		}
		fmt.Fprintf(&paths[state], "M%d %dh%dv%dh-%dz", x, y, cell-1, cell-1, cell-1)
		if states[state] == "violation" { // a notch, for those who do not see colours
			fmt.Fprintf(&paths[state], "m2 2v%dh%dv-%dz", cell-5, cell-5, cell-5)
		}
	}
	for state := range states {
		if paths[state].Len() > 0 {
			b.Layers = append(b.Layers, layer{states[state], paths[state].String()})
		}
	}
	s.Bands = append(s.Bands, b)
	s.Height += (len(cells)+cellsInRow-1)/cellsInRow*(cell+3) + 10
}

// micros is a duration for [shortTime].
func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
