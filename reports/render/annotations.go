package render

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// shownAnnotations is how many errors, and how many warnings, GitHub shows of one step.
const shownAnnotations = 10

// Annotations writes workflow commands that GitHub Actions shows beside the run, and in a
// scenario file where all scenarios are of one: an error for each kind of finding and for
// what the harness could not do, a warning for what proved nothing. At most ten of each are
// written, as GitHub would drop the others without a word; the last one counts the rest.
func Annotations(w io.Writer, r Report, _ Style) error {
	var errors, warnings []annotation
	for _, c := range worstFirst(r.Summary.Scenarios) {
		for _, f := range c.Findings {
			errors = append(errors, r.found(c, f))
		}
		for _, u := range c.Unproven {
			if u.Verdict == verdict.Error {
				errors = append(errors, r.unproven(c, u))
			} else if c.Verdict == verdict.Inconclusive {
				warnings = append(warnings, r.unproven(c, u))
			}
		}
		if c.Verdict == verdict.Inconclusive && len(c.Unproven) == 0 {
			warnings = append(warnings, annotation{title: c.Name + ": inconclusive", lines: []string{c.Reason}})
		}
	}
	if note := r.unfinished(); note != "" {
		warnings = append([]annotation{{title: "not complete", lines: []string{note}}}, warnings...)
	}
	var b strings.Builder
	write(&b, "error", r.file(), errors)
	write(&b, "warning", r.file(), warnings)
	_, err := io.WriteString(w, b.String())
	return err
}

// annotation is a title and lines below it, of any origin.
type annotation struct {
	title string
	lines []string
}

func (r Report) found(c reports.Campaign, f reports.Findings) annotation {
	lines := []string{fmt.Sprintf("%s in %d of %s", f.Message, f.Count, counted(made(c), "trial"))}
	if f.Hint != "" {
		lines = append(lines, "hint: "+f.Hint)
	}
	return annotation{c.Name + ": " + f.Check + "/" + f.Kind, append(lines, "repeat it: "+r.replay(c.Name, f.Example()))}
}

func (r Report) unproven(c reports.Campaign, u reports.Unproven) annotation {
	lines := []string{fmt.Sprintf("%s in %d of %s", u.Reason, u.Count, counted(made(c), "trial"))}
	if u.Remedy != "" {
		lines = append(lines, "remedy: "+u.Remedy)
	}
	return annotation{c.Name + ": " + string(u.Verdict), lines}
}

// file is the scenario file, where there is one, by a path that stays in the checkout.
func (r Report) file() string {
	if len(r.Info.Files) != 1 || !filepath.IsLocal(r.Info.Files[0].Path) {
		return ""
	}
	return r.Info.Files[0].Path
}

// write writes as many annotations as are shown.
func write(b *strings.Builder, command, file string, all []annotation) {
	if rest := len(all) - shownAnnotations; rest > 0 {
		more := annotation{"and more", []string{fmt.Sprintf("%d more are in the report", rest+1)}}
		all = append(all[:shownAnnotations-1:shownAnnotations-1], more)
	}
	for _, a := range all {
		var lines []string
		for _, line := range a.lines {
			lines = append(lines, clip(Escape(line)))
		}
		properties := "title=" + property("sigprobe: "+clip(Escape(a.title)))
		if file != "" {
			properties = "file=" + property(Escape(file)) + "," + properties
		}
		fmt.Fprintf(b, "::%s %s::%s\n", command, properties, message(strings.Join(lines, "\n")))
	}
}

// message is a text behind a workflow command; property one within it. What the runner
// reads as the end of it is escaped as it expects (actions/toolkit, command.ts).
func message(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(message(text))
}
