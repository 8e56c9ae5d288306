package render

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"

	"github.com/sigprobe/sigprobe/reports"
)

//go:embed history.html.tmpl
var historyTemplate string

//go:embed history.css
var historyStyle string

var historyHTML = template.Must(template.New("history").Parse(historyTemplate))

// historyPage is what the template shows.
type historyPage struct {
	Title                 string
	Policy                string
	Style                 template.CSS
	State                 []string
	Charts                []chart
	SightingHead, RunHead []string
	SightingRows, RunRows [][]string
	Runs, Kept            int
}

// HistoryHTML is the page of [HistoryMarkdown] with the trends drawn: one file that
// loads nothing and runs no script, which its content security policy also forbids.
func HistoryHTML(h reports.History) ([]byte, error) {
	runs := newestRuns(h)
	page := historyPage{
		Title: Escape(h.Scenario), Policy: historyPolicy(), Style: template.CSS(historyStyle), State: historyState(h), //nolint:gosec // it is this package's file
		SightingHead: sightingHead, SightingRows: sightingRows(h.Sightings()), RunHead: runHead, RunRows: runRows(h),
		Runs: len(runs), Kept: len(h.Entries),
	}
	if len(runs) > 0 {
		page.Charts = []chart{latencyChart(runs), rateChart(runs)}
	}
	var b bytes.Buffer
	if err := historyHTML.Execute(&b, page); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// historyPolicy allows the one style of the page, by its digest, and nothing else.
func historyPolicy() string {
	sum := sha256.Sum256([]byte(historyStyle))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
