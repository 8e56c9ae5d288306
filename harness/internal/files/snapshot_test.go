package files

import (
	"errors"
	"net"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func write(t failer, dir, name, text string) {
	t.Helper()
	place := filepath.Join(dir, name)
	must(t, os.MkdirAll(filepath.Dir(place), 0o755))
	must(t, os.WriteFile(place, []byte(text), 0o644))
}

func entryOf(t *testing.T, s *Snapshot, path string) *entry {
	t.Helper()
	e := s.find(path)
	if e == nil {
		t.Fatalf("%q is not in the snapshot", path)
	}
	return e
}

func paths(changes []observation.Change) []string {
	var list []string
	for _, c := range changes {
		list = append(list, c.Path)
	}
	return list
}

func TestTypes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "sub/file", "abc")
	must(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	must(t, os.Symlink("sub", filepath.Join(dir, "link")))
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	must(t, err)
	defer socket.Close() //nolint:errcheck // a test's socket

	s := take(t, dir, Options{Contents: true})
	got := map[string]string{}
	for _, e := range s.entries {
		got[e.path] = e.Type
		if e.Unread != "" {
			t.Errorf("%s: %s", e.path, e.Unread)
		}
	}
	want := map[string]string{
		".": "folder", "sub": "folder", "sub/file": "file", "loop": "link", "link": "link",
		"fifo": "fifo", "socket": "socket",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if sum := entryOf(t, s, "link").SHA256; sum != hexOf("sub") {
		t.Errorf("the hash of a link is %s, not that of its target's name", sum)
	}
}

// TestLinkAtTheTop: a folder that was swapped for a link shows as that.
func TestLinkAtTheTop(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "real/file", "abc")
	link := filepath.Join(dir, "link")
	must(t, os.Symlink("real", link))
	if s := take(t, link, Options{}); len(s.entries) != 1 || s.entries[0].Type != "link" {
		t.Errorf("looked through the link: %+v", s.entries[0])
	}
	if s := take(t, link+"/", Options{}); s.find("file") == nil {
		t.Errorf("did not look through the link with a slash")
	}
}

func TestFolderThatIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "work")
	write(t, dir, "file", "abc")
	before := take(t, dir, Options{})
	must(t, os.RemoveAll(dir))
	changes, _ := before.Diff(take(t, dir, Options{}))
	if diff := cmp.Diff([]string{".", "file"}, paths(changes)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := Take(dir+"\x00", Options{}); err == nil {
		t.Errorf("a path that cannot exist gives a snapshot")
	}
}

// TestMetadataAlone: without hashes a file differs when its times or inode do.
func TestMetadataAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "same", "abc")
	write(t, dir, "written", "abc")
	write(t, dir, "replaced", "abc")
	before := take(t, dir, Options{})
	write(t, dir, "new", "abc")
	must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "replaced")))
	// A time that can be told from the first one, however coarse the clock is.
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(dir, "written"), []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	changes, _ := before.Diff(take(t, dir, Options{}))
	if diff := cmp.Diff([]string{"replaced", "written"}, paths(changes)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if unread := changes[0].After.Unread; unread != "not asked for" {
		t.Errorf("unread: %q", unread)
	}
}

// TestUnchangedIsNotReadAgain puts a hash into the earlier snapshot that no file has:
// only what is not read again can have it later.
func TestUnchangedIsNotReadAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "abc")
	before := settledSnapshot(t, dir)
	entryOf(t, before, "file").SHA256 = "kept"

	if sum := entryOf(t, take(t, dir, Options{Contents: true, Since: before}), "file").SHA256; sum != "kept" {
		t.Errorf("it was read again: %s", sum)
	}
	if sum := entryOf(t, take(t, dir, Options{Contents: true}), "file").SHA256; sum != hexOf("abc") {
		t.Errorf("it was not read without Since: %s", sum)
	}
	must(t, os.Chmod(filepath.Join(dir, "file"), 0o600))
	if sum := entryOf(t, take(t, dir, Options{Contents: true, Since: before}), "file").SHA256; sum != hexOf("abc") {
		t.Errorf("it was not read though its metadata differs: %s", sum)
	}
}

// settledSnapshot takes a snapshot at a time later than that of every file.
func settledSnapshot(t *testing.T, dir string) *Snapshot {
	for {
		s := take(t, dir, Options{Contents: true})
		s.silent = false // the test's folder may be on tmpfs
		if !slices.ContainsFunc(s.entries, s.doubtful) {
			return s
		}
		runtime.Gosched()
	}
}

