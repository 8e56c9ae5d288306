package files

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// shmFolder is where the C library puts POSIX shared memory and semaphores
// (shm_overview(7), sem_overview(7)).
const shmFolder = "/dev/shm"

// sysvTable is how /proc/sysvipc tells of one kind of System V objects
// (proc_sysvipc(5)): the columns of key and id are the first two in each.
type sysvTable struct {
	kind, file string
	// bytes and maker are the columns of the size and of the creator's PID; 0 for none.
	// Semaphores have no PID here at all, and queues only those of the last who sent
	// (lspid) and received (lrpid), who need not be who made it.
	bytes, maker int
	// remove is the system call that takes IPC_RMID, and where among its arguments.
	remove func(id uintptr) unix.Errno
}

var sysvTables = []sysvTable{
	{kind: "sysv-shm", file: "shm", bytes: 3, maker: 4, remove: func(id uintptr) unix.Errno {
		_, _, errno := unix.Syscall(unix.SYS_SHMCTL, id, unix.IPC_RMID, 0)
		return errno
	}},
	{kind: "sysv-sem", file: "sem", remove: func(id uintptr) unix.Errno {
		_, _, errno := unix.Syscall6(unix.SYS_SEMCTL, id, 0, unix.IPC_RMID, 0, 0, 0)
		return errno
	}},
	{kind: "sysv-msg", file: "msg", bytes: 3, remove: func(id uintptr) unix.Errno {
		_, _, errno := unix.Syscall(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0)
		return errno
	}},
}

// shmDest marks in the permissions of shared memory that it is removed already and only
// still attached (SHM_DEST, shmctl(2)).
const shmDest = 0o1000

// Objects lists the names in /dev/shm and the System V objects of the own IPC
// namespace, by kind and name, whoever made them. What the kernel does not tell is left out.
//
// The maker's PID is known of sysv-shm alone (cpid, in the own PID namespace; 0 for one
// outside of it). A name in /dev/shm has an owner and times, and no PID.
func Objects() []observation.SharedObject {
	objects := posixObjects()
	for _, table := range sysvTables {
		objects = append(objects, table.objects()...)
	}
	slices.SortFunc(objects, func(a, b observation.SharedObject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return objects
}

// posixObjects lists the names of regular files in /dev/shm. shm_open(3) makes no folders.
func posixObjects() []observation.SharedObject {
	folder, err := openat(unix.AT_FDCWD, shmFolder, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil
	}
	defer unix.Close(folder)                            //nolint:errcheck // nothing was written
	names, _, _ := readNames(folder, DefaultMaxEntries) //nolint:errcheck // what was read counts
	var objects []observation.SharedObject
	for _, name := range names {
		var stat unix.Stat_t
		if lstatat(folder, name, &stat) != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		objects = append(objects, observation.SharedObject{
			Kind: posixKind(name), Name: observation.EscapePath(name), Bytes: stat.Size, Inode: stat.Ino,
		})
	}
	return objects
}

// posixKind: the C library writes sem. in front of the names of semaphores.
func posixKind(name string) string {
	if strings.HasPrefix(name, "sem.") {
		return "semaphore"
	}
	return "shm"
}

func (t sysvTable) objects() []observation.SharedObject {
	text, err := os.ReadFile("/proc/sysvipc/" + t.file)
	if err != nil {
		return nil // a kernel without System V IPC
	}
	var objects []observation.SharedObject
	for line := range bytes.Lines(text) {
		if o, ok := t.parse(line); ok {
			objects = append(objects, o)
		}
	}
	return objects
}

// parse reads a line; not ok are the heading, and what is removed already.
func (t sysvTable) parse(line []byte) (o observation.SharedObject, ok bool) {
	fields := strings.Fields(string(line))
	if len(fields) <= max(2, t.bytes, t.maker) {
		return o, false
	}
	key, err := strconv.ParseInt(fields[0], 10, 64) // printed as a signed number
	permissions, _ := strconv.ParseUint(fields[2], 8, 32)
	if err != nil || t.kind == "sysv-shm" && permissions&shmDest != 0 {
		return o, false
	}
	o = observation.SharedObject{Kind: t.kind, Name: fmt.Sprintf("%#08x:%s", uint32(key), fields[1])}
	if t.bytes > 0 {
		o.Bytes, _ = strconv.ParseInt(fields[t.bytes], 10, 64) //nolint:errcheck // the kernel writes numbers
	}
	if t.maker > 0 {
		o.Maker, _ = strconv.Atoi(fields[t.maker]) //nolint:errcheck // likewise
	}
	return o, true
}

// identity tells an object from every other one: an id of System V IPC is not given
// again before its sequence number wraps, and a name of /dev/shm has its inode.
func identity(o observation.SharedObject) observation.SharedObject {
	return observation.SharedObject{Kind: o.Kind, Name: o.Name, Inode: o.Inode}
}

// NewObjects lists what is there after and was not before. Where the kernel tells who
// made it, only what a process of the tree made is listed. Where it does not, Maker is 0, and another
// program may have made it in the meantime, or another trial that runs beside this one.
func NewObjects(before, after []observation.SharedObject, tree func(pid int) bool) []observation.SharedObject {
	known := map[observation.SharedObject]bool{}
	for _, o := range before {
		known[identity(o)] = true
	}
	var made []observation.SharedObject
	for _, o := range after {
		if !known[identity(o)] && (o.Maker == 0 || tree(o.Maker)) {
			made = append(made, o)
		}
	}
	return made
}

// RemoveObjects removes objects, each only as long as it is the same one: a name with
// another inode, or a key with another id, belongs to somebody else and stays. What is
// gone already is no error. It asks nobody who made them: where Maker is 0, that is for
// the caller to know.
func RemoveObjects(objects []observation.SharedObject) error {
	present := map[observation.SharedObject]bool{}
	for _, o := range Objects() {
		present[identity(o)] = true
	}
	var errs []error
	for _, o := range objects {
		if !present[identity(o)] {
			continue
		}
		if err := removeObject(o); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, fmt.Errorf("remove %s %s: %w", o.Kind, o.Name, err))
		}
	}
	return errors.Join(errs...)
}

// removeObject removes one that was there a moment ago.
func removeObject(o observation.SharedObject) error {
	for _, table := range sysvTables {
		if table.kind == o.Kind {
			return table.removeNamed(o.Name)
		}
	}
	return unix.Unlink(filepath.Join(shmFolder, observation.UnescapePath(o.Name)))
}

func (t sysvTable) removeNamed(name string) error {
	_, id, _ := strings.Cut(name, ":")
	number, err := strconv.Atoi(id)
	if err != nil {
		return err
	}
	switch errno := t.remove(uintptr(number)); errno {
	case 0, unix.EIDRM, unix.EINVAL: // gone in the meantime
		return nil
	default:
		return errno
	}
}
