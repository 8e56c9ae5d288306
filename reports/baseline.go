package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/reports/stats"
)

// BaselineKind is what a baseline file says that it is.
const BaselineKind = "sigprobe-baseline"

// maxSample bounds the latencies that a baseline keeps of a scenario.
const maxSample = 1000

// Baseline is a kept run in few words: what a later one is compared with. It is a JSON
// file that a repository can commit.
type Baseline struct {
	Schema int    `json:"schema"`
	Kind   string `json:"kind"`
	// Scenarios are sorted by name, each with the run that it was kept of.
	Scenarios []Kept `json:"scenarios"`
}

// Kept is what a baseline has of one scenario.
type Kept struct {
	Name   string  `json:"name"`
	Run    KeptRun `json:"run"`
	Trials Counts  `json:"trials"`
	// Endings counts how the main process ended; never nil.
	Endings map[string]int `json:"endings"`
	// Accepts lists the endings that the scenario accepted, as --accept takes them.
	Accepts []string `json:"accepts,omitempty"`
	// Findings are in how many trials each was found, and for a sweep at which points.
	Findings []KeptFinding `json:"findings,omitempty"`
	// Sweep is nil where the shots were drawn at random.
	Sweep   *KeptSweep  `json:"sweep,omitempty"`
	Latency KeptLatency `json:"latency_ms"`
}

