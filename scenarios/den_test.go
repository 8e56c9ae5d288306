package scenarios_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/reports"
)

// sigprobeBinary is built beside the fixtures.
const sigprobeBinary = "../bin/sigprobe"

// den is where a spec runs sigprobe as a process: folders that are its own, and two
// marks by which all that came of it is found again without a word from sigprobe. One
// is a cgroup v2 that sigprobe is born into; wardens make theirs below it. The other is
// a number in its environment, and in the command lines of targets that ask for it.
type den struct {
	folder string
	mark   string
	group  string // "" where this user may make none
	binary string
	user   *syscall.Credential // nil for the suite's own
	// wardens are those that were seen; they have neither the mark nor, without a
	// group, anything else to be found by.
	wardens map[observation.Identity]bool
}

// newDen makes a den, and leaves nothing of it when the spec ends.
func newDen() *den {
	GinkgoHelper()
	folder, err := os.MkdirTemp("", "den-")
	Expect(err).NotTo(HaveOccurred())
	binary, err := filepath.Abs(sigprobeBinary)
	Expect(err).NotTo(HaveOccurred())
	d := &den{
		folder: folder, mark: strings.TrimPrefix(filepath.Base(folder), "den-"), binary: binary,
		wardens: map[observation.Identity]bool{},
	}
	d.group = makeGroup("den-" + d.mark)
	DeferCleanup(d.remove)
	Expect(os.Chmod(folder, 0o755)).To(Succeed())
	Expect(os.Mkdir(d.temp(), 0o777)).To(Succeed())
	return d
}

// remove ends whoever a failed spec left, and removes group and folders.
func (d *den) remove() {
	Eventually(func() []int {
		pids := d.pids()
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // whether it is gone is what counts
		}
		return pids
	}).WithTimeout(20 * time.Second).Should(BeEmpty())
	for _, group := range append(d.groups(), d.group) {
		if group != "" {
			Eventually(func() error { return os.Remove(group) }).Should(Or(Succeed(), MatchError(fs.ErrNotExist)))
		}
	}
	Expect(os.RemoveAll(d.folder)).To(Succeed())
}

// temp is the TMPDIR, where sigprobe makes its work folders.
func (d *den) temp() string { return d.path("tmp") }

// path names a file of the den.
func (d *den) path(name string) string { return filepath.Join(d.folder, name) }

// write puts a text into a file of the den and gives its path.
func (d *den) write(name, text string) string {
	GinkgoHelper()
	Expect(os.WriteFile(d.path(name), []byte(text), 0o755)).To(Succeed())
	return d.path(name)
}

// read gives a file of the den; "" where there is none.
func (d *den) read(name string) string {
	text, _ := os.ReadFile(d.path(name))
	return string(text)
}

// sigprobe is a command line of it, to be started.
func (d *den) sigprobe(args ...string) *exec.Cmd { return d.command(d.binary, args...) }

// command is a program that becomes sigprobe by exec.
func (d *den) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = d.folder
	cmd.Env = append(os.Environ(), "TMPDIR="+d.temp(), "SIGPROBE_SPEC="+d.mark)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: d.user}
	return cmd
}

// process is a sigprobe that was started.
type process struct {
	den   *den
	cmd   *exec.Cmd
	pid   int
	ended chan struct{}
	// stdout and stderr are files, which hold nobody up and can be read at any time.
	stdout, stderr *os.File
}

