package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// struckAt is a scenario of a shell's or Python's script that is struck when it prints a
// line: `now`, unless another point is set.
func struckAt(program, script string) scenario.Scenario {
	s := scenario.Scenario{Name: "content", Target: scenario.Target{Command: []string{program, "-c", script}}}
	settle := scenario.Duration(50 * time.Millisecond)
	s.Stop.Settle, s.Stop.Limit = &settle, scenario.Duration(20*time.Second)
	s.Expect.Survivors = scenario.Allow
	s.Expect.Exit = []scenario.Accept{{Kind: observation.Clean}, {Kind: observation.DefaultAction}}
	s.Strike.Output = &scenario.Output{Trials: 1, Matching: *scenario.MustRegexp("^now$")}
	return s
}

func sh(script string) scenario.Scenario { return struckAt("sh", script) }

func python(script string) scenario.Scenario { return struckAt("/usr/bin/python3", script) }

// input is a folder with one file, to be copied by its content.
func input(name, content string) string {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	Expect(os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644)).To(Succeed())
	return folder + "/"
}

func oracles(texts ...string) (list []scenario.Oracle) {
	GinkgoHelper()
	for _, text := range texts {
		o, err := scenario.ParseOracle(text)
		Expect(err).NotTo(HaveOccurred())
		list = append(list, o)
	}
	return list
}

func expectFile(path string, texts ...string) []scenario.ExpectFile {
	GinkgoHelper()
	return []scenario.ExpectFile{{Path: path, Is: oracles(texts...)}}
}

// struck runs a campaign and demands that every trial was struck.
func struck(ctx SpecContext, s scenario.Scenario) []harness.Trial {
	GinkgoHelper()
	trials := run(ctx, s)
	Expect(trials).NotTo(BeEmpty())
	for _, trial := range trials {
		o := trial.Observation
		Expect(o.Failure).To(BeNil())
		Expect(o.Strike).NotTo(BeNil())
		AddReportEntry("facts", fmt.Sprintf("files %+v\nacknowledged %+v\nrestarts %+v\ncompared %+v", o.Files, o.Acknowledged, o.Restarts, o.Compared),
			ReportEntryVisibilityFailureOrVerbose)
	}
	return trials
}

// answers are an oracle's answers of one trial, as `path oracle answer`.
func answers(o observation.Observation) (list []string) {
	GinkgoHelper()
	Expect(o.Files).NotTo(BeNil())
	for _, e := range o.Files.Examined {
		list = append(list, fmt.Sprintf("%s %s %s", e.Path, e.Oracle, e.Answer))
	}
	return list
}

// changed are the paths of changes.
func changed(list []observation.Change) (paths []string) {
	for _, c := range list {
		paths = append(paths, c.Path)
	}
	return paths
}

// replacing replaces data.txt, and ends: in place it is `old`, `ne` or `new`.
const (
	inPlace  = `printf ne >data.txt; echo now; sleep 0.2; printf 'w\n' >>data.txt`
	byRename = `printf ne >data.tmp; echo now; sleep 0.2; printf 'w\n' >>data.tmp; mv data.tmp data.txt`
)

