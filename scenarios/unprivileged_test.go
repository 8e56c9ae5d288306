package scenarios_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/reports"
)

// chosen are the scenarios that an ordinary user runs: all ways to be found out that
// ask the kernel about processes.
var chosen = map[string][]string{
	"well-behaved.yaml": {"graceful-killer", "ledger-writer", "prefork-master", "http-drain", "clean-then-reraise", "trap-and-wait"},
	"flawed.yaml": {"ignores-term", "blocks-term", "deferred-trap", "crashes-in-handler", "leaves-child", "leaves-session-child",
		"leaves-grandchild", "no-forward-wrapper", "zombie-parent", "socket-in-child", "unflushed-goodbye"},
}

// nobody is the user with no rights of Debian and most others.
const nobody = 65534

// houseForNobody is a den of an ordinary user, who may be kept out of the checkout: it
// holds copies of sigprobe, the fixtures and the scenarios, laid out as there.
func houseForNobody() *den {
	GinkgoHelper()
	d := newDen()
	for _, part := range []string{"bin/fixtures", "fixtures/daemons", "scenarios"} {
		Expect(os.MkdirAll(d.path(part), 0o755)).To(Succeed())
	}
	copyAll(d, "bin/sigprobe", "bin/fixtures/*", "fixtures/daemons/*/*", "scenarios/*.yaml")
	d.binary = d.path("bin/sigprobe")
	if os.Geteuid() == 0 {
		d.user = &syscall.Credential{Uid: nobody, Gid: nobody}
		Expect(os.Chown(d.folder, nobody, nobody)).To(Succeed())
		Expect(os.Chown(d.temp(), nobody, nobody)).To(Succeed())
	}
	version := d.sigprobe("--version")
	if err := version.Run(); err != nil {
		Skip("an ordinary user cannot run programs below " + os.TempDir() + ": " + err.Error())
	}
	return d
}

// copyAll copies the checkout's files that match, for everybody to read.
func copyAll(d *den, patterns ...string) {
	GinkgoHelper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join("..", pattern))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).NotTo(BeEmpty(), pattern)
		for _, file := range files {
			to := d.path(strings.TrimPrefix(file, "../"))
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.MkdirAll(filepath.Dir(to), 0o755)).To(Succeed())
			Expect(os.WriteFile(to, text, 0o755)).To(Succeed())
		}
	}
}

// outcomes runs chosen scenarios of a file and gives what came of each.
func (d *den) outcomes(file string) (map[string][]string, reports.Summary) {
	GinkgoHelper()
	args := []string{"--jobs", "4", "--trials", "2", "--seed", strconv.FormatUint(seed(), 10)}
	for _, name := range chosen[file] {
		args = append(args, "--scenario", name)
	}
	_, summary := d.run(append(args, d.path("scenarios/"+file))...)
	d.leavesNothing()
	found := map[string][]string{}
	for _, c := range summary.Scenarios {
		found[c.Name] = outcome(c)
	}
	return found, summary
}

// promises is what the descriptions of the chosen scenarios say.
func promises(file string) map[string][]string {
	found := map[string][]string{}
	for _, s := range named(file) {
		for _, name := range chosen[file] {
			if name == s.name {
				found[name] = s.promise
			}
		}
	}
	return found
}

var _ = Describe("An ordinary user, who may make no cgroup,", func() {
	var d *den
	BeforeEach(func() { d = houseForNobody() })

	for file := range chosen {
		It("gets the verdicts and findings that root gets: "+file, func() {
			found, summary := d.outcomes(file)
			Expect(found).To(Equal(promises(file)))
			Expect(found).To(HaveLen(len(chosen[file])))
			d.statesDegradation(summary)
			if os.Geteuid() != 0 {
				return
			}
			d.user = nil
			asRoot, summary := d.outcomes(file)
			Expect(asRoot).To(Equal(found))
			if d.group != "" {
				Expect(degraded(summary)).NotTo(ContainElement("cgroup"), "root's result is not degraded")
			}
		})
	}

	It("finds the orphan of a shell and leaves nothing", func() {
		status, summary := d.run("--trials", "3", "--window", "0s..50ms", "--settle", "200ms", "--", "sh", "-c", "sleep "+d.mark+"; echo x")
		Expect(status).To(Equal(1))
		Expect(outcome(summary.Scenarios[0])).To(ContainElement("survivors/orphan"))
		Expect(summary.Scenarios[0].Trials.Violation).To(Equal(3))
		d.statesDegradation(summary)
		d.leavesNothing()
	})

	It("is told by doctor what is missing, and what would mend it", func() {
		p := d.start(d.sigprobe("doctor"))
		Expect(p.status()).To(Equal(0))
		if d.user == nil && d.group != "" {
			Skip("this user may make cgroups: nothing is missing")
		}
		Expect(said(p.stdout)).To(MatchRegexp(`(?m)^cgroup v2 +no +\S.*\n +remedy: \S`))
		Expect(said(p.stdout)).To(MatchRegexp(`(?m)^subreaper +yes `))
	})
})

// statesDegradation demands that every trial says that there was no cgroup, where that
// is so: a user who is not root may have been given one.
func (d *den) statesDegradation(summary reports.Summary) {
	GinkgoHelper()
	if d.user == nil && d.group != "" {
		return
	}
	trials := 0
	for _, c := range summary.Scenarios {
		trials += c.Trials.Total
	}
	Expect(summary.Degradations).To(ContainElement(And(
		HaveField("What", "cgroup"), HaveField("Why", ContainSubstring("subreaper alone")), HaveField("Count", trials))))
}

// degraded lists what could not be measured as well as intended.
func degraded(summary reports.Summary) (list []string) {
	for _, degradation := range summary.Degradations {
		list = append(list, degradation.What)
	}
	return list
}
