package warden

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/strike"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// launch starts the target directly, with no helper in between: in a session of its
// own, in the warden's cgroup from birth on, with default dispositions and an empty
// mask, and with three descriptors.
func (t *trial) launch() *observation.Failure {
	if failure := t.portFree(); failure != nil {
		return failure
	}
	stdio, failure := t.openStdio()
	defer closeStdio(stdio)
	if failure != nil {
		return failure
	}
	if failure := t.openSides(); failure != nil {
		return failure
	}
	t.noteReadyFile()
	pid, pidfd, err := t.fork(stdio)
	t.forked = err == nil
	if err == nil && t.calls != nil {
		err = t.calls.set(pid, pidfd)
	}
	t.o.LaunchCost, t.clock, t.o.Launched = t.clock.Now(), strike.StartClock(), time.Now()
	if err != nil {
		return t.explainLaunch(err)
	}
	t.o.Stage = observation.Launched
	if t.calls != nil {
		for _, d := range t.calls.degradations() {
			t.degrade(d.What, d.Why)
		}
	}
	if t.target, err = proc.Adopt(pid, pidfd); err != nil {
		// The pidfd of an unreaped child cannot fail to match; without /proc nothing works.
		return &observation.Failure{Kind: "launch", Message: err.Error(), Remedy: "mount /proc"}
	}
	t.o.Process = t.target.Identity
	return nil
}

// stdio is the target's standard input, output and error, as this process holds them
// until the target has them.
type stdio [3]int

// closeStdio closes this process' copies, but for /dev/null, which serves every trial.
func closeStdio(files stdio) {
	unix.Close(files[1]) //nolint:errcheck // the target has its own
	if files[2] != files[1] {
		unix.Close(files[2]) //nolint:errcheck // likewise
	}
}

// openStdio makes pipes, or a terminal where signals are typed.
func (t *trial) openStdio() (stdio, *observation.Failure) {
	if t.req.Shot.To == signals.ToTTY {
		return t.openTerminal()
	}
	files := stdio{t.w.null, -1, -1}
	for i := range t.outputs {
		var ends [2]int
		if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
			return files, &observation.Failure{Kind: "launch", Message: fmt.Sprintf("make a pipe: %v", err)}
		}
		t.outputs[i] = &capture{fd: ends[0], stream: t.lines.Stream()}
		files[i+1] = ends[1]
	}
	return files, nil
}

func (t *trial) openTerminal() (stdio, *observation.Failure) {
	terminal, slave, err := openTerminal()
	if err != nil {
		return stdio{-1, -1, -1}, &observation.Failure{
			Kind: "launch", Message: fmt.Sprintf("open a terminal: %v", err), Remedy: "mount devpts, or deliver to process, group or session",
		}
	}
	t.tty = terminal
	// The capture has a descriptor of its own; hanging up closes both.
	master, _ := unix.FcntlInt(uintptr(terminal.fd), unix.F_DUPFD_CLOEXEC, 3) //nolint:errcheck // -1 reads nothing
	t.outputs[0] = &capture{fd: master, stream: t.lines.Stream()}
	terminal.reader = t.outputs[0]
	return stdio{slave, slave, slave}, nil
}

// openSides opens what readiness needs beside the streams.
func (t *trial) openSides() *observation.Failure {
	if !t.req.Ready.Notify {
		return nil
	}
	socket, err := openNotify()
	if err != nil {
		return &observation.Failure{Kind: "launch", Message: fmt.Sprintf("open a notification socket: %v", err)}
	}
	t.notify = socket
	t.req.Env = append(t.req.Env, "NOTIFY_SOCKET="+socket.name)
	return nil
}

func (t *trial) fork(files stdio) (pid, pidfd int, err error) {
	pidfd = -1
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, PidFD: &pidfd}
	if t.tty != nil {
		sys.Setctty, sys.Ctty = true, 0
	}
	if t.w.group != nil {
		sys.UseCgroupFD, sys.CgroupFD = true, t.w.group.fd
	}
	// Stopped at its exec, the target is given the trap before its first instruction.
	sys.Ptrace = t.calls != nil
	if t.req.InheritSignals {
		t.ignoreInherited(sigIgn)
		defer t.ignoreInherited(sigDfl)
	}
	t.clock = strike.StartClock()
	pid, err = syscall.ForkExec(t.req.Path, t.req.Args, &syscall.ProcAttr{
		Dir: t.req.Dir, Env: t.req.Env, Sys: sys,
		Files: []uintptr{uintptr(files[0]), uintptr(files[1]), uintptr(files[2])},
	})
	if t.calls != nil && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		// The child fails so before its exec, where PTRACE_TRACEME is refused.
		err = fmt.Errorf("%w: be traced up to its exec: %w", errTrap, err)
	}
	return pid, pidfd, err
}

// ignoreInherited gives the signals that sigprobe was started with ignored a
// disposition. Those that the Go runtime handles are not among them: it leaves HUP and
// INT ignored (os/signal), and takes all others over before any code of ours runs. It
// unblocks those that end programs as well, so a mask cannot be passed on either.
func (t *trial) ignoreInherited(handler uintptr) {
	for _, s := range t.w.ignored.Signals() {
		setDisposition(s, handler)
	}
}

// explainLaunch says what the kernel's answer to execve(2) means.
func (t *trial) explainLaunch(err error) *observation.Failure {
	failure := &observation.Failure{Kind: "launch", Message: fmt.Sprintf("start %s: %v", t.req.Path, err)}
	switch {
	case errors.Is(err, errTrap):
		failure.Remedy = trapRemedy
	case errors.Is(err, unix.ENOENT):
		failure.Remedy = "the program, its interpreter (the first line of a script) or the work folder " + t.req.Dir + " does not exist"
	case errors.Is(err, unix.ENOEXEC):
		failure.Remedy = "it is no program: a script needs a first line such as #!/bin/sh"
	case errors.Is(err, unix.EACCES):
		failure.Remedy = "make it executable (chmod +x), and look whether its file system is mounted noexec"
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EOPNOTSUPP):
		failure.Remedy = "the cgroup " + t.w.abilities.CgroupDir + " takes no processes"
	}
	return failure
}

// portFree refuses to launch when somebody else listens on the port to be ready by:
// readiness, and the whole trial, would be about that one.
func (t *trial) portFree() *observation.Failure {
	port := t.req.Ready.Port
	if port == 0 || t.req.Restart != nil || len(proc.Listeners(port)) == 0 {
		return nil
	}
	return &observation.Failure{
		Kind: "port-in-use", Message: fmt.Sprintf("port %d is in use by another process before the target is launched", port),
		Remedy: "stop it, or give the target another port",
	}
}
