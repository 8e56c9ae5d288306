package verdict_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// expecting asks for a file, and says that the files were looked at.
func expecting(path string, oracles ...string) func(*made) {
	return func(m *made) {
		file := scenario.ExpectFile{Path: path}
		for _, text := range oracles {
			oracle, err := scenario.ParseOracle(text)
			if err != nil {
				panic(err)
			}
			file.Is = append(file.Is, oracle)
		}
		m.Expect.Files = append(slices.Clone(m.Expect.Files), file)
		looked(m)
	}
}

// looked makes the facts about files the trial's own.
func looked(m *made) {
	own := observation.Files{}
	if m.o.Files != nil {
		own = *m.o.Files
	}
	own.Examined, own.Work, own.Temp, own.Shared = slices.Clone(own.Examined), slices.Clone(own.Work), slices.Clone(own.Temp), slices.Clone(own.Shared)
	m.o.Files = &own
}

// said is the answer of an oracle.
func said(path, oracle string, answer observation.Answer, kind string) func(*made) {
	return func(m *made) {
		looked(m)
		m.o.Files.Examined = append(m.o.Files.Examined, observation.Examined{Path: path, Oracle: oracle, Answer: answer, Kind: kind, Size: 40113})
	}
}

// at adds to the last answer where the damage is.
func at(line int, offset, expected int64) func(*made) {
	return func(m *made) {
		looked(m)
		e := &m.o.Files.Examined[len(m.o.Files.Examined)-1]
		e.Line, e.Offset, e.Expected = line, &offset, &expected
		e.Message, e.Excerpt = "it ends within a text", "00009ca1  7b 22 |{\"|\nand \x1b[31m here it ends\n"
	}
}

func held(files ...observation.OpenFile) func(*made) {
	return func(m *made) {
		doing := *m.o.Strike.Doing
		doing.Files = files
		m.o.Strike.Doing = &doing
	}
}

func changed(path string, before, after *observation.Entry, word string) func(*made) {
	return func(m *made) {
		looked(m)
		m.o.Files.Work = append(m.o.Files.Work, observation.Change{Path: path, Before: before, After: after, Litter: word})
	}
}

var aFile = &observation.Entry{Type: "file", Size: 5}

