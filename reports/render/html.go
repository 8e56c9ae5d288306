package render

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
)

//go:embed html/page.html.tmpl
var pageTemplate string

//go:embed html/style.css
var pageStyle string

//go:embed html/report.js
var pageScript string

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"sign": func(v verdict.Verdict) string { return signs[v] },
	"add":  func(a, b int) int { return a + b },
	"mul":  func(a, b int) int { return a * b },
}).Parse(pageTemplate))

// signs stand beside a verdict: colour alone does not tell it.
var signs = map[verdict.Verdict]string{verdict.Graceful: "✓", verdict.Violation: "✕", verdict.Inconclusive: "?", verdict.Error: "!"}

const (
	// plainRows is how many trials stand in the table without JavaScript: the first ones,
	// and behind them as many violations.
	plainRows = 300
	// pageBytes bounds the pages of single trials, which come in the order of their use.
	pageBytes = 3 << 20
)

// HTML writes one file that needs nothing else: no network, no other file, and no
// JavaScript to be read. With it the table has all trials, filtered and sorted. Trials
// with something to show have a page; the others are in a compact block of data.
//
// A Content-Security-Policy in the file permits its own style and script, by their
// hashes, and nothing else.
func HTML(w io.Writer, r Report, _ Style) error {
	p, err := r.page()
	if err != nil {
		return err
	}
	return pages.ExecuteTemplate(w, "page", p)
}

// page is what the template shows. Every text in it went through [Escape].
type page struct {
	Policy     template.HTMLAttr
	Style      template.CSS
	Script     template.JS
	Data       template.JS
	Verdict    verdict.Verdict
	Title      string
	Conclusion string
	Facts      []fact
	Scenarios  []scenarioView
	Closing    []string
	Rows       []rowView
	Trials     int
	Pages      []template.HTML
	Endings    []string
	Kinds      []string
	Checks     []string
}

type rowView struct {
	Anchor                 template.URL
	Scenario               string
	Index                  int
	Verdict                verdict.Verdict
	Point, Ending, Latency string
	Why                    string
}

func (r Report) page() (page, error) {
	g, err := r.gathered()
	if err != nil {
		return page{}, err
	}
	data, err := g.data(r)
	if err != nil {
		return page{}, err
	}
	p := page{
		Policy: template.HTMLAttr(`content="` + policy() + `"`), Style: template.CSS(pageStyle), Script: template.JS(pageScript), Data: template.JS(data), //nolint:gosec // our own text, and JSON whose < and > are escapes
		Verdict: r.Summary.Verdict, Title: heading(r), Conclusion: r.conclusion(), Facts: r.facts(), Closing: r.closing(),
	}
	for _, c := range r.Summary.Scenarios {
		p.Scenarios = append(p.Scenarios, r.scenarioView(c, g.of(c.Name).rows))
	}
	p.Rows, p.Trials = g.plainRows()
	p.Endings, p.Kinds, p.Checks = g.words()
	p.Pages, err = r.trialPages(g)
	return p, err
}

// policy permits what stands in the page and nothing else.
func policy() string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'", digest(pageStyle), digest(pageScript))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (g *Gathered) data(r Report) ([]byte, error) {
	var blocks []block
	for _, list := range g.scenarios {
		line := r.replay(list.name, 0)
		at := strings.LastIndexByte(line, '0')
		blocks = append(blocks, list.block([2]string{line[:at], line[at+1:]}))
	}
	return dataText(blocks)
}

// plainRows are the rows that stand in the page itself, and the number of all.
func (g *Gathered) plainRows() (shown []rowView, total int) {
	var violations []rowView
	for _, list := range g.scenarios {
		total += len(list.list)
		for _, n := range list.list {
			switch {
			case len(shown) < plainRows:
				shown = append(shown, list.view(n))
			case n.verdict == 1 && len(violations) < plainRows:
				violations = append(violations, list.view(n))
			}
		}
	}
	return append(shown, violations...), total
}

func (r *rows) view(n row) rowView {
	v := rowView{
		Anchor: trialAnchor(r.anchor, n.index), Scenario: Escape(r.name), Index: n.index, Verdict: verdicts[n.verdict],
		Point: wholeText(n.point, r.points), Ending: "–", Latency: "–", Why: wholeText(n.reason, r.reasons),
	}
	if n.ending != none {
		v.Ending = r.endings.texts[n.ending]
	}
	if n.latency != none {
		ms := float64(n.latency) / 1000
		v.Latency = millis(&ms)
	}
	if kinds := r.findings.texts[n.findings]; kinds != "" {
		v.Why = strings.ReplaceAll(kinds, "\n", ", ")
	}
	return v
}

// words are what the table can be filtered by.
func (g *Gathered) words() (endings, kinds, checks []string) {
	ending, kind, check := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, list := range g.scenarios {
		for _, text := range list.endings.texts {
			ending[text] = true
		}
		for _, set := range list.findings.texts {
			for _, one := range strings.Split(set, "\n") {
				if one != "" {
					kind[one] = true
					name, _, _ := strings.Cut(one, "/")
					check[name] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(ending)), slices.Sorted(maps.Keys(kind)), slices.Sorted(maps.Keys(check))
}

// trialPages renders the pages until there is no more room for them, and puts them in
// the order of the run.
func (r Report) trialPages(g *Gathered) (texts []template.HTML, err error) {
	type rendered struct {
		scenario, index int
		text            template.HTML
	}
	var all []rendered
	room := pageBytes
	for scenario, t := range g.inTurn() {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, "trial", r.trialPage(*t, trialAnchor(g.scenarios[scenario].anchor, t.Index))); err != nil {
			return nil, err
		}
		all = append(all, rendered{scenario, t.Index, template.HTML(b.String())}) //nolint:gosec // html/template made it
		if room -= b.Len(); room <= 0 {
			break
		}
	}
	slices.SortFunc(all, func(a, b rendered) int {
		return cmp.Or(cmp.Compare(a.scenario, b.scenario), cmp.Compare(a.index, b.index))
	})
	for _, one := range all {
		texts = append(texts, one.text)
	}
	return texts, nil
}

func (r Report) facts() (facts []fact) {
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, fact{name, said(text)})
		}
	}
	info := r.Info
	if !info.Started.IsZero() {
		add("started", info.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if r.Finished != nil && !info.Started.IsZero() {
		add("took", r.duration()+" s")
	}
	add("seed", strconv.FormatUint(info.Seed, 10))
	if info.Jobs > 0 {
		add("at a time", counted(info.Jobs, "trial"))
	}
	add("run", info.ID)
	add("sigprobe", info.Version)
	if m := info.Machine; m.OS != "" {
		add("machine", fmt.Sprintf("%s/%s %s, %s", m.OS, m.Arch, m.Kernel, counted(m.Cores, "core")))
	}
	if len(info.CommandLine) > 0 {
		add("command line", "sigprobe "+words(info.CommandLine))
	}
	return facts
}

// words is a command line as one would type it.
func words(list []string) string {
	typed := make([]string, len(list))
	for i, word := range list {
		typed[i] = quoted(word)
	}
	return strings.Join(typed, " ")
}
