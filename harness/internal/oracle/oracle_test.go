package oracle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// none stands for a file that is not there.
const none = "\x00none"

// state is the contents of the files of a subject.
type state struct{ before, file, reference, resumed string }

// subject writes the files of a state. A reference or a resumed run was made unless the
// state says "" for it.
func subject(t testing.TB, s state) Subject {
	t.Helper()
	dir := t.TempDir()
	put := func(name, content string) string {
		if content == none {
			return ""
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sub := Subject{Path: "file", Dir: dir, File: filepath.Join(dir, "file"), Before: put("before", s.before)}
	put("file", s.file)
	if s.reference != "" {
		sub.Reference, sub.HasReference = put("reference", s.reference), true
	}
	if s.resumed != "" {
		sub.Resumed, sub.HasResumed = put("resumed", s.resumed), true
	}
	return sub
}

func ask(t testing.TB, s Subject, oracle string) observation.Examined {
	t.Helper()
	return askWithin(t, s, oracle, Limits{})
}

func askWithin(t testing.TB, s Subject, oracle string, l Limits) observation.Examined {
	t.Helper()
	o, err := scenario.ParseOracle(oracle)
	if err != nil {
		t.Fatal(err)
	}
	e := Examine(context.Background(), s, o, l)
	sound(t, e)
	return e
}

// sound holds what is true of every answer.
func sound(t testing.TB, e observation.Examined) {
	t.Helper()
	damaged := e.Answer == observation.Damaged
	switch {
	case damaged != (Kinds[e.Kind] != ""), damaged != (e.Kind != ""):
		t.Errorf("%s with the kind %q", e.Answer, e.Kind)
	case e.Answer != observation.Whole && e.Message == "":
		t.Errorf("%s without a word", e.Answer)
	case strings.ContainsAny(e.Message, "\n\r"):
		t.Errorf("a message of several lines: %q", e.Message)
	case !damaged && (e.Offset != nil || e.Line != 0 || e.Excerpt != ""):
		t.Errorf("%s with a place: %+v", e.Answer, e)
	case e.Offset != nil && (*e.Offset < 0 || e.Kind != "" && *e.Offset > max(e.Size, deref(e.Expected))):
		t.Errorf("the place %d in %d bytes", *e.Offset, e.Size)
	case !utf8.ValidString(e.Excerpt):
		t.Errorf("the excerpt is no UTF-8: %q", e.Excerpt)
	}
}

func deref(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// said is an answer in short: its kind where it is damaged, with the place where known.
func said(e observation.Examined) string {
	text := string(e.Answer)
	if e.Kind != "" {
		text = e.Kind
	}
	if e.Offset != nil {
		text += "@" + string(itoa(*e.Offset))
	}
	return text
}

func itoa(n int64) []byte {
	var digits []byte
	for ; n > 9; n /= 10 {
		digits = append(digits, byte('0'+n%10))
	}
	digits = append(digits, byte('0'+n))
	slices.Reverse(digits)
	return digits
}

func TestAgainstOtherTimes(t *testing.T) {
	const old, new = "old content\n", "new content, longer\n"
	for _, c := range []struct {
		oracle string
		state
		want string
	}{
		{"absent", state{old, none, "", ""}, "whole"},
		{"absent", state{none, old, "", ""}, "left"},
		{"present", state{none, "", "", ""}, "whole"},
		{"present", state{old, none, "", ""}, "missing"},

		{"unchanged", state{old, old, "", ""}, "whole"},
		{"unchanged", state{none, none, "", ""}, "whole"},
		{"unchanged", state{"", "", "", ""}, "whole"},
		{"unchanged", state{none, old, "", ""}, "created"},
		{"unchanged", state{old, none, "", ""}, "missing"},
		{"unchanged", state{old, "", "", ""}, "empty@0"},
		{"unchanged", state{old, "old cont", "", ""}, "truncated@8"},
		{"unchanged", state{old, old + "x", "", ""}, "trailing-garbage@12"},
		{"unchanged", state{old, "old CONTENT\n", "", ""}, "changed@4"},
		{"unchanged", state{old, "old \x00\x00\x00\x00\x00", "", ""}, "zero-filled@4"},

		{"old-or-new", state{old, old, new, ""}, "whole"},
		{"old-or-new", state{old, new, new, ""}, "whole"},
		{"old-or-new", state{old, old, "", ""}, "whole"},
		{"old-or-new", state{old, new, "", ""}, "unknown"},
		{"old-or-new", state{none, none, new, ""}, "whole"},
		{"old-or-new", state{none, none, "", ""}, "whole"},
		{"old-or-new", state{old, none, none, ""}, "whole"},
		{"old-or-new", state{old, none, new, ""}, "missing"},
		{"old-or-new", state{old, none, "", ""}, "missing"},
		{"old-or-new", state{none, new, new, ""}, "whole"},
		{"old-or-new", state{none, new, none, ""}, "created"},
		{"old-or-new", state{none, new, "", ""}, "unknown"},
		{"old-or-new", state{old, "new cont", new, ""}, "truncated@8"},
		{"old-or-new", state{old, "", new, ""}, "empty@0"},
		{"old-or-new", state{old, old + "x", none, ""}, "trailing-garbage@12"},
		{"old-or-new", state{"AAAAAAAA", "BBBAAAAA", "BBBBBBBB", ""}, "torn@3"},
		{"old-or-new", state{"AAAAAAAA", "BBB\x00\x00\x00\x00\x00", "BBBBBBBB", ""}, "zero-filled@3"},
		{"old-or-new", state{"AAAAAAAA", "BBBCAAAA", "BBBBBBBB", ""}, "changed@3"},

		{"resumable", state{none, none, new, new}, "whole"},
		{"resumable", state{none, none, none, none}, "whole"},
		{"resumable", state{none, none, new, none}, "missing"},
		{"resumable", state{none, none, none, new}, "created"},
		{"resumable", state{none, none, "", new}, "unknown"},
		{"resumable", state{none, none, new, ""}, "unknown"},
		{"resumable", state{none, none, new, new + new}, "trailing-garbage@20"},
		{"resumable", state{none, none, new, "new"}, "truncated@3"},
		{"resumable", state{none, none, new, "new CONTENT, longer\n"}, "changed@4"},

		{"append-only", state{none, none, "", ""}, "whole"},
		{"append-only", state{none, "", "", ""}, "whole"},
		{"append-only", state{none, "a\nb\n", "", ""}, "whole"},
		{"append-only", state{"a\n", "a\nb\n", "", ""}, "whole"},
		{"append-only", state{"a\nb", "a\nb", "", ""}, "whole"},
		{"append-only", state{"a\nb", "a\nb\n", "", ""}, "whole"},
		{"append-only", state{"a\n", none, "", ""}, "missing"},
		{"append-only", state{"a\n", "", "", ""}, "empty@0"},
		{"append-only", state{"a\nb\n", "a\n", "", ""}, "truncated@2"},
		{"append-only", state{"a\nb\n", "a\nX\nc\n", "", ""}, "not-a-prefix@2"},
		{"append-only", state{"a\n", "a\nbb\ncc", "", ""}, "torn@5"},
		{"append-only", state{"a\n", "a\nbb", "", ""}, "torn@2"},
		{"append-only", state{"a\n", "a\nb\n\x00\x00", "", ""}, "zero-filled@4"},
		{"append-only:length:u8", state{"\x01x", "\x01x\x02yy", "", ""}, "whole"},
		{"append-only:length:u8", state{"\x01x", "\x01x\x02y", "", ""}, "torn@2"},
		{"append-only:length:u8", state{none, "\x01x\x00\x01y", "", ""}, "whole"},
		{"append-only:length:u8", state{none, "\x01x\x00\x00", "", ""}, "zero-filled@2"},
		{"append-only:length:u16be", state{none, "\x00\x02ab\x00\x01c", "", ""}, "whole"},
		{"append-only:length:u16le", state{none, "\x02\x00ab\x01\x00c", "", ""}, "whole"},
		{"append-only:length:u32be", state{none, "\x00\x00\x00\x02ab\x00\x00\x01", "", ""}, "torn@6"},
		{"append-only:length:u64be", state{none, "\xff\xff\xff\xff\xff\xff\xff\xffab", "", ""}, "torn@0"},
		{"append-only:length:u64le", state{none, "\x02\x00\x00\x00\x00\x00\x00\x00ab", "", ""}, "whole"},
		{"append-only:pattern:;;", state{"a;;", "a;;b;;", "", ""}, "whole"},
		{"append-only:pattern:;;", state{"a;;", "a;;b;", "", ""}, "torn@5"},
		{"append-only:pattern:;;", state{"a;", "a;;", "", ""}, "torn@3"},
		{"append-only:pattern:x|y", state{none, "ax", "", ""}, "whole"},
		{"append-only:pattern:x|y", state{none, "xb", "", ""}, "torn@2"},
		{"append-only:pattern:;;", state{none, "a;;\x00", "", ""}, "zero-filled@3"},
	} {
		e := ask(t, subject(t, c.state), c.oracle)
		if said(e) != c.want {
			t.Errorf("%s of %+q: %s, want %s (%s)", c.oracle, c.state, said(e), c.want, e.Message)
		}
	}
}

// TestTheFirstDifferenceAnywhere moves a difference over the borders of what is compared
// at once.
func TestTheFirstDifferenceAnywhere(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 3*chunk/16)
	for _, at := range []int64{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk - 1, 2 * chunk, int64(len(content)) - 1} {
		changed := []byte(content)
		changed[at] = '#'
		e := ask(t, subject(t, state{before: content, file: string(changed)}), "unchanged")
		if e.Offset == nil || *e.Offset != at || e.Kind != Changed {
			t.Errorf("changed at %d: %s", at, said(e))
		}
		e = ask(t, subject(t, state{before: content, file: content[:at]}), "unchanged")
		if at > 0 && (e.Offset == nil || *e.Offset != at || e.Kind != Truncated) {
			t.Errorf("cut at %d: %s", at, said(e))
		}
		e = ask(t, subject(t, state{before: content[:at], file: content}), "unchanged")
		if e.Offset == nil || *e.Offset != at || e.Kind != TrailingGarbage {
			t.Errorf("longer from %d: %s", at, said(e))
		}
	}
	if e := ask(t, subject(t, state{before: content, file: content}), "unchanged"); e.Answer != observation.Whole {
		t.Errorf("the same: %s", said(e))
	}
}

// TestWhere holds the places of damage, and how they are shown.
func TestWhere(t *testing.T) {
	log := strings.Repeat("{\"n\": 1}\n", 811) + "{\"n\": "
	e := ask(t, subject(t, state{file: log}), "format:jsonl")
	if e.Kind != Torn || e.Line != 812 || *e.Offset != 811*9 || !strings.Contains(e.Excerpt, `{\"n\": `) {
		t.Errorf("%+v", e)
	}
	e = ask(t, subject(t, state{before: "the old bytes", file: "the new bytes"}), "unchanged")
	if !strings.Contains(e.Excerpt, "|the old bytes|") || !strings.Contains(e.Excerpt, "|the new bytes|") || *e.Expected != 13 {
		t.Errorf("%+v", e)
	}
	e = ask(t, subject(t, state{before: none, file: strings.Repeat("x\n", 40_000) + "torn"}), "append-only")
	if e.Line != 40_001 || *e.Offset != 80_000 || e.Excerpt != `40001: "torn"` {
		t.Errorf("%+v", e)
	}
}

func TestSHA256(t *testing.T) {
	sum := sha256.Sum256([]byte("content"))
	hash := hex.EncodeToString(sum[:])
	s := subject(t, state{before: none, file: "content"})
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(s.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "sums"), 0o700); err != nil {
		t.Fatal(err)
	}
	zero := strings.Repeat("0", 64)
	write("good", zero+"  other\n"+hash+" *file\n")
	write("bad", zero+"  ./file\n")
	write("lacks", hash+"  other\n"+hash+" file\n")
	write("sums/below", hash+"  ../file\n")
	write("sums/absolute", hash+"  "+s.File+"\n")
	for oracle, want := range map[string]string{
		"sha256:" + hash:                  "whole",
		"sha256:" + strings.ToUpper(hash): "whole",
		"sha256:" + zero:                  "changed",
		"sha256:@good":                    "whole",
		"sha256:@bad":                     "changed",
		"sha256:@lacks":                   "unknown",
		"sha256:@nothing":                 "unknown",
		"sha256:@sums/below":              "whole",
		"sha256:@sums/absolute":           "whole",
		"sha256:@" + s.Dir + "/good":      "whole",
	} {
		if e := ask(t, s, oracle); said(e) != want {
			t.Errorf("%s: %s, want %s (%s)", oracle, said(e), want, e.Message)
		}
	}
	odd := subject(t, state{before: none, file: none})
	odd.File = filepath.Join(odd.Dir, "a\nb\\c")
	if err := os.WriteFile(odd.File, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(odd.Dir, "sums"), []byte(`\`+hash+`  a\nb\\c`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := ask(t, odd, "sha256:@sums"); e.Answer != observation.Whole {
		t.Errorf("an escaped name: %s (%s)", said(e), e.Message)
	}
	if e := ask(t, subject(t, state{before: none, file: none}), "sha256:"+zero); e.Answer != observation.Missing {
		t.Errorf("no file: %s", said(e))
	}
}

func TestCommand(t *testing.T) {
	const name = "it's $(a) \"file\"; rm -rf {} *"
	s := subject(t, state{before: none, file: none})
	s.File = filepath.Join(s.Dir, name)
	if err := os.WriteFile(s.File, []byte("good\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for oracle, want := range map[string]string{
		`command:grep -q good {}`:                   "whole",
		`command:grep -q good "{}"`:                 "whole",
		`command:grep -q good '{}'`:                 "whole",
		`command:grep -q good x"{}" 2>&1 || cat {}`: "whole",
		`command:test "$(cat "$1")" = good`:         "whole",
		`command:test "$PWD" = ` + s.Dir:            "whole",
		`command:grep -q bad {}`:                    "command",
		`command:echo \{}`:                          "whole",
		`command:exit 3`:                            "command",
		`command:kill -9 $$`:                        "command",
		`command:no-such-program {}`:                "unknown",
		`command:/dev/null {}`:                      "unknown",
	} {
		if e := ask(t, s, oracle); said(e) != want {
			t.Errorf("%s: %s, want %s (%s)", oracle, said(e), want, e.Message)
		}
	}
	if e := ask(t, s, "command:echo what; echo why >&2; exit 3"); e.Excerpt != "what\nwhy" || !strings.Contains(e.Message, "3") {
		t.Errorf("%+v", e)
	}
	if e := ask(t, s, "command:yes | head -c 9000000; exit 1"); len(e.Excerpt) > longestOutput+8 || len(e.Excerpt) < longestOutput/2 {
		t.Errorf("an excerpt of %d bytes", len(e.Excerpt))
	}
	if e := ask(t, s, `command:printf '\377'; exit 1`); e.Excerpt != "\uFFFD" {
		t.Errorf("%q", e.Excerpt)
	}
}

// TestNothingOfACommandIsLeft has a command that ends, and one that does not until it is
// stopped, leave a child behind, and sees that the child is dead: it held a lock.
func TestNothingOfACommandIsLeft(t *testing.T) {
	const start = "flock lock sh -c 'echo > up; exec sleep 1000' & until test -e up; do sleep 0.01; done"
	for script, want := range map[string]observation.Answer{start: observation.Whole, start + "; touch stop; wait": observation.Undecided} {
		s := subject(t, state{before: none, file: "x"})
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			poll(ctx, filepath.Join(s.Dir, "stop"))
			cancel()
		}()
		e := Examine(ctx, s, scenario.Oracle{Kind: scenario.Command, Argument: script}, Limits{})
		cancel()
		if e.Answer != want {
			t.Errorf("%s: %s (%s)", script, said(e), e.Message)
		}
		lock, err := os.Open(filepath.Join(s.Dir, "lock"))
		if err != nil {
			t.Fatal(err)
		}
		// Blocks until the child is gone; a child that is left makes the test hang.
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
			t.Error(err)
		}
		lock.Close() //nolint:errcheck // it was only locked
	}
}

// poll returns when a path is there, or when the context ends.
func poll(ctx context.Context, path string) {
	for ctx.Err() == nil {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestUnreadable looks at files without the permission to. Root has every permission: it
// starts the test again as somebody else, by the link that needs no path.
func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		again := exec.Command("/proc/self/exe", "-test.run=^TestUnreadable$", "-test.v")
		again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		again.Dir = "/"
		out, err := again.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestUnreadable") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	s := subject(t, state{before: "x", file: "x\n", reference: "x"})
	if err := os.Chmod(s.File, 0); err != nil {
		t.Fatal(err)
	}
	for _, o := range []string{"unchanged", "old-or-new", "append-only", "format:text", "format:sqlite", "sha256:" + strings.Repeat("0", 64)} {
		if e := ask(t, s, o); e.Answer != observation.Undecided || !strings.Contains(e.Message, "permission") {
			t.Errorf("%s: %s (%s)", o, said(e), e.Message)
		}
	}
	if err := os.Chmod(s.Dir, 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(s.Dir, 0o700) //nolint:errcheck // or its removal tells
	for _, o := range []string{"absent", "present", "unchanged", "command:true"} {
		if e := ask(t, s, o); e.Answer != observation.Undecided || !strings.Contains(e.Message, "permission") {
			t.Errorf("%s in a locked folder: %s (%s)", o, said(e), e.Message)
		}
	}
}

// TestWhatCannotBeSaid holds that no failure to look is called damage.
func TestWhatCannotBeSaid(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"a folder":               dir,
		"a pipe without writers": pipe,
		"below a file":           "/dev/null/x",
		"a device":               "/dev/zero",
	} {
		for _, o := range []string{"unchanged", "old-or-new", "append-only", "format:jsonl", "format:json", "format:tar.gz", "sha256:" + strings.Repeat("0", 64)} {
			s := Subject{Path: "x", File: file, Dir: dir, Before: "/proc/self/status", Reference: "/proc/self/status", HasReference: true}
			e := ask(t, s, o)
			if e.Answer != observation.Undecided {
				t.Errorf("%s, %s: %s (%s)", name, o, said(e), e.Message)
			}
		}
	}
	s := subject(t, state{before: none, file: "0123456789\n"})
	for _, o := range []string{"unchanged", "old-or-new", "append-only", "format:text", "sha256:" + strings.Repeat("0", 64)} {
		s.Before = s.File
		if e := askWithin(t, s, o, Limits{Bytes: 10}); e.Answer != observation.Undecided || !strings.Contains(e.Message, "limit of 10") {
			t.Errorf("%s beyond its limit: %s (%s)", o, said(e), e.Message)
		}
		if e := askWithin(t, s, o, Limits{Bytes: 11}); e.Answer == observation.Undecided {
			t.Errorf("%s within its limit: %s (%s)", o, said(e), e.Message)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if e := Examine(ended, s, scenario.Oracle{Kind: scenario.Unchanged}, Limits{}); e.Answer != observation.Undecided {
		t.Errorf("after the end: %s (%s)", said(e), e.Message)
	}
	s.Before = filepath.Join(dir, "gone")
	if e := ask(t, s, "unchanged"); e.Answer != observation.Undecided {
		t.Errorf("without its copy: %s (%s)", said(e), e.Message)
	}
}

func TestAPanicIsContained(t *testing.T) {
	formats["panics"] = func(*look, *source) error { panic("what no decoder should meet") }
	defer delete(formats, "panics")
	e := Examine(context.Background(), subject(t, state{file: "x"}), scenario.Oracle{Kind: scenario.Format, Argument: "panics"}, Limits{})
	if e.Answer != observation.Undecided || !strings.Contains(e.Message, "what no decoder should meet") {
		t.Errorf("%s (%s)", said(e), e.Message)
	}
	if !strings.Contains(e.Message, "oracle.TestAPanicIsContained") {
		t.Errorf("it does not say where: %s", e.Message)
	}
}

// TestAnErrorOfReadingOutweighs has a decoder take a file for damaged, and another one for
// whole, that could not be read.
func TestAnErrorOfReadingOutweighs(t *testing.T) {
	defer delete(formats, "swallows")
	for _, made := range []error{nil, broken(Malformed, 0, "it is no such file")} {
		formats["swallows"] = func(_ *look, file *source) error {
			file.file.Close()          //nolint:errcheck // it is to fail
			file.Read(make([]byte, 1)) //nolint:errcheck // likewise
			return made
		}
		e := Examine(context.Background(), subject(t, state{file: "x"}), scenario.Oracle{Kind: scenario.Format, Argument: "swallows"}, Limits{})
		if e.Answer != observation.Undecided || !strings.Contains(e.Message, "read the file") {
			t.Errorf("%v: %s (%s)", made, said(e), e.Message)
		}
	}
}

// TestADecoderThatNeverComesBack sees that the answer comes all the same.
func TestADecoderThatNeverComesBack(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	formats["hangs"] = func(*look, *source) error { close(begun); <-release; return nil }
	defer delete(formats, "hangs")
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	k := &look{ctx: ctx, Subject: subject(t, state{file: "x"}), oracle: scenario.Oracle{Kind: scenario.Format, Argument: "hangs"}, Limits: Limits{Time: time.Millisecond}.withDefaults()}
	e := k.answer(k.contain())
	<-begun // it has found its decoder: the table can be changed
	if e.Answer != observation.Undecided || !strings.Contains(e.Message, "1ms") {
		t.Errorf("%s (%s)", said(e), e.Message)
	}
}

// TestTheTablesAreFull holds the tables against the grammar.
func TestTheTablesAreFull(t *testing.T) {
	if got, want := slices.Sorted(maps.Keys(formats)), slices.Sorted(slices.Values(scenario.Formats)); !slices.Equal(got, want) {
		t.Errorf("formats %v, and in the grammar %v", got, want)
	}
	if got, want := slices.Sorted(maps.Keys(questions)), slices.Sorted(slices.Values(scenario.Oracles)); !slices.Equal(got, want) {
		t.Errorf("oracles %v, and in the grammar %v", got, want)
	}
}

// TestNothingIsChanged sees that looking leaves a folder as it was.
func TestNothingIsChanged(t *testing.T) {
	for name, sample := range samples(t) {
		s := subject(t, state{before: none, file: string(sample)})
		ask(t, s, "format:"+name)
		entries, err := os.ReadDir(s.Dir)
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
		if left, err := os.ReadFile(s.File); err != nil || !bytes.Equal(left, sample) {
			t.Errorf("%s: the file is another one: %v", name, err)
		}
	}
}
