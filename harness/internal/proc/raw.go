package proc

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Files of /proc and of cgroups are read with bare system calls: package os would
// register every one of them with the runtime's poller, at the cost of reading it.

// ReadFile reads a whole file of a kernel file system into buf, which grows where it is
// too small. The result lies in buf.
func ReadFile(dir int, name string, buf []byte) ([]byte, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, notFound(err))
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	text, err := readAll(fd, buf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

func readAll(fd int, buf []byte) ([]byte, error) {
	if len(buf) == 0 {
		buf = make([]byte, 4096)
	}
	for size := 0; ; {
		n, err := unix.Read(fd, buf[size:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// A list is handed out in pages of whole lines (seq_file, fs/seq_file.c), however
		// large the buffer is: a read is the last one only if another line had fitted in.
		last := n < min(len(buf)-size, seqPage-longestLine)
		size += n
		if n == 0 || last {
			return buf[:size], nil
		}
		if len(buf)-size < seqPage {
			buf = append(buf, make([]byte, max(len(buf), seqPage))...)
		}
	}
}

// seqPage is the least that a read of a list gives when there is more, but for a line
// that did not fit; longestLine is more than any line of the lists that are read.
const (
	seqPage     = 4096
	longestLine = 1024
)

// listNumbers lists the entries of a folder whose names are numbers, as /proc names
// processes, threads and descriptors; nil when there is no such folder.
func listNumbers(dir int, name string, buf []byte) []int {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	list := []int{}
	var names []string
	for {
		n, err := unix.Getdents(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n <= 0 {
			return list
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if number, err := strconv.Atoi(name); err == nil {
				list = append(list, number)
			}
		}
	}
}