// TestDoubtfulIsReadAgain: a file that was written in the same tick of the clock as the
// snapshot was taken may have been written once more without a trace.
func TestDoubtfulIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "abc")
	before := settledSnapshot(t, dir)
	e := entryOf(t, before, "file")
	e.SHA256 = "kept"
	before.taken = e.stamp.change
	if sum := entryOf(t, take(t, dir, Options{Contents: true, Since: before}), "file").SHA256; sum != hexOf("abc") {
		t.Errorf("it was not read again: %s", sum)
	}
	whole := &entry{stamp: stamp{change: unix.Timespec{Sec: 5}}}
	if s := (&Snapshot{taken: unix.Timespec{Sec: 5, Nsec: 999}}); !s.doubtful(whole) {
		t.Errorf("a time of whole seconds is taken for an exact one")
	}
	if s := (&Snapshot{taken: unix.Timespec{Sec: 6}}); s.doubtful(whole) {
		t.Errorf("a file that was changed a second before is doubted")
	}
}

// TestMappedStores changes files through a mapping that was read before. On tmpfs that
// leaves no trace in the metadata.
func TestMappedStores(t *testing.T) {
	for _, parent := range []string{os.TempDir(), shmFolder} {
		dir, err := os.MkdirTemp(parent, "sigprobe-mapped-")
		if err != nil {
			t.Logf("%s is left out: %v", parent, err)
			continue
		}
		defer os.RemoveAll(dir) //nolint:errcheck // a test's folder
		write(t, dir, "file", "abc")
		settledSnapshot(t, dir)
		before := take(t, dir, Options{Contents: true})
		storeMapped(t, filepath.Join(dir, "file"))
		changes, _ := before.Diff(take(t, dir, Options{Contents: true, Since: before}))
		if len(changes) != 1 || changes[0].After.SHA256 != hexOf("xbc") {
			t.Errorf("in %s: %+v", parent, changes)
		}
	}
}

func storeMapped(t *testing.T, path string) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	text, err := unix.Mmap(fd, 0, 3, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	if text[0] != 'a' {
		t.Errorf("the mapping begins with %q", text[0])
	}
	text[0] = 'x'
	must(t, errors.Join(unix.Msync(text, unix.MS_SYNC), unix.Munmap(text), unix.Close(fd)))
}

func TestChangedWhileItWasRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "abc")
	for name, spoil := range map[string]func(e *entry){
		"grown":    func(e *entry) { e.Size-- },
		"cut":      func(e *entry) { e.Size++ },
		"written":  func(e *entry) { e.stamp.modified.Nsec++ },
		"replaced": func(e *entry) { e.stamp.inode++ },
	} {
		e := *entryOf(t, take(t, dir, Options{}), "file")
		e.Unread = ""
		spoil(&e)
		fd, err := unix.Open(filepath.Join(dir, "file"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		must(t, err)
		unread{fd, &e}.hash(make([]byte, 64))
		must(t, unix.Close(fd))
		if e.SHA256 != "" || e.Unread != "it changed while it was read" {
			t.Errorf("%s: %+v", name, e.Entry)
		}
	}
}

// TestSizeThatIsNotTrue: a file that the kernel makes when it is read has a size of 0.
func TestSizeThatIsNotTrue(t *testing.T) {
	e, err := look(unix.AT_FDCWD, "/proc/version", "version")
	must(t, err)
	fd, err := openat(unix.AT_FDCWD, "/proc/version", unix.O_RDONLY)
	must(t, err)
	unread{fd, e}.hash(make([]byte, 64))
	if must(t, unix.Close(fd)); e.SHA256 != "" || e.Unread == "" {
		t.Errorf("%+v", e.Entry)
	}
}

// TestNoPermission looks at a tree with the rights of another user, which a thread can
// take on for file systems alone.
func TestNoPermission(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can take on the rights of another user")
	}
	dir := t.TempDir()
	write(t, dir, "file", "abc")
	write(t, dir, "closed/file", "abc")
	write(t, dir, "listed/file", "abc")
	must(t, os.Chmod(filepath.Join(dir, "file"), 0o600))
	must(t, os.Chmod(filepath.Join(dir, "closed"), 0o700))
	must(t, os.Chmod(filepath.Join(dir, "listed"), 0o744))
	must(t, os.Chmod(filepath.Dir(dir), 0o755))
	for _, open := range []string{dir, filepath.Dir(dir)} {
		must(t, os.Chmod(open, 0o755))
	}
	full := take(t, dir, Options{Contents: true})
	write(t, dir, "closed.too", "")
	s := asNobody(t, func() (*Snapshot, error) { return Take(dir, Options{Contents: true}) })
	for path, kind := range map[string]string{"file": "file", "closed": "folder", "listed/file": "unknown"} {
		if e := entryOf(t, s, path); e.Type != kind || e.Unread != "permission denied" {
			t.Errorf("%s: %+v", path, e.Entry)
		}
	}
	// What could not be seen at one of the two times did not come or go.
	for _, pair := range [][2]*Snapshot{{full, s}, {s, full}} {
		changes, _ := pair[0].Diff(pair[1])
		if got := paths(changes); !slices.Equal(got, []string{"closed", "closed.too", "listed/file"}) {
			t.Errorf("changes: %v", got)
		}
	}
}

