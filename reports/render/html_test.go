package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// withTrials gives a report its trials, as the store does.
func withTrials(r Report, trials ...harness.Trial) Report {
	r.Trials = func() (*Gathered, error) {
		g := NewGathered(r.Info)
		for _, t := range trials {
			g.Add(t)
		}
		return g, nil
	}
	r.Printed = func(scenario string, trial int) (string, string, error) {
		return fmt.Sprintf("ready\nsaved %d\n", trial), "<b>stopping</b>\n\x1b[2J", nil
	}
	return r
}

// rich is a trial with something to say everywhere.
func rich(index int) harness.Trial {
	t := trialOf("a", index, 3, 12*time.Millisecond, verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{
		{Check: "survivors", Kind: "alive", Message: "1 descendant outlived it", Evidence: []string{"sleep (PID 12)"}, Hint: "wait for it"},
	}})
	o := &t.Observation
	handler := time.Millisecond
	o.Process = observation.Identity{PID: 10, StartTicks: 1000}
	o.Ready = &observation.Readiness{By: "output", Detail: "ready", At: 2 * time.Millisecond}
	o.HandlerSeen = &handler
	child := observation.Member{Identity: observation.Identity{PID: 12, StartTicks: 1001}, Parent: 10, Command: "sleep", State: "S"}
	gone := observation.Member{Identity: observation.Identity{PID: 13, StartTicks: 1001}, Parent: 10, Command: "cat", State: "S"}
	o.Strike.Doing = &observation.Doing{
		Main:        observation.Process{Identity: o.Process, Command: "daemon", State: "S", Syscall: "fsync", Threads: []observation.Thread{{TID: 10, State: "D", Syscall: "fsync"}}},
		Descendants: []observation.Member{child, gone},
		Files:       []observation.OpenFile{{FD: 3, Path: "/out/ledger", Mode: "wa", Offset: 77}},
	}
	o.Survivors = []observation.Survivor{{Member: child, CommandLine: "sleep 600", Lineage: []observation.Member{gone}, OwnSession: true}}
	o.Lingering = []observation.Lingerer{{Member: gone, Gone: 30 * time.Millisecond}}
	o.Listening = []observation.Socket{{Network: "tcp", Address: "127.0.0.1:8080", PID: 10}}
	return t
}

func richReport() Report {
	t := rich(0)
	return withTrials(reportOf(infoOf("a"), t), t)
}

func document(t *testing.T, r Report) (text string, root *html.Node) {
	t.Helper()
	text = rendered(t, HTML, r, Style{})
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, root
}

