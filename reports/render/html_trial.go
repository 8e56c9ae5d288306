package render

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// The page of one trial. Every text in these types went through [Escape].

type trialPage struct {
	Anchor   template.URL
	Scenario string
	Index    int
	Verdict  verdict.Verdict
	Again    bool
	Headline string
	Facts    []fact
	Findings []findingView
	Timeline *timeline
	Tables   []grid
	Printed  []printed
	Replay   string
	Checked  string
	Skipped  string // checks
}

// fact is a name and what is to be said of it.
type fact struct{ Name, Text string }

type findingView struct {
	Kind, Message, Hint string
	Evidence            []string
}

// grid is a table.
type grid struct {
	Caption string
	Head    []string
	Rows    [][]string
	More    int // rows that were left out
}

// printed is a stream of the target.
type printed struct {
	Name, Text string
}

const (
	maxGridRows = 40
	// shownOutput bounds what is shown of a stream, in bytes: half of it from its start.
	shownOutput = 4096
	maxEvidence = 20
	// maxFact bounds a text in the page of a trial, in bytes.
	maxFact = 2000
)

// said makes a text of unknown origin fit for the page.
func said(text string) string { return shortened(Escape(text), maxFact) }

func (g *grid) add(cells ...string) {
	if len(g.Rows) >= maxGridRows {
		g.More++
		return
	}
	for i := range cells {
		cells[i] = said(cells[i])
	}
	g.Rows = append(g.Rows, cells)
}

func (r Report) trialPage(t harness.Trial, anchor template.URL) trialPage {
	p := trialPage{
		Anchor: anchor, Scenario: said(t.Scenario), Index: t.Index, Verdict: t.Judgement.Verdict, Again: t.Again,
		Headline: headlineOf(t), Facts: trialFacts(t), Findings: findingViews(t.Judgement), Timeline: timelineOf(t),
		Tables: trialTables(t.Observation), Replay: r.replay(t.Scenario, t.Index),
		Checked: said(strings.Join(t.Judgement.Checked, ", ")), Skipped: said(strings.Join(t.Judgement.Unchecked, ", ")),
	}
	if r.Printed == nil {
		return p
	}
	stdout, stderr, err := r.Printed(t.Scenario, t.Index)
	p.Printed = streams(t.Observation.Output, stdout, stderr)
	if err != nil { // a page without its output is better than none
		p.Facts = append(p.Facts, fact{"output", said("cannot be read: " + err.Error())})
	}
	return p
}

// headlineOf is the trial in one line.
func headlineOf(t harness.Trial) string {
	switch {
	case len(t.Judgement.Findings) > 0:
		return said(t.Judgement.Findings[0].Message)
	case t.Judgement.Reason != "":
		return said(t.Judgement.Reason)
	}
	if ending, ok := t.Observation.Ending(); ok {
		return said(ending.Describe())
	}
	return ""
}

func findingViews(j verdict.Judgement) (views []findingView) {
	for _, f := range j.Findings {
		v := findingView{Kind: said(f.Check + "/" + f.Kind), Message: said(f.Message), Hint: said(f.Hint)}
		for _, line := range f.Evidence[:min(len(f.Evidence), maxEvidence)] {
			v.Evidence = append(v.Evidence, said(line))
		}
		if more := len(f.Evidence) - maxEvidence; more > 0 {
			v.Evidence = append(v.Evidence, fmt.Sprintf("… and %s more", counted(more, "line")))
		}
		views = append(views, v)
	}
	return views
}

func trialFacts(t harness.Trial) (facts []fact) {
	o := t.Observation
	add := func(name, text string) {
		if text != "" {
			facts = append(facts, fact{name, said(text)})
		}
	}
	add("shot", t.Shot.String())
	if t.Judgement.Reason != "" && len(t.Judgement.Findings) > 0 {
		add("reason", t.Judgement.Reason)
	}
	if f := o.Failure; f != nil {
		add("failure", f.Kind+": "+f.Message)
		add("remedy", f.Remedy)
	}
	add("ready", readyText(o.Ready))
	add("strike", strikeText(o))
	if ending, ok := o.Ending(); ok {
		add("ending", fmt.Sprintf("%s (raw wait status 0x%04x)", ending.Describe(), o.Exit.Status))
	}
	if latency, ok := o.Latency(); ok {
		add("latency", span(latency)+" from the first signal to the end of the main process")
	}
	if o.TreeEmpty != nil {
		add("tree empty", "after "+span(*o.TreeEmpty))
	}
	add("not struck", o.Missed)
	add("last line before the strike", o.Output.Last)
	add("usage", usageText(o.Exit))
	if o.Starvation.By != "" {
		add("waited for a processor", fmt.Sprintf("%s (%s); the harness itself was late by %s at most", span(o.Starvation.Waiting), o.Starvation.By, span(o.Starvation.Harness)))
	}
	if len(o.Layers) > 0 {
		add("tracked by", joined(o.Layers))
	}
	for _, d := range o.Degradations {
		add("measured less well", d.What+": "+d.Why)
	}
	return facts
}

