package stack

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// goTable is the table of functions that the Go linker writes (.gopclntab), which a
// stripped program has too. debug/gosym reads names and lines out of it, all of them at
// once, and does not know the sizes of frames; so the few bytes for one place are read
// here. The layout is that of Go 1.18 and later (runtime.pcHeader, runtime._func).
type goTable struct {
	data    *elf.Section
	text    uint64 // address that the functions are counted from
	count   uint64
	quantum uint64
	// Offsets in the section.
	names, units, files, values, functions uint64
	// inlined is where the facts about functions lie that the trees of inlined calls are
	// part of, and m the module to read them from; 0 where that is not known.
	inlined uint64
	m       *module
}

// Numbers that the table begins with (internal/abi.PCLnTabMagic).
const (
	magicGo118 = 0xfffffff0
	magicGo120 = 0xfffffff1
)

// goTable is the module's, nil where it has none that is understood.
func (m *module) goTable() *goTable {
	if !m.goRead {
		m.goRead = true
		m.goFunctions = m.readGoTable()
	}
	return m.goFunctions
}

func (m *module) readGoTable() *goTable {
	data := m.elf.Section(".gopclntab")
	if data == nil {
		data = m.elf.Section(".data.rel.ro.gopclntab") // position-independent programs
	}
	if data == nil || data.Flags&elf.SHF_COMPRESSED != 0 {
		return nil
	}
	var head [8 + 8*8]byte
	if n, _ := data.ReaderAt.ReadAt(head[:], 0); n < len(head) { //nolint:errcheck // n says it
		return nil
	}
	magic := binary.LittleEndian.Uint32(head[:])
	if magic != magicGo118 && magic != magicGo120 || head[7] != 8 || head[6] == 0 {
		return nil
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(head[8+8*i:]) }
	t := &goTable{
		data: data, m: m, text: m.goText(word(2)), count: min(word(0), data.FileSize/8), quantum: uint64(head[6]),
		names: word(3), units: word(4), files: word(5), values: word(6), functions: word(7),
	}
	if magic == magicGo120 {
		t.inlined = m.goFacts(t)
	}
	return t
}

// goFacts is where facts about functions lie (go:func.*): a symbol says it, or in a
// stripped program of Go 1.26 the linker's description of the module. Words 0, 22 and 40
// of that (runtime.moduledata) are the addresses of the table, the code and the facts;
// the first two are known and tell whether it is so.
func (m *module) goFacts(t *goTable) uint64 {
	const symbol = "go:func.*"
	if address, ok := m.addresses(elf.SHT_SYMTAB, symbol)[symbol]; ok {
		return address
	}
	section := m.elf.Section(".go.module")
	var described [41 * 8]byte
	if section == nil || m.readOwn(described[:], section.Addr) != nil {
		return 0
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(described[8*i:]) }
	if word(0) != t.data.Addr || word(22) != t.text {
		return 0 // another layout, or a position-independent program, where zeros stand
	}
	return word(40)
}

// goText is the address that the table counts functions from: the symbol runtime.text,
// else what the table itself says (up to Go 1.25, where it needs no relocation), else
// the beginning of the code.
func (m *module) goText(stated uint64) uint64 {
	if address, ok := m.addresses(elf.SHT_SYMTAB, "runtime.text")["runtime.text"]; ok {
		return address
	}
	if m.isText(stated) {
		return stated
	}
	if section := m.elf.Section(".text"); section != nil {
		return section.Addr
	}
	return 0
}

// read fills buf from an offset in the table.
func (t *goTable) read(buf []byte, offset uint64) bool {
	n, err := t.data.ReaderAt.ReadAt(buf, int64(offset))
	return n == len(buf) && (err == nil || err == io.EOF)
}

func (t *goTable) uint32(offset uint64) (uint32, bool) {
	var buf [4]byte
	ok := t.read(buf[:], offset)
	return binary.LittleEndian.Uint32(buf[:]), ok
}

