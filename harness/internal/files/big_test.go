package files

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A big tree: 10,000 files and 1 GB.
const (
	bigFiles = 10_000
	bigSize  = 100_000
)

func bigName(i int) string { return fmt.Sprintf("%02d/%04d", i/100, i) }

// inMemory is a folder on tmpfs, where thousands of files are made fast; elsewhere
// where there is none.
func inMemory(t testing.TB) string {
	dir, err := os.MkdirTemp(shmFolder, "sigprobe-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a test's folder
	return dir
}

// growBig makes the tree. Its files are all hole, or random.
func growBig(t testing.TB, dir string, random bool) {
	text := make([]byte, bigSize)
	rng := rand.NewChaCha8([32]byte{})
	for i := range bigFiles {
		place := filepath.Join(dir, bigName(i))
		must(t, os.MkdirAll(filepath.Dir(place), 0o755))
		if random {
			rng.Read(text) //nolint:errcheck // it never fails
			must(t, os.WriteFile(place, text, 0o644))
			continue
		}
		must(t, os.WriteFile(place, nil, 0o644))
		must(t, os.Truncate(place, bigSize))
	}
}

// TestBigTreeFitsIntoMemory reads all of a big tree, and compares it with a later one. What Go has ever
// taken from the system for this process is the bound.
func TestBigTreeFitsIntoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it reads 1 GB or 2")
	}
	dir := inMemory(t)
	growBig(t, dir, false)
	before := take(t, dir, Options{Contents: true})
	write(t, dir, bigName(7), "changed")
	changes, cut := before.Diff(take(t, dir, Options{Contents: true, Since: before}))
	if got := paths(changes); len(got) != 1 || got[0] != bigName(7) || cut != 0 {
		t.Errorf("changes: %v, %d more", got, cut)
	}
	if len(before.Match("**")) != bigFiles || entryOf(t, before, bigName(9)).SHA256 == "" {
		t.Errorf("not all was read")
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	if t.Logf("%d MB taken from the system", memory.Sys>>20); memory.Sys > 200<<20 {
		t.Errorf("%d MB is more than 200", memory.Sys>>20)
	}
}

// BenchmarkBigTree measures 10,000 files and 1 GB of random bytes, in the cache: two
// snapshots and their difference, where 100 files were written in between.
func BenchmarkBigTree(b *testing.B) {
	dir := b.TempDir()
	growBig(b, dir, true)
	for name, o := range map[string]struct{ before, later Options }{
		"metadata":                {},
		"contents of the changed": {later: Options{Contents: true}},
		"contents of all before":  {before: Options{Contents: true}, later: Options{Contents: true}},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := take(b, dir, o.before)
				b.StopTimer()
				for i := range 100 {
					write(b, dir, bigName(100*i), string(randomText()))
				}
				b.StartTimer()
				later := o.later
				later.Since = before
				if changes, _ := before.Diff(take(b, dir, later)); len(changes) != 100 {
					b.Fatalf("%d changes", len(changes))
				}
			}
			var memory runtime.MemStats
			runtime.ReadMemStats(&memory)
			b.ReportMetric(float64(memory.Sys)/1e6, "MB-of-memory")
		})
	}
}

func randomText() []byte {
	text := make([]byte, bigSize)
	rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, rand.Uint64()))).Read(text) //nolint:errcheck // it never fails
	return text
}

// BenchmarkSmallTree measures what most trials have: a few files.
func BenchmarkSmallTree(b *testing.B) {
	dir := b.TempDir()
	for i := range 5 {
		write(b, dir, fmt.Sprintf("out/%d", i), "abc")
	}
	for b.Loop() {
		before := take(b, dir, Options{Contents: true})
		before.Diff(take(b, dir, Options{Contents: true, Since: before}))
	}
}
