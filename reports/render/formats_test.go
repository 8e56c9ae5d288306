package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	joshdk "github.com/joshdk/go-junit"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// Each format is read back here by a reader that nobody of this house wrote.

func examples() map[string]Report {
	all := map[string]Report{"mixed": mixed(), "graceful": graceful(), "interrupted": interrupted(), "swept": swept(), "empty": reportOf(infoOf())}
	for i, h := range hostile {
		all[fmt.Sprintf("hostile %d", i)] = hostileReport(h.text)
	}
	return all
}

func verdictsOf(r Report) map[verdict.Verdict]int {
	count := map[verdict.Verdict]int{}
	for _, c := range r.Summary.Scenarios {
		count[c.Verdict]++
	}
	return count
}

// JUnit

func TestJUnitIsReadByAnother(t *testing.T) {
	for name, r := range examples() {
		suites, err := joshdk.Ingest([]byte(rendered(t, JUnit, r, Style{})))
		if err != nil || len(suites) != 1 {
			t.Errorf("%s: %d suites, %v", name, len(suites), err)
			continue
		}
		want, totals := verdictsOf(r), suites[0].Totals
		if totals.Passed != want[verdict.Graceful] || totals.Failed != want[verdict.Violation] || totals.Error != want[verdict.Error] || totals.Skipped != want[verdict.Inconclusive] {
			t.Errorf("%s: %+v of %v", name, totals, want)
		}
		if suites[0].Properties["incomplete"] != r.unfinished() {
			t.Errorf("%s: properties %v; the run is %q", name, suites[0].Properties, r.unfinished())
		}
		if suites[0].Properties["seed"] != "42" {
			t.Errorf("%s: properties %v", name, suites[0].Properties)
		}
	}
}

