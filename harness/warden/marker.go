package warden

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
)

// markerName is an environment variable that every target gets: which warden it
// belongs to. It is for the one case in which nothing better is left, the death of a
// warden that had no cgroup; a process that cleared its environment is not found by it.
const markerName = "SIGPROBE_WARDEN"

// marker is the variable's value: PID and start time, which no other warden has.
func marker(id observation.Identity) string { return fmt.Sprintf("%d-%d", id.PID, id.StartTicks) }

// killMarked kills every process that bears the marker, until none is left. One that
// does not die of KILL, in an uninterruptible system call for instance, ends that.
func killMarked(marker string) {
	for deadline := time.Now().Add(killBound); time.Now().Before(deadline); {
		members := marked(marker)
		if len(members) == 0 {
			return
		}
		for _, member := range members {
			kill(member)
		}
		time.Sleep(time.Millisecond)
	}
}

// marked lists the living processes whose environment at their start had the marker.
func marked(marker string) []observation.Member {
	entry := []byte(markerName + "=" + marker)
	var members []observation.Member
	entries, _ := os.ReadDir("/proc") //nolint:errcheck // without /proc nobody is found
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err != nil || !hasEntry(environ, entry) {
			continue
		}
		if member, err := proc.ReadMember(pid); err == nil && member.State != "Z" {
			members = append(members, member)
		}
	}
	return members
}

func hasEntry(environ, entry []byte) bool {
	for e := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(e, entry) {
			return true
		}
	}
	return false
}
