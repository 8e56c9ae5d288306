package verdict_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func stored(t interface{ Fatal(...any) }, o observation.Observation) observation.Observation {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var read observation.Observation
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestJudgedAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := drawScenario(t), drawObservation(t)
		fresh := verdict.Judge(s, o)
		if diff := cmp.Diff(fresh, verdict.Judge(s, o)); diff != "" {
			t.Fatal("judged twice:", diff)
		}
		if diff := cmp.Diff(fresh, verdict.Judge(s, stored(t, o))); diff != "" {
			t.Fatal("stored and judged again:", diff)
		}
	})
}

func TestJudgementIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { sound(t, verdict.Judge(drawScenario(t), drawObservation(t))) })
}

// TestKeptJudgementIsSound draws what was kept and lost in trials that prove something.
func TestKeptJudgementIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := drawScenario(t), worker().o
		drawKeptFacts(t, &o)
		s.Expect.Files = []scenario.ExpectFile{{Path: "**", Is: []scenario.Oracle{drawOracle(t), drawOracle(t)}}}
		fresh := verdict.Judge(s, o)
		sound(t, fresh)
		if diff := cmp.Diff(fresh, verdict.Judge(s, stored(t, o))); diff != "" {
			t.Fatal("stored and judged again:", diff)
		}
	})
}

// sound holds what is true of any judgement.
func sound(t interface{ Fatalf(string, ...any) }, j verdict.Judgement) {
	if (j.Verdict == verdict.Violation) != (len(j.Findings) > 0) {
		t.Fatalf("%s with %d findings", j.Verdict, len(j.Findings))
	}
	if (j.Verdict == verdict.Inconclusive || j.Verdict == verdict.Error) != (j.Reason != "") {
		t.Fatalf("%s for the reason %q", j.Verdict, j.Reason)
	}
	if len(j.Checked)+len(j.Unchecked) != len(verdict.Checks()) {
		t.Fatalf("checked %q, unchecked %q", j.Checked, j.Unchecked)
	}
	said := []string{j.Reason}
	for _, f := range j.Findings {
		if f.Check == "" || f.Kind == "" || f.Message == "" {
			t.Fatalf("a finding without check, kind or message: %+v", f)
		}
		said = append(said, f.Message, f.Hint, f.Kind)
		said = append(said, f.Evidence...)
	}
	for _, line := range said {
		if !printable(line) {
			t.Fatalf("not fit to be shown: %q", line)
		}
	}
}

func printable(line string) bool {
	for _, r := range line {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(line)
}

func drawScenario(t *rapid.T) scenario.Scenario {
	var s scenario.Scenario
	s.Target.Command = []string{text(t)}
	s.Expect.Exit = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scenario.Accept {
		return scenario.Accept{Kind: rapid.SampledFrom(observation.Kinds).Draw(t, "kind"), Code: 3}
	}), 0, 3).Draw(t, "accepted")
	s.Expect.Within = scenario.Duration(moment(t))
	s.Expect.Survivors = rapid.SampledFrom([]scenario.Leftover{"", scenario.None, scenario.Allow}).Draw(t, "survivors")
	if rapid.Bool().Draw(t, "output") {
		s.Expect.Output = &scenario.ExpectOutput{Contains: "a.b", Lacks: scenario.MustRegexp("x+")}
	}
	drawKept(t, &s.Expect)
	return s.WithDefaults()
}

// drawKept draws what is expected of files, acknowledged work, litter and restarts.
func drawKept(t *rapid.T, e *scenario.Expect) {
	e.Files = some(t, func(t *rapid.T) scenario.ExpectFile {
		return scenario.ExpectFile{Path: drawPattern(t), Is: some(t, drawOracle)}
	})
	e.Acknowledged = maybe(t, func(*rapid.T) scenario.Acknowledged { return scenario.Acknowledged{In: "x"} })
	e.Litter = maybe(t, func(t *rapid.T) scenario.Litter { return scenario.Litter{Allow: some(t, drawPattern)} })
	e.Restarts = maybe(t, func(*rapid.T) scenario.Restarts { return scenario.Restarts{} })
	e.Compare = rapid.SampledFrom([]scenario.Comparison{"", scenario.CompareKill}).Draw(t, "compare")
}

func drawPattern(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "*", "**/a", "$TMPDIR/*", "/dev/shm/*", "[", "\x00"}).Draw(t, "pattern")
}

func drawOracle(t *rapid.T) scenario.Oracle {
	return rapid.SampledFrom([]scenario.Oracle{{Kind: scenario.Absent}, {Kind: scenario.Format, Argument: "json"}, {Kind: scenario.OldOrNew},
		{Kind: scenario.AppendOnly}, {Kind: scenario.Command, Argument: "x\x1b"}}).Draw(t, "oracle")
}

