package oracle

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// command asks a shell command of the scenario's author, which exits with 0 where the
// file is whole. {} in it stands for the file's absolute path, as does "$1". It runs in
// the work folder, without input, and its process group is killed when it ends or when
// the time is over. What it cannot see is the command's business. A process that it
// starts in a session of its own is not waited for.
func command(k *look) error {
	there, err := exists(k.File)
	if err != nil {
		return fmt.Errorf("look for the file: %w", withoutPath(err))
	}
	if !there {
		return &absence{"there is no such file"}
	}
	path, err := filepath.Abs(k.File)
	if err != nil {
		return err
	}
	shell := exec.Command("sh", "-c", withPath(k.oracle.Argument), "sh", path)
	shell.Dir = k.Dir
	said, err := k.run(shell)
	if err != nil {
		return err
	}
	return judgeExit(shell, said)
}

// The shell exits with these where it could not start what it should (POSIX 2.8.2).
const (
	notExecutable = 126
	notFound      = 127
)

func judgeExit(shell *exec.Cmd, said string) error {
	state := shell.ProcessState
	switch {
	case state.ExitCode() == 0:
		return nil
	case state.ExitCode() == notExecutable || state.ExitCode() == notFound:
		return fmt.Errorf("the command could not be started (%s): %s", state, said)
	}
	d := broken(CommandFailed, -1, "the command says so: %s", state)
	d.excerpt = said
	return d
}

// withPath puts the first argument of the script in the place of every {}, whatever
// quotes it stands in, so that no character of a path has a meaning for the shell.
// It does not follow quotes within "$(…)"; write "$1" there.
func withPath(script string) string {
	var out strings.Builder
	quote := byte(0)
	for i := 0; i < len(script); i++ {
		c := script[i]
		switch {
		case strings.HasPrefix(script[i:], "{}"):
			out.WriteString(pathWithin(quote))
			i++
			continue
		case c == '\\' && quote != '\'' && i+1 < len(script):
			out.WriteByte(c)
			i++
			c = script[i]
		case c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		}
		out.WriteByte(c)
	}
	return out.String()
}

func pathWithin(quote byte) string {
	switch quote {
	case '"':
		return `${1}`
	case '\'':
		return `'"${1}"'`
	}
	return `"${1}"`
}

// longestOutput bounds what is kept of a command's output, in bytes.
const longestOutput = 4 << 10

// head keeps the beginning of what is written to it.
type head struct {
	kept []byte
	more bool
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), longestOutput-len(h.kept))
	h.kept = append(h.kept, p[:n]...)
	h.more = h.more || n < len(p)
	return len(p), nil
}

func (h *head) String() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(h.kept), "\uFFFD"))
	if h.more {
		text += " …"
	}
	return text
}

// run runs a program of ours in a process group of its own and returns the beginning of
// what it printed. The group is killed when its leader ends, or when the time is over.
// An error means that it said nothing, not that its status was not 0.
func (k *look) run(program *exec.Cmd) (string, error) {
	said := new(head)
	program.Stdout, program.Stderr = said, said
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A process that left the group may hold the pipe for ever.
	program.WaitDelay = time.Second
	if err := program.Start(); err != nil {
		return "", fmt.Errorf("start the command: %w", err)
	}
	killed := make(chan struct{})
	stop := context.AfterFunc(k.ctx, func() {
		unix.Kill(-program.Process.Pid, unix.SIGKILL) //nolint:errcheck // it may be gone
		close(killed)
	})
	waitEnd(program.Process.Pid)
	inTime := stop()
	if !inTime {
		<-killed
	}
	// The dead leader is not reaped yet: the number of its group is nobody else's.
	unix.Kill(-program.Process.Pid, unix.SIGKILL) //nolint:errcheck // likewise
	err := program.Wait()
	var status *exec.ExitError
	switch {
	case !inTime:
		return "", k.outOfTime()
	case err != nil && !errors.As(err, &status) && !errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("wait for the command: %w", err)
	}
	return said.String(), nil
}

// waitEnd waits until a child of ours is dead, and leaves it unreaped (WNOWAIT,
// waitid(2)).
func waitEnd(pid int) {
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR { //nolint:errorlint // a bare errno
	}
}