// KeptRun tells of which run a scenario was kept.
type KeptRun struct {
	ID      string    `json:"id,omitempty"`
	Version string    `json:"version,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Machine Machine   `json:"machine"`
	// Cut says why the trials were not all; empty for a complete run.
	Cut string `json:"cut,omitempty"`
}

// KeptFinding is how often something was found.
type KeptFinding struct {
	Check  string   `json:"check"`
	Kind   string   `json:"kind"`
	Count  int      `json:"count"`
	Points []Struck `json:"points,omitempty"`
}

// KeptSweep is how far a sweep came.
type KeptSweep struct {
	Points   int  `json:"points"`
	Covered  int  `json:"covered"`
	Complete bool `json:"complete"`
}

// KeptLatency is the shutdown latencies of all trials that were struck and saw the main
// process end, in milliseconds.
type KeptLatency struct {
	Count int `json:"count"`
	// Sample has them all in rising order, to the microsecond; of more than a thousand,
	// that many, evenly spaced over the ranks.
	Sample []float64 `json:"sample"`
}

// Baseline is what was added so far, as a baseline.
func (s *Summarizer) Baseline() Baseline {
	b := Baseline{Schema: Schema, Kind: BaselineKind, Scenarios: []Kept{}}
	run := KeptRun{ID: s.info.ID, Version: s.info.Version, Started: s.info.Started, Machine: s.info.Machine, Cut: s.cut}
	for _, name := range s.order {
		kept := s.campaigns[name].kept(s.cut, s.info.Statistics)
		kept.Run = run
		b.Scenarios = append(b.Scenarios, kept)
	}
	b.sort()
	return b
}

func (b *Baseline) sort() {
	slices.SortFunc(b.Scenarios, func(x, y Kept) int { return bytes.Compare([]byte(x.Name), []byte(y.Name)) })
}

func (c *tally) kept(cut string, asked *Statistics) Kept {
	sum := c.summary(c.scenario.Name, cut, asked)
	k := Kept{Name: sum.Name, Trials: sum.Trials, Endings: maps.Clone(sum.Endings), Latency: keptLatency(c.latencies)}
	for _, accept := range c.scenario.Expect.Exit {
		k.Accepts = append(k.Accepts, accept.String())
	}
	for _, f := range c.sortedFindings() {
		// Shots of earlier runs that were repeated say nothing of how often it comes.
		if n := c.found[kindKey{f.Check, f.Kind}]; n > 0 {
			k.Findings = append(k.Findings, KeptFinding{f.Check, f.Kind, n, f.Points})
		}
	}
	if sum.Sweep != nil {
		k.Sweep = &KeptSweep{sum.Sweep.Points, sum.Sweep.Covered, sum.Sweep.Complete}
	}
	return k
}

func keptLatency(latencies []timed) KeptLatency {
	sample := stats.Thin(sortedMillis(latencies), maxSample)
	for i, ms := range sample {
		sample[i] = math.Round(ms*1000) / 1000
	}
	return KeptLatency{len(latencies), sample}
}

// Update takes over the scenarios of a newer baseline; those that only the old one has stay.
func (b *Baseline) Update(newer Baseline) {
	for _, k := range newer.Scenarios {
		b.Scenarios = slices.DeleteFunc(b.Scenarios, func(old Kept) bool { return old.Name == k.Name })
		b.Scenarios = append(b.Scenarios, k)
	}
	b.sort()
}

// Baseline reads all trials of the run and keeps what a comparison needs.
func (r *Run) Baseline() (Baseline, []Warning, error) {
	s, warnings, err := r.sum()
	if err != nil {
		return Baseline{}, nil, err
	}
	return s.Baseline(), warnings, nil
}

// OpenBaseline reads what can be compared: a baseline file, or a run as [OpenIn] finds it.
func OpenBaseline(root, path string) (Baseline, []Warning, error) {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return ReadBaseline(path)
	}
	run, err := OpenIn(root, path)
	if err != nil {
		return Baseline{}, nil, err
	}
	return run.Baseline()
}

// ReadBaseline reads a baseline file. Fields that it does not know are skipped, and a
// newer format is a warning; a file that is no baseline is an error.
func ReadBaseline(path string) (b Baseline, warnings []Warning, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil, fmt.Errorf("read the baseline: %w; make it with sigprobe baseline update %s", err, path)
	}
	if err != nil {
		return b, nil, fmt.Errorf("read the baseline: %w", err)
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, nil, fmt.Errorf("read the baseline %s: %w; make it anew with sigprobe baseline update", path, err)
	}
	if b.Kind != BaselineKind {
		return b, nil, fmt.Errorf("%s is no baseline: its kind is %q and not %q; make one with sigprobe baseline update", path, b.Kind, BaselineKind)
	}
	if b.Schema > Schema {
		warnings = append(warnings, Warning{File: filepath.Base(path),
			Message: fmt.Sprintf("the baseline was written in format %d, and this sigprobe knows formats up to %d: parts of it may be missing here", b.Schema, Schema)})
	}
	return b, append(warnings, b.mend(filepath.Base(path))...), nil
}

// mend drops what cannot be compared, as after a merge by hand, with a warning each.
func (b *Baseline) mend(file string) (warnings []Warning) {
	seen := map[string]bool{}
	b.Scenarios = slices.DeleteFunc(b.Scenarios, func(k Kept) bool {
		why := k.wrong()
		if why == "" && seen[k.Name] {
			why = "it stands there twice; the first one counts"
		}
		seen[k.Name] = true
		if why != "" {
			warnings = append(warnings, Warning{File: file, Message: fmt.Sprintf("scenario %q was left out: %s", k.Name, why)})
		}
		return why != ""
	})
	for i := range b.Scenarios {
		slices.Sort(b.Scenarios[i].Latency.Sample)
	}
	b.sort()
	return warnings
}

// wrong says why a scenario's figures cannot be; "" where they can.
func (k Kept) wrong() string {
	t := k.Trials
	switch {
	case k.Name == "":
		return "it has no name"
	case min(t.Graceful, t.Violation, t.Inconclusive, t.Error) < 0:
		return "a number of trials is negative"
	case slices.ContainsFunc(k.Latency.Sample, func(ms float64) bool { return ms < 0 }):
		return "a latency is negative"
	}
	for _, n := range k.Endings {
		if n < 0 {
			return "a number of endings is negative"
		}
	}
	for _, f := range k.Findings {
		if f.Count < 0 {
			return "a number of findings is negative"
		}
	}
	return ""
}

// Encode writes a baseline as a file has it: a line for each figure, but one for all
// latencies of a scenario, so that a difference between two of them can be read.
func (b Baseline) Encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(b); err != nil {
		return nil, fmt.Errorf("write the baseline: %w", err)
	}
	return sampleLines.ReplaceAllFunc(out.Bytes(), func(sample []byte) []byte {
		return bytes.ReplaceAll(bytes.Join(bytes.Fields(sample), nil), []byte(":["), []byte(": ["))
	}), nil
}

// sampleLines finds the latencies in an encoded baseline. No string can look like them:
// its quotes are escaped.
var sampleLines = regexp.MustCompile(`"sample": \[[^\]]*\]`)