// drawKeptFacts draws what became of them, or that nobody looked.
func drawKeptFacts(t *rapid.T, o *observation.Observation) {
	o.Files = maybe(t, func(t *rapid.T) observation.Files {
		return observation.Files{Work: some(t, drawChange), Temp: some(t, drawChange), Cut: rapid.IntRange(0, 1).Draw(t, "cut"),
			Shared: some(t, func(t *rapid.T) observation.SharedObject {
				return observation.SharedObject{Kind: rapid.SampledFrom([]string{"", "shm", "semaphore", "\x07"}).Draw(t, "kind"), Name: text(t), Bytes: rapid.Int64().Draw(t, "bytes")}
			}),
			Examined: some(t, drawExamined)}
	})
	o.Acknowledged = maybe(t, func(t *rapid.T) observation.Acknowledged {
		few := rapid.IntRange(-1, 2)
		return observation.Acknowledged{Said: few.Draw(t, "said"), Certain: few.Draw(t, "certain"), Lost: few.Draw(t, "lost"), Torn: few.Draw(t, "torn"),
			Duplicated: few.Draw(t, "duplicated"), Misplaced: few.Draw(t, "misplaced"), Unknown: rapid.SampledFrom([]string{"", "", "a\nb"}).Draw(t, "unknown"),
			First: some(t, func(t *rapid.T) observation.Record {
				return observation.Record{Fate: rapid.SampledFrom([]string{"lost", "torn", "\x07"}).Draw(t, "fate"), ID: text(t), At: moment(t), Where: text(t)}
			})}
	})
	o.Restarts = some(t, func(t *rapid.T) observation.Restart {
		return observation.Restart{With: rapid.SampledFrom([]string{"", "alone", "survivors", "\x07"}).Draw(t, "with"), Ready: rapid.Bool().Draw(t, "ready"), After: moment(t), First: moment(t),
			Bound: moment(t), Cause: rapid.SampledFrom([]string{"", "slow", "stale-pid", "\x07"}).Draw(t, "cause"), Status: maybe(t, func(t *rapid.T) uint32 { return drawExit(t).Status }),
			Output: some(t, text), Unknown: rapid.SampledFrom([]string{"", "", "a\nb"}).Draw(t, "unknown")}
	})
	o.Compared = maybe(t, func(t *rapid.T) observation.Compared {
		return observation.Compared{Struck: rapid.Bool().Draw(t, "struck"), Own: drawLost(t), Kill: drawLost(t), Unknown: rapid.SampledFrom([]string{"", "", "x"}).Draw(t, "unknown")}
	})
}

func drawLost(t *rapid.T) observation.Lost {
	few := rapid.IntRange(0, 2)
	return observation.Lost{Damaged: few.Draw(t, "damaged"), Records: few.Draw(t, "records"), NoRestart: rapid.Bool().Draw(t, "no restart")}
}

func drawPath(t *rapid.T) string {
	return rapid.OneOf(rapid.SampledFrom([]string{"a", "b/a", "a-wal", "*", "**/a", "."}), rapid.Custom(text)).Draw(t, "path")
}

func drawChange(t *rapid.T) observation.Change {
	entry := func(t *rapid.T) observation.Entry {
		return observation.Entry{Type: rapid.SampledFrom([]string{"file", "folder", "\x07"}).Draw(t, "type"), Size: rapid.Int64().Draw(t, "size")}
	}
	return observation.Change{Path: drawPath(t), Before: maybe(t, entry), After: maybe(t, entry),
		Litter: rapid.SampledFrom([]string{"", "lock", "\x07"}).Draw(t, "litter")}
}

func drawExamined(t *rapid.T) observation.Examined {
	return observation.Examined{
		Path: drawPath(t), Oracle: drawOracle(t).String(),
		Answer: rapid.SampledFrom([]observation.Answer{observation.Whole, observation.Damaged, observation.Missing, observation.Undecided, "\x07"}).Draw(t, "answer"),
		Kind:   rapid.SampledFrom([]string{"", "torn", "\x07"}).Draw(t, "kind"), Message: text(t), Excerpt: text(t),
		Offset: maybe(t, func(t *rapid.T) int64 { return rapid.Int64().Draw(t, "offset") }), Line: rapid.IntRange(-1, 3).Draw(t, "line"), Size: rapid.Int64().Draw(t, "size"),
	}
}

