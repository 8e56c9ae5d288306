package scenarios_test

import (
	"os/exec"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"
)

// selfReport is a target that writes down what it was started with, and stops well
// where it can. grep reads the shell's status before any trap is set; the shell cannot
// trap what was ignored when it started.
const selfReport = `grep '^Sig' /proc/$$/status >"$2"
trap 'exit 0' TERM
echo ready
while :; do sleep 0.01; done # $1`

// The two ways in which sigprobe gets signals in an unusual state from whoever started
// it. Both become sigprobe by exec.
var (
	ignoring = []string{"/bin/sh", "-c", `trap "" INT HUP TERM; exec "$@"`, "sh"}
	blocking = []string{"/usr/bin/python3", "-c", `
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
os.execv(sys.argv[1], sys.argv[1:])`}
)

// startedBy is a run of selfReport in which sigprobe is started by a program.
func (d *den) startedBy(starter []string, flags ...string) *exec.Cmd {
	command := append(append([]string{}, starter[1:]...), d.binary, "run", "--json", "-",
		"--trials", "2", "--window", "0s..20ms", "--ready-output", "^ready$", "--settle", "300ms", "--within", "30s")
	command = append(append(command, flags...), "--", "/bin/sh", "-c", selfReport, "sh", d.mark, d.path("signals"))
	return d.command(starter[0], command...)
}

// signals reads a set that the target wrote down: SigIgn, SigBlk, …
func (d *den) signals(name string) uint64 {
	GinkgoHelper()
	_, rest, found := strings.Cut("\n"+d.read("signals"), "\n"+name+":")
	Expect(found).To(BeTrue(), d.read("signals"))
	set, err := strconv.ParseUint(strings.Fields(rest)[0], 16, 64)
	Expect(err).NotTo(HaveOccurred())
	return set
}

func bit(s unix.Signal) uint64 { return 1 << (s - 1) }

var _ = Describe("A target of a sigprobe that was started", func() {
	DescribeTable("starts with default dispositions and an empty mask",
		func(starter []string) {
			d := newDen()
			status, summary := d.start(d.startedBy(starter, "--schedule", "TERM/30s/KILL")).summary()
			Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"graceful"}))
			Expect(status).To(Equal(0))
			Expect(d.signals("SigIgn")).To(BeZero())
			Expect(d.signals("SigBlk")).To(BeZero())
			d.leavesNothing()
		},
		Entry("with signals ignored", ignoring),
		Entry("with signals blocked", blocking),
	)

	// The Go runtime keeps no more than these two ignored (os/signal).
	It("starts with HUP and INT ignored where --inherit-signals asks for that", func() {
		d := newDen()
		status, summary := d.start(d.startedBy(ignoring, "--inherit-signals", "--schedule", "INT/200ms/KILL")).summary()
		// Whoever started the suite may have left the C library's two own signals ignored.
		Expect(d.signals("SigIgn") &^ (bit(32) | bit(33))).To(Equal(bit(unix.SIGINT) | bit(unix.SIGHUP)))
		Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"violation", "deadline/ignored"}))
		Expect(status).To(Equal(1))
		d.leavesNothing()
	})

	DescribeTable("leaves no trace when that sigprobe is told to stop all the same",
		func(starter []string) {
			d := newDen()
			p := d.start(d.startedBy(starter, "--trials", "100000"))
			Eventually(func() string { return d.read(".sigprobe/latest/trials.jsonl") }).WithTimeout(runBound).Should(ContainSubstring("\n"))
			Expect(unix.Kill(p.pid, unix.SIGTERM)).To(Succeed())
			Expect(p.status()).To(Equal(128 + int(unix.SIGTERM)))
			d.leavesNothing()
		},
		Entry("with TERM ignored", ignoring),
		Entry("with TERM blocked", blocking),
	)
})
