package verdict

import (
	"maps"
	"slices"
)

// kinds are the words by which findings are divided, by check. What they mean, and how to
// mend it, is told by package explain.
var kinds = map[string][]string{
	"exit": {"clean", "code", "signal-code", "re-raised", "default-action", "crashed", "killed"},
	"deadline": {"late", "latency-budget", "ignored", "blocked", "stopped", "uninterruptible", "unhandled", "undelivered",
		"deferred", "no-reaction"},
	"survivors": {"orphan", "own-session", "unreaped"},
	"output":    {"missing", "forbidden"},
	"files": {"missing", "created", "left", "empty", "truncated", "zero-filled", "torn", "trailing-garbage", "not-a-prefix",
		"changed", "malformed", "command", "damaged", "worse-than-kill"},
	"acknowledged": {"lost", "duplicated", "torn", "misplaced", "worse-than-kill"},
	"litter":       {"temporary", "lock", "pid", "socket", "fifo", "shared-memory", "semaphore", "message-queue", "unknown"},
	"ports":        {"still-listening"},
	"restart": {"stale-lock", "stale-pid", "stale-socket", "port-in-use", "damaged-state", "slow", "exited", "unknown",
		"worse-than-kill"},
	"drain": {},
}

// Kinds lists the kinds of findings that each check can have; drain has none for now. A
// record of another version of sigprobe may have others.
func Kinds() map[string][]string {
	all := maps.Clone(kinds)
	for check := range all {
		all[check] = slices.Clone(all[check])
	}
	return all
}
