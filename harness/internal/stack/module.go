package stack

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fileID names a file and a version of its content.
type fileID struct {
	device, inode uint64
	changed       unix.Timespec
	size          int64
}

func identify(stat unix.Stat_t) fileID {
	return fileID{uint64(stat.Dev), stat.Ino, stat.Mtim, stat.Size}
}

// Knows says that the program of the process was looked into before, so that its stacks
// cost what they usually do.
func (r *Reader) Knows(pid int) bool {
	var stat unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid)+"/exe", &stat) != nil {
		return false
	}
	_, known := r.modules[identify(stat)]
	return known
}

// learned is how many files of a program are looked into before a stack is asked for.
const learned = 8

// Learn looks into the program of the process and the libraries that come first in its
// memory, so that a stack costs what it usually does, whether its threads run or not.
func (r *Reader) Learn(pid int) {
	space, err := r.addressSpace(pid)
	if err != nil {
		return // it is gone, or the kernel does not permit it: a stack will say so
	}
	defer space.leave()
	if _, isPython := space.python(); isPython {
		return
	}
	for i := range space.maps.mappings {
		in := &space.maps.mappings[i]
		if m := space.module(in); in.code && m != nil && len(space.opened) <= learned {
			m.symbolAt(0)
			m.unwindTable()
			m.goTable()
		}
	}
}

// maxModules bounds how many files are kept open between two stacks.
const maxModules = 32

// bound forgets all modules when they are too many.
func (r *Reader) bound() {
	if len(r.modules) > maxModules {
		r.Close()
	}
}

// openFile opens the file of a mapping, or finds it among those that are known. It is nil
// where the file is another one by now, or none that can be read.
func (r *Reader) openFile(path string, m *mapping) *module {
	// Where a target replaced the file by a pipe or a device, opening must not wait, and
	// is given up. The device number in maps is not that of stat(2) on some file systems.
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFREG || stat.Ino != m.inode {
		return nil
	}
	id := identify(stat)
	if known, ok := r.modules[id]; ok {
		return known
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil
	}
	made, err := newModule(m.path, &keptAt{fileAt(fd), map[int64][]byte{}})
	if err != nil {
		unix.Close(fd) //nolint:errcheck // nothing was written
		made = nil
	}
	r.modules[id] = made
	return made
}

// fileAt reads an open file. Package os would register it with the runtime's poller.
type fileAt int

func (f fileAt) ReadAt(buf []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, io.EOF
	}
	for n < len(buf) {
		more, err := unix.Pread(int(f), buf[n:], offset+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, err
		}
		if more == 0 {
			return n, io.EOF
		}
		n += more
	}
	return n, nil
}

// maxKept bounds how many pages of a file are kept: half a megabyte.
const maxKept = 128

// keptAt reads a file a page at a time and keeps the pages: a search in a table reads a
// few bytes in many places, and the next stack's search in the same ones.
type keptAt struct {
	fileAt
	pages map[int64][]byte
}

func (k *keptAt) ReadAt(buf []byte, offset int64) (n int, err error) {
	if len(buf) >= pageSize || offset < 0 {
		return k.fileAt.ReadAt(buf, offset)
	}
	for n < len(buf) {
		page, err := k.page((offset + int64(n)) / pageSize)
		if err != nil {
			return n, err
		}
		within := (offset + int64(n)) % pageSize
		if within >= int64(len(page)) {
			return n, io.EOF
		}
		n += copy(buf[n:], page[within:])
	}
	return n, nil
}

// page is one page of the file, a shorter one at its end.
func (k *keptAt) page(number int64) ([]byte, error) {
	if page, ok := k.pages[number]; ok {
		return page, nil
	}
	page := make([]byte, pageSize)
	n, err := k.fileAt.ReadAt(page, number*pageSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(k.pages) >= maxKept {
		clear(k.pages)
	}
	k.pages[number] = page[:n]
	return page[:n], nil
}

// bytesAt reads an image in memory.
type bytesAt []byte

func (b bytesAt) ReadAt(buf []byte, offset int64) (int, error) {
	if offset < 0 || offset >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(buf, b[offset:])
	if n < len(buf) {
		return n, io.EOF
	}
	return n, nil
}

// module is an executable file: the parts that tell where code comes from.
type module struct {
	name  string
	file  io.ReaderAt
	elf   *elf.File
	loads []elf.ProgHeader

	symbols   []symbol // of functions, by value; read at the first use
	symbolsIn []io.ReaderAt
	indexed   bool

	unwindIndex *unwindIndex // nil where there are no unwinding tables
	unwindRead  bool
	goFunctions *goTable // nil where it has no Go code
	goRead      bool
	python      *pythonModule // nil where CPython does not live in it
	pythonRead  bool
}

// newModule reads the headers. The parser of debug/elf answers hostile files with an
// error, and is guarded where it should not.
func newModule(name string, file io.ReaderAt) (m *module, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("%s: damaged: %v", name, p)
		}
	}()
	parsed, err := elf.NewFile(file)
	if err != nil {
		return nil, err
	}
	if parsed.Class != elf.ELFCLASS64 || parsed.ByteOrder != binary.LittleEndian {
		return nil, errors.New("only 64-bit little-endian programs are read")
	}
	m = &module{name: name, file: file, elf: parsed}
	for _, p := range parsed.Progs {
		if p.Type == elf.PT_LOAD {
			m.loads = append(m.loads, p.ProgHeader)
		}
	}
	return m, nil
}

