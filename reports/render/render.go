// Package render shows the summary of a run: each format is a function to an
// io.Writer, in a file of its own, and a line in [Formats].
//
// Whatever a target printed is shown through [Escape].
package render

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/reports"
)

// Report is what is shown.
type Report struct {
	Summary reports.Summary
	Info    reports.RunInfo
	// Finished says how the run ended; nil while it goes on and when it was killed.
	Finished *reports.Finished
	// Store is the folder that the run is kept in. Empty: not kept, and nothing is
	// said about it.
	Store string
	// Run is how a command line names the run. Default: its ID, which is found in the
	// default store; for another store give the folder.
	Run string
	// Trials gives what is kept of each trial, for the formats of [NeedsTrials]. nil:
	// they show what the summary has.
	Trials func() (*Gathered, error)
	// Printed gives what the target of a trial printed, empty where that was not kept.
	// nil: it was not kept of any trial.
	Printed func(scenario string, trial int) (stdout, stderr string, err error)
}

// Style says how text for a person looks. Other formats do not heed it.
type Style struct {
	// Color marks verdicts with ANSI colours.
	Color bool
	// Width is the terminal's, in columns; 0 when it is not known.
	Width int
}

// Format writes a report. Its error is the writer's, or that of reading the trials.
type Format func(io.Writer, Report, Style) error

// Formats are all of them, by the name that --format takes.
var Formats = map[string]Format{
	"annotations": Annotations,
	"ctrf":        CTRF,
	"html":        HTML,
	"json":        JSON,
	"junit":       JUnit,
	"markdown":    Markdown,
	"tap":         TAP,
	"text":        Text,
}

// NeedsTrials says that a format shows single trials, and not only their summary.
func NeedsTrials(format string) bool { return format == "html" }

// replay is the line to paste that repeats a trial.
func (r Report) replay(scenario string, trial int) string {
	run := r.Run
	if run == "" {
		run = r.Info.ID
	}
	name := strconv.Itoa(trial)
	if len(r.Summary.Scenarios) > 1 {
		name = scenario + "/" + name
	}
	return Escape("sigprobe replay " + quoted(run) + " " + quoted(name))
}

// quoted is a word for a POSIX shell.
func quoted(word string) string {
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@%"

// counted is "1 trial", "3 trials".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
