package main

import (
	"github.com/spf13/pflag"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/stats"
)

// limitsFlags are the flags about what counts as a regression.
type limitsFlags struct {
	alpha, change shareValue
	shift         scenario.Duration
}

func (f *limitsFlags) addFlags(flags *pflag.FlagSet) {
	d := reports.DefaultLimits
	f.shift = scenario.Duration(d.Shift)
	flags.Var(&f.alpha, "alpha", defaultOf("how often a comparison of a program with itself may show a regression", stats.Percent(d.Alpha)))
	flags.Var(durationValue{&f.shift}, "min-shift", "how much slower a stop must have become at the least to count")
	flags.Var(&f.change, "min-change", defaultOf("and by what share of what it was", stats.Percent(d.Change)))
}

// limits are those given, with defaults for the rest.
func (f *limitsFlags) limits() reports.Limits {
	l := reports.DefaultLimits
	l.Shift = f.shift.D()
	if f.alpha != 0 {
		l.Alpha = float64(f.alpha)
	}
	if f.change != 0 {
		l.Change = float64(f.change)
	}
	return l
}

// durationValue is a flag for a time, read as scenario files are (pflag.Value).
type durationValue struct{ *scenario.Duration }

func (v durationValue) Set(text string) error { return v.UnmarshalText([]byte(text)) }

func (v durationValue) String() string {
	if v.Duration == nil {
		return ""
	}
	return v.Duration.String()
}

func (v durationValue) Type() string { return "D" }
