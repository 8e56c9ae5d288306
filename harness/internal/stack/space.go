package stack

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// addressSpace is a process while one of its stacks is read.
type addressSpace struct {
	reader *Reader
	pid    int
	maps   processMaps
	mem    *pages
	// opened are the modules that were looked for already, nil where there is none.
	opened map[fileKey]*module
	jit    *perfMap
}

// processMaps are the mappings of a process and which of them is the main program's.
type processMaps struct {
	mappings
	exe string // path of the program, as the kernel names it
}

// program is the first mapping of the main program; nil when it is not to be found.
func (p processMaps) program() *mapping {
	for i := range p.mappings {
		if p.mappings[i].path == p.exe && p.exe != "" {
			return &p.mappings[i]
		}
	}
	return nil
}

// fileKey names a mapped file among those of one process.
type fileKey struct {
	inode uint64
	path  string
}

func (r *Reader) addressSpace(pid int) (*addressSpace, error) {
	folder := "/proc/" + strconv.Itoa(pid)
	list, buf, err := readMaps(folder+"/maps", r.buf)
	r.buf = buf
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("it has no memory: it is dead, or a thread of the kernel")
	}
	exe := make([]byte, unix.PathMax)
	n, err := unix.Readlink(folder+"/exe", exe)
	if err != nil {
		return nil, fmt.Errorf("%s/exe: %w", folder, err)
	}
	return &addressSpace{
		reader: r, pid: pid, maps: processMaps{list, string(exe[:n])},
		mem: newPages(process(pid)), opened: map[fileKey]*module{},
	}, nil
}

// module is the file whose code is mapped there; nil where there is none that can be read.
func (a *addressSpace) module(m *mapping) *module {
	if m == nil || m.path == "" {
		return nil
	}
	key := fileKey{m.inode, m.path}
	found, known := a.opened[key]
	if !known {
		found = a.open(m)
		a.opened[key] = found
	}
	return found
}

func (a *addressSpace) open(m *mapping) *module {
	if m.path == "[vdso]" && m.to-m.from <= 1<<20 {
		return a.openImage(m)
	}
	if m.inode == 0 || m.path[0] != '/' {
		return nil
	}
	root := "/proc/" + strconv.Itoa(a.pid)
	if m.path == a.maps.exe {
		return a.reader.openFile(root+"/exe", m)
	}
	return a.reader.openFile(root+"/root"+m.path, m)
}

// openImage reads a module that is no file out of the memory.
func (a *addressSpace) openImage(m *mapping) *module {
	image := make([]byte, m.to-m.from)
	if err := a.mem.of.read(image, m.from); err != nil {
		return nil
	}
	made, err := newModule(m.path, bytesAt(image))
	if err != nil {
		return nil
	}
	return made
}

// leave ends the reading. Modules of files stay open in the Reader.
func (a *addressSpace) leave() { a.reader.bound() }
