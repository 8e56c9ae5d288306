package verdict

import (
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// ports expects no socket that the tree listened on to be held after the settling time.
func ports(f facts) outcome {
	held := f.o.StillListening
	switch {
	case f.Expect.Ports != scenario.None:
		return outcome{unasked: true}
	case f.treeKilled():
		return outcome{undecided: treeKilled}
	case len(held) == 0:
		return outcome{}
	case f.excusedKill():
		return outcome{undecided: f.excuse}
	}
	message := fmt.Sprintf("%s is still held by %s %s after %s had ended", socket(held[0]), f.holder(held[0].PID), span(f.settle()), f.main)
	if more := len(held) - 1; more > 0 {
		message += ", and " + count(more, "other socket", "other sockets")
	}
	var evidence []string
	for _, s := range held {
		evidence = append(evidence, fmt.Sprintf("%s, held by %s", socket(s), f.holder(s.PID)))
	}
	return outcome{findings: []Finding{{
		Check: "ports", Kind: "still-listening", Message: message, Evidence: bounded(evidence),
		Hint: "the next start will find the address in use: stop the holder, or keep the socket from being inherited (close-on-exec)",
	}}}
}

// holder names the process with the given PID by what else is known of it.
func (f facts) holder(pid int) string {
	if pid == 0 {
		return "an unknown process"
	}
	for _, s := range f.o.Survivors {
		if s.PID == pid {
			return process(s.Command, pid)
		}
	}
	return process("", pid)
}

func socket(s observation.Socket) string { return plain(s.Network) + " " + plain(s.Address) }

func sockets(all []observation.Socket) string {
	var names []string
	for _, s := range all {
		names = append(names, socket(s))
	}
	return strings.Join(bounded(names), ", ")
}