func elementsOf(root *html.Node) (all []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// pagesToHold are reports of every sort.
func pagesToHold() map[string]Report {
	good := verdict.Judgement{Verdict: verdict.Graceful}
	return map[string]Report{
		"mixed": mixed(), "graceful": graceful(), "interrupted": interrupted(), "swept": swept(), "rich": richReport(),
		"no trials": withTrials(reportOf(infoOf("a", "b"))),
		"odd names": withTrials(reportOf(infoOf("a b/c", "ü%2f"), trialOf("a b/c", 3, 0, 0, good)), trialOf("a b/c", 3, 0, 0, good)),
		"one trial": withTrials(reportOf(infoOf("a")), trialOf("a", 0, 0, 0, good)),
	}
}

// TestHTMLIsBalanced reads the tokens, for a parser mends what does not fit.
func TestHTMLIsBalanced(t *testing.T) {
	void := map[string]bool{"meta": true, "input": true, "path": true, "rect": true}
	for name, r := range pagesToHold() {
		var open []string
		z := html.NewTokenizer(strings.NewReader(rendered(t, HTML, r, Style{})))
		for z.Next() != html.ErrorToken {
			switch token := z.Token(); token.Type {
			case html.StartTagToken:
				if !void[token.Data] {
					open = append(open, token.Data)
				}
			case html.EndTagToken:
				if len(open) == 0 || open[len(open)-1] != token.Data {
					t.Fatalf("%s: </%s> ends %v", name, token.Data, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) > 0 {
			t.Errorf("%s: never ended: %v", name, open)
		}
	}
}

// TestHTMLNeedsNothingElse looks for whatever would make a browser ask for more, and
// for what the policy forbids.
func TestHTMLNeedsNothingElse(t *testing.T) {
	for name, r := range pagesToHold() {
		_, root := document(t, r)
		for _, n := range elementsOf(root) {
			if slices.Contains([]string{"img", "link", "iframe", "object", "embed", "base", "image", "use", "foreignObject"}, n.Data) {
				t.Errorf("%s: there is a %s", name, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "src" || a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
	if found := regexp.MustCompile(`url\(|@import|https?:`).FindString(pageStyle); found != "" {
		t.Errorf("the style has %s", found)
	}
}

func TestPolicyPermitsTheStyleAndTheScriptAlone(t *testing.T) {
	_, root := document(t, richReport())
	var policy string
	hashes := map[string]string{}
	for _, n := range elementsOf(root) {
		if value, _ := attribute(n, "http-equiv"); value == "Content-Security-Policy" {
			policy, _ = attribute(n, "content")
		}
		if kind, typed := attribute(n, "type"); n.Data == "style" || n.Data == "script" && !typed {
			hashes[n.Data] = "'" + digest(textOf(n)) + "'"
		} else if n.Data == "script" && kind != "application/json" {
			t.Errorf("a script of type %s", kind)
		}
	}
	want := fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hashes["style"], hashes["script"])
	if policy != want {
		t.Errorf("the policy is %s; the page has %s", policy, want)
	}
}

func TestHTMLLinksLeadSomewhere(t *testing.T) {
	for name, r := range pagesToHold() {
		_, root := document(t, r)
		ids := map[string]int{}
		for _, n := range elementsOf(root) {
			if id, ok := attribute(n, "id"); ok {
				ids[id]++
			}
		}
		for id, n := range ids {
			if n > 1 || strings.ContainsAny(id, " \t\n") {
				t.Errorf("%s: %d elements have the id %q", name, n, id)
			}
		}
		known := trialsOfData(t, root)
		for _, n := range elementsOf(root) {
			to, ok := attribute(n, "href")
			if to = strings.TrimPrefix(to, "#"); ok && ids[to] == 0 && !known[to] && r.Trials != nil {
				t.Errorf("%s: a link leads to %q", name, to)
			}
		}
	}
}

func blocksOf(t *testing.T, root *html.Node) []block {
	t.Helper()
	for _, n := range elementsOf(root) {
		if id, _ := attribute(n, "id"); id == "data" {
			var data struct{ Scenarios []block }
			if err := json.Unmarshal([]byte(textOf(n)), &data); err != nil {
				t.Fatal(err)
			}
			return data.Scenarios
		}
	}
	t.Fatal("the page has no data")
	return nil
}

func trialsOfData(t *testing.T, root *html.Node) map[string]bool {
	known := map[string]bool{}
	for _, b := range blocksOf(t, root) {
		index := 0
		for _, step := range b.Steps {
			index += step
			known[string(trialAnchor(b.Anchor, index))] = true
		}
	}
	return known
}

// fill puts a text into every string that a value holds, and one element into every list.
func fill(v reflect.Value, text string, depth int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if depth > 0 && v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text, depth-1)
		}
	case reflect.Slice:
		if depth > 0 && v.CanSet() && v.Type().Elem().Kind() != reflect.Uint8 {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0), text, depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text, depth)
			}
		}
	}
}

// hostileTrial has the text wherever an observation and a judgement can hold one.
func hostileTrial(text string, index int) harness.Trial {
	var t harness.Trial
	fill(reflect.ValueOf(&t.Observation).Elem(), text, 8)
	fill(reflect.ValueOf(&t.Judgement).Elem(), text, 8)
	t.Scenario, t.Index = text, index
	t.Shot = trialOf("a", index, 0, 0, verdict.Judgement{}).Shot
	t.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: scenario.Calls(text), Path: text, Nth: 1, Side: scenario.Side(text)}}
	t.Judgement.Verdict = verdict.Violation
	return t
}

