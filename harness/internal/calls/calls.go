// Package calls names system calls, the classes that people think in, and the files
// that a call is about.
package calls

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// Set is a set of system calls of the running machine.
type Set struct {
	text    string
	numbers []int
}

// classes are the families of calls that do the same to a file or a process. A class
// has the name of its best-known call; a single call is asked for by =name.
var classes = map[string][]string{
	"write":    {"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice"},
	"read":     {"read", "readv", "pread64", "preadv", "preadv2"},
	"open":     {"open", "openat", "openat2", "creat"},
	"rename":   {"rename", "renameat", "renameat2"},
	"unlink":   {"unlink", "unlinkat", "rmdir"},
	"link":     {"link", "linkat", "symlink", "symlinkat"},
	"mkdir":    {"mkdir", "mkdirat"},
	"truncate": {"truncate", "ftruncate", "fallocate"},
	"fsync":    {"fsync", "fdatasync", "sync_file_range", "syncfs", "msync"},
	"fork":     {"fork", "vfork", "clone", "clone3"},
	"exec":     {"execve", "execveat"},
	"kill":     {"kill", "tkill", "tgkill", "pidfd_send_signal"},
	"wait":     {"wait4", "waitid"},
	"sleep":    {"nanosleep", "clock_nanosleep"},
	"poll":     {"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2"},
	"connect":  {"connect", "accept", "accept4", "bind", "listen"},
	"send":     {"sendto", "sendmsg", "sendmmsg"},
	"receive":  {"recvfrom", "recvmsg", "recvmmsg"},
}

// unions are the classes made of classes, marked like strace marks them.
var unions = map[string][]string{
	"%file":    {"open", "rename", "unlink", "link", "mkdir", "truncate"},
	"%modify":  {"write", "rename", "unlink", "link", "mkdir", "truncate", "fsync"},
	"%process": {"fork", "exec", "kill", "wait"},
	"%network": {"connect", "send", "receive"},
}

// Classes lists the names of all classes, in order.
func Classes() []string {
	names := make([]string, 0, len(classes)+len(unions))
	for name := range classes {
		names = append(names, name)
	}
	for name := range unions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Parse reads names separated by commas: a class (write, %file), or a call of the
// running machine (chmod; =write for the one call that shares its name with a class).
// The calls of a class that the machine does not have are left out.
func Parse(text string) (Set, error) {
	set := Set{text: text}
	for _, name := range strings.Split(text, ",") {
		numbers, err := named(strings.TrimSpace(name))
		if err != nil {
			return Set{}, err
		}
		set.numbers = append(set.numbers, numbers...)
	}
	slices.Sort(set.numbers)
	set.numbers = slices.Compact(set.numbers)
	return set, nil
}

func named(name string) ([]int, error) {
	if members, isUnion := unions[name]; isUnion {
		var numbers []int
		for _, member := range members {
			numbers = append(numbers, present(classes[member])...)
		}
		return numbers, nil
	}
	if members, isClass := classes[name]; isClass {
		return present(members), nil
	}
	if number, known := table()[strings.TrimPrefix(name, "=")]; known {
		return []int{number}, nil
	}
	return nil, fmt.Errorf("no system call is called %q; write one of this machine's such as chmod, or a class: %s", name, strings.Join(Classes(), ", "))
}

func present(names []string) []int {
	var numbers []int
	for _, name := range names {
		if number, known := table()[name]; known {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// table is the running machine's calls by name; empty on a machine that is not known.
func table() map[string]int {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil
	}
	return info.SyscallNames
}

// Numbers lists the calls.
func (s Set) Numbers() []int { return s.numbers }

// String is the text that was parsed.
func (s Set) String() string { return s.text }

// Name is the name of a system call of the running machine.
func Name(number int) string {
	if info, err := arch.GetInfo(""); err == nil {
		if name, known := info.SyscallNumbers[number]; known {
			return name
		}
	}
	return fmt.Sprintf("syscall %d", number)
}
