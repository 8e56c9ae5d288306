package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// memoryLimit is what sigprobe and its wardens may need together at their peaks.
const memoryLimit = 100_000_000

// flood waits until all 5 GB are printed: only then comes the line to strike at.
const flood = `
scenarios:
  - name: floods-5-gb
    target: {command: [%s, --bytes, '5000000000']}
    ready: {output: '^ready$'}
    stop: {schedule: TERM/10s/KILL, settle: 300ms}
    strike: {output: {trials: 1, matching: '^flooded$'}}
    expect: {exit: [clean], survivors: none}
`

var _ = Describe("A program that is hard on the harness", func() {
	for _, s := range named("hostile.yaml") {
		It("gets its verdict, in little memory, and nothing of it is left: "+s.name, func() {
			d := newDen()
			hostile, err := filepath.Abs("hostile.yaml")
			Expect(err).NotTo(HaveOccurred())
			p := d.start(d.sigprobe("run", "--json", "-", "--jobs", "2", "--seed", strconv.FormatUint(seed(), 10), "--scenario", s.name, hostile))
			p.staysSmall()
			status, summary := p.summary()
			Expect(outcome(summary.Scenarios[0])).To(Equal(s.promise))
			Expect(status).To(Equal(map[string]int{"graceful": 0, "violation": 1}[s.promise[0]]))
			d.leavesNothing()
		})
	}

	It("may print 5 GB before it is struck", func() {
		d := newDen()
		program, err := filepath.Abs("../bin/fixtures/floods-output")
		Expect(err).NotTo(HaveOccurred())
		p := d.start(d.sigprobe("run", "--json", "-", "--keep-evidence", d.write("flood.yaml", fmt.Sprintf(flood, program))))
		p.staysSmall()
		status, summary := p.summary()
		Expect(outcome(summary.Scenarios[0])).To(Equal([]string{"graceful"}))
		Expect(status).To(Equal(0))
		trials, _ := d.stored()
		Expect(trials).To(HaveLen(1))
		Expect(trials[0].Observation.Output.Stdout.Bytes).To(BeNumerically(">=", 5_000_000_000))
		Expect(sizeOf(d.path(reports.DefaultRoot))).To(BeNumerically("<", 1_000_000), "what is kept of the output is bounded")
		d.leavesNothing()
	})
})

// A warden waits for its strike with a real-time priority. What it does while it waits
// must keep nobody from a processor, least of all the targets: one that is done after
// 15 ms is gone when a strike comes that is due after 300 ms.
var _ = Describe("Wardens, several for each processor,", Serial, func() {
	It("let programs run while they wait to strike", func(ctx SpecContext) {
		early := withTrials(pick("flawed.yaml", "finishes-early"), 100)
		tally := many(ctx, openEngine(4*runtime.NumCPU()), early, seed(), func(trial harness.Trial) {
			if trial.Judgement.Verdict != verdict.Inconclusive {
				AddReportEntry(fmt.Sprintf("trial %d", trial.Index), describe(trial))
			}
		})
		Expect(tally).To(Equal(verdict.Tally{Inconclusive: 100}))
	}, NodeTimeout(2*time.Minute))
})

// staysSmall follows the memory of sigprobe and of each of its wardens until it ends,
// and demands that the sum of their peaks stays below the limit. That it ends at all
// within the bound is the other half of the promise.
func (p *process) staysSmall() {
	GinkgoHelper()
	peaks := map[int]int64{}
	Eventually(func() <-chan struct{} {
		for _, pid := range append(p.noteWardens(), p.pid) {
			peaks[pid] = max(peaks[pid], highWater(pid))
		}
		return p.ended
	}).WithTimeout(2 * time.Minute).WithPolling(5 * time.Millisecond).Should(BeClosed())
	var sum int64
	for _, peak := range peaks {
		sum += peak
	}
	AddReportEntry("peak memory", fmt.Sprintf("%.1f MB in %d processes", float64(sum)/1e6, len(peaks)))
	Expect(len(peaks)).To(BeNumerically(">=", 2), "sigprobe and a warden")
	Expect(sum).To(BeNumerically("<", memoryLimit), fmt.Sprint(peaks))
}

// highWater is the largest resident set that a process had so far, in bytes (VmHWM,
// proc_pid_status(5)); 0 when it is gone.
func highWater(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) //nolint:errcheck // it may just have left
	_, rest, found := strings.Cut(string(text), "\nVmHWM:")
	if !found {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kilobytes << 10
}

// sizeOf sums up the files of a folder.
func sizeOf(folder string) (size int64) {
	GinkgoHelper()
	Expect(filepath.WalkDir(folder, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})).To(Succeed())
	return size
}