func TestFiles(t *testing.T) {
	json := worker().with(expecting("out/*.json", "format:json"))
	torn := json.with(said("out/a.json", "format:json", observation.Damaged, "truncated"), at(3, 40113, 52000))
	ledger := worker().with(expecting("ledger", "append-only"))
	report := worker().with(expecting("report.json", "old-or-new"))
	judgeAll(t, []row{
		{"whole", json.with(said("out/a.json", "format:json", observation.Whole, "")), graceful},
		{"not asked for", worker().with(said("out/a.json", "format:json", observation.Damaged, "truncated")), graceful},
		{"damaged", torn, violates("files/truncated",
			"out/a.json is not format:json (truncated): it ends within a text, line 3, byte 40113; it has 40113 bytes, 52000 expected",
			`00009ca1  7b 22 |{"|`, `and \x1b[31m here it ends`, "struck 200 ms after launch", "rename it over the old one")},
		{"damaged, without a word for it", json.with(said("out/a.json", "format:json", observation.Damaged, "")), violates("files/damaged")},
		{"damaged, and open when struck", torn.with(held(
			observation.OpenFile{FD: 5, Path: "/somewhere/7/out/a.json", Mode: "w", Offset: 40113, Size: 40113},
			observation.OpenFile{FD: 6, Path: "/somewhere/7/out/aa.json", Mode: "rw"},
			observation.OpenFile{FD: 7, Path: "/somewhere/7/out/a.json (deleted)", Mode: "r"})),
			violates("files/truncated", "descriptor 5 of worker, mode w, at byte 40113 of 40113", "descriptor 7 of worker, mode r")},
		{"damaged at a system call", torn.with(func(m *made) { m.o.Strike.Event = "write #3 on out/a.json, before" }),
			violates("files/truncated", "at write #3 on out/a.json, before")},
		{"damaged, and the target killed", torn.with(killedAt(10*s, nil)), violates("deadline/no-reaction files/truncated", "could not finish the file: mend that first")},
		{"damaged by a schedule of KILL alone", torn.with(diedOf(signals.KILL), accept("killed"), func(m *made) { m.o.Sent[0].Signal = signals.KILL }),
			violates("files/truncated", "rename it over the old one")},
		{"two of a kind", torn.with(said("out/b.json", "format:json", observation.Damaged, "truncated")),
			violates("files/truncated", "out/a.json is not", "and 1 other answer like it", "out/b.json is not format:json (truncated)")},
		{"two kinds", torn.with(said("out/b.json", "format:json", observation.Damaged, "empty")), violates("files/truncated files/empty")},
		{"one answer for two patterns", torn.with(expecting("out/a.json", "format:json")), violates("files/truncated")},
		{"an answer about another file", json.with(said("other/a.json", "format:json", observation.Damaged, "truncated")), inconclusive("nobody looked")},
		{"an answer of another oracle", json.with(said("out/a.json", "format:xml", observation.Damaged, "truncated")), inconclusive("nobody looked in this trial whether out/*.json is format:json")},
		{"damaged, and nobody asked the other oracle", torn.with(expecting("x", "present")), violates("files/truncated")},
		{"a name that is no UTF-8", worker().with(expecting("out/?.json", "format:json"), said(`out/\xe4.json`, "format:json", observation.Damaged, "malformed")), violates("files/malformed", `out/\xe4.json`)},
		{"unknown", json.with(said("out/a.json", "format:json", observation.Undecided, ""), func(m *made) { m.o.Files.Examined[0].Message = "permission denied" }),
			inconclusive("whether out/a.json is format:json cannot be said: permission denied")},
		{"nobody looked", json.with(func(m *made) { m.o.Files = nil }), inconclusive("nobody looked at the files")},

		{"a format, and nothing was written yet", json.with(said("out/*.json", "format:json", observation.Missing, "")), graceful},
		{"a command, and nothing was written yet", worker().with(expecting("a", "command:test -s {}"), said("a", "command:test -s {}", observation.Missing, "")), graceful},
		{"a format, and the file was removed", worker().with(expecting("a.json", "format:json"), changed("a.json", aFile, nil, ""), said("a.json", "format:json", observation.Missing, "")),
			violates("files/missing", "a.json is not format:json (missing)", "was removed")},
		{"a format, and a link that leads nowhere in the file's place", worker().with(expecting("a.json", "format:json"), changed("a.json", aFile, &observation.Entry{Type: "link"}, ""), said("a.json", "format:json", observation.Missing, "")),
			violates("files/missing")},
		{"a format, and a new link that leads nowhere", worker().with(expecting("a.json", "format:json"), changed("a.json", nil, &observation.Entry{Type: "link"}, ""), said("a.json", "format:json", observation.Missing, "")), graceful},
		{"a format, and a file that fits was removed", json.with(changed("out/a.json", aFile, nil, ""), said("out/*.json", "format:json", observation.Missing, "")), graceful},
		{"present and missing", worker().with(expecting("a", "present"), said("a", "present", observation.Missing, "")), violates("files/missing", "a is not present (missing)")},
		{"unchanged and missing", worker().with(expecting("a", "unchanged"), said("a", "unchanged", observation.Missing, "")), violates("files/missing")},
		{"append-only and missing", ledger.with(said("ledger", "append-only", observation.Missing, "")), violates("files/missing")},
		{"old-or-new and missing", report.with(said("report.json", "old-or-new", observation.Missing, "")), violates("files/missing")},
		{"absent and missing", worker().with(expecting("*.lock", "absent"), said("*.lock", "absent", observation.Missing, "")), graceful},
		{"absent and left", worker().with(expecting("*.lock", "absent"), said("x.lock", "absent", observation.Damaged, "left")), violates("files/left", "x.lock is not absent (left)", "remove it in the handler")},

		{"torn at the end", ledger.with(said("ledger", "append-only", observation.Damaged, "torn")), violates("files/torn", "write each record and its end with one write")},
		{"written over", ledger.with(said("ledger", "append-only", observation.Damaged, "not-a-prefix")), violates("files/not-a-prefix", "O_APPEND")},
		{"changed", worker().with(expecting("seed", "unchanged"), said("seed", "unchanged", observation.Damaged, "changed")), violates("files/changed", "nothing was to write there")},
		{"created", report.with(said("report.json", "old-or-new", observation.Damaged, "created")), violates("files/created", "remove it in the handler")},
		{"zero-filled", report.with(said("report.json", "old-or-new", observation.Damaged, "zero-filled")), violates("files/zero-filled", "its length was set before its content")},
		{"not resumable", worker().with(expecting("a", "resumable"), said("a", "resumable", observation.Damaged, "changed")), violates("files/changed", "let a start cut off")},
		{"a command that fails", worker().with(expecting("a", "command:false"), said("a", "command:false", observation.Damaged, "command")), violates("files/command", "a is not command:false (command)")},
	})
}

