package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Some of what is measured needs a process of its own: this binary, started once more
// under another name.
var roles = map[string]func() error{
	"sigprobe-bench-shots": shotsRole,
	"sigprobe-bench-tree":  treeRole,
}

// asRole carries out the role that the process was started for, if it was.
func asRole() (status int, is bool) {
	role, is := roles[os.Args[0]]
	if !is {
		return 0, false
	}
	if err := role(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
		return broken, true
	}
	return 0, true
}

// inRole is the command that starts a role. The process is told to stop when the thread
// that starts it ends.
func inRole(name string, args ...string) *exec.Cmd {
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{name}, args...),
		Stderr:      os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
}