func joined[S ~string](list []S) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = string(one)
	}
	return strings.Join(words, ", ")
}

func readyText(r *observation.Readiness) string {
	if r == nil {
		return ""
	}
	text := "by " + r.By
	if r.Auto {
		text += " (found by itself)"
	}
	text += " after " + span(r.At)
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	return text
}

func strikeText(o observation.Observation) string {
	if o.Strike == nil {
		return ""
	}
	text := fmt.Sprintf("%s after the launch, %s after it was due", span(o.Strike.Actual), span(o.Strike.Late()))
	if o.Strike.Event != "" {
		text += ", at " + o.Strike.Event
	}
	return text
}

func usageText(e *observation.Exit) string {
	if e == nil || e.Usage == (observation.Usage{}) {
		return ""
	}
	u := e.Usage
	return fmt.Sprintf("%s of user and %s of system time, %s of memory at most", span(u.User), span(u.System), bytesText(u.MaxRSS))
}

// trialTables are those that have rows.
func trialTables(o observation.Observation) []grid {
	tables := []grid{signalTable(o)}
	if o.Strike != nil && o.Strike.Doing != nil {
		d := o.Strike.Doing
		tables = append(tables, processTable("what it was doing when it was struck", []observation.Process{d.Main}), memberTable("descendants when it was struck", d.Descendants), openTable("files that it had open", d.Files))
	}
	if f := o.Forensics; f != nil {
		tables = append(tables, processTable("what did not leave, before the kill", f.Stubborn), memberTable("the tree then", f.Tree), openTable("files that it had open then", f.Files))
	}
	tables = append(tables, survivorTable(o.Survivors), lingererTable(o), socketTable(o))
	tables = append(tables, fileTables(o.Files)...)
	return slices.DeleteFunc(tables, func(g grid) bool { return len(g.Rows) == 0 })
}

