package files

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// stateOf describes a tree: type, permissions, time and content of each path.
func stateOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	state := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		text := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + info.ModTime().Format(time.RFC3339Nano) + " " + string(content)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " " + target
		}
		state[relative] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// mustAll ends a test at an error of what prepares it.
func mustAll(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRestoreGivesWhatWasSaved(t *testing.T) {
	room, err := NewRoom()
	mustAll(t, err)
	defer func() { mustAll(t, room.Close()) }()
	w, err := room.Workspace(nil)
	mustAll(t, err)
	in := func(name string) string { return filepath.Join(w.Work, name) }
	old := time.Now().Add(-time.Hour)
	mustAll(t,
		os.MkdirAll(in("deep/er"), 0o755), os.WriteFile(in("deep/er/x.pid"), []byte("17\n"), 0o600), os.Chtimes(in("deep/er/x.pid"), old, old),
		os.WriteFile(in("tool"), []byte("#!/bin/sh\n"), 0o755), os.Symlink("nowhere", in("link")), unix.Mkfifo(in("fifo"), 0o644),
		os.Chmod(in("deep/er"), 0o555), os.WriteFile(filepath.Join(w.Temp, "t"), []byte("temp"), 0o644))
	listener, err := net.Listen("unix", in("s"))
	mustAll(t, err)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	mustAll(t, listener.Close())

	work, temp := stateOf(t, w.Work), stateOf(t, w.Temp)
	mustAll(t, w.Save())
	for range 2 {
		mustAll(t, os.Chmod(in("deep/er"), 0o755), os.RemoveAll(in("deep")), os.Remove(in("link")), os.Remove(in("s")),
			os.WriteFile(in("tool"), nil, 0o644), os.WriteFile(in("x.lock"), nil, 0o644), os.RemoveAll(w.Temp), os.Chmod(w.Work, 0o500))
		mustAll(t, w.Restore())
		if diff := cmp.Diff(work, stateOf(t, w.Work)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(temp, stateOf(t, w.Temp)); diff != "" {
			t.Error(diff)
		}
		// Nobody listens at a name that is left, and nobody else can take it.
		if _, err := net.Dial("unix", in("s")); err == nil {
			t.Error("somebody listens at the socket that was left")
		}
		if again, err := net.Listen("unix", in("s")); err == nil {
			again.Close()
			t.Error("the name of the socket is free")
		}
	}
}
