package stack

import (
	"bufio"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// ledger is a running program that has said that it is ready and waits for its input.
type ledger struct {
	*exec.Cmd
	input io.WriteCloser
}

// start runs a program whose main thread waits for standard input after it said ready.
// It skips the test where the program cannot be run.
func start(t testing.TB, command ...string) ledger {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("%s: %v", command[0], err)
	}
	t.Cleanup(func() {
		input.Close()      //nolint:errcheck // it ends the program
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // likewise
	})
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "ready\n" {
		t.Skipf("%s does not run here: %q, %v", command[0], line, err)
	}
	l := ledger{cmd, input}
	return l
}

// waitFor polls until a thread of the process waits in a system call whose text in
// /proc begins so.
func (l ledger) waitFor(t testing.TB, tid int, call string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if place, err := os.ReadFile(taskFile(l.Process.Pid, tid, "syscall")); err == nil && strings.HasPrefix(string(place), call) {
			return
		}
	}
	t.Fatalf("%s never waited in system call %s", l.Path, call)
}

// reading is read(2) of standard input.
const reading = "0 0x0 "

// stack reads the stack of the main thread, which waits for its input.
func (l ledger) stack(t testing.TB, r *Reader) observation.Stack {
	t.Helper()
	pid := l.Process.Pid
	l.waitFor(t, pid, reading)
	s := r.Thread(pid, pid)
	for _, f := range s.Frames {
		t.Logf("%s %s:%d %s+%#x", f.Function, f.File, f.Line, f.Module, f.Offset)
	}
	return s
}

func reader(t testing.TB) *Reader {
	r := NewReader()
	t.Cleanup(r.Close)
	return r
}

// expect says what the functions on a stack are to be: they follow each other, with
// others between them only where "…" stands.
func expect(t *testing.T, s observation.Stack, language, how string, functions ...string) {
	t.Helper()
	if s.Language != language || s.How != how || s.Unknown != "" {
		t.Errorf("%q by %q, %q; want %q by %q", s.Language, s.How, s.Unknown, language, how)
	}
	at, gap := 0, false
	for _, want := range functions {
		if want == "…" {
			gap = true
			continue
		}
		for gap && at < len(s.Frames) && s.Frames[at].Function != want {
			at++
		}
		if at >= len(s.Frames) || s.Frames[at].Function != want {
			t.Fatalf("no %s at frame %d", want, at)
		}
		at, gap = at+1, false
	}
}

func pythons() []string {
	list := filepath.SplitList(os.Getenv("SIGPROBE_PYTHONS"))
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(name); err == nil {
			list = append(list, path)
		}
	}
	return list
}

// SIGPROBE_PYTHONS lists further interpreters to try, separated by colons.
func TestPython(t *testing.T) {
	for _, interpreter := range pythons() {
		t.Run(interpreter, func(t *testing.T) {
			r := reader(t)
			l := start(t, interpreter, "testdata/ledger.py")
			s := l.stack(t, r)
			save := "Ledger.save"
			if version := minorOf(t, r, l.Process.Pid); version < 11 {
				save = "save" // without qualified names
			} else if version > 13 {
				t.Skipf("Python 3.%d is not read", version)
			}
			expect(t, s, "python", "interpreter", save, "main", "grüße", "<module>")
			var lines []int
			for _, f := range s.Frames {
				lines = append(lines, f.Line)
				if f.File != "testdata/ledger.py" && !filepath.IsAbs(f.File) {
					t.Errorf("file %q", f.File)
				}
			}
			if len(lines) != 4 || lines[0] != 9 || lines[1] != 22 || lines[2] != 26 || lines[3] != 30 || s.Truncated {
				t.Errorf("lines %v, truncated: %t", lines, s.Truncated)
			}
			l.otherThread(t, r)
		})
	}
}

// otherThread expects the frames of the thread that waits for an event.
func (l ledger) otherThread(t *testing.T, r *Reader) {
	for _, tid := range tasks(t, l.Process.Pid) {
		if tid == l.Process.Pid {
			continue
		}
		l.waitFor(t, tid, "202 ") // futex
		s := r.Thread(l.Process.Pid, tid)
		expect(t, s, "python", "interpreter", "…", "wait", "…")
		if s.Frames[len(s.Frames)-1].Function == "<module>" {
			t.Errorf("the main thread's frames: %+v", s.Frames)
		}
		return
	}
	t.Error("there is no other thread")
}

func tasks(t testing.TB, pid int) (list []int) {
	entries, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		tid, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, tid)
	}
	return list
}