// TestNoFileIsToldTwiceOrForAnother looks at what must not be said.
func TestNoFileIsToldTwiceOrForAnother(t *testing.T) {
	torn := worker().with(expecting("out/*.json", "format:json"), said("out/a.json", "format:json", observation.Damaged, "truncated"))
	for unsaid, m := range map[string]made{
		"other answer": torn.with(expecting("out/a.json", "format:json")),
		"descriptor 8": torn.with(held(observation.OpenFile{FD: 8, Path: "/somewhere/layout/a.json"})),
		"descriptor 9": torn.with(held(observation.OpenFile{FD: 9, Path: "/somewhere/out/a.json.tmp"})),
		"line 0":       torn,
		"expected":     torn,
	} {
		if text := words(verdict.Judge(m.Scenario, m.o)); strings.Contains(text, unsaid) || !strings.Contains(text, "out/a.json") {
			t.Errorf("it says %q:\n%s", unsaid, text)
		}
	}
}

func records(a observation.Acknowledged) func(*made) {
	return func(m *made) {
		m.Expect.Acknowledged = &scenario.Acknowledged{Output: *scenario.MustRegexp(`(\d+)`), In: "ledger"}
		m.o.Acknowledged = &a
	}
}

func first(fate string, at time.Duration) []observation.Record {
	return []observation.Record{{Fate: "other", ID: "1", At: at}, {Fate: fate, ID: "17\x07", At: at, Where: "after line 16"}, {Fate: fate, ID: "18", At: at}}
}

func TestAcknowledged(t *testing.T) {
	lost := records(observation.Acknowledged{Said: 20, Certain: 18, Found: 16, Lost: 2, First: first("lost", 197*ms)})
	judgeAll(t, []row{
		{"all there", worker().with(records(observation.Acknowledged{Said: 20, Certain: 18, Found: 18})), graceful},
		{"not asked for", worker().with(lost, func(m *made) { m.Expect.Acknowledged = nil }), graceful},
		{"nobody looked", worker().with(lost, func(m *made) { m.o.Acknowledged = nil }), inconclusive("nobody looked for acknowledged records")},
		{"unknown", worker().with(records(observation.Acknowledged{Said: 3, Certain: 3, Unknown: "read ledger: permission denied"})), inconclusive("cannot be said: read ledger: permission denied")},
		{"lost", worker().with(lost), violates("acknowledged/lost",
			`2 of 18 acknowledged records: lost, the first is "17\a": TERM came 3 ms after its acknowledgement`,
			"20 records acknowledged, 18 of them for certain and the others in flight, 16 found", `"18", TERM came`, "after line 16", "flush the buffer")},
		{"lost, acknowledged after the signal", worker().with(records(observation.Acknowledged{Said: 1, Certain: 1, Lost: 1, First: first("lost", 205*ms)})),
			violates("acknowledged/lost", `it was acknowledged 5 ms after TERM`)},
		{"lost, none of them named", worker().with(records(observation.Acknowledged{Certain: 1, Lost: 1})), violates("acknowledged/lost")},
		{"duplicated", worker().with(records(observation.Acknowledged{Said: 1, Certain: 1, Duplicated: 1, First: first("duplicated", 0)})), violates("acknowledged/duplicated", "in one step")},
		{"torn", worker().with(records(observation.Acknowledged{Said: 1, Certain: 1, Torn: 1, First: first("torn", 0)})), violates("acknowledged/torn", "with one write")},
		{"misplaced", worker().with(records(observation.Acknowledged{Said: 2, Certain: 2, Misplaced: 1, First: first("misplaced", 0)})), violates("acknowledged/misplaced", "in the order")},
		{"lost and torn", worker().with(records(observation.Acknowledged{Certain: 3, Lost: 1, Torn: 1})), violates("acknowledged/lost acknowledged/torn")},
		{"lost, and the target killed", worker().with(lost, killedAt(10*s, nil)), violates("deadline/no-reaction acknowledged/lost", "could not write them: mend that first")},
	})
}

