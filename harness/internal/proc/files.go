package proc

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// maxFiles bounds how many open descriptors are described.
const maxFiles = 128

// OpenFiles describes the open descriptors in rising order, at most the first 128.
// It is empty where the kernel refuses to tell.
func (h *Handle) OpenFiles() []observation.OpenFile {
	numbers := h.numbers("fd")
	sort.Ints(numbers)
	files := make([]observation.OpenFile, 0, min(len(numbers), maxFiles))
	for _, fd := range numbers[:min(len(numbers), maxFiles)] {
		if file, err := h.openFile(fd); err == nil {
			files = append(files, file)
		}
	}
	return files
}

func (h *Handle) openFile(fd int) (observation.OpenFile, error) {
	path, err := h.link(fd)
	if err != nil {
		return observation.OpenFile{}, err
	}
	file := observation.OpenFile{FD: fd, Path: path}
	text, err := h.read("fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return observation.OpenFile{}, err
	}
	file.Mode, file.Offset = parseFdinfo(text)
	if strings.HasPrefix(path, "/") {
		var stat unix.Stat_t
		err := unix.Fstatat(h.dir, "fd/"+strconv.Itoa(fd), &stat, 0)
		if err == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG {
			file.Size = stat.Size
		}
	}
	return file, nil
}

func (h *Handle) link(fd int) (string, error) { return h.readlink("fd/" + strconv.Itoa(fd)) }

func (h *Handle) readlink(name string) (string, error) { return readlinkat(h.dir, name) }

func readlinkat(dir int, name string) (string, error) {
	var target [unix.PathMax]byte
	n, err := unix.Readlinkat(dir, name, target[:])
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, notFound(err))
	}
	return string(target[:n]), nil
}

// parseFdinfo reads position and access mode (proc_pid_fdinfo(5); flags are octal).
func parseFdinfo(text []byte) (mode string, offset int64) {
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(line, []byte(":"))
		field := string(bytes.TrimSpace(value))
		switch string(key) {
		case "pos":
			offset, _ = strconv.ParseInt(field, 10, 64) //nolint:errcheck // the kernel writes numbers
		case "flags":
			flags, _ := strconv.ParseInt(field, 8, 64) //nolint:errcheck // likewise
			mode = accessMode(int(flags))
		}
	}
	return mode, offset
}

func accessMode(flags int) string {
	mode := "r"
	switch flags & unix.O_ACCMODE {
	case unix.O_WRONLY:
		mode = "w"
	case unix.O_RDWR:
		mode = "rw"
	}
	if flags&unix.O_APPEND != 0 {
		mode += "a"
	}
	return mode
}

// SocketInodes lists the inodes of the sockets that a process holds, by number.
func SocketInodes(pid int) []uint64 {
	var inodes []uint64
	eachLink(pid, func(target string) {
		if inode, ok := Inode(target, "socket"); ok {
			inodes = append(inodes, inode)
		}
	})
	return inodes
}

// eachLink reads what the descriptors of a process point to.
func eachLink(pid int, visit func(target string)) {
	folder := "/proc/" + strconv.Itoa(pid) + "/fd"
	for _, fd := range listNumbers(unix.AT_FDCWD, folder, make([]byte, 4096)) {
		if target, err := readlinkat(unix.AT_FDCWD, folder+"/"+strconv.Itoa(fd)); err == nil {
			visit(target)
		}
	}
}

// Inode reads the number in a link such as socket:[1234] or pipe:[1234].
func Inode(link, kind string) (uint64, bool) {
	text, found := strings.CutPrefix(link, kind+":[")
	if !found {
		return 0, false
	}
	inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64)
	return inode, err == nil
}

// Holds says whether the process holds a descriptor whose link reads as given, such
// as pipe:[1234].
func Holds(pid int, link string) (holds bool) {
	eachLink(pid, func(target string) { holds = holds || target == link })
	return holds
}
