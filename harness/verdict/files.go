package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// files expects every file to be what the scenario's oracles ask for. Where none of them
// had a file to look at, nothing was checked.
func files(f facts) outcome {
	switch {
	case len(f.Expect.Files) == 0:
		return outcome{unasked: true}
	case f.o.Files == nil:
		return outcome{undecided: "nobody looked at the files of this trial"}
	}
	var said answers
	for _, file := range f.Expect.Files {
		for _, oracle := range file.Is {
			said.add(f, file.Path, oracle)
		}
	}
	switch {
	case len(said.bad) > 0 && f.excusedKill():
		return outcome{undecided: f.excuse}
	case len(said.bad) > 0:
		return outcome{findings: append(f.damages(said.bad), f.worseThanKill("files")...), undecided: said.undecided}
	}
	return outcome{unasked: said.good == 0 && said.undecided == "", undecided: said.undecided}
}

// answers are what the oracles said, sorted by what follows.
type answers struct {
	good int // files that are as they should be
	bad  []observation.Examined
	// undecided says why one could not answer, or that none was asked.
	undecided string
}

// add sorts the answers of one oracle about the files of one pattern.
func (a *answers) add(f facts, pattern string, o scenario.Oracle) {
	asked := false
	for _, e := range f.o.Files.Examined {
		if e.Oracle != o.String() || !isAbout(e, pattern) {
			continue
		}
		asked = true
		switch {
		case a.has(e):
		case e.Answer == observation.Whole, e.Answer == observation.Missing && o.Kind == scenario.Absent:
			a.good++
		case e.Answer == observation.Damaged, e.Answer == observation.Missing && f.mustBeThere(pattern, o.Kind):
			a.bad = append(a.bad, e)
		case e.Answer != observation.Missing:
			a.undecided = fmt.Sprintf("whether %s is %s cannot be said: %s", plain(e.Path), plain(e.Oracle), reason(e.Message))
		}
	}
	if !asked {
		a.undecided = fmt.Sprintf("nobody looked in this trial whether %s is %s", plain(pattern), plain(o.String()))
	}
}

// has says that the answer is there already: a file may fit more than one pattern.
func (a *answers) has(e observation.Examined) bool {
	return slices.ContainsFunc(a.bad, func(other observation.Examined) bool { return other.Path == e.Path && other.Oracle == e.Oracle })
}

// isAbout says whether an answer is about the pattern itself or a file that fits it.
func isAbout(e observation.Examined, pattern string) bool {
	return e.Path == pattern || doublestar.MatchUnvalidated(pattern, observation.UnescapePath(e.Path))
}

func reason(message string) string {
	if message == "" {
		return "the oracle gave no reason"
	}
	return plain(message)
}

// mustBeThere says whether a file that is missing is a violation. Formats and commands
// say what a file is if there is one: what was not written yet, or is removed unfinished,
// is no damage. A file that was there before the launch and is gone is. The other oracles
// call a file missing only where it should be there.
func (f facts) mustBeThere(pattern string, kind scenario.OracleKind) bool {
	if kind != scenario.Format && kind != scenario.Command {
		return true
	}
	for _, c := range f.o.Files.Work {
		if c.Before != nil && observation.UnescapePath(c.Path) == pattern {
			return true
		}
	}
	return false
}

// damages is a finding for each kind of damage.
func (f facts) damages(bad []observation.Examined) []Finding {
	var findings []Finding
	for _, group := range grouped(bad, kindOf) {
		message := damage(group[0])
		if more := len(group) - 1; more > 0 {
			message += ", and " + count(more, "other answer like it", "other answers like it")
		}
		findings = append(findings, Finding{
			Check: "files", Kind: kindOf(group[0]), Message: message,
			Evidence: f.damageEvidence(group), Hint: f.damageHint(group[0]),
		})
	}
	return findings
}

