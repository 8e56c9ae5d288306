package warden

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/calls"
	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/internal/trap"
)

// fits says whether the call is about a file that the point's path fits.
func (c *callCounter) fits(call trap.Call) bool {
	if c.installed != 0 {
		return c.installs(call)
	}
	if c.point.Path == "" {
		return true
	}
	for _, path := range c.files(call) {
		if c.matches(path) {
			return true
		}
	}
	return false
}

func (c *callCounter) matches(path string) bool { return fitsPath(c.point.Path, path, c.dir) }

// fitsPath says whether a path fits a pattern, absolute or relative to the work folder.
func fitsPath(pattern, path, dir string) bool {
	if match, _ := doublestar.Match(pattern, path); match { //nolint:errcheck // the pattern was checked
		return true
	}
	relative, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(relative, "../") {
		return false
	}
	match, _ := doublestar.Match(strings.TrimPrefix(pattern, "./"), relative) //nolint:errcheck // likewise
	return match
}

// files lists the files that a held call is about, by absolute paths where they have
// one: pipe:[17] and the like stand as the kernel names them.
func (c *callCounter) files(call trap.Call) []string {
	var paths []string
	for _, subject := range calls.Subjects(call.Number) {
		if path, ok := subjectPath(call, subject); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

func subjectPath(call trap.Call, s calls.Subject) (string, bool) {
	if s.FD >= 0 {
		return proc.FileOf(call.TID, int(int32(call.Args[s.FD])))
	}
	path, ok := readString(call.TID, call.Args[s.Path])
	if !ok || filepath.IsAbs(path) {
		return filepath.Clean(path), ok
	}
	dir := unix.AT_FDCWD
	if s.Dir >= 0 {
		dir = int(int32(call.Args[s.Dir]))
	}
	folder, ok := proc.FileOf(call.TID, dir)
	return filepath.Join(folder, path), ok
}

// readString reads a path of the thread's memory. It may end at the end of a page
// behind which nothing is mapped, so no more than the page is asked for at once.
func readString(tid int, address uint64) (string, bool) {
	const page = 4096
	var text []byte
	for len(text) < unix.PathMax {
		part := make([]byte, page-address%page)
		n := readMemory(tid, address, part)
		if n == 0 {
			return "", false
		}
		if end := bytes.IndexByte(part[:n], 0); end >= 0 {
			return string(append(text, part[:end]...)), true
		}
		text = append(text, part[:n]...)
		address += uint64(n)
	}
	return "", false
}

func readMemory(tid int, address uint64, into []byte) int {
	local := []unix.Iovec{{Base: &into[0]}}
	local[0].SetLen(len(into))
	n, err := unix.ProcessVMReadv(tid, local, []unix.RemoteIovec{{Base: uintptr(address), Len: len(into)}}, 0)
	if err != nil {
		return 0
	}
	return n
}

// describe is the call and its files, to be shown: "rename out.tmp -> out.json".
func (c *callCounter) describe(call trap.Call) string {
	text := calls.Name(call.Number)
	if files := c.shown(call); len(files) > 0 {
		text += " " + strings.Join(files, " -> ")
	}
	return text
}

// shown are the call's files, relative to the work folder where they are in it.
func (c *callCounter) shown(call trap.Call) []string {
	files := c.files(call)
	for i, path := range files {
		if relative, err := filepath.Rel(c.dir, path); err == nil && filepath.IsAbs(path) && !strings.HasPrefix(relative, "..") {
			files[i] = relative
		}
	}
	return files
}

// stackWords is how much of the stack is looked at, stackCalls how many return
// addresses in it tell one place from another.
const (
	stackWords = 256
	stackCalls = 8
)

// place tells places in the target apart: the call, its files, and the return addresses
// on the thread's stack. That a word of the stack is one is a guess (it points into
// executable memory), good enough for an order and for nothing else.
func (c *callCounter) place(call trap.Call) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, call.Number, call.Site, c.files(call)) //nolint:errcheck // a hash never fails
	stack := make([]byte, 8*stackWords)
	n := readMemory(call.TID, proc.StackPointer(call.TID), stack)
	for i, found := 0, 0; i+8 <= n && found < stackCalls; i += 8 {
		word := stack[i : i+8]
		if c.code(call.TID).Has(binary.NativeEndian.Uint64(word)) {
			h.Write(word) //nolint:errcheck // likewise
			found++
		}
	}
	return h.Sum64()
}

// code is the executable memory of the thread, as it was when the thread made its first
// call that fits: to read it anew for each would cost more than the call.
func (c *callCounter) code(tid int) proc.Ranges {
	code, known := c.codes[tid]
	if !known {
		code = proc.CodeRanges(tid)
		c.codes[tid] = code
	}
	return code
}
