package harness

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// durable are the calls that a warning about a missing fsync is made of.
const durable scenario.Calls = "open,rename,fsync"

// maxWarnings bounds how many warnings a reference run gives.
const maxWarnings = 10

// unsynced warns of every rename of a file that the target had opened in this run and had
// not asked the kernel to write to the disk before: after a loss of power the new name can
// stand for an empty file (rename(2), fsync(2)). A killed process loses nothing of what
// it gave to the kernel, so no stop can ever show this.
func unsynced(trace []observation.Call) (warnings []string) {
	opened, synced := map[string]bool{}, map[string]bool{}
	for _, call := range trace {
		switch {
		case call.Name == "syncfs":
			for path := range opened {
				synced[path] = true
			}
		case len(call.Files) == 0:
		case strings.HasPrefix(call.Name, "rename") && len(call.Files) == 2:
			from, to := call.Files[0], call.Files[1]
			if warning := fmt.Sprintf("%s was renamed to %s without an fsync before: safe against signals, not against power loss", from, to); opened[from] && !synced[from] && !slices.Contains(warnings, warning) && len(warnings) < maxWarnings {
				warnings = append(warnings, warning)
			}
			opened[to], synced[to] = opened[from], synced[from]
			delete(opened, from)
			delete(synced, from)
		case strings.Contains(call.Name, "sync") && call.Name != "sync_file_range":
			synced[call.Files[0]] = true
		case strings.HasPrefix(call.Name, "open") || call.Name == "creat":
			opened[call.Files[0]] = true
			delete(synced, call.Files[0]) // it may be written to again
		}
	}
	return warnings
}