func tidy(allow ...string) func(*made) {
	return func(m *made) {
		m.Expect.Litter = &scenario.Litter{Allow: allow}
		looked(m)
	}
}

func inTemp(path string, entry *observation.Entry, word string) func(*made) {
	return func(m *made) {
		looked(m)
		m.o.Files.Temp = append(m.o.Files.Temp, observation.Change{Path: path, After: entry, Litter: word})
	}
}

func shared(kind, name string) func(*made) {
	return func(m *made) {
		looked(m)
		m.o.Files.Shared = append(m.o.Files.Shared, observation.SharedObject{Kind: kind, Name: name, Bytes: 4096, Maker: 100})
	}
}

func TestLitter(t *testing.T) {
	lock := changed("run/x.lock", nil, aFile, "lock")
	folder, socket := &observation.Entry{Type: "folder"}, &observation.Entry{Type: "socket"}
	judgeAll(t, []row{
		{"none", worker().with(tidy(), changed("out.json", nil, aFile, "")), graceful},
		{"not asked for", worker().with(lock), graceful},
		{"nobody looked", worker().with(tidy(), func(m *made) { m.o.Files = nil }), inconclusive("nobody looked for litter")},
		{"lock", worker().with(tidy(), lock), violates("litter/lock", "run/x.lock is left (lock, file of 5 bytes) 2 s after worker had ended", "flock", "--allow-litter")},
		{"lock that was there before", worker().with(tidy(), changed("x.lock", aFile, aFile, "lock")), graceful},
		{"lock that was removed", worker().with(tidy(), changed("x.lock", aFile, nil, "lock")), graceful},
		{"lock allowed", worker().with(tidy("run/*.lock"), lock), graceful},
		{"another lock allowed", worker().with(tidy("*.lock"), lock), violates("litter/lock")},
		{"two locks", worker().with(tidy(), lock, changed("y.lock", nil, aFile, "lock")), violates("litter/lock", "and 1 other of its kind", "y.lock: file of 5 bytes")},
		{"temporary", worker().with(tidy(), changed("out.json.tmp", nil, aFile, "temporary")), violates("litter/temporary", "O_TMPFILE")},
		{"pid", worker().with(tidy(), changed("x.pid", nil, aFile, "pid")), violates("litter/pid", "given to another process")},
		{"socket", worker().with(tidy(), changed("x.sock", nil, socket, "socket")), violates("litter/socket", "x.sock is left (socket, socket)", "unlink the socket's path")},
		{"fifo", worker().with(tidy(), changed("x", nil, &observation.Entry{Type: "fifo"}, "fifo")), violates("litter/fifo", "unlink the pipe's path")},
		{"several kinds", worker().with(tidy(), lock, changed("x.pid", nil, aFile, "pid")), violates("litter/lock litter/pid")},
		{"journal of a database", worker().with(tidy(), changed("x.db-wal", nil, aFile, "temporary"), changed("x.db-shm", nil, aFile, "temporary")), graceful},
		{"journal of no database", worker().with(tidy(), changed("x.db", aFile, nil, ""), changed("x.db-journal", nil, aFile, "temporary")), violates("litter/temporary")},
		{"in TMPDIR", worker().with(tidy(), inTemp("x7f3", aFile, "")), violates("litter/temporary", "$TMPDIR/x7f3 is left")},
		{"in TMPDIR, allowed", worker().with(tidy("$TMPDIR/x*"), inTemp("x7f3", aFile, "")), graceful},
		{"in TMPDIR, a path of the work folder allowed", worker().with(tidy("x*"), inTemp("x7f3", aFile, "")), violates("litter/temporary")},
		{"socket in TMPDIR", worker().with(tidy(), inTemp("x", socket, "socket")), violates("litter/socket")},
		{"TMPDIR itself", worker().with(tidy(), inTemp(".", folder, "")), graceful},
		{"folder in TMPDIR with a file", worker().with(tidy(), inTemp("x", folder, ""), inTemp("x/a", aFile, "")), violates("litter/temporary", "$TMPDIR/x/a is left (temporary, file of 5 bytes)")},
		{"folder in TMPDIR with an allowed file", worker().with(tidy("$TMPDIR/x/a"), inTemp("x", folder, ""), inTemp("x/a", aFile, "")), graceful},
		{"empty folder in TMPDIR", worker().with(tidy(), inTemp("x", folder, ""), inTemp("xy", aFile, "")), violates("litter/temporary", "$TMPDIR/x is left (temporary, folder)", "$TMPDIR/xy")},
		{"empty folder in TMPDIR beside one whose name ends like its own", worker().with(tidy("$TMPDIR/ax/b"), inTemp("x", folder, ""), inTemp("ax/b", aFile, "")), violates("litter/temporary", "$TMPDIR/x is left")},
		{"shared memory", worker().with(tidy(), shared("shm", "ring")), violates("litter/shared-memory", "/dev/shm/ring is left", "4.1 kB, made by process 100", "shm_unlink")},
		{"shared memory allowed", worker().with(tidy("/dev/shm/r*"), shared("shm", "ring")), graceful},
		{"System V shared memory", worker().with(tidy(), shared("sysv-shm", "0x1:7")), violates("litter/shared-memory", "sysv-shm:0x1:7")},
		{"System V shared memory allowed", worker().with(tidy("sysv-shm:*"), shared("sysv-shm", "0x1:7")), graceful},
		{"semaphore", worker().with(tidy(), shared("semaphore", "sem.x")), violates("litter/semaphore", "/dev/shm/sem.x", "sem_unlink")},
		{"message queue", worker().with(tidy(), shared("sysv-msg", "0x1:7")), violates("litter/message-queue", "IPC_RMID")},
		{"an object of a kind to come", worker().with(tidy(), shared("key", "7")), violates("litter/key")},
		{"more than is kept", worker().with(tidy(), func(m *made) { m.o.Files.Cut = 3 }), inconclusive("more was changed than is kept, by 3")},
		{"more than is kept, and a lock", worker().with(tidy(), lock, func(m *made) { m.o.Files.Cut = 3 }), violates("litter/lock")},
		{"lock, and the target killed", worker().with(tidy(), lock, killedAt(10*s, nil)), violates("deadline/no-reaction litter/lock", "could not remove it: mend that first")},
		{"lock of a survivor", worker().with(tidy(), lock, survivor(nil), allowed), violates("litter/lock", "sleep (103) is still alive, and it may be its own")},
	})
}