var _ = Describe("What a stop leaves", Label("content"), func() {
	DescribeTable("of a file that is to be the old or the new one",
		func(ctx SpecContext, script, answer string) {
			s := sh(script)
			s.Target.Files = []string{input("data.txt", "old\n")}
			s.Expect.Files = expectFile("data.txt", "old-or-new")
			Expect(answers(struck(ctx, s)[0].Observation)).To(Equal([]string{"data.txt old-or-new " + answer}))
		},
		Entry("is half of it, where it is written in place", inPlace, "damaged"),
		Entry("is the old one, where a new one is renamed", byRename, "whole"),
		Entry("is the new one, where it is struck after that", `printf 'new\n' >data.tmp; mv data.tmp data.txt; echo now; sleep 0.2`, "whole"),
		Entry("cannot be said, where two undisturbed runs differ", `echo $$ >data.txt; echo now; sleep 0.2`, "unknown"),
		Entry("cannot be said, where the target does not end well by itself", inPlace+`; exit 3`, "unknown"),
		Entry("is the old one, also of a target that differs in every run", `echo now; sleep 0.2; echo $$ >data.txt`, "whole"),
	)

	It("needs no undisturbed run where it is the old one", func(ctx SpecContext) {
		runs := filepath.Join(GinkgoT().TempDir(), "runs")
		s := sh(`echo x >>` + runs + `; echo now; exec sleep 1000`)
		s.Target.Files = []string{input("data.txt", "old\n")}
		s.Expect.Files = expectFile("data.txt", "old-or-new")
		Expect(answers(struck(ctx, s)[0].Observation)).To(Equal([]string{"data.txt old-or-new whole"}))
		text, err := os.ReadFile(runs)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(Equal("x\n"))
	})

	It("says why a new content cannot be told from a damaged one", func(ctx SpecContext) {
		s := sh(`echo $$ >data.txt; echo now; sleep 0.2`)
		s.Expect.Files = expectFile("data.txt", "old-or-new")
		e := struck(ctx, s)[0].Observation.Files.Examined
		Expect(e[0].Message).To(ContainSubstring("two undisturbed runs"))
	})

	It("is half a JSON file, and its copy is evidence", func(ctx SpecContext) {
		s := python(`
import json, time
text = json.dumps(list(range(1000)))
f = open("out.json", "w")
f.write(text[:500]); f.flush(); print("now", flush=True)
time.sleep(1000)`)
		s.Expect.Files = append(expectFile("*.json", "format:json"), expectFile("none/*", "present")...)
		e, err := harness.Open(1)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(e.Close()).To(Succeed()) }()
		for trial, err := range (harness.Campaign{Scenario: s.WithDefaults(), Seed: seed()}).Trials(ctx, e) {
			Expect(err).NotTo(HaveOccurred())
			Expect(answers(trial.Observation)).To(Equal([]string{"out.json format:json damaged", "none/* present missing"}))
			Expect(changed(trial.Observation.Files.Work)).To(ContainElement("out.json"))
			info, err := os.Stat(filepath.Join(trial.Damaged, "out.json"))
			Expect(err).NotTo(HaveOccurred())
			Expect(info.Size()).To(BeEquivalentTo(500))
		}
	})

	It("is told of files that are gone, and of those outside of the work folder", func(ctx SpecContext) {
		outside := filepath.Join(GinkgoT().TempDir(), "state")
		s := sh(`rm data.txt; echo x >"` + outside + `"; echo now; exec sleep 1000`)
		s.Target.Files = []string{input("data.txt", "old\n")}
		s.Expect.Files = append(expectFile("*.txt", "unchanged"), expectFile(outside, "present")...)
		o := struck(ctx, s)[0].Observation
		Expect(answers(o)).To(HaveExactElements(HavePrefix("data.txt unchanged "), outside+" present whole"))
		Expect(o.Files.Examined[0].Answer).NotTo(Equal(observation.Whole))
	})

	It("is told of every trial of many at a time", func(ctx SpecContext) {
		runs := filepath.Join(GinkgoT().TempDir(), "runs")
		s := sh(`echo x >>` + runs + `; ` + inPlace + `; : >x.tmp`)
		s.Target.Files = []string{input("data.txt", "old\n")}
		s.Expect.Files, s.Expect.Litter = expectFile("data.txt", "old-or-new"), &scenario.Litter{}
		s.Strike.Output.Trials = 6
		e, err := harness.Open(3)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(e.Close()).To(Succeed()) }()
		for trial, err := range (harness.Campaign{Scenario: s.WithDefaults(), Seed: seed()}).Trials(ctx, e) {
			Expect(err).NotTo(HaveOccurred())
			Expect(answers(trial.Observation)).To(Equal([]string{"data.txt old-or-new damaged"}))
		}
		text, err := os.ReadFile(runs)
		Expect(err).NotTo(HaveOccurred())
		Expect(text).To(HaveLen(2*(6+2)), "six trials, and two undisturbed runs for all of them")
	})

	It("is not looked at where nobody asks", func(ctx SpecContext) {
		o := struck(ctx, sh(`echo now; exec sleep 1000`))[0].Observation
		Expect(o.Files).To(BeNil())
		Expect(o.Acknowledged).To(BeNil())
		Expect(o.Restarts).To(BeEmpty())
		Expect(o.Compared).To(BeNil())
	})

	It("is litter in three places, and none of it outlives the trial", func(ctx SpecContext) {
		name := fmt.Sprintf("sigprobe-test-%d", seed())
		s := sh(`: >x.lock; : >"$TMPDIR/x.tmp"; : >/dev/shm/` + name + `; echo now; exec sleep 1000`)
		s.Expect.Litter = &scenario.Litter{}
		o := struck(ctx, s)[0].Observation
		Expect(o.Files.Work).To(ContainElement(And(HaveField("Path", "x.lock"), HaveField("Litter", "lock"))))
		Expect(o.Files.Temp).To(ContainElement(And(HaveField("Path", "x.tmp"), HaveField("Litter", "temporary"))))
		Expect(o.Files.Shared).To(ContainElement(HaveField("Name", name)))
		Expect(filepath.Join("/dev/shm", name)).NotTo(BeAnExistingFile())
	})

	It("is litter of one trial at a time", func(ctx SpecContext) {
		// Nobody holds what it makes while it works: a trial beside it would take that for
		// its own litter, and remove it.
		name := filepath.Join("/dev/shm", fmt.Sprintf("sigprobe-test-%d", seed()))
		s := sh(`: >` + name + `-$$; sleep 0.2; [ -e ` + name + `-$$ ] && echo now || echo robbed; exec sleep 1000`)
		s.Expect.Litter, s.Strike.Output.Trials = &scenario.Litter{}, 6
		s.Stop.Limit = scenario.Duration(time.Second)
		e, err := harness.Open(3)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(e.Close()).To(Succeed()) }()
		for trial, err := range (harness.Campaign{Scenario: s.WithDefaults(), Seed: seed()}).Trials(ctx, e) {
			Expect(err).NotTo(HaveOccurred())
			Expect(trial.Observation.Output.Stdout.Text()).To(Equal("now\n"))
			Expect(trial.Observation.Files.Shared).To(HaveLen(1))
		}
		Expect(filepath.Glob(name + "-*")).To(BeEmpty())
	})

	It("is not shared memory that somebody else holds", func(ctx SpecContext) {
		name := filepath.Join("/dev/shm", fmt.Sprintf("sigprobe-test-%d", seed()))
		launched := filepath.Join(GinkgoT().TempDir(), "launched")
		s := sh(`: >` + launched + `; while ! [ -e ` + name + ` ]; do sleep 0.01; done; echo now; exec sleep 1000`)
		s.Expect.Litter = &scenario.Litter{}
		made := make(chan *os.File, 1)
		go func() {
			defer GinkgoRecover()
			Eventually(launched).WithTimeout(10 * time.Second).Should(BeAnExistingFile())
			f, err := os.Create(name)
			Expect(err).NotTo(HaveOccurred())
			made <- f
		}()
		o := struck(ctx, s)[0].Observation
		f := <-made
		defer os.Remove(name)
		defer f.Close()
		Expect(o.Files.Shared).NotTo(ContainElement(HaveField("Name", filepath.Base(name))))
		Expect(name).To(BeAnExistingFile())
	})
})

