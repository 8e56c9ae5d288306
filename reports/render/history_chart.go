package render

import (
	"fmt"
	"math"
	"strings"

	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// The size of a chart, in units of its own; the page scales it.
const (
	chartWidth, chartHeight = 720.0, 200.0
	chartLeft, chartRight   = 64.0, 12.0
	chartTop, chartBottom   = 14.0, 22.0
)

// chart is one curve or row of bars over the runs, laid out.
type chart struct {
	Title  string
	Width  float64
	Height float64
	Base   float64 // the y of zero
	Left   float64
	Right  float64
	Marks  []chartMark
	Lines  []chartLine
	Bars   []chartBar
}

// chartMark is a value on the axis.
type chartMark struct {
	Y    float64
	Text string
}

// chartLine is a series: its points, and the line through them, broken where a run has
// no value.
type chartLine struct {
	Class, Name string
	Path        string
	Points      []chartPoint
}

type chartPoint struct {
	X, Y float64
	Text string
	Bad  bool
}

type chartBar struct {
	X, Y, Width, Height float64
	Text                string
	Bad                 bool
}

// latencyChart draws the median and the 95th percentile.
func latencyChart(runs []reports.Entry) chart {
	top := 0.0
	for _, e := range runs {
		for _, value := range []*float64{e.Latency.P50, e.Latency.P95} {
			if value != nil {
				top = max(top, *value)
			}
		}
	}
	c := newChart("Shutdown latency", top, func(v float64) string { return millis(&v) })
	series := func(class, name string, of func(reports.Entry) *float64) {
		c.Lines = append(c.Lines, c.line(class, name, runs, top, of))
	}
	series("p95", "p95", func(e reports.Entry) *float64 { return e.Latency.P95 })
	series("p50", "p50", func(e reports.Entry) *float64 { return e.Latency.P50 })
	return c
}

// rateChart draws the share of trials that failed.
func rateChart(runs []reports.Entry) chart {
	top := 0.0
	for _, e := range runs {
		top = max(top, share(e))
	}
	c := newChart("Failure rate", top, stats.Percent)
	step := (c.Right - c.Left) / float64(max(len(runs), 1))
	for i, e := range runs {
		height := 0.0
		if top > 0 {
			height = share(e) / top * (c.Base - chartTop)
		}
		c.Bars = append(c.Bars, chartBar{
			X: tidy(c.Left + (float64(i)+0.15)*step), Y: tidy(c.Base - height), Width: tidy(0.7 * step), Height: tidy(height),
			Text: fmt.Sprintf("%s: %s", Escape(e.Run), failures(e)), Bad: badEntry(e),
		})
	}
	return c
}

// newChart has an axis from 0 to the top, with the half of it between.
func newChart(title string, top float64, text func(float64) string) chart {
	c := chart{Title: title, Width: chartWidth, Height: chartHeight, Base: chartHeight - chartBottom, Left: chartLeft, Right: chartWidth - chartRight}
	c.Marks = []chartMark{{c.Base, text(0)}}
	if top > 0 {
		c.Marks = append(c.Marks, chartMark{tidy((c.Base + chartTop) / 2), text(top / 2)}, chartMark{chartTop, text(top)})
	}
	return c
}

func (c chart) line(class, name string, runs []reports.Entry, top float64, of func(reports.Entry) *float64) chartLine {
	line := chartLine{Class: class, Name: name}
	var path strings.Builder
	verb := "M"
	for i, e := range runs {
		value := of(e)
		if value == nil {
			verb = "M"
			continue
		}
		p := chartPoint{X: tidy(c.x(i, len(runs))), Y: c.Base, Text: fmt.Sprintf("%s: %s %s", Escape(e.Run), name, millis(value)), Bad: badEntry(e)}
		if top > 0 {
			p.Y = tidy(c.Base - *value/top*(c.Base-chartTop))
		}
		fmt.Fprintf(&path, "%s%g %g", verb, p.X, p.Y)
		line.Points, verb = append(line.Points, p), "L"
	}
	line.Path = path.String()
	return line
}

// x is where a run stands, in the middle of its part of the width.
func (c chart) x(i, n int) float64 {
	return c.Left + (float64(i)+0.5)*(c.Right-c.Left)/float64(n)
}

// tidy leaves a tenth of a unit, which nobody sees, so that a page changes only where
// its figures do.
func tidy(v float64) float64 { return math.Round(v*10) / 10 }