// goFunction is one function of a table.
type goFunction struct {
	table *goTable
	entry uint64 // its address
	// offset is where it is described, among the functions, and head what stands there.
	offset uint64
	head   [44]byte
}

// find is the function that holds an address of the module.
func (t *goTable) find(own uint64) (f goFunction, ok bool) {
	if own < t.text || own-t.text > 1<<32-1 {
		return f, false
	}
	offset := uint32(own - t.text)
	low, high := uint64(0), t.count
	for low < high { // the last function that begins at or before own
		middle := (low + high) / 2
		begin, ok := t.uint32(t.functions + 8*middle)
		if !ok {
			return f, false
		}
		if begin <= offset {
			low = middle + 1
		} else {
			high = middle
		}
	}
	end, ok := t.uint32(t.functions + 8*low) // behind the last one stands where the code ends
	if low == 0 || !ok || offset >= end {
		return f, false
	}
	at, ok := t.uint32(t.functions + 8*(low-1) + 4)
	if !ok || !t.read(f.head[:], t.functions+uint64(at)) {
		return f, false
	}
	f.table, f.offset, f.entry = t, uint64(at), t.text+uint64(f.field(0))
	return f, f.entry <= own
}

// field is one of the numbers of runtime._func: 0 where it begins, 1 its name, 4 to 6 the
// tables of frame sizes, files and lines, 7 how many others there are, 8 its unit.
func (f *goFunction) field(i int) uint32 { return binary.LittleEndian.Uint32(f.head[4*i:]) }

func (f *goFunction) name() string {
	return cString(f.table.data.ReaderAt, int64(f.table.names+uint64(f.field(1))))
}

// Indexes of the tables of a function (internal/abi, PCDATA_InlTreeIndex and
// FUNCDATA_InlTree).
const (
	inlineIndex = 2
	inlineTree  = 3
)

// inlinedCall is a call that the compiler put into its caller (runtime.inlinedCall).
type inlinedCall struct {
	name   string
	caller uint64 // a place in the caller, as if it had called there
}

// inlinedAt is the innermost inlined call that a place belongs to.
func (f *goFunction) inlinedAt(own uint64) (call inlinedCall, ok bool) {
	tables := f.table.functions + f.offset + uint64(len(f.head))
	count, last := uint64(f.field(7)), uint64(f.head[43])
	if f.table.inlined == 0 || count <= inlineIndex || count > maxTables || last <= inlineTree {
		return call, false
	}
	values, ok := f.table.uint32(tables + 4*inlineIndex)
	index, known := f.value(values, own)
	if !ok || !known || index < 0 {
		return call, false
	}
	tree, ok := f.table.uint32(tables + 4*(count+inlineTree))
	var entry [16]byte // function's kind, name, place in the caller, first line
	if !ok || tree == 1<<32-1 || f.table.m.readOwn(entry[:], f.table.inlined+uint64(tree)+16*uint64(index)) != nil {
		return call, false
	}
	call.name = cString(f.table.data.ReaderAt, int64(f.table.names+uint64(binary.LittleEndian.Uint32(entry[4:]))))
	call.caller = f.entry + uint64(binary.LittleEndian.Uint32(entry[8:]))
	return call, call.name != ""
}

// maxTables bounds how many tables a function has; Go's have four.
const maxTables = 64

// frames names the calls at a place, the innermost inlined one first.
func (f *goFunction) frames(own uint64, module string) (list []observation.Frame) {
	for range observation.MaxFrames {
		made := observation.Frame{File: f.file(own), Line: f.line(own), Module: module, Offset: own}
		call, ok := f.inlinedAt(own)
		if !ok {
			made.Function = f.name()
			if f.table.inlined == 0 && made.File != f.file(f.entry) {
				made.File, made.Line = "", 0 // of an inlined function, which cannot be named
			}
			return append(list, made)
		}
		made.Function = call.name
		list = append(list, made)
		own = call.caller
	}
	return list
}

