package harness

import (
	"errors"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// compareWithKill makes the same shot again in a folder of its own, with KILL in place of
// the schedule, and sets what is lost beside what the trial lost.
func (w *watch) compareWithKill(shot plan.Shot, o *observation.Observation) error {
	if w.s.Expect.Compare != scenario.CompareKill || o.Failure != nil || o.Strike == nil {
		return nil
	}
	o.Compared = &observation.Compared{Own: lost(*o)}
	if w.s.Target.Workdir != scenario.Fresh {
		o.Compared.Unknown = "the target runs in the current folder; a comparison needs two of its own (workdir: fresh)"
		return nil
	}
	shot.Schedule, shot.Second = onlyKill, nil
	killed, err := w.e.inspected(w.ctx, w.l, w.s, shot, look{}).observe()
	if killed.evidence != nil {
		err = errors.Join(err, killed.evidence.Close())
	}
	if err != nil {
		return err
	}
	noteKilled(o.Compared, killed.Observation)
	return nil
}

func noteKilled(c *observation.Compared, killed observation.Observation) {
	switch {
	case killed.Failure != nil:
		c.Unknown = "with KILL: " + killed.Failure.Message
	case killed.Strike == nil:
		c.Unknown = "KILL did not come at the same point: it was not reached"
	default:
		c.Struck, c.Kill = true, lost(killed)
	}
}

// lost sums up what a trial lost.
func lost(o observation.Observation) (l observation.Lost) {
	if o.Files != nil {
		for _, e := range o.Files.Examined {
			missing := e.Answer == observation.Missing && e.Oracle != string(scenario.Absent)
			if e.Answer == observation.Damaged || missing {
				l.Damaged++
			}
		}
	}
	if a := o.Acknowledged; a != nil {
		l.Records = a.Lost + a.Torn + a.Duplicated
	}
	for _, r := range o.Restarts {
		l.NoRestart = l.NoRestart || r.With == "alone" && !r.Ready && r.Unknown == ""
	}
	return l
}