// junitAttributes are the elements of the schema of Jenkins' xUnit plug-in (junit-10.xsd)
// that are written here, with the attributes that it allows them.
var junitAttributes = map[string][]string{
	"testsuites": {"name", "time", "tests", "failures", "errors"},
	"testsuite":  {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
	"properties": {}, "property": {"name", "value"},
	"testcase": {"name", "time", "classname", "group"},
	"failure":  {"type", "message"}, "error": {"type", "message"}, "skipped": {"type", "message"},
	"system-out": {}, "system-err": {},
}

func TestJUnitKeepsToTheCommonSchema(t *testing.T) {
	for name, r := range examples() {
		d := xml.NewDecoder(strings.NewReader(rendered(t, JUnit, r, Style{})))
		for {
			token, err := d.Token()
			if token == nil {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			start, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			allowed, known := junitAttributes[start.Name.Local]
			if !known {
				t.Errorf("%s: there is no element %s", name, start.Name.Local)
			}
			for _, a := range start.Attr {
				if !slices.Contains(allowed, a.Name.Local) {
					t.Errorf("%s: %s may have no attribute %s", name, start.Name.Local, a.Name.Local)
				}
			}
		}
	}
}

// schemas is a folder with the schemas of others, which are not kept here: junit-10.xsd of
// github.com/jenkinsci/xunit-plugin and ctrf.schema.json of github.com/ctrf-io/ctrf.
func schemas(t *testing.T) string {
	folder := os.Getenv("SIGPROBE_SCHEMAS")
	if folder == "" {
		t.Skip("SIGPROBE_SCHEMAS names no folder with junit-10.xsd and ctrf.schema.json")
	}
	return folder
}

func TestJUnitFitsTheSchemaItself(t *testing.T) {
	schema := filepath.Join(schemas(t), "junit-10.xsd")
	for name, r := range examples() {
		c := exec.Command("xmllint", "--noout", "--schema", schema, "-")
		c.Stdin = strings.NewReader(rendered(t, JUnit, r, Style{}))
		if said, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
}

// CTRF

// ctrfRules are what the format's specification asks for, as far as it is used here, in
// our words.
const ctrfRules = `{
  "type": "object", "additionalProperties": false, "required": ["reportFormat", "specVersion", "results"],
  "properties": {
    "reportFormat": {"const": "CTRF"}, "specVersion": {"pattern": "^[0-9]+[.][0-9]+[.][0-9]+$"}, "generatedBy": {"type": "string"},
    "results": {
      "type": "object", "additionalProperties": false, "required": ["tool", "summary", "tests"],
      "properties": {
        "tool": {"type": "object", "additionalProperties": false, "required": ["name"],
          "properties": {"name": {"type": "string", "minLength": 1}, "version": {"type": "string"}}},
        "summary": {"type": "object", "additionalProperties": false,
          "required": ["tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"],
          "patternProperties": {"^(tests|passed|failed|skipped|pending|other|start|stop)$": {"type": "integer", "minimum": 0}}},
        "tests": {"type": "array", "items": {
          "type": "object", "additionalProperties": false, "required": ["name", "status", "duration"],
          "properties": {
            "name": {"type": "string", "minLength": 1}, "status": {"enum": ["passed", "failed", "skipped", "pending", "other"]},
            "duration": {"type": "integer"}, "rawStatus": {"type": "string"}, "type": {"type": "string"},
            "message": {"type": "string"}, "trace": {"type": "string"}, "extra": {"type": "object"}}}},
        "extra": {"type": "object"}}}}}`

func holdAgainst(t *testing.T, rules string) {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(rules))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("ctrf.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("ctrf.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range examples() {
		written := rendered(t, CTRF, r, Style{})
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(written))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v in\n%s", name, err, written)
		}
	}
}

func TestCTRFKeepsToItsRules(t *testing.T) { holdAgainst(t, ctrfRules) }

func TestCTRFFitsTheSchemaItself(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(schemas(t), "ctrf.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	holdAgainst(t, string(rules))
}

func TestCTRFCounts(t *testing.T) {
	for name, r := range examples() {
		var got ctrfReport
		if err := json.Unmarshal([]byte(rendered(t, CTRF, r, Style{})), &got); err != nil {
			t.Fatal(err)
		}
		want, s := verdictsOf(r), got.Results.Summary
		if s.Tests != len(r.Summary.Scenarios) || s.Passed != want[verdict.Graceful] || s.Failed != want[verdict.Violation] || s.Skipped != want[verdict.Inconclusive] || s.Other != want[verdict.Error] {
			t.Errorf("%s: %+v of %v", name, s, want)
		}
		for i, test := range got.Results.Tests {
			v := r.Summary.Scenarios[i].Verdict
			status := map[verdict.Verdict]string{verdict.Graceful: "passed", verdict.Violation: "failed", verdict.Inconclusive: "skipped", verdict.Error: "other"}[v]
			if test.Status != status || test.RawStatus != string(v) {
				t.Errorf("%s: %s is %s, %s", name, v, test.Status, test.RawStatus)
			}
		}
		if s.Stop-s.Start != 12340 {
			t.Errorf("%s: it took %d ms", name, s.Stop-s.Start)
		}
	}
}

// TAP

// tapReader prints what Perl's own parser sees: a line for each result.
const tapReader = `use TAP::Parser;
for my $file (@ARGV) {
my $p = TAP::Parser->new({source => $file});
while (my $r = $p->next) {
  if ($r->is_test) { print join("\t", "test", $r->ok, $r->number, $r->directive, $r->description), "\n" }
  elsif ($r->is_yaml) { my $d = $r->data; print join("\t", "yaml", $d->{trials}, $d->{severity} // "", $d->{message} // "", $d->{replay} // ""), "\n" }
  elsif ($r->is_plan || $r->is_version || $r->is_comment) {}
  else { print join("\t", $r->type, $r->as_string), "\n" }
}
print join("\t", "end", scalar($p->tests_planned), scalar($p->failed), scalar($p->skipped), $p->is_good_plan, scalar($p->parse_errors), $p->parse_errors), "\n";
}
`

// readTAP gives what the parser sees of each report.
func readTAP(t *testing.T, written ...string) (read [][]string) {
	t.Helper()
	if err := exec.Command("perl", "-MTAP::Parser", "-e", "1").Run(); err != nil {
		t.Skipf("Perl's TAP::Parser is not here: %v", err)
	}
	args := []string{"-e", tapReader}
	for i, report := range written {
		args = append(args, filepath.Join(t.TempDir(), fmt.Sprintf("%d.tap", i)))
		// Version 14 is written so that readers of 13 can read it; Debian 12's knows no other.
		report, is14 := strings.CutPrefix(report, "TAP version 14\n")
		if !is14 {
			t.Fatalf("no version 14: %s", report)
		}
		if err := os.WriteFile(args[len(args)-1], []byte("TAP version 13\n"+report), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	said, err := exec.Command("perl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var lines []string
	for line := range strings.Lines(string(said)) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
		if strings.HasPrefix(line, "end\t") {
			read, lines = append(read, lines), nil
		}
	}
	if len(read) != len(written) || lines != nil {
		t.Fatalf("%d of %d reports are read: %s", len(read), len(written), said)
	}
	return read
}

func TestTAPIsReadByPerl(t *testing.T) {
	var names, all []string
	for name, r := range examples() {
		names, all = append(names, name), append(all, rendered(t, TAP, r, Style{}))
	}
	for i, lines := range readTAP(t, all...) {
		name, written, r := names[i], all[i], examples()[names[i]]
		want, n := verdictsOf(r), len(r.Summary.Scenarios)
		end := fmt.Sprintf("end\t%d\t%d\t%d\t1\t0", n, want[verdict.Violation]+want[verdict.Error], want[verdict.Inconclusive])
		if got := strings.TrimSuffix(lines[len(lines)-1], "\t"); got != end {
			t.Errorf("%s: %q, want %q, of\n%s", name, got, end, written)
		}
		if len(lines) != 2*n+1 {
			t.Errorf("%s: %d results for %d scenarios: %q", name, len(lines), n, lines)
		}
	}
}

// A name with everything that means something in TAP comes back as it was.
func TestTAPLosesNoName(t *testing.T) {
	var shown []string
	var trials []harness.Trial
	for _, h := range hostile {
		if strings.TrimSpace(h.shown) == h.shown && h.shown != "" { // blanks at the ends are the reader's
			shown = append(shown, h.shown)
			trials = append(trials, trialOf(h.text, 0, 0, 0, verdict.Judgement{Verdict: verdict.Error, Reason: h.text}))
		}
	}
	lines := readTAP(t, rendered(t, TAP, reportOf(infoOf(), trials...), Style{}))[0]
	for i, want := range shown {
		test, yaml := strings.Split(lines[2*i], "\t"), strings.Split(lines[2*i+1], "\t")
		// The parser leaves the escapes of a description where they are.
		name := strings.NewReplacer(`\\`, `\`, `\#`, "#").Replace(strings.TrimPrefix(test[4], "- "))
		if test[0] != "test" || test[3] != "" || name != want {
			t.Errorf("%q is read as %q", want, test)
		}
		if yaml[0] != "yaml" || yaml[2] != "error" || yaml[3] != want {
			t.Errorf("%q: diagnostics %q", want, yaml)
		}
	}
}

func TestTAPBailsOut(t *testing.T) {
	r := graceful()
	r.Finished.Error = "the disk is full"
	lines := readTAP(t, rendered(t, TAP, r, Style{}))[0]
	if got := lines[len(lines)-2]; got != "bailout\tthe disk is full" {
		t.Errorf("%q in %q", got, lines)
	}
}

// The diagnostics are YAML to a reader that knows all of it, which Perl's does not.
func TestTAPDiagnosticsAreYAML(t *testing.T) {
	for _, h := range hostile {
		r := hostileReport(h.text)
		r.Summary.Scenarios[1].Reason = "   " + h.text
		blocks := strings.Split(rendered(t, TAP, r, Style{}), "\n  ---\n")[1:]
		for i, block := range blocks {
			block, _, ended := strings.Cut(block, "\n  ...\n")
			var d struct {
				Message, Severity, Details string
				Trials                     int
			}
			if err := yaml.Unmarshal([]byte(block), &d); err != nil || !ended {
				t.Errorf("%q: %v in\n%s", h.text, err, block)
			}
			if c := r.Summary.Scenarios[i]; d.Message != headline(c) || d.Severity != string(c.Verdict) || d.Trials != 1 {
				t.Errorf("%q: %+v of\n%s", h.text, d, block)
			}
		}
	}
}

// Markdown

var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM))

// seen is what a reader of Markdown makes of a text.
type seen struct {
	kinds map[string]int
	code  []string // spans and blocks
	rows  int
	prose strings.Builder // text outside of code
}

func read(source []byte) *seen {
	s := &seen{kinds: map[string]int{}}
	ast.Walk(markdown.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) { //nolint:errcheck // the walker gives none
		if !entering {
			return ast.WalkContinue, nil
		}
		s.kinds[n.Kind().String()]++
		switch n := n.(type) {
		case *ast.CodeSpan:
			var b bytes.Buffer
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				b.Write(c.(*ast.Text).Segment.Value(source))
			}
			s.code = append(s.code, b.String())
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock:
			s.code = append(s.code, string(n.Lines().Value(source)))
		case *tables.TableRow:
			s.rows++
		case *ast.Text:
			s.prose.Write(n.Segment.Value(source))
			s.prose.WriteByte('\n')
		}
		return ast.WalkContinue, nil
	})
	return s
}

// What came from outside is code, and nothing but code, to a reader of Markdown.
func TestMarkdownHasHostileTextInCodeAlone(t *testing.T) {
	for _, h := range hostile {
		written := rendered(t, Markdown, hostileReport(h.text), Style{})
		s := read([]byte(written))
		for _, kind := range []string{"RawHTML", "HTMLBlock", "Link", "Image", "AutoLink", "Strikethrough", "TaskCheckBox", "CodeBlock", "ThematicBreak", "Blockquote"} {
			if s.kinds[kind] > 0 {
				t.Errorf("%q makes %d × %s in\n%s", h.text, s.kinds[kind], kind, written)
			}
		}
		if s.kinds["Heading"] != 4 || s.kinds["Table"] != 1 || s.rows != 3 || s.kinds["TableCell"] != 8*4 {
			t.Errorf("%q: %v, %d rows in\n%s", h.text, s.kinds, s.rows, written)
		}
		if prose := s.prose.String(); strings.ContainsAny(prose, "@#`<&\\*_[") {
			t.Errorf("%q: prose %q", h.text, prose)
		}
		if blank := strings.TrimSpace(h.shown) == ""; !blank && !slices.ContainsFunc(s.code, func(c string) bool { return c == h.shown || c == " "+h.shown+" " }) {
			t.Errorf("%q is not among the code %q", h.shown, s.code)
		}
	}
}

// Whatever a name is, its span ends where it ends.
func TestCodeIsOneSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOf(rapid.SampledFrom([]rune("` \\|<a@#*\n"))).Draw(t, "text")
		source := "before " + code(name) + " after"
		s := read([]byte(source))
		if s.kinds["CodeSpan"] != 1 || strings.ReplaceAll(strings.TrimSpace(s.prose.String()), "\n", "") != "before  after" && strings.Fields(s.prose.String())[0] != "before" {
			t.Fatalf("%q is read as %v, %q, %q", source, s.kinds, s.code, s.prose.String())
		}
		if shown := Escape(name); strings.TrimSpace(shown) != "" && strings.TrimSpace(s.code[0]) != strings.TrimSpace(shown) {
			t.Fatalf("%q is read as %q", shown, s.code[0])
		}
	})
}

