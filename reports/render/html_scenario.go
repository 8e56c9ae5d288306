package render

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// What the page says of one scenario. Every text in these types went through [Escape].

type scenarioView struct {
	Anchor            template.URL
	Name, Description string
	Verdict           verdict.Verdict
	Reason            string
	Graceful          string
	Due, Violations   int
	P50, P95, Max     string
	Endings           string
	Facts             []fact
	Lines             []string
	Findings          []foundView
	Unproven          []unprovenView
	MoreUnproven      int
	Distribution      *distribution
	Scatter           *scatter
	Strip             *strip
	Windows           []windowView
	MoreWindows       int
}

type foundView struct {
	findingView
	Lines  []string
	Count  int
	Of     string
	Shot   string
	Replay string
	Trials []link
	More   int
}

type unprovenView struct {
	Verdict verdict.Verdict
	Reason  string
	Remedy  string
	Count   int
	Of      string
	Trials  []link
	More    int
}

type windowView struct {
	window
	Links []link
}

// link leads to a trial.
type link struct {
	Anchor template.URL
	Index  int
}

func (r Report) scenarioView(c reports.Campaign, list *rows) scenarioView {
	v := scenarioView{
		Anchor: template.URL("scenario/" + list.anchor), Name: Escape(c.Name), Verdict: c.Verdict, Reason: said(c.Reason),
		Graceful: fmt.Sprintf("%d of %d", c.Trials.Graceful, c.Trials.Due()), Due: c.Trials.Due(), Violations: c.Trials.Violation,
		P50: millis(c.Latency.P50), P95: millis(c.Latency.P95), Max: millis(c.Latency.Max), Endings: endings(c.Endings),
		Lines:        slices.Concat(rateLines(c), replayedLines(c), checkLines(c), lateLines(c)),
		Distribution: distributionOf(list, c.Latency), Scatter: scatterOf(list), Strip: stripOf(list, c.Sweep),
	}
	if c.Sweep != nil {
		v.Lines = slices.Concat(sweepLines(c), v.Lines)
	}
	v.Description, v.Facts = r.scenarioFacts(c)
	for _, f := range c.Findings {
		v.Findings = append(v.Findings, r.foundView(c, f, list.anchor))
	}
	v.MoreUnproven = max(0, len(c.Unproven)-shownReasons)
	for _, u := range c.Unproven[:len(c.Unproven)-v.MoreUnproven] {
		v.Unproven = append(v.Unproven, unprovenView{
			u.Verdict, said(u.Reason), said(u.Remedy), u.Count, counted(made(c), "trial"), links(list.anchor, u.Trials), u.Count - min(len(u.Trials), shownTrials),
		})
	}
	windows, more := windowsOf(list)
	v.MoreWindows = more
	for _, w := range windows {
		v.Windows = append(v.Windows, windowView{w, links(list.anchor, w.Trials)})
	}
	return v
}

func (r Report) scenarioFacts(c reports.Campaign) (description string, facts []fact) {
	i := slices.IndexFunc(r.Info.Scenarios, func(s scenario.Scenario) bool { return s.Name == c.Name })
	if i >= 0 {
		s := r.Info.Scenarios[i].WithDefaults()
		description = said(s.Description)
		facts = append(facts,
			fact{"command", said(words(s.Target.Command))},
			fact{"stop", said(fmt.Sprintf("%s to %s", s.Stop.Schedule, s.Stop.To))})
	}
	t := c.Trials
	return description, append(facts,
		fact{"trials", fmt.Sprintf("%d graceful, %d violation, %d inconclusive, %d error, %d in all", t.Graceful, t.Violation, t.Inconclusive, t.Error, t.Total)},
		fact{"latency", fmt.Sprintf("p50 %s, p95 %s, p99 %s, max %s", millis(c.Latency.P50), millis(c.Latency.P95), millis(c.Latency.P99), millis(c.Latency.Max))},
		fact{"endings", orDash(endings(c.Endings))})
}

func (r Report) foundView(c reports.Campaign, f reports.Findings, anchor string) foundView {
	views := findingViews(verdict.Judgement{Findings: []verdict.Finding{{Check: f.Check, Kind: f.Kind, Message: f.Message, Evidence: f.Evidence, Hint: f.Hint}}})
	v := foundView{
		findingView: views[0], Count: f.Count, Of: counted(made(c), "trial"), Shot: said(f.Shot), Replay: r.replay(c.Name, f.Example()),
		Trials: links(anchor, f.Trials), More: f.Count - min(len(f.Trials), shownTrials),
	}
	for _, line := range pointLines(c, f) {
		v.Lines = append(v.Lines, strings.TrimSpace(line))
	}
	return v
}

// links lead to the first of some trials.
func links(scenario string, trials []int) (list []link) {
	for _, index := range trials[:min(len(trials), shownTrials)] {
		list = append(list, link{trialAnchor(scenario, index), index})
	}
	return list
}
