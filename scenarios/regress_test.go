package scenarios_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	. "github.com/sigprobe/sigprobe/harness/sigmatch"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Every spec of this file is about a defect that was once mended, and fails where it
// is back.

// readyShell is a scenario of a shell script that prints "ready", and of a few shots.
func readyShell(name string, trials int, script string, args ...string) scenario.Scenario {
	s := ofShell(name, script, args...)
	s.Ready.Output = scenario.MustRegexp("^ready$")
	s.Strike.Random = &scenario.Random{Trials: trials, Window: &scenario.Window{To: 20 * time.Millisecond}}
	settle := scenario.Duration(200 * time.Millisecond)
	s.Stop.Settle = &settle
	return s
}

// readyPython is the same of a Python program.
func readyPython(name string, trials int, program string, args ...string) scenario.Scenario {
	s := readyShell(name, trials, "")
	s.Target.Command = append([]string{"/usr/bin/python3", "-c", program}, args...)
	return s
}

// schedule reads a schedule that is known to be a good one.
func schedule(text string) signals.Schedule {
	GinkgoHelper()
	parsed, err := signals.ParseSchedule(text)
	Expect(err).NotTo(HaveOccurred())
	return parsed
}

// untilTerm is the end of a script that stops well.
const untilTerm = `
trap 'exit 0' TERM
echo ready
while :; do sleep 0.005; done`

var _ = Describe("On a terminal", func() {
	It("HUP hangs up, also where the program has no handler", func(ctx SpecContext) {
		s := readyShell("hung-up", 2, "echo ready; exec sleep 1000")
		s.Stop.Schedule, s.Stop.To = schedule("HUP/10s/KILL"), signals.ToTTY
		s.Expect.Exit = []scenario.Accept{{Kind: observation.DefaultAction}}
		trials := run(ctx, s)
		Expect(trials).To(BeGraceful())
		Expect(trials).To(EndWith(observation.DefaultAction))
	})

	// It leaves when it reads ^C as a character; a NUL is what a key that is off has.
	const reader = `
import os, sys, termios
settings = termios.tcgetattr(0)
settings[3] &= ~termios.ICANON
if sys.argv[1] == "key": settings[6][termios.VINTR] = b"\0"
else: settings[3] &= ~termios.ISIG
termios.tcsetattr(0, termios.TCSANOW, settings)
print("ready", flush=True)
sys.exit(0 if os.read(0, 1) == b"\x03" else 1)`

	DescribeTable("a key that the program switched off is typed all the same, and that is said",
		func(ctx SpecContext, off string) {
			s := readyPython("key-off", 2, reader, off)
			s.Stop.Schedule, s.Stop.To = schedule("INT/10s/KILL"), signals.ToTTY
			trials := run(ctx, s)
			Expect(trials).To(BeGraceful())
			Expect(trials).To(EndWith(observation.Clean))
			Expect(trials).To(HaveEach(HaveField("Observation.Degradations", ContainElement(And(
				HaveField("What", "terminal"), HaveField("Why", ContainSubstring("switched the key for INT off")))))))
		},
		Entry("that key (VINTR)", "key"),
		Entry("all keys (ISIG)", "isig"),
	)
})