// What a target prints makes no format unreadable.
func FuzzFormats(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := hostileReport(text)
		if s := read([]byte(rendered(t, Markdown, r, Style{}))); s.kinds["Heading"] != 4 || s.rows != 3 || s.kinds["RawHTML"]+s.kinds["HTMLBlock"]+s.kinds["Link"]+s.kinds["AutoLink"] > 0 {
			t.Errorf("Markdown is read as %v, %d rows", s.kinds, s.rows)
		}
		for line := range strings.Lines(rendered(t, Annotations, r, Style{})) {
			if c, ok := readCommand(strings.TrimSuffix(line, "\n")); !ok || c.name != "error" && c.name != "warning" || len(c.properties) != 1 {
				t.Errorf("annotation %q is read as %+v", line, c)
			}
		}
		if suites, err := joshdk.Ingest([]byte(rendered(t, JUnit, r, Style{}))); err != nil || len(suites) != 1 || suites[0].Totals.Tests != 3 {
			t.Errorf("JUnit is read as %+v, %v", suites, err)
		}
		for _, block := range strings.Split(rendered(t, TAP, r, Style{}), "\n  ---\n")[1:] {
			block, _, _ := strings.Cut(block, "\n  ...\n")
			var d map[string]any
			if err := yaml.Unmarshal([]byte(block), &d); err != nil {
				t.Errorf("TAP's diagnostics: %v in\n%s", err, block)
			}
		}
		if !json.Valid([]byte(rendered(t, CTRF, r, Style{}))) {
			t.Error("CTRF is no JSON")
		}
	})
}