// TestDamageIsNeverPassed: whatever else is known, a damaged file that the scenario asks
// about makes no trial graceful.
func TestDamageIsNeverPassed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := drawScenario(t), drawObservation(t)
		oracle := drawOracle(t)
		s.Expect.Files = append(s.Expect.Files, scenario.ExpectFile{Path: "a", Is: []scenario.Oracle{oracle}})
		if o.Files == nil {
			o.Files = &observation.Files{}
		}
		o.Files.Examined = append(o.Files.Examined, observation.Examined{Path: "a", Oracle: oracle.String(), Answer: observation.Damaged})
		if j := verdict.Judge(s, o); j.Verdict == verdict.Graceful {
			t.Fatalf("%+v", j)
		}
	})
}

// TestNobodyLookedIsNeverPassed: what a scenario asks and the facts do not tell makes no
// trial graceful.
func TestNobodyLookedIsNeverPassed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, o := drawScenario(t), drawObservation(t)
		switch rapid.IntRange(0, 3).Draw(t, "unknown") {
		case 0:
			s.Expect.Files, o.Files = []scenario.ExpectFile{{Path: "a", Is: []scenario.Oracle{{Kind: scenario.Present}}}}, nil
		case 1:
			s.Expect.Acknowledged, o.Acknowledged = &scenario.Acknowledged{}, nil
		case 2:
			s.Expect.Litter, o.Files = &scenario.Litter{}, nil
		case 3:
			s.Expect.Restarts, o.Restarts = &scenario.Restarts{}, nil
		}
		if j := verdict.Judge(s, o); j.Verdict == verdict.Graceful {
			t.Fatalf("%+v", j)
		}
	})
}

func drawObservation(t *rapid.T) observation.Observation {
	o := observation.Observation{
		Stage:     observation.Settled,
		Process:   observation.Identity{PID: 100, StartTicks: 7},
		Strike:    maybe(t, drawStrike),
		Sent:      some(t, drawSent),
		Exit:      maybe(t, drawExit),
		Forensics: maybe(t, drawForensics),
		Survivors: some(t, func(t *rapid.T) observation.Survivor {
			return observation.Survivor{Member: drawMember(t), Lineage: some(t, drawMember), CommandLine: text(t), User: text(t),
				Memory: rapid.Uint64().Draw(t, "memory"), Sockets: some(t, drawSocket), Disposition: drawDisposition(t),
				OwnSession: rapid.Bool().Draw(t, "own session"), Killed: rapid.Bool().Draw(t, "killed")}
		}),
		Unreaped: some(t, func(t *rapid.T) observation.Unreaped {
			return observation.Unreaped{Member: drawMember(t), For: moment(t)}
		}),
		StillListening: some(t, drawSocket),
		Starvation:     observation.Starvation{Waiting: moment(t), Harness: moment(t), By: text(t)},
	}
	o.HandlerSeen = maybe(t, moment)
	drawKeptFacts(t, &o)
	o.Output.Last = text(t)
	for _, pattern := range []string{`a\.b`, "x+"} {
		if rapid.Bool().Draw(t, "watched") {
			o.Output.Seen = append(o.Output.Seen, observation.Seen{Pattern: pattern, Count: rapid.IntRange(0, 2).Draw(t, "count"), Line: text(t)})
		}
	}
	o.Failure = nil
	if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
		o.Failure = &observation.Failure{Kind: text(t), Message: text(t), Remedy: text(t)}
	}
	return o
}

func drawStrike(t *rapid.T) observation.Strike {
	return observation.Strike{Planned: moment(t), Actual: moment(t), Doing: maybe(t, func(t *rapid.T) observation.Doing {
		return observation.Doing{Main: drawProcess(t), Files: some(t, func(t *rapid.T) observation.OpenFile {
			return observation.OpenFile{Path: "/x/" + drawPath(t), Mode: text(t)}
		})}
	})}
}

func drawSent(t *rapid.T) observation.Sent {
	return observation.Sent{
		Signal:      rapid.SampledFrom([]signals.Signal{signals.TERM, signals.INT, signals.KILL, signals.WINCH}).Draw(t, "signal"),
		To:          rapid.SampledFrom(signals.Deliveries).Draw(t, "to"),
		At:          moment(t),
		Error:       rapid.SampledFrom([]string{"", "", "", "no such\nprocess"}).Draw(t, "error"),
		Disposition: drawDisposition(t),
		Final:       rapid.Bool().Draw(t, "final"),
	}
}

func drawDisposition(t *rapid.T) observation.Disposition {
	return rapid.SampledFrom([]observation.Disposition{observation.Unknown, observation.Default, observation.Caught,
		observation.Ignored, observation.Blocked, observation.Uncatchable}).Draw(t, "disposition")
}