func asNobody(t *testing.T, look func() (*Snapshot, error)) *Snapshot {
	type result struct {
		s   *Snapshot
		err error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(65534); err != nil {
			done <- result{nil, err}
			return
		}
		s, err := look()
		done <- result{s, err}
	}()
	r := <-done
	must(t, r.err)
	return r.s
}

// TestLongPath makes a path longer than any that a system call takes.
func TestLongPath(t *testing.T) {
	dir := t.TempDir()
	name := strings.Repeat("n", 255)
	const levels = 100 // 25 KB; PATH_MAX is 4 KB
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	must(t, err)
	for range levels {
		must(t, unix.Mkdirat(fd, name, 0o755))
		next, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		must(t, errors.Join(err, unix.Close(fd)))
		fd = next
	}
	file, err := unix.Openat(fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	must(t, errors.Join(err, unix.Close(file), unix.Close(fd)))

	s := take(t, dir, Options{Contents: true})
	long := strings.Repeat(name+"/", levels) + name
	if e := entryOf(t, s, long); e.SHA256 != hexOf("") {
		t.Errorf("the file at the end: %+v", e.Entry)
	}
	if got := s.Match("**/" + name); len(got) != 1 || got[0] != long {
		t.Errorf("%d paths fit", len(got))
	}
}

func TestTooDeep(t *testing.T) {
	dir := t.TempDir()
	deepest := strings.TrimSuffix(strings.Repeat("d/", maxDepth), "/")
	write(t, dir, deepest+"/file", "abc")
	s := take(t, dir, Options{})
	if e := entryOf(t, s, deepest); !strings.Contains(e.Unread, "too deep") || s.find(deepest+"/file") != nil {
		t.Errorf("%+v", e.Entry)
	}
}

func TestMaxBytes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "abc")
	write(t, dir, "b", "defg")
	write(t, dir, "c", "hi")
	must(t, os.Truncate(filepath.Join(dir, "b"), 1<<40)) // a hole
	s := take(t, dir, Options{Contents: true, MaxBytes: 5})
	if e := entryOf(t, s, "b"); e.Size != 1<<40 || e.SHA256 != "" || !strings.Contains(e.Unread, "too large") {
		t.Errorf("b: %+v", e.Entry)
	}
	for _, name := range []string{"a", "c"} {
		if e := entryOf(t, s, name); e.SHA256 == "" {
			t.Errorf("%s: %+v", name, e.Entry)
		}
	}
	if e := entryOf(t, take(t, dir, Options{Contents: true, MaxBytes: 4}), "c"); e.SHA256 != "" {
		t.Errorf("3 and 2 bytes were read of 4")
	}
}

// TestOtherFileSystems: a folder whose device is not that of the walk is not looked into.
func TestOtherFileSystems(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "file", "abc")
	s := &Snapshot{options: Options{}.withDefaults()}
	w := &walk{Snapshot: s, reader: &reader{}}
	w.visit(unix.AT_FDCWD, dir, ".", 0)
	if len(s.entries) != 1 || !strings.Contains(s.entries[0].Unread, "another file system") {
		t.Errorf("%d entries, the first %+v", len(s.entries), s.entries[0].Entry)
	}
}

// TestCutSnapshots: where one has room for fewer paths than the other, nothing seems to
// have come or gone.
func TestCutSnapshots(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b/c", "b/d", "e", "f"} {
		write(t, dir, name, "abc")
	}
	whole := take(t, dir, Options{})
	for limit := 1; limit < len(whole.entries); limit++ {
		s := take(t, dir, Options{MaxEntries: limit})
		if len(s.entries) != limit || !s.more {
			t.Errorf("room for %d, and %d are there, more: %v", limit, len(s.entries), s.more)
		}
		for _, pair := range [][2]*Snapshot{{s, whole}, {whole, s}} {
			changes, cut := pair[0].Diff(pair[1])
			if len(changes) != 0 || cut != len(whole.entries)-limit {
				t.Errorf("room for %d: %v, %d more", limit, paths(changes), cut)
			}
		}
		if changes, cut := s.Diff(s); len(changes) != 0 || cut != 1 {
			t.Errorf("room for %d, to itself: %v, %d more", limit, paths(changes), cut)
		}
	}
	if s := take(t, dir, Options{MaxEntries: len(whole.entries)}); s.more {
		t.Errorf("room for all, and more")
	}
}