// bigReport is a run of so many scenarios, each with findings of its own.
func bigReport(scenarios, trials int) Report {
	var names []string
	for i := range scenarios {
		names = append(names, fmt.Sprintf("scenario-%d", i))
	}
	info := infoOf(names...)
	s := reports.NewSummarizer(info)
	for i, name := range names {
		for n := range trials {
			j := verdict.Judgement{Verdict: verdict.Graceful}
			switch {
			case (i+n)%3 == 0:
				j = verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{{Check: "survivors", Kind: "orphan", Message: fmt.Sprintf("process %d is alive", n), Evidence: []string{strings.Repeat("x", 300)}}}}
			case n%7 == 0:
				j = verdict.Judgement{Verdict: verdict.Inconclusive, Reason: fmt.Sprintf("it ended %d µs early", n)}
			}
			s.Add(trialOf(name, n, 0, time.Millisecond, j))
		}
	}
	r := Report{Summary: s.Summary(), Info: info}
	r.Finished = &reports.Finished{Time: info.Started, Verdict: r.Summary.Verdict}
	return r
}

func TestAReportOfManyTrialsStaysReadable(t *testing.T) {
	r := bigReport(1, 100_000)
	for name, format := range Formats {
		if NeedsTrials(name) {
			continue // a page to be looked through, with tests of its own
		}
		written := rendered(t, format, r, Style{})
		if lines := strings.Count(written, "\n"); name != "json" && lines > 100 {
			t.Errorf("%s has %d lines", name, lines)
		}
		if len(written) > 100_000 {
			t.Errorf("%s has %d bytes", name, len(written))
		}
	}
}