func TestNothingHostileGetsIntoThePage(t *testing.T) {
	texts := []string{
		`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><injected>`, `<!--<script>`, `]]><injected/>`,
		`</title></style></pre></textarea><injected>`, `{{.Script}}`, `javascript:alert(1)`, `&lt;injected&gt;`,
	}
	for _, h := range hostile {
		if h.text != "" {
			texts = append(texts, h.text)
		}
	}
	plain, root := document(t, hostilePage("plain"))
	want := elementNames(root)
	if strings.Count(plain, "plain") < 60 {
		t.Errorf("the text stands only %d times in the page", strings.Count(plain, "plain"))
	}
	for _, text := range texts {
		shown, root := document(t, hostilePage(text))
		if at := strings.IndexFunc(shown, func(r rune) bool { return !printable(string(r)) && r != '\n' && !strings.ContainsRune("\t", r) }); at >= 0 {
			t.Errorf("%q: the page has %q", text, shown[max(0, at-40):at+10])
		}
		if got := elementNames(root); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: the page has the elements %v; an harmless one has %v", text, got, want)
		}
	}
}

func elementNames(root *html.Node) map[string]int {
	names := map[string]int{}
	for _, n := range elementsOf(root) {
		names[n.Data]++
	}
	return names
}

func hostilePage(text string) Report {
	info := infoOf("a")
	info.Version, info.ID, info.Machine.Kernel, info.CommandLine = text, text, text, []string{text}
	info.Scenarios[0] = scenario.Scenario{Name: text, Description: text, Target: scenario.Target{Command: []string{text}}}
	trial := hostileTrial(text, 0)
	r := withTrials(reportOf(info, trial), trial)
	r.Printed = func(string, int) (string, string, error) { return text, text, nil }
	return r
}

func TestATextIsItsFormAndItsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.StringMatching(`(ready\+|write #)[0-9]{1,5}(\.[0-9]{1,3})?(ms|µs|, before)`)), 1, 30).Draw(t, "texts")
		var forms dictionary
		var patterns []pattern
		for _, text := range texts {
			patterns = append(patterns, formOf(text, &forms))
		}
		for i, p := range patterns {
			if got, want := wholeText(p, forms), shortened(Escape(texts[i]), maxText); got != want {
				t.Fatalf("%q came back as %q", want, got)
			}
			if strings.ContainsAny(p.numbers, "; ") {
				t.Fatalf("the numbers of %q are %q", texts[i], p.numbers)
			}
		}
	})
}

func TestFormsAreBounded(t *testing.T) {
	var forms dictionary
	for i := range 3 * maxForms {
		formOf(strings.Repeat("x", i%100)+strings.Repeat("y", i/100), &forms)
	}
	if len(forms.texts) > maxForms+1 {
		t.Errorf("there are %d forms", len(forms.texts))
	}
	if got := wholeText(formOf("another", &forms), forms); got != "…" {
		t.Errorf("a text beyond the bound is %q", got)
	}
}

// TestTheDataHasEveryTrial holds the columns against the trials that they were made of.
func TestTheDataHasEveryTrial(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var trials []harness.Trial
		for _, index := range rapid.SliceOfNDistinct(rapid.IntRange(0, 1<<30), 0, 40, rapid.ID[int]).Draw(rt, "indices") {
			v := rapid.SampledFrom(verdicts).Draw(rt, "verdict")
			j := verdict.Judgement{Verdict: v}
			switch v {
			case verdict.Violation:
				j.Findings = []verdict.Finding{{Check: "exit", Kind: rapid.SampledFrom([]string{"code", "crashed"}).Draw(rt, "kind")}}
			case verdict.Inconclusive, verdict.Error:
				j.Reason = rapid.StringMatching(`[a-z]{1,5} [0-9]{1,3} ms`).Draw(rt, "reason")
			}
			one := trialOf("a", index%1000, rapid.IntRange(0, 3).Draw(rt, "code"), time.Duration(rapid.IntRange(0, 1<<40).Draw(rt, "latency")), j)
			one.Index, one.Again = index, rapid.Bool().Draw(rt, "again")
			if rapid.Bool().Draw(rt, "not struck") {
				one.Observation.Strike = nil
			}
			trials = append(trials, one)
		}
		_, root := document(t, withTrials(reportOf(infoOf("a"), trials...), trials...))
		b := blocksOf(t, root)[0]
		slices.SortFunc(trials, func(a, b harness.Trial) int { return a.Index - b.Index })
		if len(b.Steps) != len(trials) || len(b.Verdicts) != len(trials) {
			rt.Fatalf("%d of %d trials", len(b.Steps), len(trials))
		}
		index := 0
		for i, one := range trials {
			index += b.Steps[i]
			checkRow(rt, b, i, index, one)
		}
	})
}

