package verdict

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// restart expects the target to start again in the folder that the stop left, alone and
// beside what survived, and to become ready in time.
func restart(f facts) outcome {
	switch {
	case f.Expect.Restarts == nil:
		return outcome{unasked: true}
	case len(f.o.Restarts) == 0:
		return outcome{undecided: "nobody started it again in this trial"}
	}
	var out outcome
	var failed []observation.Restart
	for _, r := range f.o.Restarts {
		switch {
		case r.Unknown != "":
			out.undecided = fmt.Sprintf("whether it starts again cannot be said: %s", plain(r.Unknown))
		case !r.Ready || tooSlow(r):
			failed = append(failed, r)
		}
	}
	switch {
	case len(failed) > 0 && f.excusedKill():
		return outcome{undecided: f.excuse}
	case len(failed) > 0:
		out.findings = append(f.restartFindings(failed), f.worseThanKill("restart")...)
	}
	return out
}

// tooSlow says that it became ready later than it might.
func tooSlow(r observation.Restart) bool { return r.Ready && r.Bound > 0 && r.After > r.Bound }

// whyNot is the word for what kept a start.
func whyNot(r observation.Restart) string {
	switch {
	case tooSlow(r):
		return "slow"
	case r.Cause == "":
		return "unknown"
	}
	return plain(r.Cause)
}

// restartFindings is a finding for each cause: one that is the same alone and beside
// survivors is told once.
func (f facts) restartFindings(failed []observation.Restart) []Finding {
	var findings []Finding
	for _, group := range grouped(failed, whyNot) {
		kind := whyNot(group[0])
		var evidence []string
		for _, r := range group {
			evidence = append(evidence, f.restartLines(r)...)
		}
		findings = append(findings, Finding{
			Check: "restart", Kind: kind, Message: f.restartMessage(group[0]),
			Evidence: append([]string{f.struck()}, evidence...), Hint: f.restartHint(group[0]),
		})
	}
	return findings
}

func (f facts) restartMessage(r observation.Restart) string {
	beside := "in the folder that the stop left"
	if r.With == "survivors" {
		beside = "while what survived was still alive"
		if len(f.o.Survivors) > 0 {
			beside = fmt.Sprintf("while %s was still alive", process(f.o.Survivors[0].Command, f.o.Survivors[0].PID))
		}
	}
	if tooSlow(r) {
		return fmt.Sprintf("started again %s, %s became ready after %s; %s allowed, a first start takes %s", beside, f.main, span(r.After), span(r.Bound), span(r.First))
	}
	return fmt.Sprintf("started again %s, %s did not become ready (%s): %s", beside, f.main, whyNot(r), instead(r))
}

// instead is what a start did in place of becoming ready.
func instead(r observation.Restart) string {
	if r.Status == nil {
		return fmt.Sprintf("not within %s", span(max(r.After, r.Bound)))
	}
	status := unix.WaitStatus(*r.Status)
	if status.Exited() {
		return fmt.Sprintf("it left with code %d", status.ExitStatus())
	}
	return fmt.Sprintf("it died of %s", signals.Signal(status.Signal()))
}

// restartLines tell of one start, with the end of what it printed.
func (f facts) restartLines(r observation.Restart) []string {
	with := "alone"
	if r.With != "alone" {
		with = "with " + plain(r.With)
	}
	lines := []string{fmt.Sprintf("start %s: ready %t after %s; a first start takes %s, %s allowed", with, r.Ready, span(r.After), span(r.First), span(r.Bound))}
	printed := r.Output
	if len(printed) > shownFacts {
		printed = printed[len(printed)-shownFacts:]
	}
	for _, line := range printed {
		lines = append(lines, "it printed "+quote(line))
	}
	return lines
}

func (f facts) restartHint(r observation.Restart) string {
	if f.forced() {
		return fmt.Sprintf("%s had to be killed and could not put its folder in order: mend that first", f.main)
	}
	if hint := restartHints[whyNot(r)]; hint != "" {
		return hint
	}
	return "look at what it printed"
}

var restartHints = map[string]string{
	"stale-lock":    "remove the lock in the handler, and let a start take over one whose holder is gone; a lock that the kernel releases with its holder (flock, fcntl) is never stale",
	"stale-pid":     "remove the pid file in the handler, and let a start ask whether the process in it is alive and its own",
	"stale-socket":  "unlink the socket in the handler, and let a start unlink one that nobody answers on before it binds",
	"damaged-state": "write state beside the old one and rename it over that (fsync first), and let a start fall back on the old one",
	"port-in-use":   "stop whatever holds the address before leaving, keep the socket from being inherited (close-on-exec), and bind with SO_REUSEADDR",
	"slow":          "what the stop left has to be mended by the start: finish it in the handler, or give the start the time with restarts: {factor: N, floor: D}",
	"exited":        "look at what it printed: what the stop left keeps it from starting",
}
