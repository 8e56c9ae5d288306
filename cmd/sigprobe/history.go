package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

// against is what a finished run is held against and kept in.
type against struct {
	baseline *reports.Baseline // nil for none
	limits   reports.Limits
	history  string // folder; "" for none
}

// compare holds a run against the baseline; nil without one.
func (a against) compare(run reports.Baseline) *reports.Comparison {
	if a.baseline == nil {
		return nil
	}
	c := reports.Compare(*a.baseline, run, a.limits)
	return &c
}

// ready finds out, before anything is launched, that the history can be kept.
func (a against) ready() error {
	if a.history == "" {
		return nil
	}
	if err := os.MkdirAll(a.history, 0o755); err != nil {
		return broken(fmt.Errorf("--history: %w; name a folder that can be written", err))
	}
	held, err := os.CreateTemp(a.history, ".sigprobe-*")
	if err != nil {
		return broken(fmt.Errorf("--history %s: %w; name a folder that can be written", a.history, cause(err)))
	}
	if err := errors.Join(held.Close(), os.Remove(held.Name())); err != nil {
		return broken(fmt.Errorf("--history %s: %w", a.history, cause(err)))
	}
	return nil
}

// keep adds the run to the histories of its scenarios. One that was cut short is no
// measure of anything and is left out.
func (a against) keep(std streams, r render.Report) error {
	if a.history == "" {
		return nil
	}
	if f := r.Finished; f == nil || f.InterruptedBy != "" || f.Error != "" {
		note(std.err, "the run is not complete: it was not added to the history in %s", a.history)
		return nil
	}
	warnings, err := reports.KeepHistory(a.history, r.Summary.Entries(r.Info), render.HistoryPages)
	for _, warning := range warnings {
		note(std.err, "warning: %s", warning)
	}
	return err
}
