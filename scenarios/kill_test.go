package scenarios_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/reports"
)

// runBound is how long anything is waited for that only a broken sigprobe misses.
const runBound = time.Minute

// goneWithin is how soon after sigprobe's death every process of the tree must be dead.
const goneWithin = time.Second

// ledgerScript is a target with descendants in its session, in one of their own, and
// in one of their own with an empty environment. It stops well but for them: the
// harness has them to kill at the end of each trial. Its very last act is a line in a
// file outside. $1 is the den's mark, $2 the file.
const ledgerScript = `
sleep $1 &
setsid sleep $1 &
setsid env -i sh -c "sleep $1 & sleep $1" &
trap 'echo done >>"$2"; exit 0' TERM
echo ready
while :; do sleep 0.005; done`

// ledgerCampaign is a long campaign of it.
func (d *den) ledgerCampaign(jobs int, window string) *process {
	GinkgoHelper()
	return d.start(d.sigprobe("run", "--quiet", "--trials", "100000", "--jobs", strconv.Itoa(jobs),
		"--ready-output", "^ready$", "--window", window, "--settle", "5ms", "--survivors", "allow", "--within", "1m", "--schedule", "TERM/1m/KILL",
		"--workdir", "fresh", "--name", "ledger",
		"--", "/bin/sh", "-c", ledgerScript, "sh", d.mark, d.path("ledger")))
}

// ledger counts the lines that targets have written as their last act.
func (d *den) ledger() int { return strings.Count(d.read("ledger"), "\n") }

// stored reads the newest run of the den's store. A run without a run.json was not
// begun yet: nil then.
func (d *den) stored() (trials []harness.Trial, warnings []reports.Warning) {
	GinkgoHelper()
	root := d.path(reports.DefaultRoot)
	run, err := reports.OpenIn(root, "latest")
	if err != nil || run.Info.Schema == 0 {
		return nil, nil
	}
	reader, err := run.Trials()
	Expect(err).NotTo(HaveOccurred())
	defer reader.Close() //nolint:errcheck // nothing was written
	for reader.Scan() {
		trials = append(trials, reader.Trial())
	}
	Expect(reader.Err()).NotTo(HaveOccurred())
	return trials, append(run.Warnings, reader.Warnings()...)
}

// keptEveryTrial holds the store of a sigprobe that was killed against the ledger: it
// can be read, and every trial that had ended is in it. For each job a target may have
// come to its end whose trial has not, and one more trial may have been on its way into
// the record.
func (d *den) keptEveryTrial(jobs int) {
	GinkgoHelper()
	lines := d.ledger()
	trials, warnings := d.stored()
	for _, warning := range warnings {
		Expect(warning.Message).To(HavePrefix("the last line is torn"), warning.String())
	}
	Expect(len(warnings)).To(BeNumerically("<=", 1))
	Expect(len(trials)).To(BeNumerically(">=", lines-jobs-1), "%d targets came to their end, %d at a time", lines, jobs)
	for _, trial := range trials {
		Expect(reasons(trial)).To(Equal([]string{"graceful"}), describe(trial))
	}
	if len(trials) > 0 {
		Expect(d.start(d.sigprobe("report", "latest")).status()).To(Equal(0))
	}
}

// killAt starts a campaign, kills sigprobe after a time, and says how long its tree
// lived on. That time is no wait for something: it is the shot.
func (d *den) killAt(moment time.Duration, jobs int) (lived time.Duration) {
	GinkgoHelper()
	os.Remove(d.path("ledger")) //nolint:errcheck // there is none the first time
	Expect(os.RemoveAll(d.path(reports.DefaultRoot))).To(Succeed())
	p := d.ledgerCampaign(jobs, "0s..20ms")
	shot := time.After(moment)
	Consistently(p.ended).WithTimeout(moment).WithPolling(time.Millisecond).ShouldNot(BeClosed(), "it ended before it was killed")
	<-shot
	p.noteWardens()
	Expect(unix.Kill(p.pid, unix.SIGKILL)).To(Succeed())
	killed := time.Now()
	Eventually(d.living).WithTimeout(goneWithin).WithPolling(time.Millisecond).Should(BeEmpty())
	lived = time.Since(killed)
	Expect(p.status()).To(Equal(-1))
	Eventually(d.groups).WithTimeout(15 * time.Second).Should(BeEmpty())
	d.keptEveryTrial(jobs)
	return lived
}

