package files

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// model is a tree as the test knows it, because it made it: by path.
type model map[string]observation.Entry

func hexOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// put makes something at a path, in place of what was there, on the disk and in the model.
func (m model) put(t *rapid.T, dir, path string) {
	m.remove(t, dir, path)
	place := filepath.Join(dir, path)
	switch kind := rapid.SampledFrom([]string{"file", "file", "folder", "link", "fifo", "socket"}).Draw(t, "kind"); kind {
	case "file":
		m.write(t, dir, path)
	case "folder":
		must(t, os.Mkdir(place, 0o755))
		m[path] = observation.Entry{Type: "folder", Mode: 0o755}
	case "link":
		to := rapid.SampledFrom([]string{".", "..", "a", "/", "nowhere"}).Draw(t, "to")
		must(t, os.Symlink(to, place))
		m[path] = observation.Entry{Type: "link", Mode: 0o777, SHA256: hexOf(to)}
	case "fifo":
		must(t, unix.Mkfifo(place, 0o644))
		m[path] = observation.Entry{Type: "fifo", Mode: 0o644}
	case "socket":
		must(t, unix.Mknod(place, unix.S_IFSOCK|0o644, 0))
		m[path] = observation.Entry{Type: "socket", Mode: 0o644}
	}
}

func (m model) write(t *rapid.T, dir, path string) {
	text := rapid.StringN(0, 5, -1).Draw(t, "text")
	must(t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644))
	mode := uint32(0o644)
	if before, exists := m[path]; exists {
		mode = before.Mode
	}
	m[path] = observation.Entry{Type: "file", Size: int64(len(text)), Mode: mode, SHA256: hexOf(text)}
}

// remove takes a path away, with all that is below it.
func (m model) remove(t *rapid.T, dir, path string) {
	must(t, os.RemoveAll(filepath.Join(dir, path)))
	maps.DeleteFunc(m, func(name string, _ observation.Entry) bool {
		return name == path || strings.HasPrefix(name, path+"/")
	})
}

// edit does one thing to the tree.
func (m model) edit(t *rapid.T, dir string) {
	paths := slices.Sorted(maps.Keys(m))
	path := rapid.SampledFrom(paths).Draw(t, "path")
	entry := m[path]
	switch action := rapid.SampledFrom([]string{"new", "new", "write", "replace", "remove", "mode", "rename"}).Draw(t, "action"); {
	case action == "new" && entry.Type == "folder":
		name := rapid.SampledFrom([]string{"a", "a.b", "b", "é", "\xff", `\xff`, strings.Repeat("n", 255)}).Draw(t, "name")
		m.put(t, dir, join(path, name))
	case path == ".":
	case action == "write" && entry.Type == "file":
		m.write(t, dir, path)
	case action == "replace":
		m.put(t, dir, path)
	case action == "remove":
		m.remove(t, dir, path)
	case action == "mode" && entry.Type != "link":
		entry.Mode = rapid.SampledFrom([]uint32{0o600, 0o755, 0o4755, 0o1700}).Draw(t, "mode")
		must(t, unix.Chmod(filepath.Join(dir, path), entry.Mode))
		m[path] = entry
	case action == "rename" && entry.Type == "file":
		to := filepath.Join(filepath.Dir(path), "moved")
		if to == path {
			return
		}
		m.remove(t, dir, to)
		must(t, os.Rename(filepath.Join(dir, path), filepath.Join(dir, to)))
		delete(m, path)
		m[to] = entry
	}
}

// changes is what differs between two models, in the order of the paths.
func (m model) changes(later model) []observation.Change {
	var changes []observation.Change
	union := maps.Clone(m)
	maps.Copy(union, later)
	for _, path := range slices.Sorted(maps.Keys(union)) {
		before, was := m[path]
		after, is := later[path]
		if was && is && before == after {
			continue
		}
		c := observation.Change{Path: observation.EscapePath(path)}
		if was {
			c.Before = &before
		}
		if is {
			c.After = &after
		}
		changes = append(changes, c)
	}
	return changes
}

type failer interface {
	Helper()
	Fatal(...any)
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func take(t failer, dir string, o Options) *Snapshot {
	t.Helper()
	s, err := Take(dir, o)
	must(t, err)
	return s
}

// TestDiffIsWhatWasEdited makes random trees and edits them, and holds Diff against a
// model that knows the edits. Sockets, fifos and devices that were replaced by another
// one of the same kind are not in the model, so such changes are left out.
func TestDiffIsWhatWasEdited(t *testing.T) {
	umask := unix.Umask(0o022)
	defer unix.Umask(umask)
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "sigprobe-tree-")
		must(t, err)
		defer os.RemoveAll(dir) //nolint:errcheck // a test's folder
		tree := model{".": {Type: "folder", Mode: 0o700}}
		for range rapid.IntRange(0, 12).Draw(t, "making") {
			tree.edit(t, dir)
		}
		before, old := take(t, dir, Options{Contents: true}), maps.Clone(tree)
		for range rapid.IntRange(0, 8).Draw(t, "editing") {
			tree.edit(t, dir)
		}
		options := Options{Contents: true}
		if rapid.Bool().Draw(t, "since") {
			options.Since = before
		}
		later := take(t, dir, options)

		changes, cut := before.Diff(later)
		changes = slices.DeleteFunc(changes, func(c observation.Change) bool {
			return c.Before != nil && c.After != nil && *c.Before == *c.After && c.Before.Type != "file"
		})
		if diff := cmp.Diff(old.changes(tree), changes); diff != "" || cut != 0 {
			t.Fatalf("cut %d; edited (-) and found (+):\n%s", cut, diff)
		}
		itself(t, later)
		roundTrip(t, changes)
		matchesAll(t, later, tree)
	})
}

func itself(t *rapid.T, s *Snapshot) {
	if changes, cut := s.Diff(s); len(changes) > 0 || cut != 0 {
		t.Fatalf("a tree differs from itself: %v, %d more", changes, cut)
	}
}

func roundTrip(t *rapid.T, changes []observation.Change) {
	text, err := json.Marshal(changes)
	must(t, err)
	var read []observation.Change
	must(t, json.Unmarshal(text, &read))
	if diff := cmp.Diff(changes, read); diff != "" {
		t.Fatalf("written (-) and read (+):\n%s", diff)
	}
}

// matchesAll: ** finds every path of the types asked for, as bytes.
func matchesAll(t *rapid.T, s *Snapshot, tree model) {
	for _, types := range [][]string{{"file"}, {"folder", "link"}, Types} {
		var want []string
		for _, path := range slices.Sorted(maps.Keys(tree)) {
			if path != "." && slices.Contains(types, tree[path].Type) {
				want = append(want, path)
			}
		}
		if diff := cmp.Diff(want, s.Match("./**", types...)); diff != "" {
			t.Fatalf("made (-) and matched (+):\n%s", diff)
		}
	}
}

// TestPathsAreInTheOrderOfAWalk holds the order against that of the lists of names.
func TestPathsAreInTheOrderOfAWalk(t *testing.T) {
	path := rapid.Custom(func(t *rapid.T) string {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a.", "a-", "b", "ab", ".x", "\xff"}), 0, 4).Draw(t, "names")
		return strings.Join(append(names, ".")[:max(1, len(names))], "/")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := path.Draw(t, "a"), path.Draw(t, "b")
		want := slices.Compare(namesOf(a), namesOf(b))
		if got := comparePaths(a, b); got != want {
			t.Fatalf("%q, %q: %d, not %d", a, b, got, want)
		}
	})
}

func namesOf(path string) []string {
	if path == "." {
		return nil
	}
	return strings.Split(path, "/")
}
