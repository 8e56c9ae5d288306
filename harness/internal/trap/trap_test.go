package trap

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// side is where a signal is sent: in front of a call, behind it, or nowhere.
type side string

const (
	before  side = "before"
	after   side = "after"
	nowhere side = "nowhere"
)

// shot is a program with a trap on write(2), and TERM at one of the main process' calls.
type shot struct {
	t     *testing.T
	pid   int
	trap  *Trap
	nth   int
	side  side
	seen  int
	step  *Step
	calls []Call
}

// fire runs a program and gives what it printed, line by line, and how it ended.
func fire(t *testing.T, nth int, side side, argv ...string) (lines []string, status unix.WaitStatus, calls []Call) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := os.Create(t.TempDir() + "/out")
	must(t, err)
	pidfd := -1
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, out.Fd(), 2},
		Sys: &syscall.SysProcAttr{Ptrace: true, PidFD: &pidfd},
	})
	must(t, err)
	trap, err := Set(pid, pidfd, []int{unix.SYS_WRITE})
	must(t, err)
	defer trap.Close()
	s := &shot{t: t, pid: pid, trap: trap, nth: nth, side: side}
	for s.event() {
	}
	_, err = unix.Wait4(pid, &status, 0, nil)
	must(t, err)
	text, err := os.ReadFile(out.Name())
	must(t, err)
	return strings.Fields(string(text)), status, s.calls
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// event handles what came; it is false when the last process of the tree is gone.
func (s *shot) event() bool {
	fds := []unix.PollFd{{Fd: int32(s.trap.FD()), Events: unix.POLLIN}}
	unix.Poll(fds, 5) //nolint:errcheck // an interruption is as good
	if s.step != nil {
		done, err := s.step.Advance()
		must(s.t, err)
		if done {
			must(s.t, unix.Kill(s.pid, unix.SIGTERM))
			must(s.t, s.step.Release())
			s.step = nil
		}
	}
	if fds[0].Revents&unix.POLLIN != 0 {
		call, ok, err := s.trap.Next()
		must(s.t, err)
		if ok {
			s.held(call)
		}
	}
	return fds[0].Revents&unix.POLLHUP == 0
}

func (s *shot) held(call Call) {
	if s.step != nil {
		mine, err := s.step.Again(call)
		must(s.t, err)
		if mine {
			return
		}
	}
	s.calls = append(s.calls, call)
	if call.TID == s.pid {
		s.seen++
	}
	var err error
	switch {
	case call.TID == s.pid && s.seen == s.nth && s.side == before:
		must(s.t, unix.Kill(s.pid, unix.SIGTERM))
		err = s.trap.Restart(call)
	case call.TID == s.pid && s.seen == s.nth && s.side == after:
		s.step, err = s.trap.StepOver(call)
	default:
		err = s.trap.Continue(call)
	}
	must(s.t, err)
}

// six prints six lines, each with one write; a signal that it catches costs it nothing.
const six = "for i in 1 2 3 4 5 6; do echo $i; done"

func TestSides(t *testing.T) {
	all := []string{"1", "2", "3", "4", "5", "6"}
	for nth := 1; nth <= len(all); nth++ {
		for side, lines := range map[side]int{before: nth - 1, after: nth} {
			t.Run(fmt.Sprintf("%s write %d", side, nth), func(t *testing.T) {
				printed, status, _ := fire(t, nth, side, "/bin/sh", "-c", six)
				if !slices.Equal(printed, all[:lines]) || status.Signal() != unix.SIGTERM {
					t.Errorf("printed %v, ended with %#x; want the first %d lines and death by TERM", printed, status, lines)
				}
				printed, status, _ = fire(t, nth, side, "/bin/sh", "-c", "trap 'got=yes' TERM; "+six+"; echo $got")
				if !slices.Equal(printed, append(slices.Clone(all), "yes")) || status.ExitStatus() != 0 {
					t.Errorf("with a handler it printed %v, ended with %#x; want every line once, and yes", printed, status)
				}
			})
		}
	}
}

// TestPastTheEnd shows what a sweep ends by: a point that does not come leaves the
// program alone.
func TestPastTheEnd(t *testing.T) {
	printed, status, calls := fire(t, 7, before, "/bin/sh", "-c", six)
	if len(printed) != 6 || status.ExitStatus() != 0 || len(calls) != 6 {
		t.Errorf("printed %v, ended with %#x after %d calls", printed, status, len(calls))
	}
}

// TestTree shows that the trap holds for whoever is started below, through fork and exec.
func TestTree(t *testing.T) {
	_, status, calls := fire(t, 0, nowhere, "/bin/sh", "-c", "echo a; (echo b); /bin/echo c; echo d | cat; exec /bin/echo e")
	if status.ExitStatus() != 0 || len(calls) != 6 {
		t.Errorf("%d calls were held, ended with %#x; want 6", len(calls), status)
	}
	threads := map[int]bool{}
	for _, call := range calls {
		threads[call.TID] = true
	}
	if len(threads) != 5 {
		t.Errorf("the calls came from %d processes, not from 5", len(threads))
	}
}

// TestUntouched holds the output of a program with a trap that nobody fires at against
// the program's own.
func TestUntouched(t *testing.T) {
	argv := []string{"/bin/sh", "-c", "seq 300 | sort -r | head -20; echo end"}
	want, err := exec.Command(argv[0], argv[1:]...).Output()
	must(t, err)
	got, _, _ := fire(t, 0, nowhere, argv...)
	if !slices.Equal(got, strings.Fields(string(want))) {
		t.Errorf("printed %v, want %s", got, want)
	}
}

// TestDetours shows that a way around the calls is held where it is opened, and that a
// map which no file is written through is none.
func TestDetours(t *testing.T) {
	if _, err := os.Stat("/usr/bin/python3"); err != nil {
		t.Skip("there is no /usr/bin/python3 to make the calls")
	}
	for script, want := range map[string]string{
		"mmap.mmap(fd, 4096, mmap.MAP_SHARED)":                 "a mapped file",
		"mmap.mmap(fd, 4096, mmap.MAP_PRIVATE)":                "",
		"mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ)": "",
		"mmap.mmap(-1, 4096)":                                  "",
		"ctypes.CDLL(None).syscall(425, 0, None)":              "io_uring",
		"ctypes.CDLL(None).syscall(39)":                        "",
	} {
		preamble := "import ctypes, mmap, os, tempfile\nfile = tempfile.TemporaryFile()\nfd = file.fileno()\nos.ftruncate(fd, 4096)\n"
		_, status, calls := fire(t, 0, nowhere, "/usr/bin/python3", "-c", preamble+script)
		if status.ExitStatus() != 0 {
			t.Errorf("%s ended with %#x", script, status)
		}
		var found []string
		for _, call := range calls {
			if what, _, ok := call.Detour(); ok {
				found = append(found, what)
			}
		}
		if got := strings.Join(found, ", "); got != want {
			t.Errorf("%s opens %q, want %q", script, got, want)
		}
	}
}
