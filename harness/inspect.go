package harness

import (
	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// Inspect reads what a live process does with signals and what each of its threads is
// doing. It touches nothing. The error is ESRCH where there is no such process.
func Inspect(pid int) (observation.Process, error) {
	h, err := proc.Open(pid)
	if err != nil {
		return observation.Process{}, err
	}
	defer h.Close()
	return h.Process()
}

// PortInUse lists the TCP sockets, of whatever process, that listen on a port now,
// without their holders: a target that is to be ready by that port cannot be told
// from them.
func PortInUse(port int) []observation.Socket { return proc.Listeners(port) }
