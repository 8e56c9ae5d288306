package oracle

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

var update = flag.Bool("update", false, "write the table of docs/ORACLES.md anew instead of comparing it")

const oraclesPage = "../../../docs/ORACLES.md"

// The table stands between these lines.
const (
	tableBegins = "<!-- sweep: written by go test ./harness/internal/oracle -run TestWhatEachNotices -update -->\n"
	tableEnds   = "<!-- end of sweep -->\n"
)

// mostPoints is how many places of a sample are damaged: fewer with the race detector,
// with which the table is not held to the page. All of them would take it minutes.
func mostPoints() int {
	if raceDetector {
		return 25
	}
	return 1000
}

// noticed counts the damaged files of a sample that each way of looking notices.
type noticed struct {
	files, format, appendOnly, oldOrNew int
}

// TestWhatEachNotices cuts each sample at every byte, or at evenly spread ones, and fills
// it with zeros from there; it counts who notices. docs/ORACLES.md has the table.
func TestWhatEachNotices(t *testing.T) {
	if testing.Short() {
		t.Skip("it looks at some ten thousand files")
	}
	all := samples(t)
	var table strings.Builder
	table.WriteString("| format | bytes | files of each kind | cut: format | append-only | old-or-new | zeros: format | append-only | old-or-new |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, name := range scenario.Formats {
		if all[name] == nil {
			t.Logf("%s: its writer is not on this machine", name)
			table.WriteString(rowOnPage(t, name))
			continue
		}
		fmt.Fprintf(&table, "| `%s` | %d |", name, len(all[name]))
		cut := sweep(t, name, all[name], func(at int) []byte { return all[name][:at] })
		zeroed := sweep(t, name, all[name], func(at int) []byte {
			return append(bytes.Clone(all[name][:at]), make([]byte, len(all[name])-at)...)
		})
		fmt.Fprintf(&table, " %d, %d |%s%s\n", cut.files, zeroed.files, cut, zeroed)
	}
	if !raceDetector {
		onPage(t, table.String())
	}
}

func (n noticed) String() string {
	return fmt.Sprintf(" %s | %s | %s |", share(n.format, n.files), share(n.appendOnly, n.files), share(n.oldOrNew, n.files))
}

// share is a part in percent, rounded to nothing that was not reached.
func share(part, of int) string {
	if part == of {
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", float64(part*1000/of)/10)
}

// sweep damages a sample everywhere. The file was not there before the launch, so that
// append-only looks at all of it, and an undisturbed run leaves the sample.
func sweep(t *testing.T, name string, sample []byte, damage func(at int) []byte) noticed {
	var n noticed
	s := subject(t, state{before: none, file: none, reference: string(sample)})
	step := max(1, (len(sample)+mostPoints()-1)/mostPoints())
	if name == "sqlite" && !raceDetector {
		step *= 8 // each look starts a program
	}
	for at := 0; at < len(sample); at += step {
		file := damage(at)
		if bytes.Equal(file, sample) {
			continue // its end is zero anyway
		}
		rewrite(t, s, file)
		n.files++
		appended := sees(t, s, "append-only")
		n.format += sees(t, s, "format:"+name)
		n.appendOnly += appended
		n.oldOrNew += sees(t, s, "old-or-new")
		if appended == 0 && len(file) > 0 && file[len(file)-1] != '\n' {
			t.Errorf("%s, damaged at %d: append-only takes a torn line for a whole one", name, at)
		}
	}
	if n.oldOrNew != n.files {
		t.Errorf("%s: old-or-new notices %d of %d", name, n.oldOrNew, n.files)
	}
	return n
}

// sees is 1 where an oracle notices damage. None may be at a loss.
func sees(t *testing.T, s Subject, oracle string) int {
	t.Helper()
	switch e := ask(t, s, oracle); e.Answer {
	case observation.Damaged:
		return 1
	case observation.Whole:
	default:
		t.Errorf("%s: %s (%s)", oracle, said(e), e.Message)
	}
	return 0
}

// onPage holds a table against that of the page, or writes it there.
func onPage(t *testing.T, table string) {
	t.Helper()
	before, old, after := pageParts(t)
	if old == table {
		return
	}
	if !*update {
		t.Errorf("the table of docs/ORACLES.md differs; run the test with -update if this is meant:\n%s", table)
		return
	}
	if err := os.WriteFile(oraclesPage, []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil { //nolint:gosec // it is a page
		t.Fatal(err)
	}
}

func pageParts(t *testing.T) (before, table, after string) {
	t.Helper()
	page, err := os.ReadFile(oraclesPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(page), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no lines around its table", oraclesPage)
	}
	return before, table, after
}

// rowOnPage is the row of a format on the page, kept for a machine that has no writer.
func rowOnPage(t *testing.T, name string) string {
	_, table, _ := pageParts(t)
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| `"+name+"` |") {
			return line
		}
	}
	return ""
}

// TestThePageIsFull sees that the page names every oracle, format and kind of damage, and
// that the kinds have the meaning there that they have in the code.
func TestThePageIsFull(t *testing.T) {
	page, err := os.ReadFile(oraclesPage)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Clone(scenario.Formats)
	for _, kind := range scenario.Oracles {
		names = append(names, string(kind))
	}
	for _, name := range names {
		if !bytes.Contains(page, []byte("`"+name+"`")) && !bytes.Contains(page, []byte("`"+name+":")) {
			t.Errorf("the page does not name %s", name)
		}
	}
	for kind, meaning := range Kinds {
		if !bytes.Contains(page, []byte("| `"+kind+"` | "+meaning+" |\n")) {
			t.Errorf("the page does not say that %s means: %s", kind, meaning)
		}
	}
}
