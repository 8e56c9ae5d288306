package main

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/onsi/gomega"
	"github.com/onsi/gomega/gexec"
)

// gexec is the same stop as suites write it with gexec: Start, Terminate, Eventually.
func (b *bench) gexec() (time.Duration, error) {
	cmd := exec.Command(b.sleep, "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var failure string
	g := gomega.NewGomega(func(message string, _ ...int) { failure = message })
	started := time.Now()
	session, err := gexec.Start(cmd, nil, nil)
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", b.sleep, err)
	}
	session.Terminate()
	g.Eventually(session).Should(gexec.Exit())
	took := time.Since(started)
	if failure != "" {
		session.Kill()
		<-session.Exited
		return took, fmt.Errorf("gexec: %s", failure)
	}
	if code, want := session.ExitCode(), 128+int(syscall.SIGTERM); code != want {
		return took, fmt.Errorf("gexec: %s ended with %d in place of %d", b.sleep, code, want)
	}
	return took, nil
}
