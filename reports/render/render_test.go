package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

var update = flag.Bool("update", false, "write the golden files anew")

// trialOf is a struck trial whose main process left with the code after the latency.
func trialOf(name string, index, code int, latency time.Duration, j verdict.Judgement) harness.Trial {
	after := time.Duration(index+1) * 10 * time.Millisecond
	j.Checked, j.Unchecked = []string{"exit", "deadline", "survivors"}, []string{"output", "files"}
	return harness.Trial{
		Scenario: name, Index: index,
		Shot: plan.Shot{
			Point:    plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: after}},
			Schedule: signals.DefaultSchedule, To: signals.ToProcess,
		},
		Observation: observation.Observation{
			Stage:  observation.Settled,
			Strike: &observation.Strike{Planned: after, Actual: after},
			Sent:   []observation.Sent{{Signal: signals.TERM, To: signals.ToProcess, At: after, Receivers: 1}},
			Exit:   &observation.Exit{At: after + latency, Step: 0, Status: uint32(code) << 8},
		},
		Judgement: j,
	}
}

func infoOf(names ...string) reports.RunInfo {
	info := reports.RunInfo{
		Schema: 1, ID: "20260102-030405.678-abcdef", Version: "0.1.0", Seed: 42,
		Started: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		Machine: reports.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1.0", Cores: 2},
	}
	for _, name := range names {
		info.Scenarios = append(info.Scenarios, scenario.Scenario{Name: name})
	}
	return info
}

func reportOf(info reports.RunInfo, trials ...harness.Trial) Report {
	s := reports.NewSummarizer(info)
	for _, t := range trials {
		s.Add(t)
	}
	r := Report{Summary: s.Summary(), Info: info, Store: ".sigprobe/runs/" + info.ID}
	r.Finished = &reports.Finished{Time: info.Started.Add(12340 * time.Millisecond), Verdict: r.Summary.Verdict}
	return r
}

// mixed is a run with every verdict.
func mixed() Report {
	orphan := verdict.Finding{
		Check: "survivors", Kind: "orphan", Message: "1 descendant outlived the main process by more than 2 s",
		Evidence: []string{"sleep (PID 4243), child of worker (PID 4242)", "it ignores TERM"},
		Hint:     "forward TERM to the children and wait for them",
	}
	code := verdict.Finding{Check: "exit", Kind: "not-accepted", Message: "exited with code 3, accepted is clean"}
	var trials []harness.Trial
	for i := range 20 {
		j := verdict.Judgement{Verdict: verdict.Graceful}
		exit := 0
		if i%2 == 1 {
			j = verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{orphan}}
		}
		if i == 17 {
			j.Findings, exit = append(j.Findings, code), 3
		}
		trials = append(trials, trialOf("ledger-writer", i, exit, time.Duration(i+1)*1234*time.Microsecond, j))
	}
	for i := range 3 {
		trials = append(trials, trialOf("quick", i, 0, time.Millisecond, verdict.Judgement{Verdict: verdict.Graceful}))
	}
	gone := trialOf("short-lived", 0, 0, 0, verdict.Judgement{Verdict: verdict.Inconclusive, Reason: "the target finished before the signal was due"})
	gone.Observation.Strike = nil
	broken := trialOf("broken", 0, 0, 0, verdict.Judgement{Verdict: verdict.Error, Reason: "launch ./broken: no such file or directory"})
	broken.Observation.Strike = nil
	broken.Observation.Failure = &observation.Failure{Kind: "launch", Message: broken.Judgement.Reason, Remedy: "build it first, or write the path from the scenario file's folder"}
	trials = append(trials, gone, broken)
	for i := range trials {
		trials[i].Observation.Degradations = []observation.Degradation{{What: "realtime", Why: "sched_setscheduler: operation not permitted; signals may be late under load"}}
	}
	trials[4].Observation.Strike.Planned -= 5 * time.Millisecond
	r := reportOf(infoOf("ledger-writer", "quick", "short-lived", "broken"), trials...)
	r.Summary.Warnings = []reports.Warning{{File: "trials.jsonl", Line: 26, Message: "the last line is torn and was skipped"}}
	return r
}

func graceful() Report {
	return reportOf(infoOf("quick"), trialOf("quick", 0, 0, 3*time.Millisecond, verdict.Judgement{Verdict: verdict.Graceful}))
}

