package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// litter expects nothing to be left that programs make for the time of their work only.
// What the observation calls litter was made in the trial; everything that was made in
// TMPDIR is.
func litter(f facts) outcome {
	switch {
	case f.Expect.Litter == nil:
		return outcome{unasked: true}
	case f.o.Files == nil:
		return outcome{undecided: "nobody looked for litter in this trial"}
	}
	left := slices.DeleteFunc(f.left(), func(l leftover) bool { return f.allowed(l.path) })
	switch {
	case len(left) > 0 && f.excusedKill():
		return outcome{undecided: f.excuse}
	case len(left) == 0 && f.o.Files.Cut > 0:
		return outcome{undecided: fmt.Sprintf("more was changed than is kept, by %d: what is left cannot be told", f.o.Files.Cut)}
	}
	var findings []Finding
	for _, group := range grouped(left, func(l leftover) string { return l.kind }) {
		findings = append(findings, f.leftFinding(group))
	}
	return outcome{findings: findings}
}

// leftover is one thing that is left.
type leftover struct {
	kind string
	path string // as a pattern of the scenario would name it
	told string // what else is known of it
}

// left lists what is left, allowed or not.
func (f facts) left() []leftover {
	var all []leftover
	for _, c := range f.o.Files.Work {
		if made(c) && c.Litter != "" && !f.isJournal(c.Path) {
			all = append(all, leftover{c.Litter, observation.UnescapePath(c.Path), entry(*c.After)})
		}
	}
	for _, c := range f.o.Files.Temp {
		if made(c) && c.Path != "." && !holdsListed(c, f.o.Files.Temp) {
			all = append(all, leftover{orTemporary(c.Litter), "$TMPDIR/" + observation.UnescapePath(c.Path), entry(*c.After)})
		}
	}
	for _, s := range f.o.Files.Shared {
		all = append(all, sharedLeftover(s))
	}
	return all
}

func made(c observation.Change) bool { return c.Before == nil && c.After != nil }

func orTemporary(word string) string {
	if word == "" {
		return "temporary"
	}
	return word
}

// holdsListed says that a folder has something in it that is told by itself.
func holdsListed(c observation.Change, all []observation.Change) bool {
	return c.After.Type == "folder" && slices.ContainsFunc(all, func(other observation.Change) bool {
		return strings.HasPrefix(other.Path, c.Path+"/")
	})
}

// journals end the names of what SQLite keeps beside a database; the next start reads
// them, and without them work is lost.
var journals = []string{"-wal", "-shm", "-journal"}

// isJournal says that a file belongs to a database. Only one that was removed has none.
func (f facts) isJournal(path string) bool {
	for _, ending := range journals {
		if database, is := strings.CutSuffix(path, ending); is {
			return !slices.ContainsFunc(f.o.Files.Work, func(c observation.Change) bool { return c.Path == database && c.After == nil })
		}
	}
	return false
}

func entry(e observation.Entry) string {
	if e.Type != "file" {
		return plain(e.Type)
	}
	return fmt.Sprintf("file of %d bytes", e.Size)
}

// sharedKinds says what the objects of shared memory and their like are called in findings.
var sharedKinds = map[string]string{
	"shm": "shared-memory", "sysv-shm": "shared-memory", "semaphore": "semaphore", "sysv-sem": "semaphore", "sysv-msg": "message-queue",
}

func sharedLeftover(s observation.SharedObject) leftover {
	l := leftover{kind: sharedKinds[s.Kind], path: s.Kind + ":" + s.Name, told: size(uint64(max(s.Bytes, 0)))}
	if l.kind == "" {
		l.kind = s.Kind
	}
	if s.Kind == "shm" || s.Kind == "semaphore" {
		l.path = "/dev/shm/" + observation.UnescapePath(s.Name)
	}
	if s.Maker != 0 {
		l.told += fmt.Sprintf(", made by process %d", s.Maker)
	}
	return l
}

// allowed says whether the scenario lets a path be left.
func (f facts) allowed(path string) bool {
	return slices.ContainsFunc(f.Expect.Litter.Allow, func(pattern string) bool {
		return pattern == path || doublestar.MatchUnvalidated(pattern, path)
	})
}

func (f facts) leftFinding(group []leftover) Finding {
	kind := plain(group[0].kind)
	if kind == "" {
		kind = "unknown"
	}
	message := fmt.Sprintf("%s is left (%s, %s) %s after %s had ended", plain(group[0].path), kind, group[0].told, span(f.settle()), f.main)
	if more := len(group) - 1; more > 0 {
		message += ", and " + count(more, "other of its kind", "others of its kind")
	}
	var evidence []string
	for _, l := range group {
		evidence = append(evidence, fmt.Sprintf("%s: %s", plain(l.path), l.told))
	}
	return Finding{Check: "litter", Kind: kind, Message: message, Evidence: append([]string{f.struck()}, bounded(evidence)...), Hint: f.leftHint(kind)}
}

func (f facts) leftHint(kind string) string {
	switch {
	case f.forced():
		return fmt.Sprintf("%s had to be killed and could not remove it: mend that first", f.main)
	case len(f.o.Survivors) > 0:
		return fmt.Sprintf("%s is still alive, and it may be its own: let that stop first", process(f.o.Survivors[0].Command, f.o.Survivors[0].PID))
	}
	if hint := leftHints[kind]; hint != "" {
		return hint + allowHint
	}
	return "remove it in the handler" + allowHint
}

const allowHint = "; where it is meant to stay: --allow-litter PATTERN"

var leftHints = map[string]string{
	"temporary":     "remove it in the handler, or open it with O_TMPFILE, or unlink it right after it was opened: then nothing is left of it, however the program ends",
	"lock":          "remove it in the handler; a lock that the kernel releases with its holder (flock, fcntl) needs no file to vanish",
	"pid":           "remove it in the handler; until then the number in it may be given to another process",
	"socket":        "unlink the socket's path in the handler, or before the next bind; an abstract socket leaves none",
	"fifo":          "unlink the pipe's path in the handler",
	"shared-memory": "call shm_unlink (IPC_RMID for System V) as soon as all have it open: it lives on until the last of them has left",
	"semaphore":     "call sem_unlink (IPC_RMID for System V) as soon as all have it open",
	"message-queue": "remove the queue in the handler (IPC_RMID)",
}