// start starts a command in the den's group.
func (d *den) start(cmd *exec.Cmd) *process {
	GinkgoHelper()
	p := &process{den: d, cmd: cmd, ended: make(chan struct{}), stdout: d.create("stdout"), stderr: d.create("stderr")}
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	if d.group != "" {
		group, err := os.Open(d.group)
		Expect(err).NotTo(HaveOccurred())
		defer group.Close() //nolint:errcheck // nothing was written
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	Expect(cmd.Start()).To(Succeed())
	p.pid = cmd.Process.Pid
	go func() {
		cmd.Wait() //nolint:errcheck // its state is looked at
		close(p.ended)
	}()
	return p
}

// create makes a file that is closed when the spec ends.
func (d *den) create(name string) *os.File {
	GinkgoHelper()
	file, err := os.CreateTemp(d.folder, name+"-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(file.Close)
	return file
}

// said is what was printed to a file so far.
func said(file *os.File) string {
	text, _ := os.ReadFile(file.Name()) //nolint:errcheck // it is the den's
	return string(text)
}

// status waits for the end and gives the exit status, -1 where a signal ended it.
func (p *process) status() int {
	GinkgoHelper()
	Eventually(p.ended).WithTimeout(5 * time.Minute).WithPolling(time.Millisecond).Should(BeClosed())
	AddReportEntry(strings.Join(p.cmd.Args, " "), said(p.stderr), ReportEntryVisibilityFailureOrVerbose)
	return p.cmd.ProcessState.ExitCode()
}

// run runs sigprobe to its end and reads the JSON summary from its standard output.
func (d *den) run(args ...string) (status int, summary reports.Summary) {
	GinkgoHelper()
	return d.start(d.sigprobe(append([]string{"run", "--json", "-"}, args...)...)).summary()
}

// summary waits for the end and reads what --json - has printed.
func (p *process) summary() (status int, summary reports.Summary) {
	GinkgoHelper()
	status = p.status()
	Expect(json.Unmarshal([]byte(said(p.stdout)), &summary)).To(Succeed(), said(p.stdout)+said(p.stderr))
	return status, summary
}

// outcome is a campaign in the form of promise: its verdict, and check/kind of what
// was found.
func outcome(c reports.Campaign) []string {
	list := []string{string(c.Verdict)}
	for _, f := range c.Findings {
		list = append(list, f.Check+"/"+f.Kind)
	}
	slices.Sort(list[1:])
	return list
}

// noteWardens remembers the wardens that sigprobe has now, and gives their PIDs.
func (p *process) noteWardens() (pids []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.pid)) //nolint:errcheck // the pattern is sound
	for _, file := range files {
		text, _ := os.ReadFile(file) //nolint:errcheck // the thread may have left
		for _, field := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(field)
			if ticks := startTicks(pid); ticks != 0 && commandLine(pid) == "sigprobe-warden" {
				p.den.wardens[observation.Identity{PID: pid, StartTicks: ticks}] = true
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// living describes every process that came of the den's commands and is alive.
func (d *den) living() (list []string) {
	for _, pid := range d.pids() {
		list = append(list, fmt.Sprintf("%d %s", pid, commandLine(pid)))
	}
	return list
}

func (d *den) pids() []int {
	found := map[int]bool{}
	for _, pid := range append(d.grouped(), d.marked()...) {
		found[pid] = true
	}
	for warden := range d.wardens {
		if startTicks(warden.PID) == warden.StartTicks {
			found[warden.PID] = true
		}
	}
	return alive(slices.Sorted(maps.Keys(found)))
}

// grouped lists the processes in the den's cgroup and below.
func (d *den) grouped() (pids []int) {
	for _, group := range append(d.groups(), d.group) {
		text, _ := os.ReadFile(filepath.Join(group, "cgroup.procs")) //nolint:errcheck // it may just have been removed
		for _, field := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(field)
			pids = append(pids, pid)
		}
	}
	return pids
}

// groups lists the cgroups below the den's.
func (d *den) groups() []string {
	if d.group == "" {
		return nil
	}
	groups, _ := filepath.Glob(filepath.Join(d.group, "*", "cgroup.procs")) //nolint:errcheck // the pattern is sound
	for i := range groups {
		groups[i] = filepath.Dir(groups[i])
	}
	return groups
}

// marked lists the processes with the mark in their environment or command line.
func (d *den) marked() (pids []int) {
	entries, _ := os.ReadDir("/proc") //nolint:errcheck // without /proc nothing works
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, _ := os.ReadFile("/proc/" + entry.Name() + "/environ") //nolint:errcheck // of another user, or gone
		if bytes.Contains(environ, []byte("SIGPROBE_SPEC="+d.mark)) || strings.Contains(commandLine(pid), d.mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// commandLine is a process' command line in one line; "" when it is gone.
func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) //nolint:errcheck // it may just have left
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// litter lists what sigprobe left: work folders, cgroups, mounts.
func (d *den) litter() []string {
	list, _ := filepath.Glob(filepath.Join(d.temp(), "*")) //nolint:errcheck // the pattern is sound
	list = append(list, d.groups()...)
	mounts, _ := os.ReadFile("/proc/self/mountinfo") //nolint:errcheck // without /proc nothing works
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, d.mark) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}

// leavesNothing demands that all is gone when sigprobe has ended by itself.
func (d *den) leavesNothing() {
	GinkgoHelper()
	Expect(d.living()).To(BeEmpty())
	Expect(d.litter()).To(BeEmpty())
}

// makeGroup makes a cgroup v2 below the suite's own; "" where that is not permitted.
func makeGroup(name string) string {
	mounts, _ := os.ReadFile("/proc/self/mountinfo") //nolint:errcheck // then there is no mount
	own, _ := os.ReadFile("/proc/self/cgroup")       //nolint:errcheck // likewise
	_, path, found := strings.Cut("\n"+string(own), "\n0::")
	if !found {
		return ""
	}
	path, _, _ = strings.Cut(path, "\n")
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if !strings.Contains(line, " - cgroup2 ") {
			continue
		}
		group := filepath.Join(fields[4], strings.TrimPrefix(path, strings.TrimSuffix(fields[3], "/")), name)
		if os.Mkdir(group, 0o755) == nil {
			return group
		}
	}
	return ""
}