func signalTable(o observation.Observation) grid {
	g := grid{Caption: "signals that were sent", Head: []string{"signal", "to", "at", "the main process had it", "receivers", "answer"}}
	for _, s := range o.Sent {
		answer := s.Error
		if answer == "" {
			answer = "accepted"
		}
		if s.Event != "" {
			answer += ", at " + s.Event
		}
		g.add(sentName(s), string(s.To), span(s.At), orDash(string(s.Disposition)), strconv.Itoa(s.Receivers), answer)
	}
	return g
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// stateNames are the letters of proc_pid_stat(5).
var stateNames = map[string]string{
	"R": "running", "S": "sleeping", "D": "waiting on a device", "T": "stopped", "t": "traced", "Z": "dead", "X": "dead", "I": "idle",
}

func stateText(letter string) string {
	if name := stateNames[letter]; name != "" {
		return letter + ", " + name
	}
	return letter
}

func processTable(caption string, list []observation.Process) grid {
	g := grid{Caption: caption, Head: []string{"process", "thread", "state", "in", "blocks", "catches", "ignores"}}
	for _, p := range list {
		name := fmt.Sprintf("%s %d", p.Command, p.PID)
		if len(p.Threads) == 0 {
			g.add(name, "", stateText(p.State), orDash(p.Syscall), "", setText(p.Caught), setText(p.Ignored))
		}
		for i, t := range p.Threads {
			cells := []string{name, strconv.Itoa(t.TID), stateText(t.State), orDash(t.Syscall), setText(t.Blocked), setText(p.Caught), setText(p.Ignored)}
			if i > 0 {
				cells[0], cells[5], cells[6] = "", "", ""
			}
			g.add(cells...)
		}
	}
	return g
}

// setText names the signals of a set; a runtime's sixty handlers are only counted.
func setText(s signals.Set) string {
	const shown = 8
	list := s.Signals()
	words := make([]string, 0, shown)
	for _, one := range list[:min(len(list), shown)] {
		words = append(words, one.String())
	}
	text := strings.Join(words, " ")
	if more := len(list) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return orDash(text)
}

func memberTable(caption string, list []observation.Member) grid {
	g := grid{Caption: caption, Head: []string{"process", "PID", "parent", "state", "session", "group"}}
	for _, m := range list {
		g.add(m.Command, strconv.Itoa(m.PID), strconv.Itoa(m.Parent), stateText(m.State), strconv.Itoa(m.Session), strconv.Itoa(m.Group))
	}
	return g
}

func openTable(caption string, list []observation.OpenFile) grid {
	g := grid{Caption: caption, Head: []string{"descriptor", "path", "mode", "position", "size"}}
	for _, f := range list {
		g.add(strconv.Itoa(f.FD), f.Path, f.Mode, strconv.FormatInt(f.Offset, 10), strconv.FormatInt(f.Size, 10))
	}
	return g
}

func survivorTable(list []observation.Survivor) grid {
	g := grid{Caption: "survivors", Head: []string{"process", "PID", "command line", "came from", "the first signal", "notes"}}
	for _, s := range list {
		var notes, from []string
		for _, note := range []struct {
			is   bool
			text string
		}{{s.OwnSession, "left the session"}, {s.HoldsOutput, "holds the output"}, {!s.Killed, "was not seen to die"}} {
			if note.is {
				notes = append(notes, note.text)
			}
		}
		for _, m := range s.Lineage {
			from = append(from, fmt.Sprintf("%s %d", m.Command, m.PID))
		}
		g.add(s.Command, strconv.Itoa(s.PID), s.CommandLine, orDash(strings.Join(from, " ← ")), orDash(string(s.Disposition)), orDash(strings.Join(notes, ", ")))
	}
	return g
}

func lingererTable(o observation.Observation) grid {
	g := grid{Caption: "descendants that outlived the main process and left by themselves, or were never waited for", Head: []string{"process", "PID", "how long"}}
	for _, l := range o.Lingering {
		g.add(l.Command, strconv.Itoa(l.PID), "left "+span(l.Gone)+" later")
	}
	for _, u := range o.Unreaped {
		g.add(u.Command, strconv.Itoa(u.PID), "dead for "+span(u.For))
	}
	return g
}

func socketTable(o observation.Observation) grid {
	g := grid{Caption: "listening sockets", Head: []string{"network", "address", "holder", "when"}}
	for _, s := range o.Listening {
		g.add(s.Network, s.Address, strconv.Itoa(s.PID), "at the strike")
	}
	for _, s := range o.StillListening {
		g.add(s.Network, s.Address, strconv.Itoa(s.PID), "still, after the settling time")
	}
	return g
}

func fileTables(f *observation.Files) []grid {
	if f == nil {
		return nil
	}
	shared := grid{Caption: "shared memory that is left", Head: []string{"kind", "name", "size"}}
	for _, s := range f.Shared {
		shared.add(s.Kind, s.Name, bytesText(s.Bytes))
	}
	examined := grid{Caption: "what was asked of files", Head: []string{"file", "asked", "answer", "what is wrong"}}
	for _, e := range f.Examined {
		examined.add(e.Path, e.Oracle, string(e.Answer), orDash(strings.TrimPrefix(e.Kind+": "+e.Message, ": ")))
	}
	work, temp := changeTable("files changed in the work folder", f.Work), changeTable("files changed in the temporary folder", f.Temp)
	work.More += f.Cut
	return []grid{work, temp, shared, examined}
}

func changeTable(caption string, list []observation.Change) grid {
	g := grid{Caption: caption, Head: []string{"path", "change", "before", "after"}}
	for _, c := range list {
		what := "changed"
		switch {
		case c.Before == nil:
			what = "made"
		case c.After == nil:
			what = "removed"
		}
		g.add(c.Path, what, entryText(c.Before), entryText(c.After))
	}
	return g
}

func entryText(e *observation.Entry) string {
	if e == nil {
		return "–"
	}
	text := fmt.Sprintf("%s, mode %04o", e.Type, e.Mode)
	if e.Type == "file" {
		text += ", " + bytesText(e.Size)
	}
	if e.Unread != "" {
		text += ", not read: " + e.Unread
	}
	return text
}

// streams are what the target printed.
func streams(o observation.Output, stdout, stderr string) (list []printed) {
	for _, s := range []struct {
		name, text string
		captured   observation.Captured
	}{{"standard output", stdout, o.Stdout}, {"standard error", stderr, o.Stderr}} {
		if s.text != "" {
			name := fmt.Sprintf("%s: %s, %s", s.name, bytesText(s.captured.Bytes), counted(int(s.captured.Lines), "line"))
			list = append(list, printed{name, excerpt(s.text)})
		}
	}
	return list
}

// excerpt is the head and the tail of an output, each line escaped.
func excerpt(text string) string {
	if len(text) > shownOutput {
		head, tail := text[:shownOutput/2], text[len(text)-shownOutput/2:]
		left := len(text) - len(head) - len(tail)
		text = head + fmt.Sprintf("\n… %s left out …\n", bytesText(int64(left))) + tail
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = Escape(line)
	}
	return strings.Join(lines, "\n")
}