func checkRow(t *rapid.T, b block, i, index int, one harness.Trial) {
	numbers := strings.Split(b.PointNumbers, ";")
	point := wholeText(pattern{b.Point[i], numbers[i]}, dictionary{texts: joinedParts(b.Points)})
	reason := wholeText(pattern{b.Reason[i], strings.Split(b.ReasonNumber, ";")[i]}, dictionary{texts: joinedParts(b.Reasons)})
	ending, latency := "", int64(none)
	if b.Ending[i] != none {
		ending = b.Endings[b.Ending[i]]
	}
	if took, ok := one.Observation.Latency(); ok {
		latency = took.Microseconds()
	}
	when := int64(none)
	if strike := one.Observation.Strike; strike != nil {
		when = strike.Actual.Microseconds() // the trials here are ready at the launch
	}
	wantEnding, _ := one.Observation.Ending()
	got := []any{b.When[i], index, verdicts[strings.IndexByte(verdictLetters, b.Verdicts[i])], point, reason, ending, b.Latency[i], strings.Join(b.Findings[b.Found[i]], "\n"), slices.Contains(b.Again, i)}
	want := []any{when, one.Index, one.Judgement.Verdict, one.Shot.Point.String(), one.Judgement.Reason, wantEnding.String(), latency, kindsOf(one.Judgement), one.Again}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("trial %d stands as %v, not as %v", one.Index, got, want)
	}
}

func joinedParts(forms [][]string) (texts []string) {
	for _, f := range forms {
		texts = append(texts, strings.Join(f, hole))
	}
	return texts
}

func TestAShelfKeepsTheFirstInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		indices := rapid.SliceOfNDistinct(rapid.IntRange(0, 100), 0, 40, rapid.ID[int]).Draw(t, "indices")
		s := shelf{room: rapid.IntRange(1, 10).Draw(t, "room"), order: byIndex}
		for _, i := range indices {
			s.offer(&harness.Trial{Index: i})
		}
		slices.Sort(indices)
		var got []int
		for _, one := range s.trials {
			got = append(got, one.Index)
		}
		if want := indices[:min(len(indices), s.room)]; !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestExamplesHavePagesHoweverManyViolationsThereAre(t *testing.T) {
	c := newChoice(1)
	bad := func(kind string) verdict.Judgement {
		return verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{{Check: "exit", Kind: kind}}}
	}
	for i := range 2000 {
		c.offer(trialOf("a", i, 1, time.Millisecond, bad("code")))
	}
	c.offer(trialOf("a", 2000, 1, time.Hour, bad("code")))
	c.offer(trialOf("a", 2001, 1, time.Millisecond, bad("rare")))
	c.offer(trialOf("a", 2002, 0, time.Millisecond, verdict.Judgement{Verdict: verdict.Error, Reason: "x"}))
	list := c.chosen()
	if len(list) > keptViolations+40 {
		t.Errorf("%d trials are kept", len(list))
	}
	for _, want := range []int{0, 2000, 2001, 2002} {
		if !slices.ContainsFunc(list[:30], func(t *harness.Trial) bool { return t.Index == want }) {
			t.Errorf("trial %d is not among the examples", want)
		}
	}
}

