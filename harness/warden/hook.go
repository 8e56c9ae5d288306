package warden

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The hook: a binary that was started as a warden becomes one here, before its own
// main or any test runs, and never returns. It is keyed on the name and on the
// inherited socket, so nobody becomes a warden by a name alone.
//
// Initialisation runs on the process' first thread; locking it makes that thread the
// parent of every target, which is what a parent-death signal looks at (prctl(2)).
func init() {
	if len(os.Args) == 1 && os.Args[0] == Name && isSocket(controlFD) {
		runtime.LockOSThread()
		os.Exit(supervise())
	}
}

func isSocket(fd int) bool {
	var stat unix.Stat_t
	return unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFSOCK
}
