package render

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// hold compares a text with a golden file, or writes it there.
func hold(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-) and what was written (+); write it with -update\n%s", path, diff)
	}
}

// kept is a scenario of so many trials, some of which failed, with latencies from first
// on, a millisecond apart.
func kept(name string, n, failed int, first float64) reports.Kept {
	k := reports.Kept{Name: name, Endings: map[string]int{"clean": n}}
	k.Trials = reports.Counts{Total: n, Tally: verdict.Tally{Graceful: n - failed, Violation: failed}}
	k.Run.Machine = reports.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1.0"}
	if failed > 0 {
		k.Findings = []reports.KeptFinding{{Check: "survivors", Kind: "orphan", Count: failed}}
	}
	for i := range n {
		k.Latency.Sample = append(k.Latency.Sample, first+float64(i))
	}
	k.Latency.Count = n
	return k
}

func compared() reports.Comparison {
	before := reports.Baseline{Scenarios: []reports.Kept{kept("few", 3, 0, 10), kept("gone", 20, 0, 10), kept("ledger-writer", 200, 0, 10), kept("mended", 50, 20, 10), kept("same", 50, 0, 10)}}
	after := reports.Baseline{Scenarios: []reports.Kept{kept("few", 3, 1, 10), kept("ledger-writer", 200, 20, 300), kept("mended", 50, 0, 10), kept("new|<b>", 20, 0, 10), kept("same", 50, 0, 10)}}
	after.Scenarios[4].Run.Machine.Kernel = "6.18.0"
	return reports.Compare(before, after, reports.DefaultLimits)
}

func TestComparisons(t *testing.T) {
	for name, format := range CompareFormats {
		var b bytes.Buffer
		if err := format(&b, compared(), Style{}); err != nil {
			t.Fatal(err)
		}
		hold(t, "compare."+map[string]string{"text": "txt", "markdown": "md", "json": "json"}[name], b.Bytes())
	}
}

func TestTheJSONOfAComparisonIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := CompareJSON(&b, compared(), Style{}); err != nil {
		t.Fatal(err)
	}
	var got reports.Comparison
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(compared(), got); diff != "" {
		t.Error(diff)
	}
}

// A run that was compared shows it, and says so in its last line.
func TestTextOfAComparedRun(t *testing.T) {
	r := graceful()
	c := compared()
	r.Summary.Comparison = &c
	var b bytes.Buffer
	if err := Text(&b, r, Style{}); err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(b.String())
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if last != "graceful: 1 trial of 1 scenario: 1 graceful; 3 regressions against the baseline" || !strings.Contains(text, "regression: slower") {
		t.Errorf("%s", text)
	}
}

func ms(v float64) *float64 { return &v }

// past is a history in which latency and then orphans come, with a run that proved nothing.
func past(name string) reports.History {
	h := reports.History{Scenario: name}
	for i := range 8 {
		v, failed := verdict.Graceful, 0
		if i >= 5 {
			v, failed = verdict.Violation, i
		}
		e := reports.Entry{
			Run: "2026010" + string(rune('1'+i)) + "-030405.678-abcdef", Started: time.Date(2026, 1, 1+i, 3, 4, 5, 0, time.UTC), Version: "0.1.0",
			Verdict: v, Trials: reports.Counts{Total: 100, Tally: verdict.Tally{Graceful: 100 - failed, Violation: failed}},
			Latency: reports.EntryLatency{P50: ms(float64(100 + 40*i)), P95: ms(float64(150 + 50*i)), P99: ms(400), Max: ms(600), Count: 100},
		}
		switch {
		case i == 3:
			e.Verdict, e.Trials, e.Latency = verdict.Inconclusive, reports.Counts{Total: 5, Tally: verdict.Tally{Inconclusive: 5}}, reports.EntryLatency{}
		case i == 4:
			e.Regressions, e.Compared = []string{"latency"}, true
		case i >= 5:
			e.Findings = map[string]int{"survivors/orphan": failed}
		}
		h.Add(e)
	}
	return h
}

func TestHistoryPages(t *testing.T) {
	for _, page := range HistoryPages {
		text, err := page.Write(past("ledger-writer"))
		if err != nil {
			t.Fatal(err)
		}
		hold(t, "history"+page.Extension, text)
	}
}

// The page allows its one style and nothing else, and no name gets out of its place.
func TestHistoryHTMLStandsByItself(t *testing.T) {
	h := past(`</title><script>alert(1)</script>`)
	h.Entries[0].Run = `"><img src=x onerror=alert(1)>`
	h.Entries[5].Findings = map[string]int{`<svg onload=alert(1)>`: 1}
	h.Entries[6].Regressions = []string{`{{.}}<b>`}
	text, err := HistoryHTML(h)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, ended := strings.Cut(rest, "</style>")
	if !ended || style != historyStyle {
		t.Error("the style is not what its digest is made of")
	}
	for _, bad := range []string{"<script", "<img", "<svg onload", "<b>", "http:", "https:", "style=", "onerror=alert(1)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if n := strings.Count(page, "<svg "); n != 2 {
		t.Errorf("%d drawings", n)
	}
}

func TestHistoryMarkdownKeepsNamesInTheirCells(t *testing.T) {
	h := past("a|b\n# <b>`")
	h.Entries[7].Findings = map[string]int{"x|y\n<script>": 1}
	text, err := HistoryMarkdown(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<b>", "<script", "\n# <", "x|y"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestAHistoryOfNothing(t *testing.T) {
	for _, page := range HistoryPages {
		if _, err := page.Write(reports.History{Scenario: "a"}); err != nil {
			t.Errorf("%s: %v", page.Extension, err)
		}
	}
}