func TestFailingWindows(t *testing.T) {
	at := func(when int64, v byte) row { return row{index: int(when), when: when, verdict: v} }
	r := &rows{list: []row{at(10, 0), at(30, 1), at(20, 1), at(25, 2), at(40, 0), at(50, 1), at(60, 3), {index: 99, when: none, verdict: 1}}}
	list, more := windowsOf(r)
	if len(list) != 2 || more != 0 || list[0].From != "20 µs" || list[0].To != "30 µs" || list[0].Count != 2 || list[1].Count != 1 || !slices.Equal(list[0].Trials, []int{20, 30}) {
		t.Errorf("%+v and %d more", list, more)
	}
	r = &rows{}
	for i := range 2 * (shownWindows + 3) {
		r.list = append(r.list, at(int64(i), byte(i%2)))
	}
	if list, more := windowsOf(r); len(list) != shownWindows || more != 3 {
		t.Errorf("%d windows and %d more", len(list), more)
	}
}

func TestStripShowsTheWorstOfEachPoint(t *testing.T) {
	_, root := document(t, sweptPage())
	cells := map[string]int{}
	for _, n := range elementsOf(root) {
		if class, _ := attribute(n, "class"); strings.HasPrefix(class, "cells ") {
			path, _ := attribute(n, "d")
			cells[strings.TrimPrefix(class, "cells ")] += strings.Count(path, "M")
		}
	}
	// 10 points on two sides: #3 fails behind the call, #5 was not tried before it.
	if want := map[string]int{"graceful": 18, "violation": 1, "untried": 1}; !reflect.DeepEqual(cells, want) {
		t.Errorf("cells %v, want %v", cells, want)
	}
}

func sweptPage() Report {
	info := infoOf("every-write")
	info.Scenarios[0].Strike.Sweep = &scenario.Sweep{Syscall: "write", Sides: []scenario.Side{scenario.Before, scenario.After}}
	var trials []harness.Trial
	for nth := 1; nth <= 10; nth++ {
		for _, side := range info.Scenarios[0].Strike.Sweep.Sides {
			if nth == 5 && side == scenario.Before {
				continue
			}
			j := verdict.Judgement{Verdict: verdict.Graceful}
			if nth == 3 && side == scenario.After {
				j = verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{{Check: "exit", Kind: "code"}}}
			}
			t := trialOf("every-write", len(trials), 0, time.Millisecond, j)
			t.Reference = &harness.Reference{Calls: 10, Ended: true}
			t.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: "write", Nth: nth, Side: side, Count: scenario.PerTree}}
			t.Observation.Calls = &observation.Calls{Seen: nth}
			trials = append(trials, t)
		}
	}
	return withTrials(reportOf(info, trials...), trials...)
}

func TestStrikesAreCountedFromReadyOn(t *testing.T) {
	one := rich(0) // ready at 2 ms, struck at 10 ms
	if got := when(one); got != 8000 {
		t.Errorf("%d µs after ready", got)
	}
	one.Shot.Point.Time.From = scenario.FromLaunch
	if got := when(one); got != 10_000 {
		t.Errorf("%d µs after the launch", got)
	}
	one.Observation.Strike = nil
	if got := when(one); got != none {
		t.Errorf("%d for a trial that was not struck", got)
	}
}

func TestFailingWindowsLeadToTheirTrials(t *testing.T) {
	text, _ := document(t, richReport())
	if want := `<td>8 ms</td><td>8 ms</td><td class="number">1</td><td><a href="#trial/a/0">0</a></td>`; !strings.Contains(text, want) {
		t.Errorf("the page lacks %s", want)
	}
}

func TestACellIsTheWorstThatCameAtItsPoint(t *testing.T) {
	at := func(nth int, v byte) row { return row{nth: nth, side: scenario.After, verdict: v} }
	r := &rows{list: []row{at(1, 1), at(1, 0), at(2, 2), at(2, 3), at(4, 0), at(7, 1), {nth: 3, side: scenario.Before, verdict: 1}, {nth: 0, side: scenario.After, verdict: 1}}}
	if cells, any := r.worst(scenario.After, &strip{Points: 5, Each: 1}); !any || !slices.Equal(cells, []int{4, 3, 0, 1, 0}) {
		t.Errorf("one to a cell: %v", cells)
	}
	if cells, any := r.worst(scenario.After, &strip{Points: 5, Each: 2}); !any || !slices.Equal(cells, []int{4, 1, 0}) {
		t.Errorf("two to a cell: %v", cells)
	}
	if _, any := r.worst(scenario.Inside, &strip{Points: 5, Each: 1}); any {
		t.Error("a side that was not struck at has a band")
	}
}

