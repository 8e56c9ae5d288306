package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The scripts run this test binary under the name sigprobe. A warden is that binary
// once more, under its own name: its hook is an init function and comes before Main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sigprobe": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Values[startedKey] = started{}
			// With the race detector every process would wait for a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":   status,
			"one-line": oneLine,
			"start":    start,
			"signal":   send,
			"ended":    finished,
			"until":    until,
			"nobody":   nobody,
			"listen":   listen,
		},
	})
}

// bound is how long a script waits for a state at the most.
const bound = 30 * time.Second

// await polls for a state, with a bound.
func await(ts *testscript.TestScript, what string, met func() bool) {
	deadline := time.Now().Add(bound)
	for nap := time.Millisecond; !met(); nap = min(2*nap, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("not within %s: %s", bound, what)
		}
		time.Sleep(nap)
	}
}

// status runs sigprobe and wants its exit status: status 64 run --jobs 0
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N args…")
	}
	got := exitCode(ts, ts.Exec("sigprobe", args[1:]...))
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, not %s", got, args[0])
	}
}

// oneLine wants standard error to be one line that matches: one-line RE
func oneLine(ts *testscript.TestScript, _ bool, args []string) {
	said := ts.ReadFile("stderr")
	if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "sigprobe: ") {
		ts.Fatalf("not one line of sigprobe's: %q", said)
	}
	if !regexp.MustCompile(strings.Join(args, " ")).MatchString(said) {
		ts.Fatalf("no match of %q in %q", args, said)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exited *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exited):
		return exited.ExitCode()
	}
	ts.Fatalf("run sigprobe: %v", err)
	return -1
}

// started are the processes of a script, by the name it gave them.
type started map[string]*exec.Cmd

func of(ts *testscript.TestScript) started { return ts.Value(startedKey).(started) }

const startedKey = "started"

// start runs sigprobe in the background; its streams go to NAME.out and NAME.err.
func start(ts *testscript.TestScript, _ bool, args []string) {
	name, args := args[0], args[1:]
	path, err := exec.LookPath(filepath.Join(bindir(ts), "sigprobe"))
	ts.Check(err)
	c := exec.Command(path, args...)
	c.Dir = ts.Getenv("WORK")
	c.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"), "TMPDIR="+ts.Getenv("TMPDIR"))
	c.Stdout, err = os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	c.Stderr, err = os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	ts.Check(c.Start())
	of(ts)[name] = c
	ts.Defer(func() {
		if c.ProcessState == nil {
			c.Process.Kill() //nolint:errcheck // it may just have ended
			c.Wait()         //nolint:errcheck // likewise
		}
	})
}

// bindir is the folder of the commands that testscript installed.
func bindir(ts *testscript.TestScript) string {
	for _, folder := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(folder, "sigprobe")); err == nil {
			return folder
		}
	}
	ts.Fatalf("sigprobe is not in PATH")
	return ""
}

// send signals a started sigprobe: signal NAME INT
func send(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(of(ts)[args[0]].Process.Signal(unix.SignalNum("SIG" + args[1])))
}

// finished waits for a started sigprobe and wants its exit status; -9 stands for KILL.
func finished(ts *testscript.TestScript, _ bool, args []string) {
	c := of(ts)[args[0]]
	done := make(chan struct{})
	go func() { c.Wait(); close(done) }() //nolint:errcheck // its state is looked at
	await(ts, args[0]+" ends", func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	got := c.ProcessState.ExitCode()
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		got = -int(status.Signal())
	}
	if strconv.Itoa(got) != args[1] {
		text, _ := os.ReadFile(ts.MkAbs(args[0] + ".err"))
		ts.Fatalf("%s ended with %d, not %s; it said: %s", args[0], got, args[1], text)
	}
}

// until waits until a file has a line that matches: until FILE RE
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	await(ts, fmt.Sprintf("%s has /%s/", args[0], args[1]), func() bool {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && pattern.Match(text)
	})
}

// nobody waits until no process has this command line; with ! until one has it.
func nobody(ts *testscript.TestScript, neg bool, args []string) {
	wanted := strings.Join(args, "\x00") + "\x00"
	await(ts, fmt.Sprintf("processes %q", args), func() bool { return lives(wanted) == neg })
}

func lives(wanted string) bool {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && string(text) == wanted {
			return true
		}
	}
	return false
}

// listen holds a TCP port until the script ends, and puts its number into $port.
func listen(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("port", port)
}
