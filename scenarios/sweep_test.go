package scenarios_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// sweepJobs is how many trials of a sweep run at a time.
const sweepJobs = 4

// scribe is a program that puts a known number of lines into a file, or files into a
// folder, each by one call. The script becomes it: $1 is a folder for all trials, $2 the
// number, $$ the trial's own mark.
type scribe struct {
	name, script string
	calls        scenario.Calls
	// prepare makes what the program works on; nil for nothing.
	prepare func(folder string, n int)
}

var scribes = []scribe{
	{"dash", `exec >"$1/out-$$"; i=0; while [ $i -lt $2 ]; do i=$((i+1)); echo line $i; done`, "write", nil},
	// To a file that is only appended to, cat does not copy inside the kernel.
	{"cat", `exec cat "$1"/in/* >>"$1/out-$$"`, "=write", inputs},
	{"cp", `mkdir "$1/out-$$"; exec cp --reflink=never "$1"/in/* "$1/out-$$"`, "write", inputs},
	{"Python", `exec "$3/fixtures/daemons/counted-writes/counted_writes.py" --out "$1/out-$$" --writes $2`, "write", nil},
	{"Go threads", `exec "$3/bin/fixtures/threads-writer" --out "$1/out-$$" --writes $2`, "write", nil},
	{"execs", `exec "$3/bin/fixtures/execs-itself" --out "$1/out-$$" --times $2`, "write", nil},
}

// inputs are files of one line.
func inputs(folder string, n int) {
	GinkgoHelper()
	Expect(os.Mkdir(filepath.Join(folder, "in"), 0o755)).To(Succeed())
	for i := range n {
		name := filepath.Join(folder, "in", fmt.Sprintf("%04d", i))
		Expect(os.WriteFile(name, []byte("a line\n"), 0o644)).To(Succeed())
	}
}

// sweep is a sweep over all that it writes, before and after.
func (w scribe) sweep(folder string, n int) scenario.Scenario {
	GinkgoHelper()
	if w.prepare != nil {
		w.prepare(folder, n)
	}
	s := ofShell(w.name, w.script, folder, strconv.Itoa(n), checkout())
	s.Strike.Sweep = &scenario.Sweep{Syscall: w.calls, Path: "**/out-*{,/*}", Sides: []scenario.Side{scenario.Before, scenario.After}}
	return s
}

// ofShell is a script with its arguments, which may end in any way, with no time to settle.
func ofShell(name, script string, args ...string) scenario.Scenario {
	s := scenario.Scenario{Name: strings.ReplaceAll(name, " ", "-")}
	s.Target.Command = append([]string{"/bin/sh", "-c", script, "sh"}, args...)
	s.Target.Env = map[string]string{"GOMAXPROCS": "4"}
	settle := scenario.Duration(0)
	s.Stop.Settle = &settle
	for _, kind := range []observation.Kind{observation.Clean, observation.DefaultAction, observation.ReRaised} {
		s.Expect.Exit = append(s.Expect.Exit, scenario.Accept{Kind: kind})
	}
	return s
}

// checkout is the repository's folder.
func checkout() string {
	GinkgoHelper()
	folder, err := filepath.Abs("..")
	Expect(err).NotTo(HaveOccurred())
	return folder
}

// written counts what the target of a trial has written, and makes room for another of
// its number.
func written(folder string, trial harness.Trial) int {
	GinkgoHelper()
	path := filepath.Join(folder, fmt.Sprintf("out-%d", trial.Observation.Process.PID))
	defer func() { Expect(os.RemoveAll(path)).To(Succeed()) }()
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.Count(string(text), "\n")
	}
	files, _ := filepath.Glob(filepath.Join(path, "*")) //nolint:errcheck // the pattern is sound
	whole := 0
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			whole++
		}
	}
	return whole
}

// point is where a trial was to be struck, in short.
func point(trial harness.Trial) string {
	call := trial.Shot.Point.Call
	return fmt.Sprintf("%s %d", call.Side, call.Nth)
}

// sweeps runs a sweep, shows every trial that was struck, and gives the one that ended it.
func sweeps(ctx context.Context, s scenario.Scenario, look func(harness.Trial)) (last harness.Trial) {
	GinkgoHelper()
	var unstruck []harness.Trial
	many(ctx, openEngine(sweepJobs), s, 0, func(trial harness.Trial) {
		if trial.Observation.Strike == nil {
			unstruck = append(unstruck, trial)
			AddReportEntry("not struck", describe(trial), ReportEntryVisibilityFailureOrVerbose)
			return
		}
		look(trial)
	})
	Expect(unstruck).To(HaveLen(1), "every sweep ends with the one run whose point does not come")
	return unstruck[0]
}

// provesItself holds a sweep against the known number of writes: every point that is
// asked for is struck once, the file shows on which side, and there is no further call.
func (w scribe) provesItself(ctx context.Context, n, step int) {
	GinkgoHelper()
	folder := GinkgoT().TempDir()
	s := w.sweep(folder, n)
	s.Strike.Sweep.Points = scenario.Span{First: 1, Step: step}
	struck := map[string]int{}
	last := sweeps(ctx, s, func(trial harness.Trial) {
		struck[point(trial)]++
		nth, side := trial.Shot.Point.Call.Nth, trial.Shot.Point.Call.Side
		lines := map[scenario.Side]int{scenario.Before: nth - 1, scenario.After: nth}[side]
		Expect(written(folder, trial)).To(Equal(lines), describe(trial))
		Expect(reasons(trial)).To(Equal([]string{"graceful"}), describe(trial))
		Expect(trial.Observation.Sent[0].Thread).NotTo(BeZero(), "the thread at the call is struck, not any")
	})
	want := map[string]int{}
	for i := 1; i <= n; i += step {
		want[fmt.Sprintf("before %d", i)], want[fmt.Sprintf("after %d", i)] = 1, 1
	}
	Expect(struck).To(Equal(want))
	Expect(last.Shot.Point.Call.Nth).To(Equal(n + 1))
	Expect(last.Observation.Calls.Seen).To(Equal(n))
	Expect(written(folder, last)).To(Equal(n), describe(last))
}

var _ = Describe("A sweep covers every write, before and after, and proves that there is no other:", func() {
	for _, w := range scribes {
		It(w.name, func(ctx SpecContext) { w.provesItself(ctx, 200, 40) })
		It(w.name+", at every point", Label("soak"), func(ctx SpecContext) { w.provesItself(ctx, 200, 1) })
	}
	It("dash, at every point in little time", func(ctx SpecContext) { scribes[0].provesItself(ctx, 200, 1) })
})
