package files

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func newRoom(t *testing.T) *Room {
	t.Setenv("TMPDIR", t.TempDir())
	room, err := NewRoom()
	must(t, err)
	return room
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestWorkspaceIsFilled(t *testing.T) {
	inputs := t.TempDir()
	write(t, inputs, "seed/deep/file", "abc")
	write(t, inputs, "empty", "")
	must(t, os.Symlink("deep/file", filepath.Join(inputs, "seed/link")))
	must(t, os.Chmod(filepath.Join(inputs, "seed/deep/file"), 0o755))
	room := newRoom(t)
	defer room.Close() //nolint:errcheck // other tests look at that
	w, err := room.Workspace([]string{filepath.Join(inputs, "seed"), filepath.Join(inputs, "seed") + "/", filepath.Join(inputs, "empty")})
	must(t, err)
	for _, folder := range []string{"seed", "."} {
		if got := read(t, filepath.Join(w.Work, folder, "link")); got != "abc" {
			t.Errorf("%s: %q", folder, got)
		}
	}
	info, err := os.Stat(filepath.Join(w.Work, "deep/file"))
	must(t, err)
	if info.Mode().Perm() != 0o755 {
		t.Errorf("the mode is %v", info.Mode())
	}
	if !there(w.Temp) || !there(filepath.Join(w.Work, "empty")) {
		t.Errorf("not all is there")
	}
}

// TestFilesThatAreMadeWhenRead: the kernel gives them a size of 0.
func TestFilesThatAreMadeWhenRead(t *testing.T) {
	room := newRoom(t)
	defer room.Close() //nolint:errcheck // other tests look at that
	w, err := room.Workspace([]string{"/proc/self/status"})
	must(t, err)
	if read(t, filepath.Join(w.Work, "status")) == "" {
		t.Errorf("the copy is empty")
	}
}

// TestRoomRemovesBesideTheTrials: what is closed goes away while the room is open, and
// the room's own end leaves nothing.
func TestRoomRemovesBesideTheTrials(t *testing.T) {
	room := newRoom(t)
	var closed []*Workspace
	for i := range 3 * maxLeftover {
		w, err := room.Workspace(nil)
		must(t, err)
		write(t, w.Work, fmt.Sprintf("locked/%d", i), "abc")
		must(t, os.Chmod(filepath.Join(w.Work, "locked"), 0))
		must(t, w.Close())
		closed = append(closed, w)
	}
	for _, w := range closed {
		for there(w.root) {
			runtime.Gosched()
		}
	}
	open, err := room.Workspace(nil)
	must(t, err)
	must(t, room.Close())
	defer os.RemoveAll(room.dir) //nolint:errcheck // a test's folder
	if there(room.dir) {
		t.Errorf("the room is still there")
	}
	// A trial that ends when its engine is closed removes its folder at once: nobody waits
	// any more.
	write(t, open.Work, "late", "abc")
	if must(t, open.Close()); there(open.root) {
		t.Errorf("a folder is left after the end of the room")
	}
}

// TestRoomWaitsForRemovals closes the room while a removal is under way.
func TestRoomWaitsForRemovals(t *testing.T) {
	for range 20 {
		room := newRoom(t)
		for range 4 {
			w, err := room.Workspace(nil)
			must(t, err)
			write(t, w.Work, "a/b/c", "abc")
			must(t, w.Close())
		}
		must(t, room.Close())
		if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "sigprobe-*")); len(left) > 0 {
			t.Fatalf("left: %v", left)
		}
	}
}

func BenchmarkWorkspace(b *testing.B) {
	b.Setenv("TMPDIR", b.TempDir())
	room, err := NewRoom()
	must(b, err)
	defer room.Close() //nolint:errcheck // a benchmark's folder
	for b.Loop() {
		w, err := room.Workspace(nil)
		must(b, err)
		must(b, w.Close())
	}
}