func drawExit(t *rapid.T) observation.Exit {
	status := rapid.SampledFrom([]uint32{0, 0, 3 << 8, 143 << 8, 9, 9, 15, 11 | 0x80, 0x7f, 0xffff}).Draw(t, "status")
	return observation.Exit{At: moment(t), Status: status, Step: rapid.IntRange(-1, 4).Draw(t, "step")}
}

func drawForensics(t *rapid.T) observation.Forensics {
	return observation.Forensics{Stubborn: some(t, drawProcess), Tree: some(t, drawMember), LastLine: text(t)}
}

func drawProcess(t *rapid.T) observation.Process {
	return observation.Process{
		Identity: observation.Identity{PID: 100, StartTicks: 7},
		Command:  rapid.SampledFrom([]string{"", "sh", "worker", "w\x1b]0;x\x07"}).Draw(t, "command"),
		State:    rapid.SampledFrom([]string{"R", "S", "D", "T", "t", "Z", "\x00"}).Draw(t, "state"),
		WChan:    text(t), Syscall: text(t), NSPid: rapid.IntRange(0, 2).Draw(t, "nspid"),
		Ignored: drawSet(t), Caught: drawSet(t), Pending: drawSet(t),
		Threads: some(t, func(t *rapid.T) observation.Thread {
			return observation.Thread{TID: rapid.IntRange(100, 102).Draw(t, "tid"), State: "S", WChan: text(t), Blocked: drawSet(t), Pending: drawSet(t)}
		}),
	}
}

func drawSet(t *rapid.T) signals.Set {
	return rapid.SampledFrom([]signals.Set{0, 0, signals.SetOf(signals.TERM), signals.SetOf(signals.INT, signals.TERM)}).Draw(t, "set")
}

func drawMember(t *rapid.T) observation.Member {
	return observation.Member{Identity: observation.Identity{PID: rapid.IntRange(100, 105).Draw(t, "pid")},
		Parent: rapid.IntRange(99, 101).Draw(t, "parent"), Command: text(t), State: text(t)}
}

func drawSocket(t *rapid.T) observation.Socket {
	return observation.Socket{Network: "unix", Address: text(t), PID: rapid.IntRange(0, 104).Draw(t, "pid")}
}

// text is what a hostile target may print or call itself: any bytes.
func text(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "text"))
}

func moment(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, 1, 900 * time.Nanosecond, ms, 200 * ms, 250 * ms, 999 * ms, s, 2 * s, 3 * s, 10 * s, time.Hour}).Draw(t, "moment")
}

func some[T any](t *rapid.T, draw func(*rapid.T) T) []T {
	var drawn []T
	for range rapid.IntRange(0, 3).Draw(t, "how many") {
		drawn = append(drawn, draw(t))
	}
	return drawn
}

// maybe draws something three times out of four.
func maybe[T any](t *rapid.T, draw func(*rapid.T) T) *T {
	if rapid.IntRange(0, 3).Draw(t, "there") == 0 {
		return nil
	}
	drawn := draw(t)
	return &drawn
}

// keeping asks for all that can be kept and lost, and lost all of it.
func keeping() made {
	return worker().with(expecting("*", "format:json", "absent"), said("a", "format:json", observation.Damaged, "torn"), at(1, 2, 3), said("a", "absent", observation.Missing, ""),
		records(observation.Acknowledged{Certain: 1, Lost: 1, First: first("lost", 0)}), tidy(), changed("x.lock", nil, aFile, "lock"), shared("shm", "x"),
		restarted(observation.Restart{With: "alone", Cause: "slow"}), compared(observation.Lost{Damaged: 1}, observation.Lost{}))
}

func FuzzJudge(f *testing.F) {
	for _, m := range []made{
		worker(), worker().with(killedAt(10*s, nil), survivor(nil), listening(103)), excusedKill(),
		worker().with(contains, seen(`saved\.`, 1)), worker().with(called("bash"), killedAt(10*s, nil)),
		worker().with(func(m *made) { m.o.Failure = &observation.Failure{Message: "x"} }), keeping(),
	} {
		text, err := json.Marshal(m.o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"exit":{"status":127,"step":9},"strike":{},"sent":[{"signal":"KILL","to":"tty","at_ns":-9223372036854775808}]}`))
	asking := worker().with(contains, within(s)).Scenario
	kept := keeping().Scenario
	f.Fuzz(func(t *testing.T, text []byte) {
		var o observation.Observation
		if json.Unmarshal(text, &o) != nil {
			return
		}
		for _, s := range []scenario.Scenario{{}, worker().Scenario, asking, kept} {
			sound(t, verdict.Judge(s, o))
		}
	})
}