func (f *goFunction) line(own uint64) int {
	line, _ := f.value(f.field(6), own)
	return int(max(line, 0))
}

func (f *goFunction) file(own uint64) string {
	number, ok := f.value(f.field(5), own)
	if !ok || number < 0 {
		return ""
	}
	at, ok := f.table.uint32(f.table.units + 4*(uint64(f.field(8))+uint64(number)))
	if !ok || at == 1<<32-1 {
		return ""
	}
	return cString(f.table.data.ReaderAt, int64(f.table.files+uint64(at)))
}

// frameSize is how far the stack pointer stands below the place to return to.
func (f *goFunction) frameSize(own uint64) (size uint64, ok bool) {
	value, ok := f.value(f.field(4), own)
	return uint64(value), ok && value >= 0
}

// A table of values has some ten bytes as a rule, and thousands for a very long function.
const (
	usualValues = 512
	maxValues   = 64 << 10
)

// value looks a place up in one of the function's tables.
func (f *goFunction) value(offset uint32, own uint64) (value int32, ok bool) {
	if offset == 0 {
		return 0, false
	}
	for _, size := range []uint64{usualValues, maxValues} {
		values := f.table.window(f.table.values+uint64(offset), size)
		if value, err := f.valueIn(values, own); err == nil {
			return value, true
		} else if !errors.Is(err, errTables) {
			break
		}
	}
	return 0, false
}

var errNoValue = errors.New("the table has no value for the place")

// valueIn reads pairs of how much the value changes and for how many steps of code it
// then holds (runtime.pcvalue).
func (f *goFunction) valueIn(values []byte, own uint64) (int32, error) {
	c, value := cursor{rest: values}, int32(-1)
	for pc, first := f.entry, true; ; first = false {
		change := uint32(c.unsigned())
		steps := c.unsigned()
		if c.err != nil {
			return 0, c.err
		}
		if change == 0 && !first {
			return 0, errNoValue
		}
		value += int32(change>>1) ^ -int32(change&1) // zigzag
		if pc += steps * f.table.quantum; own < pc {
			return value, nil
		}
	}
}

// window is what the table holds from an offset on, as much as is asked for.
func (t *goTable) window(offset, size uint64) []byte {
	if offset >= t.data.FileSize {
		return nil
	}
	buf := make([]byte, min(size, t.data.FileSize-offset))
	n, _ := t.data.ReaderAt.ReadAt(buf, int64(offset)) //nolint:errcheck // what was read counts
	return buf[:n]
}

// goEnds are functions that nobody calls, and those that change to another stack.
var goEnds = []string{
	"runtime.goexit", "runtime.mstart", "runtime.rt0_go", "runtime.mcall", "runtime.systemstack",
	"runtime.asmcgocall", "runtime.morestack", "_rt0_amd64_linux", "_rt0_amd64",
}

// stepGo unwinds a frame of Go: its size is known at every place.
func (a *addressSpace) stepGo(regs registers, exact bool) (s step, ok bool) {
	m, own, ok := a.place(regs.pc(), exact)
	if !ok || m.goTable() == nil {
		return s, false
	}
	f, ok := m.goTable().find(own)
	if !ok {
		return s, false
	}
	if slices.Contains(goEnds, f.name()) {
		return step{last: true, how: byTables}, true
	}
	size, ok := f.frameSize(own)
	if !ok {
		return s, false
	}
	at := regs.sp() + size
	back, err := a.mem.word(at)
	s.up.set(regPC, back)
	s.up.set(regSP, at+8)
	return step{up: s.up, how: byTables}, err == nil
}

// idle says that the thread of a Go program waits for work and runs no goroutine: its
// frames are the scheduler's.
func idle(frames []observation.Frame) bool {
	return slices.ContainsFunc(frames, func(f observation.Frame) bool {
		return f.Function == "runtime.findRunnable" || f.Function == "runtime.stopm" || f.Function == "runtime.templateThread"
	})
}
