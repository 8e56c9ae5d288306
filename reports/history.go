package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/sigprobe/sigprobe/harness/verdict"
)

// maxHistory bounds the runs that a history keeps of a scenario; the newest stay.
const maxHistory = 200

// Entry is one run in the history of a scenario: a line of SCENARIO.jsonl.
type Entry struct {
	Schema  int             `json:"schema"`
	Run     string          `json:"run"`
	Started time.Time       `json:"started,omitzero"`
	Version string          `json:"version,omitempty"`
	Machine Machine         `json:"machine"`
	Verdict verdict.Verdict `json:"verdict"`
	Trials  Counts          `json:"trials"`
	Endings map[string]int  `json:"endings,omitempty"`
	// Findings are in how many trials each was found, by CHECK/KIND.
	Findings map[string]int `json:"findings,omitempty"`
	Latency  EntryLatency   `json:"latency_ms"`
	// Regressions names what was worse than the baseline that the run was compared with.
	Regressions []string `json:"regressions,omitempty"`
	// Compared says that there was one.
	Compared bool `json:"compared,omitempty"`
}

// EntryLatency is the latency of a run without its distribution, in milliseconds.
type EntryLatency struct {
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
	Max   *float64 `json:"max"`
	Count int      `json:"count"`
}

// Bad says that the run found a violation or a regression.
func (e Entry) Bad() bool { return e.Verdict == verdict.Violation || len(e.Regressions) > 0 }

// History is what the last runs showed of one scenario, in the order of their starts.
type History struct {
	Scenario string
	Entries  []Entry
}

// Entries are the run's lines in the histories of its scenarios, by name.
func (s Summary) Entries(info RunInfo) map[string]Entry {
	entries := map[string]Entry{}
	for _, c := range s.Scenarios {
		e := Entry{
			Schema: Schema, Run: info.ID, Started: info.Started, Version: info.Version, Machine: info.Machine,
			Verdict: c.Verdict, Trials: c.Trials, Endings: c.Endings, Findings: map[string]int{},
			Latency: EntryLatency{c.Latency.P50, c.Latency.P95, c.Latency.P99, c.Latency.Max, c.Latency.Count},
		}
		for _, f := range c.Findings {
			e.Findings[f.Check+"/"+f.Kind] = f.Count
		}
		e.Regressions, e.Compared = s.Comparison.regressionsOf(c.Name)
		entries[c.Name] = e
	}
	return entries
}

// regressionsOf names what became worse in a scenario; not ok where it was not compared.
func (c *Comparison) regressionsOf(name string) (list []string, ok bool) {
	if c == nil {
		return nil, false
	}
	for _, one := range c.Scenarios {
		if one.Name != name {
			continue
		}
		ok = true
		for _, change := range one.Changes {
			if change.Outcome == Regression {
				list = append(list, change.Figure())
			}
		}
	}
	return list, ok
}

// Figure names what was compared, in a few words: "latency", "ending code 1",
// "finding survivors/orphan".
func (c Change) Figure() string {
	if c.Name == "" {
		return c.What
	}
	return c.What + " " + c.Name
}

// Add puts a run into the history, at its time. The same run again takes the place of
// its former entry.
func (h *History) Add(e Entry) {
	h.Entries = slices.DeleteFunc(h.Entries, func(old Entry) bool { return old.Run == e.Run })
	h.Entries = append(h.Entries, e)
	slices.SortStableFunc(h.Entries, func(a, b Entry) int { return a.Started.Compare(b.Started) })
	h.Entries = h.Entries[max(0, len(h.Entries)-maxHistory):]
}

// FirstBad is the first run of the unbroken row of bad ones at the end; not ok where the
// last run was good. Runs that proved nothing do not break the row, and do not begin it.
func (h History) FirstBad() (first Entry, ok bool) {
	for _, e := range slices.Backward(h.Entries) {
		switch {
		case e.Bad():
			first, ok = e, true
		case e.Verdict == verdict.Graceful:
			return first, ok
		}
	}
	return first, ok
}

// LastGood is the last run before the bad ones; not ok where there was none.
func (h History) LastGood() (Entry, bool) {
	for _, e := range slices.Backward(h.Entries) {
		if e.Verdict == verdict.Graceful && !e.Bad() {
			return e, true
		}
	}
	return Entry{}, false
}

// Sighting is when a finding was seen, over the runs of a history.
type Sighting struct {
	Finding string // CHECK/KIND
	// Runs is in how many runs it was seen, First and Last in which.
	Runs        int
	First, Last Entry
	// Count and Of are in how many trials of how many it was seen, over those runs.
	Count, Of int
}

// Sightings lists all findings, those that were seen last first.
func (h History) Sightings() []Sighting {
	byName := map[string]*Sighting{}
	for _, e := range h.Entries {
		for name, count := range e.Findings {
			s := byName[name]
			if s == nil {
				s = &Sighting{Finding: name, First: e}
				byName[name] = s
			}
			s.Last, s.Runs, s.Count, s.Of = e, s.Runs+1, s.Count+count, s.Of+e.Trials.Conclusive()
		}
	}
	var list []Sighting
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, *byName[name])
	}
	slices.SortStableFunc(list, func(a, b Sighting) int { return b.Last.Started.Compare(a.Last.Started) })
	return list
}

// HistoryPage writes one form of a history's page; its name ends in the extension.
type HistoryPage struct {
	Extension string
	Write     func(History) ([]byte, error)
}

// KeepHistory adds a run to the histories in a folder, which is made where there is
// none, and writes their pages anew: SCENARIO.jsonl and a file for each form. Each is
// replaced as a whole. Two runs that keep into one folder take turns.
func KeepHistory(folder string, entries map[string]Entry, pages []HistoryPage) ([]Warning, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, historyError(folder, err)
	}
	held, err := os.Open(folder)
	if err != nil {
		return nil, historyError(folder, err)
	}
	defer held.Close() //nolint:errcheck // opened for the lock, which goes with it
	if err := flock(held); err != nil {
		return nil, historyError(folder, err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, historyError(folder, err)
	}
	defer root.Close() //nolint:errcheck // a folder has nothing to lose
	var warnings []Warning
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		h, torn, err := readHistory(root, name)
		if err == nil {
			h.Add(entries[name])
			err = h.write(root, pages)
		}
		if err != nil {
			return warnings, historyError(folder, err)
		}
		warnings = append(warnings, torn...)
	}
	return warnings, nil
}

func historyError(folder string, err error) error {
	return fmt.Errorf("keep the history in %s: %w; name another folder with --history DIR", folder, err)
}

// readHistory reads leniently: a line that is no entry is left out with a warning.
func readHistory(root *os.Root, name string) (h History, warnings []Warning, err error) {
	h.Scenario = name
	file := name + ".jsonl"
	text, err := root.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil, nil
	}
	if err != nil {
		return h, nil, err
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		var e Entry
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &e); err != nil || e.Run == "" {
			warnings = append(warnings, Warning{file, i + 1, "the line is no run and was left out"})
			continue
		}
		h.Add(e)
	}
	return h, warnings, nil
}

func (h History) write(root *os.Root, pages []HistoryPage) error {
	var lines bytes.Buffer
	e := json.NewEncoder(&lines)
	e.SetEscapeHTML(false)
	for _, entry := range h.Entries {
		if err := e.Encode(entry); err != nil {
			return err
		}
	}
	if err := writeWhole(root, h.Scenario+".jsonl", lines.Bytes()); err != nil {
		return err
	}
	for _, page := range pages {
		text, err := page.Write(h)
		if err == nil {
			err = writeWhole(root, h.Scenario+page.Extension, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