var _ = Describe("Of what is left of a tree", func() {
	// The first trial leaves a process of root's, which the user's warden cannot kill;
	// the second one leaves nobody.
	const leaveOnce = `
if mkdir once; then "$1" >/dev/null & echo $! >holder.new; mv holder.new holder; fi
until [ -s holder ]; do sleep 0.005; done` + untilTerm

	It("a process that cannot be removed is an error of its trial, and no survivor of the next", func() {
		if os.Geteuid() != 0 {
			Skip("only root can make a program that becomes root")
		}
		d := houseForNobody()
		program := d.path("bin/fixtures/becomes-root")
		Expect(os.Chmod(program, 0o755|os.ModeSetuid)).To(Succeed())
		p := d.start(d.sigprobe("run", "--json", "-", "--trials", "2", "--jobs", "1", "--ready-output", "^ready$",
			"--window", "0s..20ms", "--settle", "100ms", "--", "/bin/sh", "-c", leaveOnce, "sh", program, d.mark))
		holder := p.holder()
		// As soon as its warden is let go nobody needs the process any more.
		Eventually(p.hasWarden).WithTimeout(runBound).Should(BeFalse())
		Expect(unix.Kill(holder, unix.SIGKILL)).To(Succeed())
		_, summary := p.summary()
		Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"error"}))
		trials := d.byIndex()
		Expect(trials).To(HaveLen(2))
		Expect(trials[0].Observation.Failure).To(HaveValue(And(
			HaveField("Kind", "cleanup"), HaveField("Message", ContainSubstring(fmt.Sprintf("becomes-root (%d)", holder))))))
		Expect(reasons(trials[0])).To(Equal([]string{"error"}))
		Expect(reasons(trials[1])).To(Equal([]string{"graceful"}), describe(trials[1]))
	})

	// A child whose first thread ends by exit(2), not exit_group(2): /proc shows state Z.
	const firstThreadEnds = `
import ctypes, os, threading, time
def rest():
    while ") Z " not in open("/proc/self/stat").read(): time.sleep(.001)
    print("ready", flush=True)
    time.sleep(600)
threading.Thread(target=rest).start()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[os.uname().machine], 0)`

	It("a child whose first thread has ended is alive while it has others", func(ctx SpecContext) {
		for _, trial := range run(ctx, readyShell("first-thread", 2, `trap 'exit 0' TERM; /usr/bin/python3 -c "$1" & wait`, firstThreadEnds)) {
			Expect(reasons(trial)).To(Equal([]string{"violation", "survivors/orphan"}), describe(trial))
			survivors := trial.Observation.Survivors
			Expect(survivors).To(HaveLen(1))
			Expect(survivors[0].State).NotTo(Equal("Z"))
			Expect(survivors[0].Killed).To(BeTrue())
			Expect(survivors[0].Identity).To(beGone())
		}
	})

	// It has another number whenever it is looked at: one look in some tens finds nobody,
	// hence the many trials. It ends when the den is removed.
	const runaway = `
next() {
	[ -e "$1" ] || exit
	n=$((n + 1)); [ $n -lt 900 ] || exec sh -c "$0" "$0" "$1" # shells bound the depth of calls
	next "$1" &
}
next "$1"`

	It("one that forks and leaves without end does not get away", func(ctx SpecContext) {
		d := newDen()
		s := readyShell("runaway", 200, `sh -c "$1" "$1" "$2" & `+untilTerm, runaway, d.write("go-on", ""))
		settle := scenario.Duration(5 * time.Millisecond)
		s.Stop.Settle, s.Strike.Random.Window.To = &settle, time.Millisecond
		for _, trial := range run(ctx, s) {
			Expect(trial.Judgement.Verdict).To(Or(Equal(verdict.Violation), Equal(verdict.Error)), describe(trial))
			Expect(trial.Observation.TreeEmpty).To(BeNil(), "the tree was not empty by itself")
		}
		Expect(d.living()).To(BeEmpty())
	})
})

// byIndex is the newest run's trials by their places in the plan.
func (d *den) byIndex() map[int]harness.Trial {
	GinkgoHelper()
	trials, _ := d.stored()
	byIndex := map[int]harness.Trial{}
	for _, trial := range trials {
		byIndex[trial.Index] = trial
	}
	return byIndex
}

// holder waits until the target has left its process behind, and gives its PID. Where
// the file system or the machine keeps it from becoming root there is nothing to prove.
func (p *process) holder() (pid int) {
	GinkgoHelper()
	Eventually(func() int {
		pid, _ = strconv.Atoi(strings.TrimSpace(p.den.read("holder"))) //nolint:errcheck // it is not written yet
		return pid
	}).WithTimeout(runBound).Should(BeNumerically(">", 0))
	var user []string
	Eventually(func() string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) //nolint:errcheck // then it ended, and this fails
		_, rest, _ := strings.Cut(string(text), "\nUid:")
		user = strings.Fields(rest)
		return commandLine(pid)
	}).Should(ContainSubstring("becomes-root"))
	if user[1] != "0" {
		Skip("programs below " + os.TempDir() + " cannot become root (nosuid, or no_new_privs)")
	}
	return pid
}

// hasWarden says whether sigprobe holds the socket of a warden. It lets go of it when
// it wants the warden to leave.
func (p *process) hasWarden() bool {
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.pid)) //nolint:errcheck // the pattern is sound
	for _, link := range links {
		if target, _ := os.Readlink(link); strings.HasPrefix(target, "socket:") { //nolint:errcheck // closed meanwhile
			return true
		}
	}
	return false
}

