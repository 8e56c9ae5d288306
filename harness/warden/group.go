package warden

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// group is the cgroup v2 group that a warden's targets are born into. It is made once
// and used for all trials: making one costs twice as much as a launch.
type group struct {
	dir      string
	fd       int // the folder, for clone3(2)
	events   int // cgroup.events and cpu.pressure, kept open; -1 where there is none
	pressure int
	// spent is set once the group was killed.
	spent bool
}

// groupPrefix begins the name of every group; PID and start time of the warden follow.
// It names the PID namespace, because a PID means nothing in another one.
func groupPrefix() string {
	link, _ := os.Readlink("/proc/self/ns/pid") //nolint:errcheck // then all share the empty name
	inode, _ := proc.Inode(link, "pid")
	return fmt.Sprintf("sigprobe-%d-", inode)
}

// newGroup makes a group below the warden's own.
func newGroup() (*group, error) {
	parent, err := ownGroup()
	if err != nil {
		return nil, err
	}
	removeStale(parent)
	self, err := proc.ReadMember(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("read own start time: %w", err)
	}
	dir := filepath.Join(parent, fmt.Sprintf("%s%d-%d", groupPrefix(), self.PID, self.StartTicks))
	// The message is the same for all wardens, so that reports can count it once.
	if err := unix.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a cgroup in %s: %w", parent, err)
	}
	g := &group{dir: dir, fd: -1, events: -1, pressure: -1}
	if err := g.open(); err != nil {
		g.remove()
		return nil, err
	}
	return g, nil
}

func (g *group) open() (err error) {
	if err = unix.Access(g.dir+"/cgroup.kill", unix.F_OK); err != nil {
		return fmt.Errorf("the kernel cannot kill a cgroup (Linux 5.14 can): %w", err)
	}
	if g.fd, err = unix.Open(g.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open a cgroup: %w", err)
	}
	if g.events, err = unix.Openat(g.fd, "cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open a cgroup's cgroup.events: %w", err)
	}
	g.pressure, _ = unix.Openat(g.fd, "cpu.pressure", unix.O_RDONLY|unix.O_CLOEXEC, 0) //nolint:errcheck // kernels without PSI: see starvation.go
	return g.tryBirth()
}

// tryBirth lets a child be born into the group that then finds no program to run. If
// the kernel kills births into the group, see [group.kill], the child dies before it
// can say so. That happens when the warden's own group was killed once and outlived it.
func (g *group) tryBirth() error {
	pid, err := syscall.ForkExec(g.dir+"/no such program", []string{"none"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: g.fd},
	})
	if err == nil {
		var status syscall.WaitStatus
		syscall.Wait4(pid, &status, 0, nil) //nolint:errcheck // it is dead, and ours
		return errors.New("the kernel kills processes that are born into a cgroup here")
	}
	if !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("start a process in a cgroup: %w", err)
	}
	return nil
}

// ownGroup is the folder of this process' cgroup v2 group.
func ownGroup() (string, error) {
	mount, root, err := cgroupMount()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("read own cgroup: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if path, isV2 := strings.CutPrefix(strings.TrimSpace(line), "0::"); isV2 {
			return filepath.Join(mount, strings.TrimPrefix(path, root)), nil
		}
	}
	return "", errors.New("this process is in no cgroup v2 group")
}

// cgroupMount finds where cgroup v2 is mounted, and which folder of it that shows
// (fields 5 and 4 of /proc/self/mountinfo, the type after the dash).
func cgroupMount() (mount, root string, err error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", "", fmt.Errorf("look for cgroup v2: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if strings.HasPrefix(after, "cgroup2 ") && len(fields) >= 5 {
			return fields[4], strings.TrimSuffix(fields[3], "/"), nil
		}
	}
	return "", "", errors.New("cgroup v2 is not mounted")
}

// removeStale removes the groups of wardens that died without a chance to do so, and
// whoever still lives in them.
func removeStale(parent string) {
	stale, _ := filepath.Glob(filepath.Join(parent, groupPrefix()+"*-*")) //nolint:errcheck // the pattern is sound
	for _, dir := range stale {
		if !ownerAlive(filepath.Base(dir)) {
			g := &group{dir: dir, fd: -1, events: -1, pressure: -1}
			g.kill()
			g.remove()
		}
	}
}

func ownerAlive(name string) bool {
	pidText, startText, _ := strings.Cut(strings.TrimPrefix(name, groupPrefix()), "-")
	pid, errPID := strconv.Atoi(pidText)
	start, errStart := strconv.ParseUint(startText, 10, 64)
	if errPID != nil || errStart != nil {
		return true // not made by us
	}
	owner, err := proc.ReadMember(pid)
	return err == nil && owner.StartTicks == start
}

// kill sends KILL to everybody in the group at once, forks in progress included
// (cgroup.kill, Documentation/admin-guide/cgroup-v2.rst).
//
// The group is spent then. To catch forks in progress the kernel compares a count of
// kills before and after a fork, but for a birth into another group it takes the first
// count from the parent's group and the second from the new one (measured on Linux
// 6.18: every later CLONE_INTO_CGROUP child died of KILL before its exec).
func (g *group) kill() {
	g.spent = true
	os.WriteFile(g.dir+"/cgroup.kill", []byte("1"), 0) //nolint:errcheck // populated tells whether it worked
}

// populated says whether a live process is in the group. The dead who were not waited
// for do not count.
func (g *group) populated() bool {
	var text [128]byte
	n, err := unix.Pread(g.events, text[:], 0)
	return err == nil && bytes.Contains(text[:n], []byte("populated 1"))
}

// usage is the processor time, in microseconds, that the group has used.
func (g *group) usage() (micros int64, ok bool) {
	text, err := proc.ReadFile(g.fd, "cpu.stat", nil)
	if err != nil {
		return 0, false
	}
	return keyed(text, "usage_usec ")
}

// waiting is for how many microseconds some task of the group was runnable and had no
// processor (the "some" line of cpu.pressure, Documentation/accounting/psi.rst).
func (g *group) waiting() (micros int64, ok bool) {
	var text [256]byte
	n, err := unix.Pread(g.pressure, text[:], 0)
	if err != nil {
		return 0, false
	}
	return keyed(text[:n], "total=")
}

// keyed reads the number behind the first key.
func keyed(text []byte, key string) (int64, bool) {
	_, rest, found := bytes.Cut(text, []byte(key))
	if !found {
		return 0, false
	}
	digits := rest[:len(rest)-len(bytes.TrimLeft(rest, "0123456789"))]
	n, err := strconv.ParseInt(string(digits), 10, 64)
	return n, err == nil
}

// remove removes the group, which must be empty by now; a moment's delay between the
// last death and that is the kernel's.
func (g *group) remove() {
	for _, fd := range []int{g.fd, g.events, g.pressure} {
		if fd >= 0 {
			unix.Close(fd) //nolint:errcheck // nothing was written
		}
	}
	for range 200 {
		err := unix.Rmdir(g.dir)
		if !errors.Is(err, unix.EBUSY) {
			return
		}
		sleep(5_000_000)
	}
}
