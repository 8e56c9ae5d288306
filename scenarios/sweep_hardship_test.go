package scenarios_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/reports"
)

// refusing becomes a program to which the kernel refuses one system call, with EPERM, as
// a container's seccomp profile does. It is given the call's number.
const refusing = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
program = b"".join(struct.pack("HBBI", *i) for i in [
    (0x20, 0, 0, 0),                 # load the number
    (0x15, 0, 1, int(sys.argv[1])),  # the one that is refused?
    (0x06, 0, 0, 0x00050001),        # EPERM
    (0x06, 0, 0, 0x7fff0000)])       # all others pass
held = ctypes.create_string_buffer(program)
class Program(ctypes.Structure): _fields_ = [("n", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
if libc.prctl(38, 1, 0, 0, 0): sys.exit("no_new_privs")
if libc.prctl(22, 2, ctypes.byref(Program(4, ctypes.addressof(held)))): sys.exit("seccomp")
os.execv(sys.argv[2], sys.argv[2:])`

var _ = Describe("Where the kernel refuses", func() {
	// In the same order in every process that specs are dealt to.
	for _, call := range []struct {
		name   string
		number int
	}{{"ptrace", unix.SYS_PTRACE}, {"seccomp", unix.SYS_SECCOMP}} {
		Context(call.name, func() {
			var d *den
			refused := func(args ...string) (int, reports.Summary, string) {
				GinkgoHelper()
				command := append([]string{"-c", refusing, strconv.Itoa(call.number), d.binary, "run", "--json", "-"}, args...)
				p := d.start(d.command("/usr/bin/python3", command...))
				status, summary := p.summary()
				return status, summary, said(p.stderr)
			}
			BeforeEach(func() { d = newDen() })

			It("a system call point is an error that says what to look at", func() {
				for _, calls := range []string{"fork,exec", "write"} {
					file := d.write("one.yaml", fmt.Sprintf(oneSweep, calls))
					status, summary, text := refused(file)
					Expect(status).To(Equal(70), text)
					Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"error"}))
					Expect(text).To(And(ContainSubstring("system call"), ContainSubstring("kernel.yama.ptrace_scope"), ContainSubstring("seccomp profile")))
					d.leavesNothing()
				}
			})

			It("points in time and at output lines are struck as ever", func() {
				for _, strike := range []string{"random: {trials: 2, window: 0s..5ms}", "output: {trials: 2, matching: ^ready$}"} {
					status, summary, text := refused(d.write("other.yaml", fmt.Sprintf(oneOther, strike)))
					Expect(status).To(Equal(0), text)
					Expect(summary.Scenarios[0].Trials.Graceful).To(Equal(2))
					d.leavesNothing()
				}
			})
		})
	}
})

const oneSweep = `
scenarios:
  - name: swept
    target: {command: [/bin/sh, -c, 'echo x >f']}
    strike: {sweep: {syscall: '%s'}}
`

const oneOther = `
scenarios:
  - name: other
    target: {command: [/bin/sh, -c, 'echo ready; exec sleep 1000']}
    ready: {output: ^ready$}
    strike: {%s}
    expect: {exit: [default-action]}
`

// longSweep is of a program with three processes and threads, which are held at every
// write while the others work; $1 is the den's mark.
const longSweep = `
scenarios:
  - name: long
    target: {command: [/bin/sh, -c, '(%s --out a --writes 3000; : %s) & (setsid %s --out b --writes 3000; : %s) & %s --out c --writes 3000; wait']}
    stop: {schedule: TERM/5s/KILL, settle: 0s}
    strike: {sweep: {syscall: 'write,exec,fork', side: [before, after]}}
    expect: {exit: [default-action], survivors: allow}
`

// longSweep starts a sweep that takes minutes.
func (d *den) longSweep() *process {
	GinkgoHelper()
	writer := filepath.Join(filepath.Dir(d.binary), "fixtures/threads-writer")
	text := fmt.Sprintf(longSweep, writer, d.mark, writer, d.mark, writer)
	return d.start(d.sigprobe("run", "--quiet", "--jobs", "4", d.write("long.yaml", text)))
}

// killInSweep kills a warden, then sigprobe, in the middle of sweeps. Whoever is stopped
// or traced is alive: nobody may be.
func killInSweep(times int) {
	GinkgoHelper()
	d, from := newDen(), seed()
	AddReportEntry("seed", from, ReportEntryVisibilityFailureOrVerbose)
	random := rand.New(rand.NewPCG(from, 0))
	for range times {
		Expect(os.RemoveAll(d.path(reports.DefaultRoot))).To(Succeed())
		p := d.longSweep()
		trials := random.IntN(30)
		Eventually(func() int { return strings.Count(d.read(".sigprobe/latest/trials.jsonl"), "\n") }).
			WithTimeout(runBound).WithPolling(time.Millisecond).Should(BeNumerically(">", trials))
		wardens := p.noteWardens()
		Expect(wardens).NotTo(BeEmpty())
		Expect(unix.Kill(wardens[0], unix.SIGKILL)).To(Succeed())
		before := strings.Count(d.read(".sigprobe/latest/trials.jsonl"), "\n")
		Eventually(func() int { return strings.Count(d.read(".sigprobe/latest/trials.jsonl"), "\n") }).
			WithTimeout(runBound).Should(BeNumerically(">", before+8), "without the warden the sweep goes on")
		p.noteWardens()
		Expect(unix.Kill(p.pid, unix.SIGKILL)).To(Succeed())
		Eventually(d.living).WithTimeout(goneWithin).WithPolling(time.Millisecond).Should(BeEmpty())
		Expect(p.status()).To(Equal(-1))
		Eventually(d.groups).WithTimeout(15 * time.Second).Should(BeEmpty())
	}
}

var _ = Describe("SIGKILL to a warden, then to sigprobe, in the middle of a sweep leaves nobody stopped or traced", Serial, func() {
	It("a few times", func() { killInSweep(3) })
	It("many times", Label("soak"), func() { killInSweep(50) })
})

var _ = Describe("An ordinary user", func() {
	It("sweeps like root", func() {
		d := houseForNobody()
		args := []string{"--jobs", "4"}
		for _, name := range []string{"torn-between", "fork-exec-loser", "threads-writer"} {
			args = append(args, "--scenario", name)
		}
		status, summary := d.run(append(args, d.path("scenarios/sweep.yaml"))...)
		Expect(status).To(Equal(1))
		d.leavesNothing()
		found := map[string][]string{}
		violations := map[string]int{}
		for _, c := range summary.Scenarios {
			found[c.Name], violations[c.Name] = outcome(c), c.Trials.Violation
			Expect(c.Trials.Error).To(BeZero())
		}
		Expect(found).To(Equal(map[string][]string{
			"torn-between": {"violation", "exit/code"}, "fork-exec-loser": {"violation", "output/missing"}, "threads-writer": {"graceful"},
		}))
		Expect(violations).To(Equal(map[string]int{"torn-between": 2, "fork-exec-loser": 5, "threads-writer": 0}))
		Expect(degraded(summary)).To(ContainElement("setuid"), "without privileges, exec gives none")
	})
})