var _ = Describe("Of a process with many threads", func() {
	// Only the last of them, far behind those that are described, takes TERM.
	const lateTaker = `
import os, signal, threading, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.stack_size(65536)
never = threading.Event()
def take():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    print("ready", flush=True)
    never.wait()
for _ in range(300): threading.Thread(target=never.wait, daemon=True).start()
threading.Thread(target=take, daemon=True).start()
while True: time.sleep(.01)`

	It("the last one can be who takes the signal", func(ctx SpecContext) {
		trials := run(ctx, readyPython("late-taker", 2, lateTaker))
		Expect(trials).To(BeGraceful())
		for _, trial := range trials {
			Expect(trial.Observation.Sent).To(HaveLen(1))
			Expect(trial.Observation.Sent[0].Disposition).To(Equal(observation.Caught))
		}
	})
})

var _ = Describe("Two runs that share TMPDIR, in two PID namespaces,", func() {
	inNamespace := []string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}

	// The target is ready when the file is there.
	const writesLast = `
trap 'echo done >file && exit 0; exit 1' TERM
until [ -e "$1" ]; do sleep 0.005; done
echo ready
while :; do sleep 0.005; done`

	// start starts one trial of a target whose last act is to write into its work folder.
	start := func(d *den, prefix []string, ready string) *process {
		command := append(append([]string{}, prefix...), d.binary, "run", "--json", "-", "--trials", "1", "--workdir", "fresh",
			"--name", ready, "--ready-output", "^ready$", "--ready-timeout", "5m", "--window", "0s..0s", "--settle", "100ms", "--",
			"/bin/sh", "-c", writesLast, "sh", d.path(ready), d.mark)
		return d.start(d.command(command[0], command[1:]...))
	}

	// gracefully waits for the end.
	gracefully := func(p *process) {
		GinkgoHelper()
		status, summary := p.summary()
		Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"graceful"}))
		Expect(status).To(Equal(0))
	}

	DescribeTable("leave each other's work folders alone",
		func(first, second []string) {
			probe := append(inNamespace[1:len(inNamespace):len(inNamespace)], "true")
			if output, err := exec.Command(inNamespace[0], probe...).CombinedOutput(); err != nil {
				Skip(fmt.Sprintf("this user can make no PID namespace: %v: %s", err, output))
			}
			d := newDen()
			trialFolders := func() []string {
				folders, _ := filepath.Glob(filepath.Join(d.temp(), "sigprobe-*", "trial-*", "work")) //nolint:errcheck // the pattern is sound
				return folders
			}
			waiting := start(d, first, "first")
			Eventually(trialFolders).WithTimeout(runBound).Should(HaveLen(1))
			folder := trialFolders()[0]
			d.write("second", "")
			gracefully(start(d, second, "second"))
			Expect(folder).To(BeADirectory())
			d.write("first", "")
			gracefully(waiting)
			d.leavesNothing()
		},
		Entry("the one outside when the other begins", nil, inNamespace),
		Entry("the one inside when the other begins", inNamespace, nil),
	)
})

