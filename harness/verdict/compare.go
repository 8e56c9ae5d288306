package verdict

import (
	"fmt"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// worseThanKill holds what a stop lost against what KILL lost at the same point, in terms
// of one check; a check that found no loss need not ask. Where KILL did not come at the
// same point nothing is said: the loss itself is a finding already.
func (f facts) worseThanKill(check string) []Finding {
	c := f.o.Compared
	if f.Expect.Compare != scenario.CompareKill || c == nil || c.Unknown != "" || !c.Struck {
		return nil
	}
	own, kill := losses(c.Own, check), losses(c.Kill, check)
	if own.n <= kill.n {
		return nil
	}
	return []Finding{{
		Check: check, Kind: "worse-than-kill",
		Message:  fmt.Sprintf("the stop by %s lost more than KILL at the same point: %s, after KILL %s", f.first(), own.text, kill.text),
		Evidence: []string{f.struck()},
		Hint:     "what the handler does makes it worse: with nothing done at all less is lost; look at what it writes, cuts and removes",
	}}
}

// loss is what was lost in terms of one check.
type loss struct {
	n    int
	text string
}

func losses(l observation.Lost, check string) loss {
	switch check {
	case "files":
		return loss{l.Damaged, count(l.Damaged, "file damaged", "files damaged")}
	case "acknowledged":
		return loss{l.Records, count(l.Records, "record lost", "records lost")}
	}
	if l.NoRestart {
		return loss{1, "no further start"}
	}
	return loss{0, "it started again"}
}