func restarted(starts ...observation.Restart) func(*made) {
	return func(m *made) {
		m.Expect.Restarts = &scenario.Restarts{}
		m.o.Restarts = starts
	}
}

func TestRestart(t *testing.T) {
	code1, segv := uint32(1<<8), uint32(11)
	good := observation.Restart{With: "alone", Ready: true, After: 90 * ms, First: 40 * ms, Bound: s}
	fails := func(cause string) observation.Restart {
		return observation.Restart{With: "alone", First: 40 * ms, Bound: s, Cause: cause, Status: &code1, Output: []string{"cannot\x1b[2J start"}}
	}
	beside := fails("port-in-use")
	beside.With = "survivors"
	died, hung, slow := fails("exited"), fails("slow"), good
	died.Status, hung.Status, slow.After = &segv, nil, 1001*ms
	rows := []row{
		{"ready", worker().with(restarted(good)), graceful},
		{"ready just in time", worker().with(restarted(observation.Restart{With: "alone", Ready: true, After: s, Bound: s})), graceful},
		{"ready, without a bound", worker().with(restarted(observation.Restart{With: "alone", Ready: true, After: time.Hour})), graceful},
		{"not asked for", worker().with(func(m *made) { m.o.Restarts = []observation.Restart{fails("stale-lock")} }), graceful},
		{"nobody started it", worker().with(restarted()), inconclusive("nobody started it again")},
		{"unknown", worker().with(restarted(observation.Restart{With: "alone", Unknown: "the warden was lost"})), inconclusive("whether it starts again cannot be said: the warden was lost")},
		{"not ready", worker().with(restarted(fails("stale-lock"))), violates("restart/stale-lock",
			"started again in the folder that the stop left, worker did not become ready (stale-lock): it left with code 1", `it printed "cannot\x1b[2J start"`, "whose holder is gone")},
		{"not ready beside survivors", worker().with(restarted(beside, good), survivor(nil), allowed), violates("restart/port-in-use", "while sleep (103) was still alive", "SO_REUSEADDR")},
		{"not ready beside survivors that are not known", worker().with(restarted(beside, good)), violates("restart/port-in-use", "while what survived was still alive")},
		{"not ready either way", worker().with(restarted(beside, fails("port-in-use"))), violates("restart/port-in-use", "start with survivors", "start alone")},
		{"two causes", worker().with(restarted(beside, fails("stale-pid"))), violates("restart/port-in-use restart/stale-pid")},
		{"late", worker().with(restarted(slow)), violates("restart/slow", "became ready after 1 s; 1 s allowed, a first start takes 40 ms")},
		{"not ready in time", worker().with(restarted(hung)), violates("restart/slow", "not within 1 s")},
		{"it dies", worker().with(restarted(died)), violates("restart/exited", "it died of SEGV")},
		{"of no known cause", worker().with(restarted(fails(""))), violates("restart/unknown", "look at what it printed")},
		{"not ready, and the other start unknown", worker().with(restarted(fails("stale-pid"), observation.Restart{Unknown: "x"})), violates("restart/stale-pid")},
		{"not ready, and the target killed", worker().with(restarted(fails("stale-lock")), killedAt(10*s, nil)), violates("deadline/no-reaction restart/stale-lock", "mend that first")},
	}
	for _, cause := range []string{"stale-lock", "stale-pid", "stale-socket", "damaged-state", "port-in-use", "slow", "exited", "unknown"} {
		rows = append(rows, row{"cause " + cause, worker().with(restarted(fails(cause))), violates("restart/" + cause)})
	}
	judgeAll(t, rows)
}

