package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func read(t failer, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

func TestKeep(t *testing.T) {
	dir, into := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	write(t, dir, "out/a.json", "a")
	write(t, dir, "out/b.txt", "b")
	write(t, dir, "\xff.json", "c")
	must(t, os.Symlink("out/b.txt", filepath.Join(dir, "link.json")))
	copies, err := Keep(dir, []string{"**/*.json", "out/*.json", "none/*"}, into)
	must(t, err)
	want := map[string]string{"out/a.json": filepath.Join(into, "out/a.json"), "\xff.json": filepath.Join(into, "\xff.json")}
	if diff := cmp.Diff(want, copies); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	write(t, dir, "out/a.json", "changed")
	if got := read(t, copies["out/a.json"]); got != "a" {
		t.Errorf("the copy changed with the file: %q", got)
	}
	if _, err := Keep(dir, []string{"**/*.json"}, into); err == nil {
		t.Errorf("a copy was written over another one")
	}
}

// TestKeepLeavesHoles: a file of a terabyte that is nearly all hole is copied at once,
// and stays small.
func TestKeepLeavesHoles(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	const size, place = 1 << 40, 1 << 30
	file, err := os.Create(filepath.Join(dir, "sparse"))
	must(t, err)
	_, err = file.WriteAt([]byte("data"), place)
	must(t, err)
	if err := file.Truncate(size); err != nil {
		t.Skipf("no file of a terabyte here: %v", err)
	}
	must(t, file.Close())
	copies, err := Keep(dir, []string{"*"}, into)
	must(t, err)
	var stat unix.Stat_t
	must(t, unix.Stat(copies["sparse"], &stat))
	if stat.Size != size || stat.Blocks*512 > 1<<20 {
		t.Errorf("size %d, %d on the disk", stat.Size, stat.Blocks*512)
	}
	kept, err := os.Open(copies["sparse"])
	must(t, err)
	defer kept.Close() //nolint:errcheck // nothing was written
	text := make([]byte, 6)
	_, err = kept.ReadAt(text, place-1)
	if must(t, err); string(text) != "\x00data\x00" {
		t.Errorf("the data are %q", text)
	}
}

func TestEvidence(t *testing.T) {
	dir, into := t.TempDir(), filepath.Join(t.TempDir(), "evidence")
	outside := t.TempDir()
	write(t, outside, "secret", "s")
	write(t, dir, "out/small", "12345")
	write(t, dir, "large", strings.Repeat("x", 100))
	write(t, dir, "\xff\\", "123")
	write(t, dir, "last", "12")
	must(t, os.Chmod(filepath.Join(dir, "last"), 0o4755))
	must(t, os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link")))
	must(t, os.Symlink(outside, filepath.Join(dir, "folder")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	must(t, unix.Mknod(filepath.Join(dir, "socket"), unix.S_IFSOCK|0o644, 0))

	kept, err := Evidence(dir, []string{
		"gone", "out/small", "out", "link", "folder/secret", "fifo", "socket", "large", "../" + filepath.Base(outside) + "/secret",
		filepath.Join(outside, "secret"), "", ".", "out/../last", observation.EscapePath("\xff\\"), "last", "last/x",
	}, into, 10)
	must(t, err)
	if want := []string{"out/small", `\xff\\`, "last"}; !slices.Equal(kept, want) {
		t.Errorf("kept %q, not %q", kept, want)
	}
	copied := take(t, into, Options{})
	if got := copied.Match("**"); !slices.Equal(got, []string{"last", "out/small", "\xff\\"}) {
		t.Errorf("in the folder: %q", got)
	}
	if got := read(t, filepath.Join(into, "out/small")); got != "12345" {
		t.Errorf("the copy is %q", got)
	}
	if mode := entryOf(t, copied, "last").Mode; mode&0o7000 != 0 {
		t.Errorf("the copy can be run as its owner: %o", mode)
	}
}

// TestEvidenceNeverOpensAFifo: one that is opened lets its writer go on.
func TestEvidenceNeverOpensAFifo(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "x.pid")
	must(t, unix.Mkfifo(fifo, 0o644))
	opened := func() bool {
		fd, err := unix.Open(fifo, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd) //nolint:errcheck // nothing was written
		}
		return err != unix.ENXIO
	}
	watch := watchOpens(t, fifo)
	before := take(t, dir, Options{Contents: true})
	_, err := Evidence(dir, []string{"x.pid"}, t.TempDir(), 10)
	must(t, err)
	_, err = Keep(dir, []string{"*"}, t.TempDir())
	must(t, err)
	changes, _ := (&Snapshot{}).Diff(before)
	MarkLitter(dir, changes)
	if n := watch(); n != 0 || opened() {
		t.Errorf("the fifo was opened %d times", n)
	}
	reader, err := unix.Open(fifo, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	must(t, err)
	must(t, unix.Close(reader))
	if watch() == 0 {
		t.Errorf("the watch does not see an opening")
	}
}

// watchOpens returns how to count the openings of a file since the last count.
func watchOpens(t *testing.T, path string) func() int {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) }) //nolint:errcheck // nothing was written
	_, err = unix.InotifyAddWatch(fd, path, unix.IN_OPEN)
	must(t, err)
	return func() int {
		n, err := unix.Read(fd, make([]byte, 4096))
		if err == unix.EAGAIN {
			return 0
		}
		must(t, err)
		return n / unix.SizeofInotifyEvent
	}
}

func TestEvidenceIsBoundedInNumber(t *testing.T) {
	dir := t.TempDir()
	var all []string
	for i := range maxEvidence + 5 {
		name := strings.Repeat("f", i+1)
		write(t, dir, name, "")
		all = append(all, name)
	}
	kept, err := Evidence(dir, all, t.TempDir(), 1)
	must(t, err)
	if !slices.Equal(kept, all[:maxEvidence]) {
		t.Errorf("%d are kept", len(kept))
	}
	if kept, err := Evidence(filepath.Join(dir, "gone"), all, t.TempDir(), 1); kept != nil || err != nil {
		t.Errorf("of a folder that is gone: %v, %v", kept, err)
	}
}

// TestEvidenceThatCannotBeWritten tells so, and goes on.
func TestEvidenceThatCannotBeWritten(t *testing.T) {
	dir, into := t.TempDir(), t.TempDir()
	write(t, dir, "a/file", "x")
	write(t, dir, "b/file", "x")
	write(t, into, "a", "in the way")
	kept, err := Evidence(dir, []string{"a/file", "b/file"}, into, 10)
	if err == nil || !strings.Contains(err.Error(), "a/file") || !slices.Equal(kept, []string{"b/file"}) {
		t.Errorf("kept %v: %v", kept, err)
	}
}
