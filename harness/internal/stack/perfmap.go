package stack

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// perfMap names code that a program made at run time, where it says so for perf(1): a
// line for each piece, with address, size and name (tools/perf/Documentation/jit-interface.txt).
type perfMap struct{ lines []byte }

// maxPerfMap bounds what is read of such a file, in bytes.
const maxPerfMap = 16 << 20

// jitted names the piece of code at the address; empty where nobody says.
func (a *addressSpace) jitted(pc uint64) string {
	if a.jit == nil {
		a.jit = &perfMap{readPerfMap(a.pid)}
	}
	return a.jit.name(pc)
}

// name is the newest name: a piece of code can take the place of another.
func (p *perfMap) name(pc uint64) (name string) {
	for line := range bytes.Lines(p.lines) {
		fields := strings.SplitN(string(bytes.TrimSpace(line)), " ", 3)
		if len(fields) < 3 {
			continue
		}
		start, err1 := strconv.ParseUint(fields[0], 16, 64)
		size, err2 := strconv.ParseUint(fields[1], 16, 64)
		if errors.Join(err1, err2) == nil && pc >= start && pc-start < size {
			name = text(fields[2])
		}
	}
	return name
}

// readPerfMap reads the file of a process, if it is the process' own: anybody can write
// into /tmp.
func readPerfMap(pid int) []byte {
	folder := "/proc/" + strconv.Itoa(pid)
	fd, err := unix.Open(folder+"/root/tmp/perf-"+strconv.Itoa(innermost(pid))+".map", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	var file, owner unix.Stat_t
	if unix.Fstat(fd, &file) != nil || unix.Stat(folder, &owner) != nil || file.Uid != owner.Uid || file.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	lines, _ := io.ReadAll(io.NewSectionReader(fileAt(fd), 0, maxPerfMap)) //nolint:errcheck // what was read counts
	return lines
}

// innermost is the PID as the process itself sees it.
func innermost(pid int) int {
	raw, err := proc.ReadFile(unix.AT_FDCWD, "/proc/"+strconv.Itoa(pid)+"/status", nil)
	if err != nil {
		return pid
	}
	_, rest, _ := strings.Cut(string(raw), "\nNSpid:")
	line, _, _ := strings.Cut(rest, "\n")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return pid
	}
	inner, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return pid
	}
	return inner
}