// recorder acknowledges ten records. %s stands for what happens to one before and after
// it is acknowledged; the file is buffered.
const recorder = `
import time
f = open("records.txt", "w")
for i in range(1, 11):
    f.write("record %%d of ten\n" %% i)%s
    print("committed %%d" %% i, flush=True)
print("now", flush=True)
time.sleep(1000)`

var _ = Describe("Acknowledged work", Label("content"), func() {
	recorded := func(before string) scenario.Scenario {
		s := python(fmt.Sprintf(recorder, before))
		s.Expect.Acknowledged = &scenario.Acknowledged{Output: *scenario.MustRegexp(`^committed (\d+)$`), In: "records.txt", As: "%s"}
		return s
	}

	It("that is acknowledged before it is flushed is lost", func(ctx SpecContext) {
		a := struck(ctx, recorded(""))[0].Observation.Acknowledged
		Expect(a).To(gstruct.PointTo(gstruct.MatchFields(gstruct.IgnoreExtras, gstruct.Fields{
			"Said": Equal(10), "Certain": Equal(10), "Lost": Equal(10), "Found": Equal(0),
		})))
		Expect(a.First[0]).To(And(HaveField("Fate", "lost"), HaveField("ID", "1"), HaveField("At", BeNumerically(">", 0))))
	})

	It("that is flushed first is kept", func(ctx SpecContext) {
		a := struck(ctx, recorded("; f.flush()"))[0].Observation.Acknowledged
		Expect(*a).To(Equal(observation.Acknowledged{Said: 10, Certain: 10, Found: 10}))
	})

	It("that is written twice is there twice", func(ctx SpecContext) {
		a := struck(ctx, recorded(`; f.write("record %d of ten\n" % i); f.flush()`))[0].Observation.Acknowledged
		Expect(a.Duplicated).To(Equal(10))
		Expect(a.Lost).To(BeZero())
	})

	It("is looked for in what a command prints, and nothing is said where that fails", func(ctx SpecContext) {
		s := recorded("; f.flush()")
		s.Expect.Acknowledged.In, s.Expect.Acknowledged.Command = "", "head -n 4 records.txt"
		a := struck(ctx, s)[0].Observation.Acknowledged
		Expect(a.Lost).To(Equal(6))
		s.Expect.Acknowledged.Command = "echo no such table >&2; exit 1"
		a = struck(ctx, s)[0].Observation.Acknowledged
		Expect(a.Unknown).To(ContainSubstring("no such table"))
		Expect(a.Lost).To(BeZero())
	})

	It("is not what a line that breaks off says", func(ctx SpecContext) {
		s := python(`
import os, signal, sys, time
def stop(*_):
    sys.stdout.write("committed 3"); sys.stdout.flush(); os._exit(0)
signal.signal(signal.SIGTERM, stop)
open("records.txt", "w").write("1\n2\n")
print("committed 1\ncommitted 2\nnow", flush=True)
time.sleep(1000)`)
		s.Expect.Acknowledged = &scenario.Acknowledged{Output: *scenario.MustRegexp(`^committed (\d+)$`), In: "records.txt"}
		o := struck(ctx, s)[0].Observation
		Expect(o.Output.Stdout.Text()).To(HaveSuffix("committed 3"))
		Expect(*o.Acknowledged).To(Equal(observation.Acknowledged{Said: 2, Certain: 2, Found: 2}))
	})

	It("of a descendant that lives on is in flight", func(ctx SpecContext) {
		s := sh(`(trap '' TERM; sleep 0.1; echo committed 2; sleep 0.1) & echo committed 1; echo 1 >records.txt; echo now; wait`)
		settle := scenario.Duration(5 * time.Second)
		s.Stop.Settle = &settle
		s.Expect.Acknowledged = &scenario.Acknowledged{Output: *scenario.MustRegexp(`^committed (\d+)$`), In: "records.txt"}
		a := struck(ctx, s)[0].Observation.Acknowledged
		Expect(*a).To(Equal(observation.Acknowledged{Said: 2, Certain: 1, Found: 1}))
	})
})

