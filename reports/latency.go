package reports

import (
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// Interval is a range of milliseconds that holds the value with the confidence.
type Interval struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
}

// Bin counts the latencies from From up to To milliseconds, To excluded.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Count int     `json:"count"`
}

// LatencyAt is the latency of the trials whose signal landed in one part of the
// target's life.
type LatencyAt struct {
	Where Where `json:"where"`
	Latency
}

// Where is the part of the target's life that a signal landed in.
type Where string

// The parts.
const (
	Startup Where = "startup" // before the target was ready
	Work    Where = "work"    // after that
	Second  Where = "second"  // a second signal came before the target had left
)

// timed is the latency of one trial.
type timed struct {
	trial   int
	latency time.Duration
	where   Where
	proved  bool   // the trial was conclusive
	shot    string // where the scenario has a budget for latencies
}

// landed tells where the signals of a struck observation landed.
func landed(o observation.Observation) Where {
	switch {
	case o.Exit != nil && o.Exit.Step > 0:
		return Second
	case o.Ready == nil || o.Strike.Actual < o.Ready.At:
		return Startup
	}
	return Work
}

// sortedMillis are the latencies in milliseconds, in rising order.
func sortedMillis(sample []timed) []float64 {
	values := make([]float64, len(sample))
	for i, t := range sample {
		values[i] = float64(t.latency) / float64(time.Millisecond)
	}
	slices.Sort(values)
	return values
}

// latencyOf gives exact quantiles: a sample is at most one number for each trial.
func latencyOf(sample []timed, confidence float64) Latency {
	if len(sample) == 0 {
		return Latency{}
	}
	sorted := sortedMillis(sample)
	at := func(p float64) *float64 { value := stats.Quantile(sorted, p); return &value }
	l := Latency{P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: at(1), Count: len(sorted)}
	if i, ok := stats.QuantileInterval(sorted, 0.5, confidence); ok {
		l.P50Interval = &Interval{i.Low, i.High, confidence}
	}
	for _, b := range stats.Histogram(sorted) {
		l.Histogram = append(l.Histogram, Bin(b))
	}
	return l
}

// latencyBy splits a sample by where the signals landed; nil where it was the same part
// in all trials.
func latencyBy(sample []timed, confidence float64) (parts []LatencyAt) {
	for _, where := range []Where{Startup, Work, Second} {
		of := slices.DeleteFunc(slices.Clone(sample), func(t timed) bool { return t.where != where })
		switch len(of) {
		case 0:
		case len(sample):
			return nil
		default:
			parts = append(parts, LatencyAt{where, latencyOf(of, confidence)})
		}
	}
	return parts
}
