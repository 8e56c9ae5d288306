package render

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// What a page keeps of every trial: a row of a few numbers. A run can have a hundred
// thousand trials, and the page has all of them.

// verdicts in the order of their letters in the data block.
var verdicts = []verdict.Verdict{verdict.Graceful, verdict.Violation, verdict.Inconclusive, verdict.Error}

const verdictLetters = "gvie"

// none stands for a time or a number that a trial does not have.
const none = -1

// row is one trial. Times are in microseconds.
type row struct {
	index    int
	verdict  byte // place in verdicts
	again    bool
	ending   int   // in the dictionary of endings, none when it was not seen to end
	findings int   // in the dictionary of sets of findings
	latency  int64 // from the first signal to the end of the main process
	when     int64 // of the strike, from ready on; from the launch where that is asked for or it was not ready
	nth      int   // of the call that was struck at, 0 outside of sweeps
	side     scenario.Side
	hit      bool // the signal that the shot is about was sent
	point    pattern
	reason   pattern
}

// rows are the trials of one scenario with the dictionaries of their texts.
type rows struct {
	name     string
	anchor   string // safe in an address
	list     []row
	endings  dictionary
	findings dictionary // of sets, as kinds separated by line feeds
	points   dictionary // of forms
	reasons  dictionary
}

// dictionary numbers texts in the order in which they come.
type dictionary struct {
	texts []string
	known map[string]int
}

func (d *dictionary) number(text string) int {
	if n, ok := d.known[text]; ok {
		return n
	}
	if d.known == nil {
		d.known = map[string]int{}
	}
	d.known[text] = len(d.texts)
	d.texts = append(d.texts, text)
	return len(d.texts) - 1
}

// pattern is a text as a form and the numbers that stand in it: texts that differ in
// numbers alone, as those of shots do, share a form.
type pattern struct {
	form    int
	numbers string // separated by commas
}

const (
	// maxForms bounds the forms of a scenario; a text beyond them is an ellipsis.
	maxForms = 500
	// maxText bounds a text of the data block, in bytes. Trials with a page of their own have it whole.
	maxText = 300
	// hole stands in a form for a number. [Escape] lets no such character through.
	hole = "\x00"
)

