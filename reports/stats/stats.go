// Package stats turns counts and latencies into statements that can be wrong only as
// often as they say: bounds, intervals, tests. Numbers go in and numbers come out; what
// they are called in a report is the caller's business.
//
// The formulas are those of gonum and go-moremath. What this package promises is held
// against simulated campaigns; the figures are in docs/STATISTICS.md.
package stats

// DefaultConfidence is that of bounds and intervals where none is asked for.
const DefaultConfidence = 0.95

// DefaultAlpha is how often a comparison of a program with itself may show a
// difference, where nothing else is asked for.
const DefaultAlpha = 0.05

// Interval is a range of values with both ends in it.
type Interval struct{ Low, High float64 }
