package scenarios_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// anHour is a shot at a target that is not struck for an hour: something else happens
// to it first.
func anHour(folder, script string) warden.Request {
	return warden.Request{
		Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: os.Environ(), Dir: folder,
		Shot: plan.Shot{
			Schedule: signals.DefaultSchedule, To: signals.ToProcess,
			Point: plan.Point{Time: &plan.TimePoint{From: scenario.FromLaunch, After: time.Hour}},
		},
		Settle: time.Second, Limit: time.Hour,
	}
}

// family is a script that leaves the PIDs of a whole family in files, one of them in a
// session of its own.
const family = `echo $$ >main.pid
sleep 1000 & echo $! >child.pid
setsid sh -c 'echo $$ >stranger.pid; exec sleep 1000' &
echo hello; wait`

// members waits until the family is there and reads its PIDs.
func members(folder string) (pids []int) {
	GinkgoHelper()
	for _, name := range []string{"main.pid", "child.pid", "stranger.pid"} {
		Eventually(func() int {
			text, _ := os.ReadFile(filepath.Join(folder, name))
			pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			return pid
		}).Should(BeNumerically(">", 0), name)
		text, _ := os.ReadFile(filepath.Join(folder, name))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		pids = append(pids, pid)
	}
	return pids
}

// alive lists those of the PIDs that are still processes, zombies not counted.
func alive(pids []int) []int {
	var living []int
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err == nil && !bytes.Contains(text[bytes.LastIndexByte(text, ')'):], []byte(") Z")) {
			living = append(living, pid)
		}
	}
	return living
}