// server answers on a port, and so does a child of it.
const server = `
import http.server, os, sys, time
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
time.sleep(0.1)
s = http.server.HTTPServer(("127.0.0.1", %d), H)
if os.fork() == 0:
    os.setsid()
else:
    print("now", flush=True)
s.serve_forever()`

var _ = Describe("Starting again", Label("content"), func() {
	restarting := func(s scenario.Scenario) scenario.Scenario {
		s.Expect.Restarts = &scenario.Restarts{Factor: 3, Floor: scenario.Duration(5 * time.Second)}
		return s
	}
	// started are the restarts as `with ready cause`.
	started := func(o observation.Observation) (list []string) {
		for _, r := range o.Restarts {
			list = append(list, fmt.Sprintf("%s %t %s%s", r.With, r.Ready, r.Cause, r.Unknown))
		}
		return list
	}

	DescribeTable("alone",
		func(ctx SpecContext, script, ready, want string) {
			s := restarting(sh(script))
			if ready != "" {
				s.Ready.Output = scenario.MustRegexp(ready)
			}
			o := struck(ctx, s)[0].Observation
			Expect(started(o)).To(Equal([]string{want}))
			Expect(o.Restarts[0].First).To(BeNumerically(">", 0))
			Expect(o.Restarts[0].Bound).To(BeNumerically(">=", 5*time.Second))
		},
		Entry("works", `echo up; echo now; exec sleep 1000`, "^up$", "alone true "),
		Entry("works with readiness auto", `echo up; echo now; exec sleep 1000`, "", "alone true "),
		Entry("is prevented by a lock file", `if [ -e x.lock ]; then echo "x.lock exists" >&2; exit 1; fi; : >x.lock; echo up; echo now; exec sleep 1000`, "^up$", "alone false stale-lock"),
		Entry("is prevented by a lock file, with readiness auto", `if [ -e x.lock ]; then echo "x.lock exists"; sleep 0.05; exit 1; fi; : >x.lock; echo up; echo now; exec sleep 1000`, "", "alone false stale-lock"),
		Entry("is prevented by a pid file", `if [ -e x.pid ]; then echo "already running?"; exit 1; fi; echo $$ >x.pid; echo up; echo now; exec sleep 1000`, "^up$", "alone false stale-pid"),
		Entry("is prevented by half a state", `if [ -e state ]; then [ "$(cat state)" = whole ] || { echo "state is corrupt"; exit 1; }; fi; echo ha >state; echo up; echo now; exec sleep 1000`, "^up$", "alone false damaged-state"),
		Entry("ends without a word", `[ ! -e state ] || exit 1; : >state; echo up; echo now; exec sleep 1000`, "^up$", "alone false exited"),
	)

	It("that becomes ready too late is slow", func(ctx SpecContext) {
		s := sh(`[ ! -e state ] || exec sleep 1000; : >state; echo up; echo now; exec sleep 1000`)
		s.Ready.Output = scenario.MustRegexp("^up$")
		s.Expect.Restarts = &scenario.Restarts{Factor: 1, Floor: scenario.Duration(time.Second)}
		Expect(started(struck(ctx, s)[0].Observation)).To(Equal([]string{"alone false slow"}))
	})

	It("that takes as long as a first start takes now is not slow", func(ctx SpecContext) {
		// It is slow wherever it starts, but for the first time of all.
		mark := filepath.Join(GinkgoT().TempDir(), "mark")
		s := sh(`[ ! -e ` + mark + ` ] || exec sleep 1000; : >` + mark + `; echo up; echo now; exec sleep 1000`)
		s.Ready.Output = scenario.MustRegexp("^up$")
		s.Strike = scenario.Strike{Random: &scenario.Random{Trials: 1}}
		s.Expect.Restarts = &scenario.Restarts{Factor: 1, Floor: scenario.Duration(100 * time.Millisecond)}
		Expect(started(struck(ctx, s)[0].Observation)).To(HaveExactElements(ContainSubstring("the machine is busy")))
	})

	It("in the current folder stops the target as every trial does", func(ctx SpecContext) {
		gone := filepath.Join(GinkgoT().TempDir(), "gone")
		s := restarting(sh(`trap 'echo x >>` + gone + `; exit 0' TERM; echo up; echo now; while :; do sleep 0.01; done`))
		s.Target.Workdir = scenario.Inherit
		s.Ready.Output = scenario.MustRegexp("^up$")
		Expect(started(struck(ctx, s)[0].Observation)).To(Equal([]string{"alone true "}))
		text, err := os.ReadFile(gone)
		Expect(err).NotTo(HaveOccurred())
		Expect(string(text)).To(Equal("x\nx\nx\n"), "the first start, the trial and the restart")
	})

	DescribeTable("beside a survivor that keeps the port fails, and alone it works", func(ctx SpecContext, ready scenario.Ready) {
		s := restarting(python(fmt.Sprintf(server, freePort())))
		s.Ready = ready
		o := struck(ctx, s)[0].Observation
		Expect(o.Survivors).To(HaveLen(1))
		Expect(o.Survivors[0].Killed).To(BeTrue())
		Expect(alive([]int{o.Survivors[0].PID})).To(BeEmpty())
		Expect(started(o)).To(Equal([]string{"survivors false port-in-use", "alone true "}))
	},
		Entry("by its port", scenario.Ready{Port: freePort()}),
		Entry("by its answer, which the survivor gives as well", scenario.Ready{HTTP: "http://127.0.0.1:" + portText() + "/"}),
	)

	It("finds the folder as the stop left it every time, whatever KILL made of it", func(ctx SpecContext) {
		// It cannot start where an earlier one was killed, and the stop removes the lock.
		s := restarting(sh(`if [ -e x.lock ]; then echo "x.lock exists"; exit 1; fi; : >x.lock
			trap 'rm x.lock; exit 0' TERM; (trap '' TERM; exec sleep 1000) & echo up; echo now; while :; do sleep 0.01; done`))
		s.Ready.Output = scenario.MustRegexp("^up$")
		Expect(started(struck(ctx, s)[0].Observation)).To(Equal([]string{"survivors true ", "alone true "}))
	})

	It("does not take the file to be ready by for a sign when it is there already", func(ctx SpecContext) {
		s := sh(`[ -e up ] && exec sleep 1000; : >up; echo now; exec sleep 1000`)
		s.Ready.File = "up"
		s.Expect.Restarts = &scenario.Restarts{Factor: 1, Floor: scenario.Duration(100 * time.Millisecond)}
		o := struck(ctx, s)[0].Observation
		Expect(o.Restarts).To(HaveExactElements(HaveField("Unknown", ContainSubstring("was left by the first start"))))
	})

	DescribeTable("to the end gives what an undisturbed run gives",
		func(ctx SpecContext, begin, answer string) {
			s := sh(begin + `; for i in 1 2 3 4 5 6; do grep -q "^$i$" done.txt || { echo $i >>done.txt; sleep 0.05; }; [ $i = 3 ] && echo now; done; :`)
			s.Expect.Files = expectFile("*.txt", "resumable")
			Expect(answers(struck(ctx, s)[0].Observation)).To(Equal([]string{"done.txt resumable " + answer}))
		},
		Entry("where it goes on", ": >>done.txt", "whole"),
		Entry("not where it leaves a trace of the stop", "[ -e done.txt ] && echo again >>done.txt || : >done.txt", "damaged"),
	)
})

var _ = DescribeTable("A stop beside KILL at the same point", Label("content"),
	func(ctx SpecContext, script string, own, kill int) {
		s := sh(script)
		s.Target.Files = []string{input("data.txt", "old\n")}
		s.Expect.Files, s.Expect.Compare = expectFile("data.txt", "unchanged"), scenario.CompareKill
		c := struck(ctx, s)[0].Observation.Compared
		Expect(c).NotTo(BeNil())
		Expect(*c).To(Equal(observation.Compared{Struck: true, Own: observation.Lost{Damaged: own}, Kill: observation.Lost{Damaged: kill}}))
	},
	Entry("loses more where its handler deletes", `trap 'rm data.txt; exit 0' TERM; echo now; while :; do sleep 0.01; done`, 1, 0),
	Entry("loses less where its handler repairs", `cp data.txt old; : >data.txt; trap 'mv old data.txt; exit 0' TERM; echo now; while :; do sleep 0.01; done`, 0, 1),
)