func minorOf(t testing.TB, r *Reader, pid int) int {
	space, err := r.addressSpace(pid)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := space.python()
	if !ok {
		t.Fatal("no interpreter was found")
	}
	minor, err := p.minor()
	if err != nil {
		t.Fatal(err)
	}
	return minor
}

// compile builds the C program.
func compile(t testing.TB, flags ...string) string {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("there is no C compiler")
	}
	program := filepath.Join(t.TempDir(), "ledger")
	out, err := exec.Command(compiler, append(flags, "-o", program, "testdata/ledger.c")...).CombinedOutput()
	if err != nil {
		t.Skipf("cc %s: %v\n%s", flags, err, out)
	}
	return program
}

func TestC(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags []string
		how   string
	}{
		{"without frame pointers", []string{"-O2", "-fomit-frame-pointer"}, byTables},
		{"with frame pointers", []string{"-O2", "-fno-omit-frame-pointer"}, byPointers},
		{"not optimised", []string{"-O0"}, byPointers},
		{"static", []string{"-O2", "-static"}, byTables},
		{"at a fixed address", []string{"-O2", "-no-pie"}, byTables},
		{"frame pointers and no tables", []string{"-O2", "-fno-omit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables"}, byPointers},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := start(t, compile(t, c.flags...))
			s := l.stack(t, reader(t))
			expect(t, s, native, c.how, "…", "save", "work", "main", "…")
			if s.Truncated && c.name != "frame pointers and no tables" {
				t.Error("it did not come to the end")
			}
		})
	}
}

