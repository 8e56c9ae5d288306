package stack

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mapping is one line of /proc/PID/maps.
type mapping struct {
	from, to uint64
	offset   uint64 // in the file
	inode    uint64
	readable bool
	writable bool
	code     bool
	path     string // of a file, or a name in brackets; empty for anonymous memory
}

// mappings are in the order of their addresses.
type mappings []mapping

// maxMappings is what the kernel allows a process unless told otherwise
// (vm.max_map_count).
const maxMappings = 65530

// maxMaps bounds /proc/PID/maps in bytes.
const maxMaps = 16 << 20

// readMaps reads the mappings of a process into buf, which it gives back for the next
// time. The kernel hands them out a page at a time: a short read is not the end.
func readMaps(path string, buf []byte) (list mappings, again []byte, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, buf, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	for size := 0; ; {
		if size == len(buf) {
			buf = append(buf, make([]byte, max(len(buf), 64<<10))...)
		}
		n, err := unix.Read(fd, buf[size:])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, buf, fmt.Errorf("%s: %w", path, err)
		case n == 0 || size > maxMaps:
			return parseMaps(buf[:size]), buf, nil
		}
		size += n
	}
}

// parseMaps reads proc_pid_maps(5). Lines that are none are left out.
func parseMaps(text []byte) mappings {
	var list mappings
	for line := range bytes.Lines(text) {
		if m, ok := parseMapping(string(bytes.TrimSuffix(line, []byte("\n")))); ok && len(list) < maxMappings {
			list = append(list, m)
		}
	}
	if !slices.IsSortedFunc(list, byAddress) {
		slices.SortFunc(list, byAddress)
	}
	return list
}

func byAddress(a, b mapping) int { return cmp.Compare(a.from, b.from) }

func parseMapping(line string) (m mapping, ok bool) {
	addresses, rest, _ := strings.Cut(line, " ")
	mode, rest, _ := strings.Cut(rest, " ")
	offset, rest, _ := strings.Cut(rest, " ")
	_, rest, _ = strings.Cut(rest, " ") // device
	inode, path, _ := strings.Cut(rest, " ")
	from, to, _ := strings.Cut(addresses, "-")
	for _, number := range []struct {
		text string
		base int
		to   *uint64
	}{{from, 16, &m.from}, {to, 16, &m.to}, {offset, 16, &m.offset}, {inode, 10, &m.inode}} {
		var err error
		if *number.to, err = strconv.ParseUint(number.text, number.base, 64); err != nil {
			return mapping{}, false
		}
	}
	if len(mode) != 4 || m.from >= m.to {
		return mapping{}, false
	}
	m.readable, m.writable, m.code = mode[0] == 'r', mode[1] == 'w', mode[2] == 'x'
	// The kernel writes a line feed in a path as \012 and leaves all else as it is.
	m.path = strings.ReplaceAll(strings.TrimLeft(path, " "), `\012`, "\n")
	return m, true
}

// find is the mapping that holds the address; nil when there is none.
func (l mappings) find(address uint64) *mapping {
	i, found := slices.BinarySearchFunc(l, address, func(m mapping, address uint64) int {
		switch {
		case m.to <= address:
			return -1
		case m.from > address:
			return 1
		}
		return 0
	})
	if !found {
		return nil
	}
	return &l[i]
}

// isCode says that the address lies in memory that can be executed.
func (l mappings) isCode(address uint64) bool {
	m := l.find(address)
	return m != nil && m.code
}