func TestASummaryFitsIntoItsLimit(t *testing.T) {
	big := bigReport(3000, 4)
	written := rendered(t, Markdown, big, Style{})
	if len(written) > SummaryLimit || len(written) < SummaryLimit/2 {
		t.Errorf("%d bytes of %d", len(written), SummaryLimit)
	}
	if !strings.Contains(written, "sections left out") || !strings.Contains(written, "And 2900 scenarios more.") {
		t.Errorf("nothing is said of what is left out:\n%s", written[len(written)-500:])
	}
	reports := []Report{big, mixed(), graceful(), swept(), hostileReport(strings.Repeat("漢", 5000))}
	rapid.Check(t, func(t *rapid.T) {
		r := reports[rapid.IntRange(1, len(reports)-1).Draw(t, "report")]
		limit := rapid.IntRange(0, 12_000).Draw(t, "limit")
		if text := r.markdown(limit); len(text) > limit || !utf8.ValidString(text) {
			t.Fatalf("%d bytes of %d: %q", len(text), limit, text)
		}
	})
}

func TestTheWorstComesFirst(t *testing.T) {
	written := rendered(t, Markdown, mixed(), Style{})
	last := 0
	for _, section := range []string{"### `ledger-writer`: violation", "### `broken`: error", "### `short-lived`: inconclusive"} {
		at := strings.Index(written, section)
		if at <= last {
			t.Errorf("%s is at %d, behind %d in\n%s", section, at, last, written)
		}
		last = at
	}
}

