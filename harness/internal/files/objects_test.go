package files

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func mine(pid int) bool { return pid == os.Getpid() }

func ofKind(objects []observation.SharedObject, kind string) []observation.SharedObject {
	return slices.DeleteFunc(slices.Clone(objects), func(o observation.SharedObject) bool { return o.Kind != kind })
}

// TestSystemVObjects makes one of each kind, and sees it come and go. Other programs may
// make theirs in the meantime, so it looks for its own.
func TestSystemVObjects(t *testing.T) {
	for kind, object := range map[string]struct {
		call  func() (uintptr, unix.Errno)
		bytes int64
		maker int
	}{
		"sysv-shm": {bytes: 5000, maker: os.Getpid(), call: func() (uintptr, unix.Errno) {
			id, _, errno := unix.Syscall(unix.SYS_SHMGET, unix.IPC_PRIVATE, 5000, unix.IPC_CREAT|0o600)
			return id, errno
		}},
		"sysv-sem": {call: func() (uintptr, unix.Errno) {
			id, _, errno := unix.Syscall(unix.SYS_SEMGET, unix.IPC_PRIVATE, 1, unix.IPC_CREAT|0o600)
			return id, errno
		}},
		"sysv-msg": {call: func() (uintptr, unix.Errno) {
			id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
			return id, errno
		}},
	} {
		before := Objects()
		id, errno := object.call()
		if errno != 0 {
			t.Errorf("%s: make one: %v", kind, errno)
			continue
		}
		want := observation.SharedObject{Kind: kind, Name: fmt.Sprintf("0x00000000:%d", id), Bytes: object.bytes, Maker: object.maker}
		made := ofKind(NewObjects(before, Objects(), mine), kind)
		if !slices.Contains(made, want) {
			t.Errorf("%s: %+v is not among %+v", kind, want, made)
		}
		other := want
		other.Name = fmt.Sprintf("0x00000001:%d", id)
		if must(t, RemoveObjects([]observation.SharedObject{other})); !slices.Contains(Objects(), want) {
			t.Errorf("%s: the id of another key was enough to remove it", kind)
		}
		if must(t, RemoveObjects([]observation.SharedObject{want})); slices.Contains(Objects(), want) {
			t.Errorf("%s: it was not removed", kind)
		}
		must(t, RemoveObjects([]observation.SharedObject{want})) // what is gone is no error
	}
}

func TestPosixObjects(t *testing.T) {
	for name, kind := range map[string]string{
		fmt.Sprintf("sigprobe-test-%d", os.Getpid()): "shm", fmt.Sprintf("sem.sigprobe-test-%d\xff", os.Getpid()): "semaphore",
	} {
		before := Objects()
		file := filepath.Join(shmFolder, name)
		if err := os.WriteFile(file, []byte("abc"), 0o600); err != nil {
			t.Skipf("no shared memory here: %v", err)
		}
		defer os.Remove(file) //nolint:errcheck // it is gone when the test passes
		var stat unix.Stat_t
		must(t, unix.Stat(file, &stat))
		want := observation.SharedObject{Kind: kind, Name: observation.EscapePath(name), Bytes: 3, Inode: stat.Ino}
		if made := NewObjects(before, Objects(), mine); !slices.Contains(made, want) {
			t.Errorf("%+v is not among %+v", want, made)
		}
		other := want
		other.Inode++
		if must(t, RemoveObjects([]observation.SharedObject{other})); !there(file) {
			t.Errorf("%s: the name of another inode was enough to remove it", name)
		}
		if must(t, RemoveObjects([]observation.SharedObject{want})); there(file) {
			t.Errorf("%s: it was not removed", name)
		}
	}
}

func TestNewObjects(t *testing.T) {
	shm := func(name string, inode uint64) observation.SharedObject {
		return observation.SharedObject{Kind: "shm", Name: name, Inode: inode}
	}
	sysv := func(name string, maker int) observation.SharedObject {
		return observation.SharedObject{Kind: "sysv-shm", Name: name, Maker: maker}
	}
	grown := shm("old", 1)
	grown.Bytes = 4096
	got := NewObjects(
		[]observation.SharedObject{shm("old", 1), shm("remade", 2), sysv("0x00000000:1", 7), shm("gone", 3)},
		[]observation.SharedObject{grown, shm("remade", 4), sysv("0x00000000:1", 7), sysv("0x00000000:2", 7), sysv("0x00000000:3", 8), shm("new", 5)},
		func(pid int) bool { return pid == 7 },
	)
	want := []observation.SharedObject{shm("remade", 4), sysv("0x00000000:2", 7), shm("new", 5)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestParseSysV reads lines as the kernel writes them.
func TestParseSysV(t *testing.T) {
	for line, want := range map[string]observation.SharedObject{
		" -559038737          5  1600                  5000 4242     0      0     0     0     0     0          0          0 1700000000                 4096                     0":  {},
		" -559038737          5   600                  5000 4242     0      0     0     0     0     0          0          0 1700000000                 4096                     0":  {Kind: "sysv-shm", Name: "0xdeadbeef:5", Bytes: 5000, Maker: 4242},
		"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap": {},
		"1 2": {},
	} {
		got, ok := sysvTables[0].parse([]byte(line))
		if got != want || ok != (want != observation.SharedObject{}) {
			t.Errorf("%s\nis %+v, not %+v", line, got, want)
		}
	}
}

func BenchmarkObjects(b *testing.B) {
	for b.Loop() {
		Objects()
	}
}
