package render

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// ctrfVersion is the version of the Common Test Report Format that is written (ctrf.io).
const ctrfVersion = "1.0.0"

// CTRF writes the report in the Common Test Report Format, with a test for each scenario.
// A failure of the harness is "other", and what proved nothing "skipped"; rawStatus has
// sigprobe's own word. How long a scenario took is not recorded: each duration is 0, and
// the summary has the times of the run.
func CTRF(w io.Writer, r Report, _ Style) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(r.ctrf()); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

type ctrfReport struct {
	ReportFormat string      `json:"reportFormat"`
	SpecVersion  string      `json:"specVersion"`
	GeneratedBy  string      `json:"generatedBy"`
	Results      ctrfResults `json:"results"`
}

type ctrfResults struct {
	Tool    ctrfTool    `json:"tool"`
	Summary ctrfSummary `json:"summary"`
	Tests   []ctrfTest  `json:"tests"`
	Extra   ctrfRun     `json:"extra"`
}

type ctrfTool struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type ctrfSummary struct {
	Tests   int `json:"tests"`
	Passed  int `json:"passed"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
	Pending int `json:"pending"`
	Other   int `json:"other"`
	// Start and Stop are milliseconds since 1970.
	Start int64 `json:"start"`
	Stop  int64 `json:"stop"`
}

type ctrfTest struct {
	Name      string    `json:"name"`
	Status    string    `json:"status"`
	RawStatus string    `json:"rawStatus"`
	Duration  int64     `json:"duration"`
	Type      string    `json:"type"`
	Message   string    `json:"message,omitempty"`
	Trace     string    `json:"trace,omitempty"`
	Extra     ctrfTrial `json:"extra"`
}

// ctrfRun and ctrfTrial are what the format has no place for.
type ctrfRun struct {
	Run        string `json:"run,omitempty"`
	Seed       uint64 `json:"seed"`
	Verdict    string `json:"verdict"`
	Shard      string `json:"shard,omitempty"`
	Incomplete string `json:"incomplete,omitempty"`
}

type ctrfTrial struct {
	Trials   reports.Counts  `json:"trials"`
	Latency  reports.Latency `json:"latency_ms"`
	Endings  map[string]int  `json:"endings"`
	Findings []ctrfFinding   `json:"findings"`
	Replay   string          `json:"replay,omitempty"`
}

type ctrfFinding struct {
	Check string `json:"check"`
	Kind  string `json:"kind"`
	Count int    `json:"count"`
}

func (r Report) ctrf() ctrfReport {
	results := ctrfResults{
		Tool:  ctrfTool{"sigprobe", Escape(r.Info.Version)},
		Tests: []ctrfTest{},
		Extra: ctrfRun{Escape(r.Info.ID), r.Info.Seed, Escape(string(r.Summary.Verdict)), r.Info.Shard.String(), r.unfinished()},
	}
	results.Summary.Start = milliseconds(r.Info.Started)
	results.Summary.Stop = results.Summary.Start
	if r.Finished != nil {
		results.Summary.Stop = max(results.Summary.Start, milliseconds(r.Finished.Time))
	}
	for _, c := range r.Summary.Scenarios {
		results.add(r.ctrfTest(c))
	}
	return ctrfReport{"CTRF", ctrfVersion, "sigprobe", results}
}

// milliseconds since 1970, 0 where the time is not known.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func (r *ctrfResults) add(t ctrfTest) {
	r.Tests = append(r.Tests, t)
	s := &r.Summary
	s.Tests++
	switch t.Status {
	case "passed":
		s.Passed++
	case "failed":
		s.Failed++
	case "skipped":
		s.Skipped++
	default:
		s.Other++
	}
}

func ctrfStatus(v verdict.Verdict) string {
	switch v {
	case verdict.Graceful:
		return "passed"
	case verdict.Violation:
		return "failed"
	case verdict.Inconclusive:
		return "skipped"
	}
	return "other"
}

func (r Report) ctrfTest(c reports.Campaign) ctrfTest {
	t := ctrfTest{
		Name: Escape(named(c)), Status: ctrfStatus(c.Verdict), RawStatus: Escape(string(c.Verdict)), Type: "shutdown",
		Extra: ctrfTrial{Trials: c.Trials, Latency: c.Latency, Endings: map[string]int{}, Findings: []ctrfFinding{}},
	}
	for ending, n := range c.Endings {
		t.Extra.Endings[Escape(ending)] = n
	}
	for _, f := range c.Findings {
		t.Extra.Findings = append(t.Extra.Findings, ctrfFinding{Escape(f.Check), Escape(f.Kind), f.Count})
	}
	if c.Verdict != verdict.Graceful {
		t.Message, t.Trace = headline(c), strings.Join(r.campaignLines(c), "\n")
	}
	if trial, ok := worstTrial(c); ok {
		t.Extra.Replay = r.replay(c.Name, trial)
	}
	return t
}

// named is a scenario's name where a format wants one.
func named(c reports.Campaign) string {
	if c.Name == "" {
		return "(no name)"
	}
	return c.Name
}
