package proc

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Children lists the children of a process over all of its threads: each thread's
// file names only the children which that thread made (proc_pid_children(5), needs
// CONFIG_PROC_CHILDREN). A child that ends while the file is read can hide a sibling,
// so an empty list is no proof of emptiness; wait(2) answering ECHILD is.
func Children(pid int) []int { return new(walk).children(pid) }

// walk holds what a walk over a tree needs at every step.
type walk struct {
	folder, text [4096]byte
}

func (w *walk) children(pid int) []int {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	var list []int
	for _, tid := range listNumbers(unix.AT_FDCWD, tasks, w.folder[:]) {
		list = w.childrenOfThread(tasks, tid, list)
	}
	return list
}

func (w *walk) childrenOfThread(tasks string, tid int, list []int) []int {
	text, err := ReadFile(unix.AT_FDCWD, tasks+"/"+strconv.Itoa(tid)+"/children", w.text[:])
	if err != nil {
		return list // the thread has ended
	}
	for _, field := range bytes.Fields(text) {
		list = append(list, number(field))
	}
	return list
}

func (w *walk) member(pid int) (observation.Member, error) {
	text, err := ReadFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/stat", w.text[:])
	if err != nil {
		return observation.Member{}, err
	}
	stat, err := ParseStat(text)
	if err != nil {
		return observation.Member{}, err
	}
	if stat.Dead() && stat.Threads > 1 {
		stat.State = w.livingState(pid, stat.State)
	}
	return stat.member(pid), nil
}

// livingState is the state of a process whose first thread has ended and whose others
// have not: /proc shows the first one's, Z, for the process, which is alive.
func (w *walk) livingState(pid int, first byte) byte {
	tasks := "/proc/" + strconv.Itoa(pid) + "/task"
	for _, tid := range listNumbers(unix.AT_FDCWD, tasks, w.folder[:]) {
		text, err := ReadFile(unix.AT_FDCWD, tasks+"/"+strconv.Itoa(tid)+"/stat", w.text[:])
		if err != nil {
			continue // it ended meanwhile
		}
		if stat, err := ParseStat(text); err == nil && !stat.Dead() {
			return stat.State
		}
	}
	return first
}

// haveChildrenFiles says whether the kernel has the children files.
var haveChildrenFiles = func() bool {
	_, err := os.Stat("/proc/self/task/" + strconv.Itoa(os.Getpid()) + "/children")
	return err == nil
}()

// Descendants lists everybody below root, nearest first, without root itself. Dead
// ones (state Z) that nobody has waited for are listed too.
func Descendants(root int) []observation.Member {
	if !haveChildrenFiles {
		return descendantsByTable(root)
	}
	w := new(walk)
	return w.below(w.children(root))
}

// below lists the processes in the queue and everybody below them.
func (w *walk) below(queue []int) []observation.Member {
	var members []observation.Member
	for len(queue) > 0 {
		pid := queue[0]
		queue = queue[1:]
		member, err := w.member(pid)
		if err != nil {
			continue // it ended and was reaped meanwhile
		}
		members = append(members, member)
		if member.State != "Z" {
			queue = append(queue, w.children(pid)...)
		}
	}
	return members
}

// OwnDescendants is Descendants of this process, for a process that starts children
// from its first thread only. Orphans that it adopts as a subreaper become children of
// that thread too (the kernel takes the first living one), so the other threads' lists
// need not be read.
func OwnDescendants() []observation.Member {
	if !haveChildrenFiles {
		return descendantsByTable(os.Getpid())
	}
	w := new(walk)
	return w.below(w.childrenOfThread("/proc/self/task", os.Getpid(), nil))
}

// ReadMember reads a process by its number, without holding it.
func ReadMember(pid int) (observation.Member, error) { return new(walk).member(pid) }

// descendantsByTable walks the whole process table, for kernels without children files.
func descendantsByTable(root int) []observation.Member {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	byParent := map[int][]observation.Member{}
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if member, err := ReadMember(pid); err == nil {
				byParent[member.Parent] = append(byParent[member.Parent], member)
			}
		}
	}
	members := byParent[root]
	for i := 0; i < len(members); i++ {
		members = append(members, byParent[members[i].PID]...)
	}
	return members
}