// Without tables and without frame pointers there is the innermost frame and no guess at
// the others.
func TestNothingToUnwindBy(t *testing.T) {
	l := start(t, compile(t, "-O2", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-static"))
	s := l.stack(t, reader(t))
	if len(s.Frames) == 0 || !s.Truncated {
		t.Errorf("%+v", s)
	}
	for _, f := range s.Frames {
		if f.Function == "work" || f.Function == "main" {
			t.Errorf("%s was guessed without a frame pointer", f.Function)
		}
	}
}

// A frame pointer is looked for only where the function keeps one.
func TestKeepsPointer(t *testing.T) {
	for flag, want := range map[string]bool{"-fomit-frame-pointer": false, "-fno-omit-frame-pointer": true} {
		for _, tables := range [][]string{nil, {"-fno-asynchronous-unwind-tables", "-fno-unwind-tables"}} {
			l, r := start(t, compile(t, append(tables, "-O2", flag)...)), reader(t)
			l.waitFor(t, l.Process.Pid, reading)
			space, err := r.addressSpace(l.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			in := space.maps.program()
			m := space.module(in)
			save := m.addresses(elf.SHT_SYMTAB, "save")["save"]
			pc, ok := m.inMemory(in, save+20)
			if start, keeps := space.keepsPointer(pc, true); !ok || keeps != want || keeps && start != pc-20 {
				t.Errorf("%s %v: %#x, %t", flag, tables, start, keeps)
			}
		}
	}
}

func TestStripped(t *testing.T) {
	program := compile(t, "-O2", "-s")
	s := start(t, program).stack(t, reader(t))
	own := 0
	for _, f := range s.Frames {
		if f.Module == program {
			own++
			if f.Function != "" || f.Offset == 0 {
				t.Errorf("%+v", f)
			}
		}
	}
	if own < 3 || s.How != byTables {
		t.Errorf("%d frames of the program: %+v", own, s)
	}
}

// A handler that does not come back: the frames of the handler, then those of the code
// that the signal interrupted.
func TestSignalHandler(t *testing.T) {
	l := start(t, compile(t, "-O2"), "handler")
	expect(t, l.stack(t, reader(t)), native, byTables, "…", "save", "work", "on_term", "…", "spin", "main", "…")
}

func buildGo(t testing.TB, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ledger")
	args := append(append([]string{"build"}, flags...), "-o", program, "./testdata/golang")
	build := exec.Command("go", args...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("%s: %v\n%s", build, err, out)
	}
	return program
}

func TestGo(t *testing.T) {
	for name, flags := range map[string][]string{
		"plain": nil, "stripped": {"-ldflags=-s -w"},
		"stripped and position-independent": {"-buildmode=pie", "-ldflags=-s -w"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, buildGo(t, flags...)).stack(t, reader(t))
			expect(t, s, golang, byTables, "…", "syscall.Read", "main.(*ledger).save", "main.work", "main.main", "runtime.main", "runtime.goexit")
			want := map[string]int{"main.(*ledger).save": 15, "main.work": 22, "main.main": 30}
			for _, f := range s.Frames {
				if line, mine := want[f.Function]; mine && (f.Line != line || filepath.Base(f.File) != "main.go") {
					t.Errorf("%s at %s:%d, want line %d", f.Function, f.File, f.Line, line)
				}
			}
			if s.Truncated {
				t.Error("it did not come to the end")
			}
		})
	}
}

// Where the linker's facts are not found, as in stripped programs of Go up to 1.25, a
// place in an inlined function has the name of the function around it, and no line.
func TestGoWithoutFacts(t *testing.T) {
	l, r := start(t, buildGo(t)), reader(t)
	l.stack(t, r)
	for _, m := range r.modules {
		if m.goTable() != nil {
			m.goTable().inlined = 0
		}
	}
	s := l.stack(t, r)
	expect(t, s, golang, byTables, "…", "syscall.read", "main.(*ledger).save", "main.work", "main.main", "…")
	for _, f := range s.Frames {
		if f.Function == "main.(*ledger).save" && (f.Line != 0 || f.File != "") || f.Function == "main.work" && f.Line != 22 {
			t.Errorf("%+v", f)
		}
	}
}

// A thread of a Go program that waits for work has the scheduler's frames, and says so.
func TestGoIdle(t *testing.T) {
	l := start(t, buildGo(t))
	l.waitFor(t, l.Process.Pid, reading)
	r := reader(t)
	for _, tid := range tasks(t, l.Process.Pid) {
		if s := r.Thread(l.Process.Pid, tid); tid != l.Process.Pid && s.Frames != nil && strings.Contains(s.Unknown, "no goroutine") {
			return
		}
	}
	t.Error("no thread was found that waits for work")
}

func TestNode(t *testing.T) {
	s := start(t, "node", "testdata/ledger.js").stack(t, reader(t))
	if s.Language != node || len(s.Frames) < 5 {
		t.Errorf("%+v", s)
	}
	expect(t, s, node, s.How, "…", "node::fs::Read", "…")
}

func TestNodeNamesJavaScript(t *testing.T) {
	l := start(t, "node", "--perf-basic-prof", "--interpreted-frames-native-stack", "--no-logfile-per-isolate",
		"--logfile="+t.TempDir()+"/v8.log", "testdata/ledger.js")
	t.Cleanup(func() { os.Remove("/tmp/perf-" + strconv.Itoa(l.Process.Pid) + ".map") }) //nolint:errcheck // the program wrote it
	s := l.stack(t, reader(t))
	for _, f := range s.Frames {
		if strings.HasPrefix(f.Function, "JS:") && strings.Contains(f.Function, "save ") {
			return
		}
	}
	t.Errorf("no function of the script: %+v", s.Frames)
}

func TestShell(t *testing.T) {
	l, r := start(t, "/bin/sh", "-c", "echo ready; read x"), reader(t)
	if r.Knows(l.Process.Pid) {
		t.Error("it is known before the first look")
	}
	s := l.stack(t, r)
	if !r.Knows(l.Process.Pid) || r.Knows(os.Getpid()) {
		t.Error("what was looked into is not known, or something else is")
	}
	if s.Language != native || len(s.Frames) < 2 || s.Unknown != "" || s.How != byTables {
		t.Errorf("%+v", s)
	}
}

func TestGone(t *testing.T) {
	l := start(t, "/bin/sh", "-c", "echo ready; read x")
	l.waitFor(t, l.Process.Pid, reading)
	l.input.Close() //nolint:errcheck // it ends the program
	if err := l.Wait(); err == nil {
		t.Error("read at the end of its input succeeded")
	}
	if s := reader(t).Thread(l.Process.Pid, l.Process.Pid); s.Unknown != "it was gone" || s.Frames != nil {
		t.Errorf("%+v", s)
	}
}

// A thread that runs has no place to tell, but its program can be learned.
func TestRunning(t *testing.T) {
	l := start(t, "/bin/sh", "-c", "echo ready; while :; do :; done")
	r := reader(t)
	if r.Learn(l.Process.Pid); !r.Knows(l.Process.Pid) {
		t.Error("it was learned and is not known")
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		s := r.Thread(l.Process.Pid, l.Process.Pid)
		if s.Unknown == errRunning.Error() && s.Frames == nil {
			return
		}
	}
	t.Error("a busy loop was never found running")
}
