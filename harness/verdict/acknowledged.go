package verdict

import (
	"fmt"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// acknowledged expects every record that the target said it had done to be there, once,
// whole and where it belongs. Without a record that is certain nothing was checked.
func acknowledged(f facts) outcome {
	a := f.o.Acknowledged
	switch {
	case f.Expect.Acknowledged == nil:
		return outcome{unasked: true}
	case a == nil:
		return outcome{undecided: "nobody looked for acknowledged records in this trial"}
	case a.Unknown != "":
		return outcome{undecided: "what became of the acknowledged records cannot be said: " + plain(a.Unknown)}
	}
	findings := f.fates(*a)
	switch {
	case len(findings) > 0 && f.excusedKill():
		return outcome{undecided: f.excuse}
	case len(findings) > 0:
		return outcome{findings: append(findings, f.worseThanKill("acknowledged")...)}
	}
	return outcome{unasked: a.Certain == 0}
}

// fate is a way in which records come to harm.
type fate struct {
	kind string
	of   func(observation.Acknowledged) int
	hint string
}

var fates = []fate{
	{"lost", func(a observation.Acknowledged) int { return a.Lost },
		"acknowledge a record only when it is written: flush the buffer before the line that says so (and fsync, where it is to outlive the machine too)"},
	{"duplicated", func(a observation.Acknowledged) int { return a.Duplicated },
		"write a record and the note that it is written in one step, or let a start skip what is there already"},
	{"torn", func(a observation.Acknowledged) int { return a.Torn },
		"write each record and its end with one write, and acknowledge it only then"},
	{"misplaced", func(a observation.Acknowledged) int { return a.Misplaced },
		"write the records in the order in which they are acknowledged: one writer, or a lock around both"},
}

// fates is a finding for each fate that befell a record.
func (f facts) fates(a observation.Acknowledged) []Finding {
	var findings []Finding
	for _, fate := range fates {
		n := fate.of(a)
		if n <= 0 {
			continue
		}
		hint := fate.hint
		if f.forced() {
			hint = fmt.Sprintf("%s had to be killed and could not write them: mend that first", f.main)
		}
		findings = append(findings, Finding{
			Check: "acknowledged", Kind: fate.kind,
			Message:  fmt.Sprintf("%d of %s: %s%s", n, count(a.Certain, "acknowledged record", "acknowledged records"), fate.kind, f.firstOf(a, fate.kind)),
			Evidence: f.recordEvidence(a, fate.kind), Hint: hint,
		})
	}
	return findings
}

// firstOf tells of the first record with a fate: `, the first is "17": TERM came 3 ms
// after its acknowledgement`.
func (f facts) firstOf(a observation.Acknowledged, kind string) string {
	for _, r := range a.First {
		if r.Fate == kind {
			return fmt.Sprintf(", the first is %s: %s", quote(r.ID), f.beside(r))
		}
	}
	return ""
}

// beside says when the signal came, beside the record's acknowledgement.
func (f facts) beside(r observation.Record) string {
	if since := f.o.Strike.Actual - r.At; since >= 0 {
		return fmt.Sprintf("%s came %s after its acknowledgement", f.first(), span(since))
	}
	return fmt.Sprintf("it was acknowledged %s after %s", span(r.At-f.o.Strike.Actual), f.first())
}

func (f facts) recordEvidence(a observation.Acknowledged, kind string) []string {
	var records []string
	for _, r := range a.First {
		if r.Fate != kind {
			continue
		}
		line := fmt.Sprintf("%s, %s", quote(r.ID), f.beside(r))
		if r.Where != "" {
			line += ": " + plain(r.Where)
		}
		records = append(records, line)
	}
	counted := fmt.Sprintf("%s acknowledged, %d of them for certain and the others in flight, %d found", count(a.Said, "record", "records"), a.Certain, a.Found)
	return append([]string{counted, f.struck()}, bounded(records)...)
}