func compared(own, kill observation.Lost) func(*made) {
	return func(m *made) {
		m.Expect.Compare = scenario.CompareKill
		m.o.Compared = &observation.Compared{Struck: true, Own: own, Kill: kill}
	}
}

func TestWorseThanKill(t *testing.T) {
	torn := worker().with(expecting("a.json", "format:json"), said("a.json", "format:json", observation.Damaged, "truncated"))
	lost := worker().with(records(observation.Acknowledged{Certain: 3, Lost: 2}))
	stuck := worker().with(restarted(observation.Restart{With: "alone", Cause: "stale-pid"}))
	one, none := observation.Lost{Damaged: 1, Records: 2, NoRestart: true}, observation.Lost{}
	without := func(change func(*observation.Compared)) func(*made) {
		return func(m *made) {
			c := *m.o.Compared
			change(&c)
			m.o.Compared = &c
		}
	}
	judgeAll(t, []row{
		{"files", torn.with(compared(one, none)), violates("files/truncated files/worse-than-kill", "TERM lost more than KILL at the same point: 1 file damaged, after KILL 0 files damaged")},
		{"files, KILL no better", torn.with(compared(one, one)), violates("files/truncated")},
		{"records", lost.with(compared(one, none)), violates("acknowledged/lost acknowledged/worse-than-kill", "2 records lost, after KILL 0 records lost")},
		{"records, KILL worse", lost.with(compared(one, observation.Lost{Records: 3})), violates("acknowledged/lost")},
		{"restart", stuck.with(compared(one, none)), violates("restart/stale-pid restart/worse-than-kill", "no further start, after KILL it started again")},
		{"restart, KILL no better", stuck.with(compared(one, one)), violates("restart/stale-pid")},
		{"not asked for", torn.with(compared(one, none), func(m *made) { m.Expect.Compare = "" }), violates("files/truncated")},
		{"not at the same point", torn.with(compared(one, none), without(func(c *observation.Compared) { c.Struck = false })), violates("files/truncated")},
		{"unknown", torn.with(compared(one, none), without(func(c *observation.Compared) { c.Unknown = "x" })), violates("files/truncated")},
		{"nobody compared", torn.with(compared(one, none), func(m *made) { m.o.Compared = nil }), violates("files/truncated")},
		{"nothing lost, nobody compared", worker().with(compared(none, none), restarted(observation.Restart{Ready: true}), func(m *made) { m.o.Compared = nil }), graceful},
	})
}