func TestAStripOfManyPointsIsBounded(t *testing.T) {
	r := &rows{}
	for nth := 1; nth <= 50_000; nth++ {
		r.list = append(r.list, row{nth: nth, side: scenario.Before, verdict: byte(nth / 50_000)})
	}
	s := stripOf(r, &reports.Sweep{Points: 50_000})
	cells := 0
	for _, l := range s.Bands[0].Layers {
		cells += strings.Count(l.Path, "M")
	}
	if cells > maxCells || cells*s.Each < 50_000 || s.Bands[0].Layers[1].Class != "violation" {
		t.Errorf("%d cells of %d points each: %+v", cells, s.Each, s.Bands[0].Layers)
	}
}

func TestTimelineHasALaneForEachProcess(t *testing.T) {
	line := timelineOf(rich(0))
	classes := map[string]int{}
	if lastMoment(rich(0).Observation) != 52*time.Millisecond { // 10 ms to the strike, 12 ms to the exit, 30 ms of lingering
		t.Errorf("it lasts %v", lastMoment(rich(0).Observation))
	}
	for _, l := range line.Lanes {
		classes[l.Class]++
		if l.X < laneLeft || l.X+l.Width > laneRight {
			t.Errorf("%s stands at %d, %d wide", l.Name, l.X, l.Width)
		}
	}
	if want := map[string]int{"main": 1, "survivor": 1, "lingerer": 1}; !reflect.DeepEqual(classes, want) {
		t.Errorf("lanes %v, want %v", classes, want)
	}
	var names []string
	for _, m := range line.Moments {
		names = append(names, m.Text)
	}
	if want := []string{"handler", "ready", "TERM", "exit"}; !slices.Equal(names, want) {
		t.Errorf("moments %v, want %v", names, want)
	}
	if timelineOf(harness.Trial{}) != nil {
		t.Error("a trial without a process has a timeline")
	}
}

func TestNamesOfMomentsDoNotCoverEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o observation.Observation
		for _, at := range rapid.SliceOfN(rapid.IntRange(0, 1000), 0, 8).Draw(t, "moments") {
			o.Sent = append(o.Sent, observation.Sent{Signal: signals.TERM, At: time.Duration(at) * time.Millisecond})
		}
		var line timeline
		line.addMoments(o, scale{low: 0, high: 1e6, from: laneLeft, to: laneRight})
		for i, a := range line.Moments {
			if a.TextY >= line.Top {
				t.Fatalf("a name at %d stands among the lanes, which begin at %d", a.TextY, line.Top)
			}
			for _, b := range line.Moments[:i] {
				if a.TextY == b.TextY && max(a.TextX, b.TextX)-min(a.TextX, b.TextX) < 26 {
					t.Fatalf("%+v and %+v", a, b)
				}
			}
		}
	})
}

func TestStepsAreRoundAndInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64Range(0, 1<<40).Draw(t, "low")
		s := latencyScale(low, low+rapid.Int64Range(0, 1<<40).Draw(t, "more"), 0, 600)
		steps := s.steps()
		if len(steps) < 1 || len(steps) > 24 {
			t.Fatalf("%d steps from %v to %v", len(steps), s.low, s.high)
		}
		for i, v := range steps {
			if v < s.low*0.99 || v > s.high*1.01 || i > 0 && v <= steps[i-1] {
				t.Fatalf("step %v of %v from %v to %v", v, steps, s.low, s.high)
			}
			if at := s.at(v); at < 0 || at > 600 {
				t.Fatalf("%v stands at %v", v, at)
			}
		}
	})
}

