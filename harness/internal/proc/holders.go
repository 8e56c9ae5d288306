package proc

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Holders lists the processes that have a file mapped or open, whoever they belong to, in
// no order. Of processes of other users the kernel tells nothing to one that is not root:
// they are not listed.
func Holders(path string) []int {
	var pids []int
	for _, pid := range listNumbers(unix.AT_FDCWD, "/proc", make([]byte, 32<<10)) {
		if Holds(pid, path) || maps(pid, path) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// maps says whether a process has the file mapped (proc_pid_maps(5): the path ends a line).
func maps(pid int, path string) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
	return err == nil && bytes.Contains(text, []byte(" "+path+"\n"))
}