// swept is a run of a sweep that is complete and found something, with shots that had
// failed before, and of one that was cut short in a program whose calls vary.
func swept() Report {
	torn := verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{{Check: "exit", Kind: "not-accepted", Message: "exited with code 3, accepted is clean"}}}
	good := verdict.Judgement{Verdict: verdict.Graceful}
	none := verdict.Judgement{Verdict: verdict.Inconclusive, Reason: "it ended by itself, code 0, 2 ms after launch, before the signal was due: it had made 40 calls of write"}
	info := infoOf("every-write", "varies")
	sides := []scenario.Side{scenario.Before, scenario.After}
	info.Scenarios[0].Strike.Sweep = &scenario.Sweep{Syscall: "write", Path: "out/**", Sides: sides}
	info.Scenarios[1].Strike.Sweep = &scenario.Sweep{Syscall: "rename", Budget: scenario.Duration(time.Minute)}
	point := func(name, calls string, index, nth int, side scenario.Side, known int, j verdict.Judgement) harness.Trial {
		t := trialOf(name, index, 0, time.Millisecond, j)
		t.Reference = &harness.Reference{Calls: known, Ended: true}
		t.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: scenario.Calls(calls), Path: "out/**", Nth: nth, Side: side, Count: scenario.PerTree}}
		t.Observation.Calls = &observation.Calls{Seen: nth}
		if j.Verdict == verdict.Inconclusive {
			t.Observation.Strike, t.Observation.Calls.Seen = nil, nth-1
		}
		return t
	}
	var trials []harness.Trial
	for nth := 1; nth <= 40; nth++ {
		for _, side := range sides {
			j := good
			if side == scenario.After && nth%3 == 0 || nth == 40 {
				j = torn
			}
			trials = append(trials, point("every-write", "write", len(trials), nth, side, 40, j))
		}
	}
	trials = append(trials, point("every-write", "write", 80, 41, scenario.Before, 40, none))
	for i, j := range []verdict.Judgement{torn, good, torn} {
		again := trialOf("every-write", 100_000_000+i, 0, time.Millisecond, j)
		again.Again, again.Shot = true, trials[7*i].Shot
		trials = append(trials, again)
	}
	trials = append(trials,
		point("varies", "rename", 0, 1, scenario.Before, 9, good), point("varies", "rename", 1, 5, scenario.Before, 9, none), point("varies", "rename", 2, 7, scenario.Before, 9, good))
	return reportOf(info, trials...)
}

// interrupted is a single scenario with a violation, in a store with a blank in its name.
func interrupted() Report {
	j := verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{{Check: "deadline", Kind: "killed", Message: "had to be killed after 10 s", Hint: "handle TERM"}}}
	r := reportOf(infoOf("stubborn"), trialOf("stubborn", 7, 0, 10*time.Second, j))
	r.Run, r.Store = "my store/runs/x", "my store/runs/x"
	r.Finished.InterruptedBy = "INT"
	return r
}

