package verdict

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// longDead is how long a child must have been dead and unreaped to be a finding: a
// parent that is just about to wait for it is not at fault.
const longDead = 250 * time.Millisecond

// survivors expects no descendant to be alive after the settling time, and no child
// to have been left unreaped. Descendants that left by themselves are no finding.
func survivors(f facts) outcome {
	if f.Expect.Survivors != scenario.None {
		return outcome{unasked: true}
	}
	var out outcome
	if f.treeKilled() {
		out.undecided = treeKilled
	} else if len(f.o.Survivors) > 0 && f.excusedKill() {
		out.undecided = f.excuse
	} else {
		out.findings = f.alive()
	}
	if dead := f.unreaped(); len(dead) > 0 {
		out.findings = append(out.findings, f.unreapedFinding(dead))
	}
	return out
}

// alive is a finding for the orphans and one for those in a session of their own.
func (f facts) alive() []Finding {
	var orphans, away []observation.Survivor
	for _, s := range f.o.Survivors {
		if s.OwnSession {
			away = append(away, s)
		} else {
			orphans = append(orphans, s)
		}
	}
	var findings []Finding
	if len(orphans) > 0 {
		findings = append(findings, f.aliveFinding("orphan", orphans, f.orphanHint(orphans[0])))
	}
	if len(away) > 0 {
		findings = append(findings, f.aliveFinding("own-session", away,
			"setsid'ed away: group and session signals cannot reach it; remember its PID and stop it in the handler"))
	}
	return findings
}

func (f facts) aliveFinding(kind string, alive []observation.Survivor, hint string) Finding {
	first := alive[0]
	message := fmt.Sprintf("%s was still alive %s after %s had ended", lineage(first), span(f.settle()), f.main)
	if more := len(alive) - 1; more > 0 {
		message += ", and " + count(more, "other process", "other processes")
	}
	var evidence []string
	for _, s := range alive {
		evidence = append(evidence, f.describe(s))
	}
	return Finding{Check: "survivors", Kind: kind, Message: message, Evidence: bounded(evidence), Hint: hint}
}

// lineage names a survivor and its parents: "sleep (42), child of sh (41), child of make (40)".
func lineage(s observation.Survivor) string {
	names := []string{process(s.Command, s.PID)}
	for i, parent := range s.Lineage {
		if i == shownFacts {
			names = append(names, "…")
			break
		}
		names = append(names, process(parent.Command, parent.PID))
	}
	return strings.Join(names, ", child of ")
}

// tick is the unit of start times in /proc/PID/stat (USER_HZ is 100 on every Linux).
const tick = 10 * time.Millisecond

// describe says all that is known of a survivor in one line.
func (f facts) describe(s observation.Survivor) string {
	facts := []string{lineage(s), busy(s.State, "", "")}
	add := func(known bool, format string, args ...any) {
		if known {
			facts = append(facts, fmt.Sprintf(format, args...))
		}
	}
	add(s.CommandLine != "", "command line %s", quote(s.CommandLine))
	if ticks := s.StartTicks - f.o.Process.StartTicks; s.StartTicks >= f.o.Process.StartTicks && f.o.Process.StartTicks > 0 {
		add(true, "started %s after %s", span(time.Duration(ticks)*tick), f.main)
	}
	add(s.User != "", "user %s", plain(s.User))
	add(s.Memory > 0, "memory %s", size(s.Memory))
	add(len(s.Sockets) > 0, "listens on %s", sockets(s.Sockets))
	add(s.HoldsOutput, "holds the target's output open")
	add(s.OwnSession, "session %d of its own", s.Session)
	add(s.Disposition != observation.Unknown, "stop signal: %s", plain(string(s.Disposition)))
	add(!s.Killed, "sigprobe did not see it die of KILL")
	return strings.Join(facts, "; ")
}

func (f facts) orphanHint(s observation.Survivor) string {
	asked := f.first()
	switch {
	case f.killed():
		return fmt.Sprintf("%s had to be killed and could not stop its children: mend that first", f.main)
	case f.isShell():
		verb := "ended"
		if f.ending.Kind == observation.DefaultAction || f.ending.Kind == observation.ReRaised {
			verb = "died"
		}
		return fmt.Sprintf("%s %s without forwarding %s to its child %s: start the program with exec, or trap and forward", f.main, verb, asked, plain(f.childOfMain(s)))
	case f.Stop.To == signals.ToProcess:
		return fmt.Sprintf("%s went to %s alone: let its handler stop the children and wait for them, or send to the group: --to group", asked, f.main)
	case s.Disposition == observation.Ignored || s.Disposition == observation.Blocked:
		return fmt.Sprintf("it has %s %s: let %s stop it in another way and wait for it", s.Disposition, asked, f.main)
	}
	return fmt.Sprintf("let %s wait for its children before it leaves, and kill those that do not leave", f.main)
}

// childOfMain is the name of the survivor's ancestor that the main process started;
// its own where the lineage does not tell.
func (f facts) childOfMain(s observation.Survivor) string {
	chain := slices.Concat([]observation.Member{s.Member}, s.Lineage)
	for _, m := range chain {
		if m.Parent == f.o.Process.PID && m.Command != "" {
			return m.Command
		}
	}
	return s.Command
}

func (f facts) unreaped() []observation.Unreaped {
	var dead []observation.Unreaped
	for _, u := range f.o.Unreaped {
		if u.For >= longDead {
			dead = append(dead, u)
		}
	}
	return dead
}

func (f facts) unreapedFinding(dead []observation.Unreaped) Finding {
	var evidence []string
	for _, u := range dead {
		evidence = append(evidence, fmt.Sprintf("%s, child of process %d, dead for at least %s", process(u.Command, u.PID), u.Parent, span(u.For)))
	}
	message := fmt.Sprintf("%s was dead for at least %s and had not been waited for when %s ended", process(dead[0].Command, dead[0].PID), span(dead[0].For), f.main)
	if more := len(dead) - 1; more > 0 {
		message += ", and so was " + count(more, "other child", "other children")
	}
	return Finding{Check: "survivors", Kind: "unreaped", Message: message, Evidence: bounded(evidence),
		Hint: "call waitpid for ended children: on SIGCHLD, or once in a while with WNOHANG"}
}