var number = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)?`)

// formOf divides a text; wholeText joins it again.
func formOf(text string, forms *dictionary) pattern {
	text = shortened(Escape(text), maxText)
	form := number.ReplaceAllString(text, hole)
	if _, known := forms.known[form]; !known && len(forms.texts) >= maxForms {
		return pattern{form: forms.number("…")}
	}
	return pattern{forms.number(form), strings.Join(number.FindAllString(text, -1), ",")}
}

func wholeText(p pattern, forms dictionary) string {
	var b strings.Builder
	numbers := strings.Split(p.numbers, ",")
	for i, part := range strings.Split(forms.texts[p.form], hole) {
		if i > 0 {
			b.WriteString(numbers[i-1])
		}
		b.WriteString(part)
	}
	return b.String()
}

// shortened cuts a text between two characters.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

// add keeps what the page needs of a trial.
func (r *rows) add(t harness.Trial) {
	o := t.Observation
	n := row{
		index: t.Index, verdict: byte(max(0, slices.Index(verdicts, t.Judgement.Verdict))), again: t.Again, ending: none,
		findings: r.findings.number(kindsOf(t.Judgement)), latency: none, when: when(t), hit: t.Hit(),
		point: formOf(pointText(t), &r.points), reason: formOf(t.Judgement.Reason, &r.reasons),
	}
	if ending, ok := o.Ending(); ok {
		n.ending = r.endings.number(Escape(ending.String()))
	}
	if latency, ok := o.Latency(); ok && latency >= 0 {
		n.latency = latency.Microseconds()
	}
	if call := t.Shot.Swept(); call != nil && t.Reference != nil {
		n.nth, n.side = call.Nth, call.Side
	}
	r.list = append(r.list, n)
}

// kindsOf names what was found, each check and kind once.
func kindsOf(j verdict.Judgement) string {
	var kinds []string
	for _, f := range j.Findings {
		kinds = append(kinds, Escape(f.Check+"/"+f.Kind))
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), "\n")
}

func pointText(t harness.Trial) string {
	if t.Shot.Second != nil {
		return t.Shot.Point.String() + ", the second at " + t.Shot.Second.String()
	}
	return t.Shot.Point.String()
}

func when(t harness.Trial) int64 {
	o := t.Observation
	if o.Strike == nil {
		return none
	}
	return (o.Strike.Actual - origin(t)).Microseconds()
}

// origin is the moment from which a scenario's strikes are counted.
func origin(t harness.Trial) time.Duration {
	p := t.Shot.Point.Time
	if t.Observation.Ready == nil || p != nil && p.From == scenario.FromLaunch {
		return 0
	}
	return t.Observation.Ready.At
}

func (r *rows) sort() {
	slices.SortFunc(r.list, func(a, b row) int { return cmp.Compare(a.index, b.index) })
}

// block is the form of the rows in the page's data: a list for each column.
type block struct {
	Name   string `json:"name"`
	Anchor string `json:"anchor"`
	// Replay is the line that repeats a trial, in two parts around its number.
	Replay [2]string `json:"replay"`
	// Steps are the differences of the trials' numbers, from 0.
	Steps    []int  `json:"steps"`
	Verdicts string `json:"verdicts"`
	// Again lists the places of the trials that repeat earlier failures.
	Again []int `json:"again"`
	// Endings and Findings are dictionaries; their columns hold places in them, -1 for none.
	Endings  []string   `json:"endings"`
	Ending   []int      `json:"ending"`
	Findings [][]string `json:"findings"`
	Found    []int      `json:"found"`
	// Latency and When are in microseconds, -1 for none.
	Latency []int64 `json:"latency"`
	When    []int64 `json:"when"`
	// Nth is the number of the call that was struck at, -1 where it was not; sweeps have it.
	Nth []int `json:"nth,omitempty"`
	// Points and Reasons are forms, each a list of the parts between numbers; the numbers
	// of all trials stand in one text, trials divided by semicolons.
	Points       [][]string `json:"points"`
	Point        []int      `json:"point"`
	PointNumbers string     `json:"pointNumbers"`
	Reasons      [][]string `json:"reasons"`
	Reason       []int      `json:"reason"`
	ReasonNumber string     `json:"reasonNumbers"`
}

func (r *rows) block(replay [2]string) block {
	b := block{
		Name: Escape(r.name), Anchor: r.anchor, Replay: replay, Again: []int{}, Endings: nonNil(r.endings.texts),
		Findings: parts(r.findings, "\n"), Points: parts(r.points, hole), Reasons: parts(r.reasons, hole),
	}
	letters := make([]byte, len(r.list))
	points, reasons := make([]string, len(r.list)), make([]string, len(r.list))
	last := 0
	for i, n := range r.list {
		b.Steps = append(b.Steps, n.index-last)
		last = n.index
		letters[i] = verdictLetters[n.verdict]
		if n.again {
			b.Again = append(b.Again, i)
		}
		b.Ending, b.Found = append(b.Ending, n.ending), append(b.Found, n.findings)
		b.Latency, b.When = append(b.Latency, n.latency), append(b.When, n.when)
		if r.sweeps() {
			b.Nth = append(b.Nth, n.call())
		}
		b.Point, points[i] = append(b.Point, n.point.form), n.point.numbers
		b.Reason, reasons[i] = append(b.Reason, n.reason.form), n.reason.numbers
	}
	b.Verdicts, b.PointNumbers, b.ReasonNumber = string(letters), strings.Join(points, ";"), strings.Join(reasons, ";")
	return b
}

// call is the number of the call that was struck at.
func (n row) call() int {
	if !n.hit {
		return none
	}
	return n.nth
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// parts divides the texts of a dictionary; an empty text has one empty part.
func parts(d dictionary, by string) [][]string {
	all := make([][]string, len(d.texts))
	for i, text := range d.texts {
		all[i] = strings.Split(text, by)
	}
	return all
}

// dataText is JSON that can stand in a script element: encoding/json writes <, > and &
// as escapes, so that no text ends the element.
func dataText(blocks []block) ([]byte, error) {
	return json.Marshal(struct {
		Scenarios []block `json:"scenarios"`
	}{append([]block{}, blocks...)})
}
