package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// wardenLooks are what a warden has found out by trying.
var wardenLooks = []func(warden.Abilities) ability{lookCgroup, lookSubreaper, lookRealTime}

// looks is the table of everything else.
var looks = []func() ability{
	lookPidfd, lookChildren, lookTimer, lookPressure, lookTerminal, lookPtrace, lookUserNamespace, lookInotify, lookHidepid,
}

func lookCgroup(of warden.Abilities) ability {
	a := ability{name: "cgroup v2", answer: yes, why: "targets are born into a group of their own, which no descendant can leave"}
	if !slices.Contains(of.Layers, observation.Cgroup) {
		a.answer, a.why = no, why(of, "cgroup")
		a.remedy = "run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes sigprobe …"
	}
	return a
}

func lookSubreaper(of warden.Abilities) ability {
	a := ability{name: "subreaper", answer: yes, why: "every orphan of a target becomes a child of its warden"}
	if !slices.Contains(of.Layers, observation.Subreaper) {
		a.answer, a.why, a.remedy = no, "orphans are adopted by somebody else", "use Linux 3.4 or later"
	}
	return a
}

func lookRealTime(of warden.Abilities) ability {
	a := ability{name: "real-time priority", answer: yes, why: "shots are on time on a loaded machine too"}
	if !of.RealTime {
		a.answer, a.why = degraded, why(of, "realtime")
		a.remedy = "run as root, or allow it with ulimit -r 10 (rtprio in limits.conf)"
	}
	return a
}

// why is a warden's reason for a weaker measurement.
func why(of warden.Abilities, what string) string {
	for _, d := range of.Degradations {
		if d.What == what {
			return d.Why
		}
	}
	return "no reason is known"
}

func lookPidfd() ability {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return ability{"pidfd", no, err.Error(), "use Linux 5.3 or later, and let the container's seccomp profile permit pidfd_open"}
	}
	unix.Close(fd) //nolint:errcheck // nothing was written
	return ability{"pidfd", yes, "a signal never goes to a process that got a recycled PID", ""}
}

func lookChildren() ability {
	self := strconv.Itoa(os.Getpid())
	if _, err := os.ReadFile("/proc/" + self + "/task/" + self + "/children"); err != nil {
		return ability{"children files", degraded, err.Error() + "; the whole process table is read in their place", "use a kernel with CONFIG_PROC_CHILDREN"}
	}
	return ability{"children files", yes, "a tree is found without reading the whole process table", ""}
}

// lookTimer measures how late an ordinary sleep ends. A warden sleeps to shortly
// before a shot and spins from there; a timer that is later than that lead shows.
func lookTimer() ability {
	const sleeps, lead = 40, 150 * time.Microsecond
	median := sleepLateness(sleeps)
	a := ability{name: "timer", answer: yes, why: fmt.Sprintf("a sleep ends %s late at the median of %d", median.Round(time.Microsecond), sleeps)}
	if median > 10*lead {
		a.answer, a.remedy = degraded, "use a machine with less load, or fewer --jobs"
	}
	return a
}

// sleepLateness is the median by how much sleeps of 1 ms to an absolute moment end late.
func sleepLateness(n int) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	late := make([]time.Duration, 0, n)
	for range n {
		var now unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
			continue
		}
		due := now.Nano() + int64(time.Millisecond)
		until := unix.NsecToTimespec(due)
		for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil) == unix.EINTR {
		}
		unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) //nolint:errcheck // it worked before
		late = append(late, time.Duration(now.Nano()-due))
	}
	slices.Sort(late)
	if len(late) == 0 {
		return 0
	}
	return late[len(late)/2]
}

func lookPressure() ability {
	if _, err := os.ReadFile("/proc/pressure/cpu"); err != nil {
		return ability{"pressure (PSI)", degraded, err.Error() + "; a starved machine is told by the threads' run delay",
			"boot with psi=1, on a kernel with CONFIG_PSI"}
	}
	return ability{"pressure (PSI)", yes, "a deadline that was missed on a starved machine is told apart", ""}
}

func lookTerminal() ability {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ability{"terminals", no, fmt.Sprintf("open /dev/ptmx: %v", err), "mount devpts; without it --to tty is an error"}
	}
	unix.Close(fd) //nolint:errcheck // nothing was written
	return ability{"terminals", yes, "--to tty types Ctrl-C as a person does", ""}
}

// lookPtrace reads Yama's scope (Documentation/admin-guide/LSM/Yama.rst): up to 1 a
// parent may trace its descendants.
func lookPtrace() ability {
	a := ability{name: "ptrace", answer: yes, why: "targets can be traced: what they do at a system call is seen"}
	scope := readNumber("/proc/sys/kernel/yama/ptrace_scope", 0)
	switch {
	case scope == 2 && os.Geteuid() != 0:
		a.answer, a.why, a.remedy = no, "kernel.yama.ptrace_scope is 2: only an administrator may trace", "run as root, or sysctl kernel.yama.ptrace_scope=1"
	case scope >= 3:
		a.answer, a.why, a.remedy = no, "kernel.yama.ptrace_scope is 3: nobody may trace until the next boot", "boot with another setting"
	}
	return a
}

// lookUserNamespace tries: there are too many ways to forbid it.
func lookUserNamespace() ability {
	c := exec.Command("/proc/self/exe", "--version")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, Pdeathsig: syscall.SIGKILL}
	if err := c.Run(); err != nil {
		return ability{"user namespaces", degraded, fmt.Sprintf("a process in a new one: %v", err),
			"sysctl user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns; only tests as PID 1 without root need it"}
	}
	return ability{"user namespaces", yes, "a target can be tested as PID 1 without root", ""}
}

func lookInotify() ability {
	watches := readNumber("/proc/sys/fs/inotify/max_user_watches", -1)
	instances := readNumber("/proc/sys/fs/inotify/max_user_instances", -1)
	a := ability{name: "inotify", answer: yes, why: fmt.Sprintf("%d watches and %d instances a user", watches, instances)}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC); err != nil {
		a.answer, a.why, a.remedy = no, fmt.Sprintf("inotify_init1: %v", err), "raise sysctl fs.inotify.max_user_instances"
	} else {
		unix.Close(fd) //nolint:errcheck // nothing was written
	}
	if a.answer == yes && watches < 8192 {
		a.answer, a.remedy = degraded, "sysctl fs.inotify.max_user_watches=65536"
	}
	return a
}

// lookHidepid reads the options of /proc (proc(5)): with hidepid the processes of
// other users are not seen.
func lookHidepid() ability {
	a := ability{name: "/proc", answer: yes, why: "the processes of all users can be seen"}
	option, err := hidepid()
	switch {
	case err != nil:
		a.answer, a.why, a.remedy = no, err.Error(), "mount /proc"
	case option != "" && option != "0" && option != "off" && os.Geteuid() != 0:
		a.answer, a.why = degraded, "mounted with hidepid="+option+": a target that changes its user is not seen"
		a.remedy = "run as root, or remount /proc with hidepid=0"
	}
	return a
}

func hidepid() (option string, err error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(table)) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if len(fields) < 6 || fields[4] != "/proc" || !strings.HasPrefix(after, "proc ") {
			continue
		}
		_, option, _ := strings.Cut(after, "hidepid=")
		option, _, _ = strings.Cut(strings.TrimSpace(option), ",")
		return option, nil
	}
	return "", errors.New("/proc is not mounted")
}

// readNumber reads a file that holds one number.
func readNumber(path string, otherwise int) int {
	content, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return otherwise
	}
	return n
}