// Annotations

// command is a workflow command as the runner reads it: properties up to the first ::
// behind the name, then the message, all with their escapes undone.
type command struct {
	name, message string
	properties    map[string]string
}

func readCommand(line string) (c command, ok bool) {
	rest, is := strings.CutPrefix(line, "::")
	head, message, ended := strings.Cut(rest, "::")
	name, list, _ := strings.Cut(head, " ")
	c = command{name: name, message: unescape(message), properties: map[string]string{}}
	for pair := range strings.SplitSeq(list, ",") {
		key, value, _ := strings.Cut(pair, "=")
		c.properties[key] = unescape(value)
	}
	return c, is && ended
}

func unescape(text string) string {
	return strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(text)
}

func TestAnnotationsSayWhatWasFound(t *testing.T) {
	for _, h := range hostile {
		written := rendered(t, Annotations, hostileReport(h.text), Style{})
		count := map[string]int{}
		for line := range strings.Lines(written) {
			c, ok := readCommand(strings.TrimSuffix(line, "\n"))
			count[c.name]++
			if !ok || len(c.properties) != 1 || !strings.HasPrefix(c.properties["title"], "sigprobe: ") {
				t.Errorf("%q: %q is read as %+v", h.text, line, c)
			}
		}
		// Two findings and an error; a scenario that proved nothing, and that the run was cut short.
		if count["error"] != 3 || count["warning"] < 1 || count["warning"] > 2 || len(count) != 2 {
			t.Errorf("%q: %v in\n%s", h.text, count, written)
		}
		if first, _ := readCommand(strings.SplitN(written, "\n", 2)[0]); h.shown != "" && !strings.HasPrefix(first.message, Escape(h.text+" in 1 of 1 trial")) {
			t.Errorf("%q: message %q", h.text, first.message)
		}
	}
}

func TestNoMoreAnnotationsThanAreShown(t *testing.T) {
	for _, n := range []int{9, 10, 11, 500} {
		r := bigReport(n, 1)
		for i := range r.Summary.Scenarios {
			c := &r.Summary.Scenarios[i]
			c.Findings = []reports.Findings{{Check: "exit", Kind: "code", Message: "m", Group: reports.Group{Count: 1, Trials: []int{0}}}}
		}
		lines := strings.Split(strings.TrimSuffix(rendered(t, Annotations, r, Style{}), "\n"), "\n")
		errors := slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "::error ") })
		if len(errors) != min(n, 10) {
			t.Errorf("%d of %d are written", len(errors), n)
		}
		last, _ := readCommand(errors[len(errors)-1])
		if want := fmt.Sprintf("%d more are in the report", n-9); (last.message == want) != (n > 10) {
			t.Errorf("of %d the last is %+v", n, last)
		}
	}
}

func TestAnnotationsNameTheFileWhereThereIsOne(t *testing.T) {
	for paths, want := range map[string]string{"": "", "ci/a,b.yaml": "ci/a,b.yaml", "a.yaml b.yaml": "", "../a.yaml": "", "/etc/a.yaml": ""} {
		r := mixed()
		for path := range strings.FieldsSeq(paths) {
			r.Info.Files = append(r.Info.Files, reports.SourceFile{Path: path})
		}
		c, ok := readCommand(strings.SplitN(rendered(t, Annotations, r, Style{}), "\n", 2)[0])
		if !ok || c.properties["file"] != want {
			t.Errorf("%q: file %q", paths, c.properties["file"])
		}
	}
}