var _ = Describe("A campaign that loses a warden goes on with another,", func() {
	It("when it is killed, and nothing of the trial is left", func(ctx SpecContext) {
		d := newDen()
		// The second target does not become ready, and is there to be met.
		s := readyShell("killed-warden", 4, `
sleep "$1" & setsid sleep "$1" & trap 'exit 0' TERM
echo $$ >>"$2"
[ "$(wc -l <"$2")" = 2 ] || echo ready
while :; do sleep 0.005; done`, d.mark, d.path("launches"))
		s.Ready.Timeout, s.Expect.Survivors = scenario.Duration(runBound), scenario.Allow
		got, tree := map[int]harness.Trial{}, []int(nil)
		many(ctx, openEngine(1), s, seed(), func(trial harness.Trial) {
			got[trial.Index] = trial
			switch trial.Index {
			case 0:
				tree = d.killWarden()
			case 1:
				// Not later: a new warden tidies up behind dead ones.
				Expect(alive(tree)).To(BeEmpty())
			}
		})
		Expect(got).To(HaveLen(4))
		Expect(got[1].Judgement.Reason).To(ContainSubstring("the warden died"))
		for i, want := range []string{"graceful", "error", "graceful", "graceful"} {
			Expect(reasons(got[i])).To(Equal([]string{want}), describe(got[i]))
		}
		Expect(d.living()).To(BeEmpty())
	})

	It("when it is killed while the next trial waits behind the one that runs", func(ctx SpecContext) {
		d := newDen()
		s := scenario.Scenario{
			Name:   "queued",
			Target: scenario.Target{Command: []string{"sleep", d.mark}, Workdir: scenario.Inherit},
			Strike: scenario.Strike{Random: &scenario.Random{Trials: 200, From: scenario.FromLaunch, Window: &scenario.Window{}}},
			Expect: scenario.Expect{Exit: []scenario.Accept{{Kind: observation.DefaultAction}}},
		}.WithDefaults()
		var got []int
		kills, errors := 0, 0
		self := &process{den: d, pid: os.Getpid()}
		many(ctx, openEngine(1), s, seed(), func(trial harness.Trial) {
			got = append(got, trial.Index)
			if trial.Judgement.Verdict == verdict.Error {
				errors++
				Expect(trial.Judgement.Reason).To(ContainSubstring("the warden died"))
			}
			if trial.Index%20 == 10 {
				for _, pid := range self.noteWardens() {
					kills++
					Expect(unix.Kill(pid, unix.SIGKILL)).To(Succeed())
				}
			}
		})
		Expect(kills).To(BeNumerically(">=", 5))
		Expect(errors).To(BeNumerically("<=", kills), "one trial for each warden at the most")
		Expect(got).To(HaveLen(200))
		Expect(slices.IsSorted(got)).To(BeTrue(), "none is lost, made twice or out of turn: %v", got)
		Expect(d.living()).To(BeEmpty())
	})

	// A warden has a minute more than all waits of its trial together.
	It("when it is stopped", Label("soak"), func(ctx SpecContext) {
		d := newDen()
		s := readyShell("stopped-warden", 2, `mkdir "$1" && kill -STOP $PPID`+untilTerm, d.path("once"))
		s.Ready.Timeout, s.Stop.Limit = scenario.Duration(time.Second), scenario.Duration(time.Second)
		s.Stop.Schedule = schedule("TERM/1s/KILL")
		trials := run(ctx, s)
		Expect(trials).To(HaveLen(2))
		Expect(reasons(trials[0])).To(Equal([]string{"error"}))
		Expect(trials[0].Judgement.Reason).To(ContainSubstring("no answer within"))
		Expect(reasons(trials[1])).To(Equal([]string{"graceful"}), describe(trials[1]))
		Expect(d.living()).To(BeEmpty())
	}, NodeTimeout(5*time.Minute))
})

// killWarden waits until the second target and its two children are there, and kills
// the one warden of this process. It gives the PIDs of them all.
func (d *den) killWarden() (tree []int) {
	GinkgoHelper()
	Eventually(func() int { return strings.Count(d.read("launches"), "\n") }).WithTimeout(runBound).Should(Equal(2))
	Eventually(d.sleepers).WithTimeout(runBound).Should(Equal(2))
	self := &process{den: d, pid: os.Getpid()}
	wardens := self.noteWardens()
	Expect(wardens).To(HaveLen(1))
	tree = d.pids()
	Expect(len(tree)).To(BeNumerically(">=", 4), "warden, target and two children")
	Expect(unix.Kill(wardens[0], unix.SIGKILL)).To(Succeed())
	return tree
}

var _ = Describe("A target that does not become ready", func() {
	single := func(ctx context.Context, s scenario.Scenario) harness.Trial {
		GinkgoHelper()
		trials := run(ctx, s)
		Expect(trials).To(HaveLen(1))
		Expect(reasons(trials[0])).To(Equal([]string{"error"}))
		return trials[0]
	}

	It("is not launched where another process listens on its port, and what mends that is said", func(ctx SpecContext) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		defer l.Close() //nolint:errcheck // nothing was written
		port := l.Addr().(*net.TCPAddr).Port
		s := readyShell("port-in-use", 1, "sleep 1000")
		s.Ready = scenario.Ready{Port: port}
		trial := single(ctx, s)
		Expect(trial.Observation.Failure).To(HaveValue(And(
			HaveField("Kind", "port-in-use"), HaveField("Message", ContainSubstring("port "+strconv.Itoa(port))),
			HaveField("Remedy", ContainSubstring("another port")))))
		Expect(trial.Observation.Process.PID).To(BeZero(), "it was launched")
	})

	It("in time is an error that shows what it printed last", func(ctx SpecContext) {
		s := readyShell("not-ready", 1, "echo loading; echo still loading; exec sleep 1000")
		s.Ready = scenario.Ready{Output: scenario.MustRegexp("^loaded$"), Timeout: scenario.Duration(300 * time.Millisecond)}
		trial := single(ctx, s)
		Expect(trial.Observation.Failure).To(HaveValue(And(
			HaveField("Kind", "not-ready"), HaveField("Message", ContainSubstring(`"still loading"`)),
			HaveField("Message", ContainSubstring("/^loaded$/")), HaveField("Remedy", ContainSubstring("--ready-timeout")))))
		Expect(trial.Observation.Process).To(beGone())
	})
})
