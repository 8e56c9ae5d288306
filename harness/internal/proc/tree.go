package proc

import (
	"bytes"
	"os"
	"strconv"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Children lists the children of a process over all of its threads: each thread's
// file names only the children which that thread made (proc_pid_children(5), needs
// CONFIG_PROC_CHILDREN). A child that ends while the file is read can hide a sibling,
// so an empty list is no proof of emptiness; wait(2) answering ECHILD is.
func Children(pid int) []int {
	return append([]int(nil), children(strconv.Itoa(pid))...)
}

func children(pid string) []int {
	folder := "/proc/" + pid + "/task"
	tasks, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var list []int
	for _, task := range tasks {
		text, err := os.ReadFile(folder + "/" + task.Name() + "/children")
		if err != nil {
			continue
		}
		for _, field := range bytes.Fields(text) {
			list = append(list, number(field))
		}
	}
	return list
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
	var members []observation.Member
	queue := children(strconv.Itoa(root))
	for len(queue) > 0 {
		pid := queue[0]
		queue = queue[1:]
		member, err := ReadMember(pid)
		if err != nil {
			continue // it ended and was reaped meanwhile
		}
		members = append(members, member)
		if member.State != "Z" {
			queue = append(queue, children(strconv.Itoa(pid))...)
		}
	}
	return members
}

// ReadMember reads a process by its number, without holding it.
func ReadMember(pid int) (observation.Member, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return observation.Member{}, err
	}
	stat, err := ParseStat(text)
	if err != nil {
		return observation.Member{}, err
	}
	return stat.member(pid), nil
}

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
