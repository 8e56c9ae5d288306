package verdict

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Watched lists the regular expressions (RE2) that have to be counted over all lines
// of a trial for its output to be judged, in the order contains, matches, lacks and
// each once: a text is quoted. [observation.Output.Seen] must have an entry for each,
// also for one that no line matched; Judge calls a pattern without one undecided.
func Watched(e scenario.Expect) []string {
	var patterns []string
	for _, w := range wanted(e) {
		if !slices.Contains(patterns, w.pattern) {
			patterns = append(patterns, w.pattern)
		}
	}
	return patterns
}

// wish is one expectation of a line.
type wish struct {
	pattern string
	shown   string // as the scenario writes it
	lacks   bool
}

func wanted(e scenario.Expect) []wish {
	if e.Output == nil {
		return nil
	}
	var wishes []wish
	if text := e.Output.Contains; text != "" {
		wishes = append(wishes, wish{pattern: regexp.QuoteMeta(text), shown: quote(text)})
	}
	if re := e.Output.Matches; re != nil {
		wishes = append(wishes, wish{pattern: re.String(), shown: "/" + plain(re.String()) + "/"})
	}
	if re := e.Output.Lacks; re != nil {
		wishes = append(wishes, wish{pattern: re.String(), shown: "/" + plain(re.String()) + "/", lacks: true})
	}
	return wishes
}

// output expects lines that must be there, and none that must not.
func output(f facts) outcome {
	wishes := wanted(f.Expect)
	out := outcome{unasked: len(wishes) == 0}
	for _, w := range wishes {
		seen, watched := f.seen(w.pattern)
		switch {
		case !watched:
			out.undecided = fmt.Sprintf("nobody watched for a line with %s in this trial", w.shown)
		case w.lacks && seen.Count > 0:
			out.findings = append(out.findings, f.forbidden(w, seen))
		case !w.lacks && seen.Count == 0 && f.excusedKill():
			out.undecided = f.excuse
		case !w.lacks && seen.Count == 0:
			out.findings = append(out.findings, f.missing(w))
		}
	}
	return out
}

func (f facts) seen(pattern string) (observation.Seen, bool) {
	for _, s := range f.o.Output.Seen {
		if s.Pattern == pattern {
			return s, true
		}
	}
	return observation.Seen{}, false
}

func (f facts) forbidden(w wish, seen observation.Seen) Finding {
	return Finding{
		Check:   "output",
		Kind:    "forbidden",
		Message: fmt.Sprintf("%s matched %s, which none may: %s", count(seen.Count, "line", "lines"), w.shown, quote(seen.Line)),
		Evidence: append(f.printed(),
			fmt.Sprintf("first match %s after launch, last match %s after launch", span(seen.First), span(seen.Last))),
	}
}

func (f facts) missing(w wish) Finding {
	verb := "matched"
	if w.shown[0] == '"' {
		verb = "contained"
	}
	finding := Finding{
		Check:    "output",
		Kind:     "missing",
		Message:  fmt.Sprintf("no line that %s printed %s %s", f.main, verb, w.shown),
		Evidence: f.printed(),
		Hint:     "print it, and flush it before the exit: what is left in a buffer when a program dies or calls _exit is lost",
	}
	if f.killed() {
		finding.Hint = "it was killed before it could print it: mend that first"
	}
	return finding
}

// printed counts what was printed, and shows the last line before the strike.
func (f facts) printed() []string {
	out := f.o.Output
	lines := []string{fmt.Sprintf("printed %s on standard output and %s on standard error",
		count(int(out.Stdout.Lines), "line", "lines"), count(int(out.Stderr.Lines), "line", "lines"))}
	if out.Last != "" {
		lines = append(lines, "last line before the signal: "+quote(out.Last))
	}
	return lines
}