func (m *module) close() {
	if m == nil {
		return
	}
	if kept, isFile := m.file.(*keptAt); isFile {
		unix.Close(int(kept.fileAt)) //nolint:errcheck // nothing was written
	}
}

// address turns an address in memory into the module's own, as its symbols count.
func (m *module) address(in *mapping, address uint64) (own uint64, ok bool) {
	offset := address - in.from + in.offset
	for _, load := range m.loads {
		if offset >= load.Off && offset-load.Off < load.Filesz {
			return offset - load.Off + load.Vaddr, true
		}
	}
	return 0, false
}

// inMemory turns an address of the module into one in memory, by one of its mappings.
// What lies behind the file's part of a segment (.bss) counts too.
func (m *module) inMemory(in *mapping, own uint64) (address uint64, ok bool) {
	base, ok := m.address(in, in.from)
	return own - base + in.from, ok
}

// inFile is where in the file the content for an address of the module lies.
func (m *module) inFile(own uint64) (offset int64, ok bool) {
	for _, load := range m.loads {
		if own >= load.Vaddr && own-load.Vaddr < load.Filesz {
			return int64(own - load.Vaddr + load.Off), true
		}
	}
	return 0, false
}

// readOwn fills buf with what the file holds for an address of the module.
func (m *module) readOwn(buf []byte, own uint64) error {
	offset, ok := m.inFile(own)
	if !ok {
		return fmt.Errorf("%s: nothing at %#x", m.name, own)
	}
	n, err := m.file.ReadAt(buf, offset)
	if n < len(buf) {
		return err
	}
	return nil
}

// symbol is the name of a piece of code.
type symbol struct {
	value uint64
	size  uint32
	name  uint32 // where the name begins in its table of strings
	table uint8  // which of the module's tables of strings
}

// maxSymbols bounds how many symbols of a file are kept; Node.js has 250,000.
const maxSymbols = 1 << 20

// function names the function at an address of the module; empty where no symbol covers it.
func (m *module) function(own uint64) string {
	s, ok := m.symbolAt(own)
	if !ok {
		return ""
	}
	return cString(m.symbolsIn[s.table], int64(s.name))
}

func (m *module) symbolAt(own uint64) (s symbol, ok bool) {
	if !m.indexed {
		m.index()
	}
	i, _ := slices.BinarySearchFunc(m.symbols, own, func(s symbol, own uint64) int {
		if s.value <= own {
			return -1
		}
		return 1
	})
	// A symbol without a size ends where the next one begins.
	for i--; i >= 0; i-- {
		s := m.symbols[i]
		if own-s.value < uint64(s.size) || s.size == 0 && !m.past(i, own) {
			return s, true
		}
		if own-s.value > maxReach {
			break
		}
	}
	return symbol{}, false
}

// maxReach is how far before an address its function is looked for: symbols can nest.
const maxReach = 1 << 16

// past says that another symbol begins between the i-th one and the address.
func (m *module) past(i int, own uint64) bool {
	return i+1 < len(m.symbols) && m.symbols[i+1].value <= own && m.symbols[i+1].value > m.symbols[i].value ||
		own-m.symbols[i].value > maxReach
}

// index reads the symbols of functions out of .symtab and .dynsym.
func (m *module) index() {
	m.indexed = true
	m.eachSymbol(func(s elf.Sym64, strings io.ReaderAt) bool {
		kind := elf.ST_TYPE(s.Info)
		if (kind == elf.STT_FUNC || kind == elf.STT_NOTYPE || kind == elf.STT_GNU_IFUNC) && s.Value != 0 && elf.SectionIndex(s.Shndx) != elf.SHN_UNDEF && m.isText(s.Value) {
			m.symbols = append(m.symbols, symbol{s.Value, uint32(min(s.Size, 1<<32-1)), s.Name, m.stringTable(strings)})
		}
		return len(m.symbols) < maxSymbols
	})
	slices.SortFunc(m.symbols, func(a, b symbol) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.size, b.size), cmp.Compare(b.name, a.name)) // the largest last, where it is met first
	})
	m.symbols = slices.Clip(m.symbols)
}