// grouped divides a list by a word of its items, in the order in which the words come.
func grouped[T any](list []T, word func(T) string) [][]T {
	var groups [][]T
	at := map[string]int{}
	for _, item := range list {
		i, known := at[word(item)]
		if !known {
			i, at[word(item)] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}

// kindOf is the word for what is wrong with a file.
func kindOf(e observation.Examined) string {
	switch {
	case e.Answer == observation.Missing:
		return "missing"
	case e.Kind == "":
		return "damaged"
	}
	return plain(e.Kind)
}

// damage says what is wrong with one file, and where:
// "out.json is not format:json (truncated): it ends within a text, line 3, byte 40113; it has 40113 bytes, 52000 expected".
func damage(e observation.Examined) string {
	text := fmt.Sprintf("%s is not %s (%s)", plain(e.Path), plain(e.Oracle), kindOf(e))
	if e.Message != "" {
		text += ": " + plain(e.Message)
	}
	if e.Line > 0 {
		text += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Offset != nil {
		text += fmt.Sprintf(", byte %d", *e.Offset)
	}
	if e.Answer == observation.Missing {
		return text
	}
	text += fmt.Sprintf("; it has %d bytes", e.Size)
	if e.Expected != nil {
		text += fmt.Sprintf(", %d expected", *e.Expected)
	}
	return text
}

// damageEvidence shows the place in the first file, what the target was doing with the
// files when it was struck, and the other files.
func (f facts) damageEvidence(group []observation.Examined) []string {
	var lines []string
	if group[0].Excerpt != "" {
		for line := range strings.SplitSeq(strings.TrimSuffix(group[0].Excerpt, "\n"), "\n") {
			lines = append(lines, plain(line))
		}
	}
	lines = append(bounded(lines), f.struck())
	lines = append(lines, f.openAs(group[0].Path)...)
	var others []string
	for _, e := range group[1:] {
		others = append(others, damage(e))
	}
	return append(lines, bounded(others)...)
}

// openAs tells how the target held a file open when it was struck, a descriptor a line.
func (f facts) openAs(path string) []string {
	if f.o.Strike.Doing == nil {
		return nil
	}
	var lines []string
	for _, open := range f.o.Strike.Doing.Files {
		if isSameFile(open.Path, path) {
			lines = append(lines, fmt.Sprintf("open when struck: descriptor %d of %s, mode %s, at byte %d of %d",
				open.FD, f.main, plain(open.Mode), open.Offset, open.Size))
		}
	}
	return bounded(lines)
}

// isSameFile says whether the link of a descriptor leads to a path, which is relative to
// a work folder that is not known any more. The kernel adds a word to the link of a file
// that was removed (proc_pid_fd(5)).
func isSameFile(link, path string) bool {
	link = strings.TrimSuffix(link, " (deleted)")
	return link == path || strings.HasSuffix(link, "/"+path)
}

func (f facts) damageHint(e observation.Examined) string {
	word, _, _ := strings.Cut(e.Oracle, ":")
	oracle, kind := scenario.OracleKind(word), kindOf(e)
	switch {
	case f.forced():
		return fmt.Sprintf("%s had to be killed and could not finish the file: mend that first", f.main)
	case oracle == scenario.Absent, kind == "created" && oracle != scenario.Unchanged:
		return "remove it in the handler, or where a start finds it; a lock that the kernel releases with its holder (flock, fcntl) needs no removing"
	case oracle == scenario.AppendOnly && kind == "torn":
		return "write each record and its end with one write, and let the handler finish the record at hand before the exit"
	case oracle == scenario.AppendOnly:
		return "open it with O_APPEND and without O_TRUNC, and never write into what is there"
	case oracle == scenario.Unchanged:
		return "nothing was to write there: write into a copy, or open it for reading alone"
	case oracle == scenario.Command:
		return "what the command printed stands in the evidence"
	case kind == "missing":
		return "it was removed, or never written: write the new file beside the old one and rename it over that, without removing the old one first"
	case oracle == scenario.Resumable:
		return "record how far the work came only when it is written (fsync first), and let a start cut off what lies behind that"
	}
	hint := "write to a temporary file beside it, fsync it, and rename it over the old one: wherever the signal lands the file is then the old or the new one"
	if kind == "zero-filled" {
		return "its length was set before its content was written (ftruncate, a hole, mmap): " + hint
	}
	return hint
}