// TestAnExcusedKillIsNotBlamedForWhatFollows has one loss for each check.
func TestAnExcusedKillIsNotBlamedForWhatFollows(t *testing.T) {
	excused := worker().with(starved(9*s), killedAt(10*s, func(p *observation.Process) { p.State, p.Threads[0].State = "R", "R" }))
	worse := compared(observation.Lost{Damaged: 1, Records: 1, NoRestart: true}, observation.Lost{})
	judgeAll(t, []row{
		{"files", excused.with(expecting("a", "present"), said("a", "present", observation.Missing, ""), worse), inconclusive("waited 9 s")},
		{"acknowledged", excused.with(records(observation.Acknowledged{Certain: 1, Lost: 1}), worse), inconclusive("waited 9 s")},
		{"litter", excused.with(tidy(), changed("x.lock", nil, aFile, "lock")), inconclusive("waited 9 s")},
		{"restart", excused.with(restarted(observation.Restart{Cause: "stale-lock"}), worse), inconclusive("waited 9 s")},
	})
}

// TestNothingToHoldItAgainstIsUnchecked: the trial proves what it proves, and the report
// says that this check was not among it.
func TestNothingToHoldItAgainstIsUnchecked(t *testing.T) {
	for name, test := range map[string]struct {
		made
		check   string
		checked bool
	}{
		"no file yet":            {worker().with(expecting("*.json", "format:json"), said("*.json", "format:json", observation.Missing, "")), "files", false},
		"no file yet, one whole": {worker().with(expecting("*.json", "format:json"), said("a.json", "format:json", observation.Whole, ""), expecting("b", "format:xml"), said("b", "format:xml", observation.Missing, "")), "files", true},
		"absent, and none there": {worker().with(expecting("*.lock", "absent"), said("*.lock", "absent", observation.Missing, "")), "files", true},
		"none acknowledged":      {worker().with(records(observation.Acknowledged{})), "acknowledged", false},
		"all in flight":          {worker().with(records(observation.Acknowledged{Said: 2})), "acknowledged", false},
		"one for certain":        {worker().with(records(observation.Acknowledged{Said: 2, Certain: 1})), "acknowledged", true},
		"no litter":              {worker().with(tidy()), "litter", true},
		"a start":                {worker().with(restarted(observation.Restart{Ready: true})), "restart", true},
	} {
		j := verdict.Judge(test.Scenario, test.o)
		if j.Verdict != verdict.Graceful || slices.Contains(j.Checked, test.check) != test.checked {
			t.Errorf("%s: %s, checked %s, unchecked %s", name, j.Verdict, strings.Join(j.Checked, " "), strings.Join(j.Unchecked, " "))
		}
	}
}