// isText says that the address lies in a segment that is executed.
func (m *module) isText(own uint64) bool {
	for _, load := range m.loads {
		if load.Flags&elf.PF_X != 0 && own >= load.Vaddr && own-load.Vaddr < load.Memsz {
			return true
		}
	}
	return false
}

// stringTable numbers the tables that names of symbols stand in.
func (m *module) stringTable(strings io.ReaderAt) uint8 {
	for i, known := range m.symbolsIn {
		if known == strings {
			return uint8(i)
		}
	}
	m.symbolsIn = append(m.symbolsIn, strings)
	return uint8(len(m.symbolsIn) - 1)
}

// eachSymbol visits the symbols of both tables until visit returns false.
func (m *module) eachSymbol(visit func(elf.Sym64, io.ReaderAt) bool) {
	for _, kind := range []elf.SectionType{elf.SHT_SYMTAB, elf.SHT_DYNSYM} {
		table := m.elf.SectionByType(kind)
		if table == nil || table.Flags&elf.SHF_COMPRESSED != 0 || int(table.Link) >= len(m.elf.Sections) {
			continue
		}
		if !visitSymbols(table, m.elf.Sections[table.Link], visit) {
			return
		}
	}
}

func visitSymbols(table, strings *elf.Section, visit func(elf.Sym64, io.ReaderAt) bool) (goOn bool) {
	buf := make([]byte, 2048*elf.Sym64Size)
	for offset := int64(0); ; {
		n, err := table.ReaderAt.ReadAt(buf, offset)
		for entry := buf[:n]; len(entry) >= elf.Sym64Size; entry = entry[elf.Sym64Size:] {
			if !visit(decodeSymbol(entry), strings) {
				return false
			}
		}
		if offset += int64(n); err != nil || n < len(buf) {
			return true
		}
	}
}

func decodeSymbol(entry []byte) elf.Sym64 {
	little := binary.LittleEndian
	return elf.Sym64{
		Name: little.Uint32(entry), Info: entry[4], Other: entry[5], Shndx: little.Uint16(entry[6:]),
		Value: little.Uint64(entry[8:]), Size: little.Uint64(entry[16:]),
	}
}

// cString reads a text that ends with a zero, the first [maxText] bytes of it.
func cString(from io.ReaderAt, offset int64) string {
	buf := make([]byte, maxText+1)
	n, _ := from.ReadAt(buf, offset) //nolint:errcheck // what was read counts
	name, _, _ := strings.Cut(string(buf[:n]), "\x00")
	return text(name)
}

// maxStrings bounds a table of names that is read as a whole; that of Node.js has 5 MB.
const maxStrings = 64 << 20

// addresses looks up symbols by name in one of the tables.
func (m *module) addresses(kind elf.SectionType, names ...string) map[string]uint64 {
	found := map[string]uint64{}
	table := m.elf.SectionByType(kind)
	if table == nil || table.Flags&elf.SHF_COMPRESSED != 0 || int(table.Link) >= len(m.elf.Sections) {
		return found
	}
	strings := m.elf.Sections[table.Link]
	if strings.FileSize > maxStrings {
		return found
	}
	texts, err := readSection(strings)
	if err != nil {
		return found
	}
	visitSymbols(table, nil, func(s elf.Sym64, _ io.ReaderAt) bool {
		for _, name := range names {
			if s.Value != 0 && elf.SectionIndex(s.Shndx) != elf.SHN_UNDEF && isText(texts, s.Name, name) {
				found[name] = s.Value
			}
		}
		return len(found) < len(names)
	})
	return found
}

// readSection reads a section whole, as it stands in the file. A header that claims more
// than the file has costs no memory: it is read piece by piece.
func readSection(section *elf.Section) ([]byte, error) {
	return io.ReadAll(io.NewSectionReader(section.ReaderAt, 0, int64(section.FileSize)))
}

// isText says that the zero-ended text at the offset is the name.
func isText(texts []byte, offset uint32, name string) bool {
	end := uint64(offset) + uint64(len(name))
	return end < uint64(len(texts)) && texts[end] == 0 && string(texts[offset:end]) == name
}