func rendered(t *testing.T, f Format, r Report, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, r, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// suffixes are those of the golden files, by format.
var suffixes = map[string]string{
	"text": ".txt", "junit": ".xml", "json": ".json", "markdown": ".md", "ctrf": ".ctrf.json", "tap": ".tap", "annotations": ".annotations",
}

func TestEveryFormatHasGoldenFiles(t *testing.T) {
	for name := range Formats {
		if suffixes[name] == "" && !NeedsTrials(name) { // what shows trials is held by its structure
			t.Errorf("%s has none", name)
		}
	}
}

func TestGolden(t *testing.T) {
	for name, r := range map[string]Report{"mixed": mixed(), "graceful": graceful(), "interrupted": interrupted(), "swept": swept()} {
		for format, suffix := range suffixes {
			t.Run(name+suffix, func(t *testing.T) {
				got := rendered(t, Formats[format], r, Style{Width: 100})
				path := filepath.Join("testdata", name+suffix)
				if *update {
					if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if diff := cmp.Diff(string(want), got); diff != "" || err != nil {
					t.Errorf("%v; run the test with -update if this is meant:\n%s", err, diff)
				}
			})
		}
	}
}

func TestColorOnlyWhereAskedFor(t *testing.T) {
	plain := rendered(t, Text, mixed(), Style{})
	colored := rendered(t, Text, mixed(), Style{Color: true})
	if strings.Contains(plain, "\x1b") || !strings.Contains(colored, "\x1b[31;1mviolation\x1b[0m") {
		t.Errorf("plain:\n%s\ncoloured:\n%s", plain, colored)
	}
	var b strings.Builder
	for part := range strings.SplitSeq(colored, "\x1b[") {
		if _, rest, isColor := strings.Cut(part, "m"); isColor && b.Len() > 0 {
			part = rest
		}
		b.WriteString(part)
	}
	if diff := cmp.Diff(plain, b.String()); diff != "" {
		t.Errorf("colour changes more than colour:\n%s", diff)
	}
}

func TestAnUnfinishedRunIsSaidToBe(t *testing.T) {
	r := graceful()
	r.Finished = nil
	if text := rendered(t, Text, r, Style{}); !strings.Contains(text, "not finished") {
		t.Errorf("text:\n%s", text)
	}
}

// hostile is what a target can print and what shows it is harmless.
var hostile = []struct{ text, shown string }{
	{"plain, öffentlich, 漢字 and 🎉", "plain, öffentlich, 漢字 and 🎉"},
	{"", ""},
	{`C:\path "quoted" <b>&amp;</b>`, `C:\path "quoted" <b>&amp;</b>`},
	{"two\nlines\r\n", `two\nlines\r\n`},
	{"tab\tbell\abackspace\b\x00nul\x7fdel", `tab\tbell\x07backspace\x08\x00nul\x7fdel`},
	{"\x1b[2J\x1b]0;title\x07", `\x1b[2J\x1b]0;title\x07`},
	{"C1 \u009b31m \u0085", `C1 \u009b31m \u0085`},
	{"bidi \u202e\u2066\u200f end", `bidi \u202e\u2066\u200f end`},
	{"zero\u200bwidth \ufeffBOM so\u00adft", `zero\u200bwidth \ufeffBOM so\u00adft`},
	{"\u2028line\u2029paragraph\u00a0nbsp", `\u2028line\u2029paragraph\u00a0nbsp`},
	{"not UTF-8 \xff\xc3(", `not UTF-8 \xff\xc3(`},
	{"XML \ufffe\uffff \U000e0041tag \U0010ffff", `XML \ufffe\uffff \U000e0041tag \U0010ffff`},
	{"]]><injected/>", "]]><injected/>"},
	{"::error file=x::y", `\x3a:error file=x::y`},
	{"  ::stop-commands::z", `  \x3a:stop-commands::z`},
	{"a ##[set-env name=x]y", `a #\x23[set-env name=x]y`},
	{"##vso[task.setvariable]y ##TEAMCITY[x", `#\x23vso[task.setvariable]y #\x23TEAMCITY[x`},
	{"## heading", "## heading"},
	{"@octocat fixes #123, GH-1 and o/r#2", "@octocat fixes #123, GH-1 and o/r#2"},
	{"https://evil.example www.evil.example a@evil.example", "https://evil.example www.evil.example a@evil.example"},
	{`a | b \| c \\| d`, `a | b \| c \\| d`},
	{"`one` ``two`` ```` four", "`one` ``two`` ```` four"},
	{"``", "``"},
	{"```", "```"},
	{"`````", "`````"},
	{" ` ", " ` "},
	{"   ", "   "},
	{"<img src=x onerror=alert(1)> <!-- x --> &lt;", "<img src=x onerror=alert(1)> <!-- x --> &lt;"},
	{"![x](y) [a](b) **b** _i_ ~~s~~ :smile:", "![x](y) [a](b) **b** _i_ ~~s~~ :smile:"},
	{"x # SKIP y", "x # SKIP y"},
	{`x \# TODO y`, `x \# TODO y`},
	{`ends in a backslash \`, `ends in a backslash \`},
	{"ok 1 - x", "ok 1 - x"},
	{"Bail out! 1..0", "Bail out! 1..0"},
	{"  ...", "  ..."},
	{"  ---", "  ---"},
	{`'single' "double" {a: b} [c] - d: *e &f`, `'single' "double" {a: b} [c] - d: *e &f`},
	{"100%0A::error title=a,b:c::d %25", "100%0A::error title=a,b:c::d %25"},
	{"a replacement character \ufffd is a character", "a replacement character \ufffd is a character"},
}

func TestEscape(t *testing.T) {
	for _, h := range hostile {
		if got := Escape(h.text); got != h.shown {
			t.Errorf("Escape(%q) is %q; want %q", h.text, got, h.shown)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		shown := Escape(text)
		if !printable(shown) {
			t.Errorf("%q has what does not print", shown)
		}
		if strings.HasPrefix(strings.TrimSpace(shown), "::") || logCommand.MatchString(shown) {
			t.Errorf("%q is a command", shown)
		}
		if again := Escape(shown); again != shown {
			t.Errorf("%q becomes %q", shown, again)
		}
	})
}

// hostileReport has a hostile text wherever a text can come from outside.
func hostileReport(text string) Report {
	j := verdict.Judgement{Verdict: verdict.Violation, Findings: []verdict.Finding{
		{Check: text, Kind: text, Message: text, Evidence: []string{text, text}, Hint: text},
		{Check: "output", Kind: "missing", Message: text},
	}}
	bad := trialOf("a", 0, 0, time.Millisecond, j)
	bad.Judgement.Checked = []string{text}
	bad.Shot.Point = plan.Point{Call: &plan.CallPoint{Calls: scenario.Calls(text), Path: text, Nth: 1, Side: scenario.Side(text)}}
	bad.Reference = &harness.Reference{Calls: 2}
	bad.Observation.Degradations = []observation.Degradation{{What: text, Why: text}}
	failed := trialOf(text, 1, 0, 0, verdict.Judgement{Verdict: verdict.Error, Reason: text})
	failed.Observation.Failure = &observation.Failure{Kind: "launch", Message: text, Remedy: text}
	skipped := trialOf("c", 1, 0, 0, verdict.Judgement{Verdict: verdict.Inconclusive, Reason: text})
	info := infoOf("a")
	info.Scenarios[0].Strike.Sweep = &scenario.Sweep{Syscall: scenario.Calls(text), Path: text, Sides: []scenario.Side{scenario.Side(text)}}
	info.Version, info.ID, info.Machine.Kernel = text, text, text
	r := reportOf(info, bad, failed, skipped)
	r.Summary.Warnings = []reports.Warning{{File: "trials.jsonl", Message: text}}
	r.Finished.InterruptedBy = text
	return r
}

func TestNothingHostileGetsThrough(t *testing.T) {
	for _, h := range hostile {
		for name, format := range Formats {
			shown := rendered(t, format, hostileReport(h.text), Style{})
			for line := range strings.SplitSeq(shown, "\n") {
				if at := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) && r != '\t' }); at >= 0 {
					t.Errorf("%s: %q has %q", name, line, line[at:])
				}
				if strings.Contains(line, "\t") && name != "junit" {
					t.Errorf("%s: %q has a tab", name, line)
				}
				if name == "text" && strings.HasPrefix(strings.TrimSpace(line), "::") {
					t.Errorf("%s: %q is a command", name, line)
				}
			}
		}
	}
}

func TestJUnitIsReadBack(t *testing.T) {
	for _, h := range hostile {
		var got junit.Testsuites
		text := rendered(t, JUnit, hostileReport(h.text), Style{})
		if err := xml.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%q: %v in\n%s", h.text, err, text)
		}
		if len(got.Suites) != 1 || got.Tests != 3 || got.Failures != 1 || got.Errors != 1 || got.Suites[0].Skipped != 1 {
			t.Errorf("%q: read back as %+v", h.text, got)
			continue
		}
		failure := got.Suites[0].Testcases[0].Failure
		if want := h.shown + " (and 1 kind more)"; failure == nil || failure.Message != want || !strings.Contains(failure.Data, "  | "+h.shown+"\n") {
			t.Errorf("%q: failure %+v; want %q", h.text, failure, want)
		}
		if again := elements(t, text); again["injected"] > 0 || again["b"] > 0 {
			t.Errorf("%q: elements %v", h.text, again)
		}
	}
}

func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	count := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			count[start.Name.Local]++
		}
	}
}

func TestJSONLosesNothing(t *testing.T) {
	for _, h := range hostile {
		r := hostileReport(h.text)
		var got, want reports.Summary
		plain, err := json.Marshal(r.Summary)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(json.Unmarshal(plain, &want), json.Unmarshal([]byte(rendered(t, JSON, r, Style{})), &got)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", h.text, diff)
		}
	}
}

func TestReplayLineIsSafeToPaste(t *testing.T) {
	for _, c := range []struct{ run, want string }{
		{"20260102-030405.678-abcdef", "sigprobe replay 20260102-030405.678-abcdef 7"},
		{"my store/x", "sigprobe replay 'my store/x' 7"},
		{"$(reboot)'s", `sigprobe replay '$(reboot)'\''s' 7`},
	} {
		r := interrupted()
		r.Run = c.run
		if got := r.replay("stubborn", 7); got != c.want {
			t.Errorf("%s; want %s", got, c.want)
		}
	}
	if got := mixed().replay("quick", 2); got != "sigprobe replay 20260102-030405.678-abcdef quick/2" {
		t.Error(got)
	}
}

// full is a writer that takes some bytes and no more.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

func TestAFailedWriteIsAnError(t *testing.T) {
	for name, format := range Formats {
		for _, room := range []int{0, 60} {
			if err := format(&full{room}, mixed(), Style{}); !errors.Is(err, io.ErrShortWrite) {
				t.Errorf("%s with room for %d bytes: %v", name, room, err)
			}
		}
	}
}