// TestChangesAreSorted: a walk comes to a/x before a.b, and a list of paths does not.
func TestChangesAreSorted(t *testing.T) {
	dir := t.TempDir()
	before := take(t, dir, Options{})
	write(t, dir, "a/x", "abc")
	write(t, dir, "a.b", "abc")
	changes, _ := before.Diff(take(t, dir, Options{}))
	if got := paths(changes); !slices.Equal(got, []string{"a", "a.b", "a/x"}) {
		t.Errorf("%v", got)
	}
}

func TestMaxChanges(t *testing.T) {
	dir := t.TempDir()
	before := take(t, dir, Options{})
	for _, name := range []string{"c", "a", "b"} {
		write(t, dir, name, "abc")
	}
	changes, cut := before.Diff(take(t, dir, Options{MaxChanges: 2}))
	if got := paths(changes); !slices.Equal(got, []string{"a", "b"}) || cut != 1 {
		t.Errorf("%v, %d more", got, cut)
	}
	long := []change{{path: strings.Repeat("a", maxChangedNames)}, {path: "b"}}
	if kept, cut := bounded(long, 10); len(kept) != 1 || cut != 1 {
		t.Errorf("of long paths %d are kept, and %d more", len(kept), cut)
	}
}

// TestReadNames: of a folder with more names than there is room for, the first are kept.
func TestReadNames(t *testing.T) {
	dir := inMemory(t)
	var want []string
	for i := range 3000 {
		name := string([]byte{'a' + byte(i*7%26), 'a' + byte(i/26%26), 'a' + byte(i/676)})
		want = append(want, name)
		write(t, dir, name, "")
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, limit := range []int{0, 1, 40, len(want) - 1, len(want)} {
		fd, err := openat(unix.AT_FDCWD, dir, unix.O_RDONLY|unix.O_DIRECTORY)
		must(t, err)
		got, more, err := readNames(fd, limit)
		must(t, errors.Join(err, unix.Close(fd)))
		if !slices.Equal(got, want[:limit]) || more != (limit < len(want)) {
			t.Errorf("limit %d: %d names, more: %v", limit, len(got), more)
		}
	}
}

func TestHardLinks(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a", "abc")
	must(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	before := take(t, dir, Options{Contents: true})
	write(t, dir, "a", "xyz")
	changes, _ := before.Diff(take(t, dir, Options{Contents: true, Since: before}))
	if got := paths(changes); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("changed through one name, and seen through %v", got)
	}
}

func TestMatch(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"out/a.json", "out/deep/b.json", "c.json", `back\slash`, "\xff"} {
		write(t, dir, name, "")
	}
	s := take(t, dir, Options{})
	for pattern, want := range map[string][]string{
		"*.json":      {"c.json"},
		"./*.json":    {"c.json"},
		"**/*.json":   {"c.json", "out/a.json", "out/deep/b.json"},
		"out/*":       {"out/a.json"},
		"{out,x}/**":  {"out/a.json", "out/deep/b.json"},
		"[a-c].json":  {"c.json"},
		"[":           nil,
		"c.json":      {"c.json"},
		"out":         nil,
		`back\\slash`: {`back\slash`},
		"?":           {"\xff"},
		".":           nil,
	} {
		if diff := cmp.Diff(want, s.Match(pattern)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", pattern, diff)
		}
	}
	if got := s.Match("*", Types...); !slices.Contains(got, "out") || slices.Contains(got, ".") {
		t.Errorf("of all types: %v", got)
	}
}

// FuzzMatch holds the patterns against those of package path, as far as both mean the
// same: path knows neither ** nor choices, writes [^a] only, and takes an empty pattern
// element for itself.
func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"a*/b?", "ab/bc"}, {"[a-c]x", "bx"}, {`\*`, "*"}, {"*/*", "a/b"}, {"", ""}, {"é?", "éé"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if strings.Count(pattern, "{")+strings.Count(name, "{") > 8 {
			t.Skip("each choice can double the time; that is for who writes the pattern to know")
		}
		if !fits("**", name) && name != "." {
			t.Errorf("** does not fit %q", name)
		}
		if literal := meta.Replace(name); fits(literal, name) != (name != ".") && !strings.HasPrefix(name, "./") {
			t.Errorf("%q does not fit itself as %q", name, literal)
		}
		got := fits(pattern, name)
		if strings.ContainsAny(pattern, "{}!") || strings.Contains(pattern, "**") || strings.HasPrefix(pattern, "./") || name == "." || !utf8.ValidString(pattern) || !utf8.ValidString(name) {
			return
		}
		if want, err := path.Match(pattern, name); err == nil && got != want {
			t.Errorf("pattern %q, name %q: %v, and %v by package path", pattern, name, got, want)
		}
	})
}

var meta = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`)