var _ = Describe("A warden", func() {
	var w *warden.Warden
	var folder string
	BeforeEach(func() {
		var err error
		w, err = warden.Start()
		Expect(err).NotTo(HaveOccurred())
		folder = GinkgoT().TempDir()
	})

	// launch runs a request beside the spec and hands out the error it ended with.
	launch := func(ctx context.Context, request warden.Request) <-chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := w.Run(ctx, request)
			ended <- err
		}()
		return ended
	}
	group := func() string { return w.Abilities.CgroupDir }

	It("kills the tree and leaves when its host hangs up in the middle of a trial", func(ctx SpecContext) {
		cancelled, cancel := context.WithCancel(ctx)
		ended := launch(cancelled, anHour(folder, family))
		pids := members(folder)
		Expect(alive(pids)).To(HaveLen(3))
		cancel()
		Eventually(ended).WithTimeout(20 * time.Second).Should(Receive())
		Expect(w.Close()).To(Succeed())
		Expect(alive(pids)).To(BeEmpty())
		Expect(group()).NotTo(BeADirectory())
	})

	It("takes the tree with it when it is killed", func(ctx SpecContext) {
		ended := launch(ctx, anHour(folder, family))
		pids := members(folder)
		Expect(unix.Kill(w.PID(), unix.SIGKILL)).To(Succeed())
		var err error
		Eventually(ended).WithTimeout(20 * time.Second).Should(Receive(&err))
		Expect(err).To(MatchError(ContainSubstring("the warden died")))
		Expect(w.Close()).NotTo(Succeed(), "a warden that was killed did not leave properly")
		Eventually(func() []int { return alive(pids) }).Should(BeEmpty())
		Expect(group()).NotTo(BeADirectory())
	})

	It("carries out what it is asked for meanwhile behind what it is at", func(ctx SpecContext) {
		request := anHour(folder, "sleep 1000")
		request.Shot.Point.Time.After = 0
		var asked []*warden.Asked
		for range 8 {
			asked = append(asked, w.Ask(ctx, request))
		}
		var last time.Time
		for _, a := range asked {
			o, err := a.Answer()
			Expect(err).NotTo(HaveOccurred())
			Expect(o.Failure).To(BeNil())
			Expect(o.Launched).To(BeTemporally(">", last), "one after the other, in the order of asking")
			last = o.Launched.Add(o.Exit.At)
		}
		Expect(w.Close()).To(Succeed())
	})

	It("says of a trial that it did not come to that it did not take place", func(ctx SpecContext) {
		first, second := w.Ask(ctx, anHour(folder, family)), w.Ask(ctx, anHour(folder, "sleep 1000"))
		pids := members(folder)
		Expect(unix.Kill(w.PID(), unix.SIGKILL)).To(Succeed())
		_, err := first.Answer()
		Expect(err).To(MatchError(ContainSubstring("the warden died")))
		_, err = second.Answer()
		Expect(err).To(MatchError(warden.ErrUnstarted))
		Expect(w.Close()).NotTo(Succeed())
		Eventually(func() []int { return alive(pids) }).Should(BeEmpty())
	})

	It("gives its target default dispositions, an empty mask and three descriptors, whatever it has itself", func(ctx SpecContext) {
		leak, err := os.Open("/dev/null")
		Expect(err).NotTo(HaveOccurred())
		defer leak.Close()
		_, err = unix.FcntlInt(leak.Fd(), unix.F_SETFD, 0) // not close-on-exec: everybody below inherits it
		Expect(err).NotTo(HaveOccurred())
		var second *warden.Warden
		second, err = warden.Start()
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(second.Close()).To(Succeed()) }()
		request := anHour(folder, `ls -l /proc/self/fd; grep Sig /proc/self/status`)
		o, err := second.Run(ctx, request)
		Expect(err).NotTo(HaveOccurred())
		lines := o.Output.Stdout.Text()
		Expect(lines).To(MatchRegexp(`SigBlk:\s+0000000000000000`))
		Expect(lines).To(MatchRegexp(`SigIgn:\s+0000000000000000`))
		Expect(strings.Count(lines, "->")).To(Equal(4), "three descriptors and the folder that ls reads:\n"+lines)
		Expect(w.Close()).To(Succeed())
	})

	It("says what is wrong with a program that cannot be started", func(ctx SpecContext) {
		script := filepath.Join(folder, "script")
		Expect(os.WriteFile(script, []byte("no interpreter here\n"), 0o755)).To(Succeed())
		request := anHour(folder, "")
		request.Path, request.Args = script, []string{script}
		o, err := w.Run(ctx, request)
		Expect(err).NotTo(HaveOccurred())
		Expect(o.Failure.Kind).To(Equal("launch"))
		Expect(o.Failure.Message).To(ContainSubstring("exec format error"))
		Expect(o.Failure.Remedy).To(ContainSubstring("#!/bin/sh"))
		Expect(w.Close()).To(Succeed())
	})

	Describe("that holds survivors", func() {
		// hold runs a target whose child survives it, and says who that is.
		hold := func(ctx context.Context) (survivor int) {
			GinkgoHelper()
			request := anHour(folder, "(trap '' TERM; exec sleep 1000) & echo up; wait")
			request.Shot.Point.Time = &plan.TimePoint{From: scenario.FromReady}
			request.Ready.Output, request.Ready.Timeout = scenario.MustRegexp("^up$"), scenario.Duration(time.Minute)
			request.Settle, request.Hold = 50*time.Millisecond, true
			o, err := w.Run(ctx, request)
			Expect(err).NotTo(HaveOccurred())
			Expect(warden.Held(o)).To(BeTrue())
			Expect(alive([]int{o.Survivors[0].PID})).To(HaveLen(1))
			return o.Survivors[0].PID
		}
		// again asks for a start beside or without them, and hands out whom its target saw.
		again := func(ctx context.Context, beside bool, pid int) string {
			GinkgoHelper()
			request := anHour(folder, fmt.Sprintf("kill -0 %d 2>/dev/null && echo lives || echo gone", pid))
			request.Undisturbed, request.Restart = true, &warden.Restart{Beside: beside}
			o, err := w.Run(ctx, request)
			Expect(err).NotTo(HaveOccurred())
			return o.Output.Stdout.Text()
		}

		It("lets the next target run beside them, and ends both", func(ctx SpecContext) {
			pid := hold(ctx)
			Expect(again(ctx, true, pid)).To(Equal("lives\n"))
			Expect(alive([]int{pid})).To(BeEmpty())
			Expect(w.Close()).To(Succeed())
		})

		It("ends them before the next trial that does not want them", func(ctx SpecContext) {
			pid := hold(ctx)
			Expect(again(ctx, false, pid)).To(Equal("gone\n"))
			Expect(w.Close()).To(Succeed())
		})

		It("takes them with it", func(ctx SpecContext) {
			pid := hold(ctx)
			Expect(w.Close()).To(Succeed())
			Expect(alive([]int{pid})).To(BeEmpty())
			Expect(group()).NotTo(BeADirectory())
		})
	})

	It("runs many trials in one process and leaves no group behind", func(ctx SpecContext) {
		request := anHour(folder, "sleep 1000 & wait")
		request.Shot.Point.Time.After = 0
		request.Settle = 0
		for range 30 {
			o, err := w.Run(ctx, request)
			Expect(err).NotTo(HaveOccurred())
			Expect(o.Failure).To(BeNil())
			Expect(o.Exit).NotTo(BeNil())
			Expect(o.Exit.Status).To(BeEquivalentTo(unix.SIGTERM))
		}
		Expect(w.Close()).To(Succeed())
		Expect(group()).NotTo(BeADirectory())
	})
})
