package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func lineOf(t testing.TB, trial harness.Trial) string {
	t.Helper()
	line, err := encodeLine(trial)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

func TestRecordOpening(t *testing.T) {
	if line := lineOf(t, trialOf("a", 0, verdict.Graceful, 0)); !strings.HasPrefix(line, recordOpening) || strings.Count(line, "\n") != 1 {
		t.Errorf("a record begins with %.30s and has %d line feeds", line, strings.Count(line, "\n"))
	}
}

func TestReaderIsLenient(t *testing.T) {
	g0 := lineOf(t, trialOf("a", 0, verdict.Graceful, time.Millisecond))
	g1 := lineOf(t, trialOf("a", 1, verdict.Graceful, time.Millisecond))
	v1 := lineOf(t, trialOf("a", 1, verdict.Violation, time.Millisecond))
	i1 := lineOf(t, trialOf("a", 1, verdict.Inconclusive, time.Millisecond))
	e1 := lineOf(t, trialOf("a", 1, verdict.Error, time.Millisecond))
	newer := strings.Replace(g1, `{"scenario"`, `{"color":"red","scenario"`, 1)
	cases := []struct {
		name, record string
		want         string // trials in the order they are given
		warnings     string // line: a word of the message
	}{
		{"empty", "", "", ""},
		{"two trials", g0 + g1, "a/0 graceful, a/1 graceful", ""},
		{"empty lines", "\n" + g0 + "\n \n" + g1, "a/0 graceful, a/1 graceful", ""},
		{"torn last line", g0 + g1[:len(g1)/2], "a/0 graceful", "2: torn"},
		{"whole last line without its newline", g0 + strings.TrimSuffix(g1, "\n"), "a/0 graceful, a/1 graceful", ""},
		{"corrupt line", g0 + "nonsense\n" + g1, "a/0 graceful, a/1 graceful", "2: no trial"},
		{"binary line", g0 + "\x00\x00\xff\xfe\n" + g1, "a/0 graceful, a/1 graceful", "2: no trial"},
		{"another JSON value", g0 + "null\n[]\n{}\n7\n" + g1, "a/0 graceful, a/1 graceful", "2: no trial, 3: no trial, 4: no trial, 5: no trial"},
		{"a negative index", strings.Replace(g0, `"trial":0`, `"trial":-1`, 1) + g1, "a/1 graceful", "1: no trial"},
		{"an unknown verdict", strings.Replace(g0, `"graceful"`, `"splendid"`, 1) + g1, "a/1 graceful", "1: no verdict"},
		{"an unknown signal", strings.Replace(g0, `"TERM"`, `"NOSUCH"`, 1) + g1, "a/1 graceful", "1: no trial"},
		{"torn line that was not ended", g0[:len(g0)/2] + g1, "a/1 graceful", "1: torn"},
		{"zeros before a line, after a crash of the machine", "\x00\x00\x00" + g1, "a/1 graceful", "1: torn"},
		{"two records in a line", strings.TrimSuffix(g0, "\n") + g1, "a/1 graceful", "1: torn"},
		{"unknown field", g0 + newer + newer, "a/0 graceful, a/1 graceful", "2: unknown field, 3: already"},
		{"same trial twice", g1 + g0 + v1, "a/1 graceful, a/0 graceful", "3: already"},
		{"conclusive after inconclusive", i1 + g0 + v1, "a/0 graceful, a/1 violation", "1: line 3"},
		{"inconclusive after conclusive", v1 + e1, "a/1 violation", "2: already"},
		{"never conclusive", i1 + e1 + g0, "a/0 graceful, a/1 inconclusive", "2: already"},
		{"never conclusive, behind a torn line", g0[:40] + e1 + g0, "a/0 graceful, a/1 error", "1: torn"},
		{"never conclusive, without its newline", g0 + strings.TrimSuffix(e1, "\n"), "a/0 graceful, a/1 error", ""},
		{"Windows line ends", strings.ReplaceAll(g0+i1, "\n", "\r\n"), "a/0 graceful, a/1 inconclusive", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(c.record), int64(len(c.record)))
			var got []string
			for r.Scan() {
				got = append(got, fmt.Sprintf("%s/%d %s", r.Trial().Scenario, r.Trial().Index, r.Trial().Judgement.Verdict))
			}
			if r.Err() != nil || strings.Join(got, ", ") != c.want {
				t.Errorf("read %q, %v; want %q", got, r.Err(), c.want)
			}
			checkWarnings(t, r.Warnings(), c.warnings)
		})
	}
}

// checkWarnings wants the lines and a word of each message, as "2: torn, 3: already".
func checkWarnings(t *testing.T, got []Warning, want string) {
	t.Helper()
	var wants []string
	if want != "" {
		wants = strings.Split(want, ", ")
	}
	matches := len(got) == len(wants)
	for i := 0; matches && i < len(got); i++ {
		line, word, _ := strings.Cut(wants[i], ": ")
		matches = fmt.Sprint(got[i].Line) == line && strings.Contains(got[i].Message, word)
	}
	if !matches {
		t.Errorf("warnings %q; want %q", got, want)
	}
}

func TestReaderSkipsWhatIsTooLong(t *testing.T) {
	good := lineOf(t, trialOf("a", 0, verdict.Graceful, 0))
	record := good + strings.Repeat("x", 1<<20) + "\n" + lineOf(t, trialOf("a", 1, verdict.Graceful, 0)) + strings.Repeat("y", 1<<20)
	r := NewReader(strings.NewReader(record), int64(len(record)))
	r.limit = 1 << 19
	n := 0
	for r.Scan() {
		n++
	}
	if n != 2 {
		t.Errorf("%d trials beside a line that is too long", n)
	}
	checkWarnings(t, r.Warnings(), "2: longer, 4: longer")
}

func TestWarningsAreBounded(t *testing.T) {
	record := strings.Repeat("nonsense\n", 1000)
	r := NewReader(strings.NewReader(record), int64(len(record)))
	for r.Scan() {
	}
	got := r.Warnings()
	if len(got) != maxWarnings+1 || got[maxWarnings].Message != "900 more warnings" {
		t.Errorf("%d warnings, the last is %v", len(got), got[len(got)-1])
	}
}

// FuzzReader holds that no content panics, ends the reading early, or costs a good
// line beside it.
func FuzzReader(f *testing.F) {
	good := lineOf(f, trialOf("good", 0, verdict.Graceful, 0))
	for _, seed := range []string{"", "\n", "{", "null", `{"scenario":`, good, good[:len(good)/2], "\x00", `{"scenario":"good","trial":1,"judgement":{"verdict":"error"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, bad []byte) {
		// Before, between and after the good lines; inconclusive ones are read twice.
		record := bytes.Join([][]byte{
			bad, []byte("\n" + good), bad, []byte("\n" + lineOf(t, trialOf("good", 1, verdict.Error, 0))), bad,
		}, nil)
		r := NewReader(bytes.NewReader(record), int64(len(record)))
		seen := map[key]int{}
		for r.Scan() {
			seen[key{r.Trial().Scenario, r.Trial().Index}]++
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		for k, n := range seen {
			if n != 1 {
				t.Errorf("%v was given %d times", k, n)
			}
		}
		if seen[key{"good", 0}] != 1 || seen[key{"good", 1}] != 1 {
			t.Errorf("a good line was lost: %v, warnings %v", seen, r.Warnings())
		}
		for _, w := range r.Warnings() {
			if w.Message == "" || w.Line < 0 || w.Line > bytes.Count(record, []byte("\n"))+1 {
				t.Errorf("warning %+v", w)
			}
		}
	})
}