func TestOutputIsCutInTheMiddle(t *testing.T) {
	text := excerpt("first\n" + strings.Repeat("x", 10*shownOutput) + "\nlast\n")
	if !strings.HasPrefix(text, "first\n") || !strings.HasSuffix(text, "\nlast") || !strings.Contains(text, "KiB left out") || len(text) > shownOutput+100 {
		t.Errorf("%d bytes: %.40q … %q", len(text), text, text[len(text)-20:])
	}
	if got := excerpt("a\x1b[2J\nb\n"); got != "a\\x1b[2J\nb" {
		t.Errorf("%q", got)
	}
}

func TestPageOfATrialShowsItsEvidence(t *testing.T) {
	text, _ := document(t, richReport())
	for _, want := range []string{
		"sleep 600", "/out/ledger", "fsync", "127.0.0.1:8080", "left the session", "saved 0", "&lt;b&gt;stopping&lt;/b&gt;", `\x1b[2J`,
		`id="trial/a/0"`, "sigprobe replay 20260102-030405.678-abcdef 0", "raw wait status 0x0300", "1 descendant outlived it",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestFilesOfATrialAreListed(t *testing.T) {
	offset := int64(7)
	tables := fileTables(&observation.Files{
		Work:     []observation.Change{{Path: "out/a.tmp", After: &observation.Entry{Type: "file", Size: 12, Mode: 0o600}}, {Path: "lock", Before: &observation.Entry{Type: "link", Mode: 0o777}}},
		Cut:      3,
		Shared:   []observation.SharedObject{{Kind: "shm", Name: "/cache", Bytes: 4096}},
		Examined: []observation.Examined{{Path: "out/a", Oracle: "format:json", Answer: observation.Damaged, Kind: "torn", Message: "it ends in a string", Offset: &offset}},
	})
	text := fmt.Sprint(tables)
	for _, want := range []string{"out/a.tmp made – file, mode 0600, 12 bytes", "lock removed link, mode 0777 –", "/cache 4.0 KiB", "torn: it ends in a string"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q: %s", want, text)
		}
	}
	if tables[0].More != 3 {
		t.Errorf("%d changes more, want 3", tables[0].More)
	}
}

func TestTrialsThatCannotBeReadAreAnError(t *testing.T) {
	broken := errors.New("the disk is gone")
	r := richReport()
	r.Trials = func() (*Gathered, error) { return nil, broken }
	if err := HTML(&strings.Builder{}, r, Style{}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestAnOutputThatCannotBeReadIsToldOf(t *testing.T) {
	r := richReport()
	r.Printed = func(string, int) (string, string, error) { return "half", "", errors.New("the <disk> is gone") }
	if text := rendered(t, HTML, r, Style{}); !strings.Contains(text, "cannot be read: the &lt;disk&gt; is gone") || !strings.Contains(text, "half") {
		t.Error("the page does not say so, or lacks what was read")
	}
}

func TestOneRunGivesOnePage(t *testing.T) {
	for name, r := range pagesToHold() {
		if first, again := rendered(t, HTML, r, Style{}), rendered(t, HTML, r, Style{}); first != again {
			t.Errorf("%s: two pages differ", name)
		}
	}
}

func FuzzFormOf(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text)
	}
	f.Add("ready+443.009ms, the second at write #3 on 1.2.3/*, before")
	f.Fuzz(func(t *testing.T, text string) {
		var forms dictionary
		if got, want := wholeText(formOf(text, &forms), forms), shortened(Escape(text), maxText); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
	})
}

func FuzzNothingGetsIntoThePage(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text)
	}
	f.Add(`"><img src=x onerror=alert(1)></script>`)
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			t.Skip("an empty text is left out, and its element with it")
		}
		_, plain := document(t, hostilePage("plain"))
		shown, root := document(t, hostilePage(text))
		if got, want := elementNames(root), elementNames(plain); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: the page has the elements %v; a harmless one has %v", text, got, want)
		}
		for line := range strings.SplitSeq(shown, "\n") {
			if !printable(line) {
				t.Errorf("%q: the page has %q", text, line)
			}
		}
	})
}