// killMany kills campaigns at moments drawn from the suite's seed.
func killMany(moments, jobs int) {
	GinkgoHelper()
	d, from := newDen(), seed()
	AddReportEntry("seed", from, ReportEntryVisibilityFailureOrVerbose)
	random := rand.New(rand.NewPCG(from, 0))
	var slowest time.Duration
	var trials int
	for i := range moments {
		moment := time.Duration(random.Int64N(int64(time.Second)))
		By(fmt.Sprintf("kill %d at %s", i, moment))
		slowest = max(slowest, d.killAt(moment, jobs))
		kept, _ := d.stored()
		trials += len(kept)
	}
	AddReportEntry("killed", fmt.Sprintf("%d times with %d jobs: %d trials were kept, the slowest tree was gone %s after",
		moments, jobs, trials, slowest.Round(time.Microsecond)))
	Expect(trials).To(BeNumerically(">", 0), "no trial ended before any kill: nothing was proved")
	d.nextRunTidies()
}

// nextRunTidies demands that a run removes the work folders that killed ones left.
func (d *den) nextRunTidies() {
	GinkgoHelper()
	Expect(d.litter()).NotTo(BeEmpty(), "nobody left a work folder: nothing is proved")
	status, _ := d.run("--trials", "1", "--window", "0s..0s", "--accept", "default-action", "--ready-after", "1ms", "--", "sleep", d.mark)
	Expect(status).To(Equal(0))
	d.leavesNothing()
}

// The one second is the figure, and only a machine that does nothing else can
// be held to it.
var _ = Describe("SIGKILL to sigprobe at random moments leaves no process, and loses no trial", Serial, func() {
	for _, jobs := range []int{1, 4} {
		It(fmt.Sprintf("with %d at a time", jobs), func() { killMany(4, jobs) })
		It(fmt.Sprintf("with %d at a time, many times", jobs), Label("soak"), func() { killMany(100, jobs) })
	}
})

var _ = Describe("SIGINT to sigprobe, whose targets have descendants in sessions of their own,", func() {
	const jobs = 4
	var d *den
	BeforeEach(func() { d = newDen() })

	It("lets the running trials end, and keeps them", func() {
		p := d.ledgerCampaign(jobs, "0s..20ms")
		Eventually(d.ledger).WithTimeout(runBound).Should(BeNumerically(">=", 2*jobs))
		p.noteWardens()
		Expect(d.wardens).To(HaveLen(jobs))
		Expect(unix.Kill(p.pid, unix.SIGINT)).To(Succeed())
		Expect(p.status()).To(Equal(128 + int(unix.SIGINT)))
		d.leavesNothing()
		trials, warnings := d.stored()
		Expect(warnings).To(BeEmpty())
		Expect(trials).To(HaveLen(d.ledger()), "trials that were launched")
	})

	It("leaves at once when it comes again, with nobody alive", func() {
		p := d.ledgerCampaign(jobs, "10m..10m")
		Eventually(d.sleepers).WithTimeout(runBound).Should(Equal(4*jobs), "every target with its descendants")
		p.noteWardens()
		Expect(unix.Kill(p.pid, unix.SIGINT)).To(Succeed())
		Eventually(func() string { return said(p.stderr) }).Should(ContainSubstring("finishing running trials"))
		Expect(d.sleepers()).To(Equal(4 * jobs))
		Expect(unix.Kill(p.pid, unix.SIGINT)).To(Succeed())
		Expect(p.status()).To(Equal(128 + int(unix.SIGINT)))
		d.leavesNothing()
	})
})

// sleepers counts the descendants of targets that sleep.
func (d *den) sleepers() (n int) {
	for _, pid := range d.pids() {
		if commandLine(pid) == "sleep "+d.mark {
			n++
		}
	}
	return n
}
