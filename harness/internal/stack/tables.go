package stack

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The tables for unwinding are read as the Linux Standard Base describes them (.eh_frame
// and .eh_frame_hdr), a function at a time: the tables of a large program take seconds to
// read as a whole. What the C compilers' tables for functions use is understood; values
// that need DWARF expressions stay unknown, and an expression for the frame's address
// ends the walk.

// unwindIndex is .eh_frame_hdr, a sorted list of functions; where the linker wrote none,
// as for static programs, it is made of .eh_frame.
type unwindIndex struct {
	m     *module
	start uint64 // address of the header
	table uint64 // address of the list
	count uint64
	made  []described // instead of a list in the file
}

// described is a function and where its description is.
type described struct{ begin, description uint64 }

// unwindTable is the index of the module, nil where it has none of the usual form.
func (m *module) unwindTable() *unwindIndex {
	if !m.unwindRead {
		m.unwindRead = true
		m.unwindIndex = readUnwindIndex(m)
	}
	return m.unwindIndex
}

// Encodings of pointers that occur (LSB, DWARF exception header encoding).
const (
	encodedWord    = 0x00
	encodedU32     = 0x03
	encodedU64     = 0x04
	encodedS32     = 0x0b
	encodedS64     = 0x0c
	encodedSorted  = 0x3b // relative to the header, 32 bits
	encodedFormat  = 0x0f
	encodedFrom    = 0x70
	encodedFromPC  = 0x10
	encodedOmitted = 0xff
)

func readUnwindIndex(m *module) *unwindIndex {
	for _, p := range m.elf.Progs {
		if p.Type != elf.PT_GNU_EH_FRAME {
			continue
		}
		var head [12]byte
		if m.readOwn(head[:], p.Vaddr) != nil {
			return nil
		}
		// Version, three encodings, the address of .eh_frame in 32 bits, the count.
		if head[0] != 1 || head[1]&encodedFormat != encodedS32 || head[2] != encodedU32 || head[3] != encodedSorted {
			return nil
		}
		return &unwindIndex{m: m, start: p.Vaddr, table: p.Vaddr + 12, count: uint64(binary.LittleEndian.Uint32(head[8:]))}
	}
	return makeUnwindIndex(m)
}

// maxDescribed bounds an index that is made: larger programs have one of their own.
const maxDescribed = 1 << 16

// makeUnwindIndex goes through .eh_frame once.
func makeUnwindIndex(m *module) *unwindIndex {
	section := m.elf.Section(".eh_frame")
	if section == nil || section.Flags&elf.SHF_COMPRESSED != 0 {
		return nil
	}
	x := &unwindIndex{m: m}
	for at := section.Addr; at-section.Addr < section.FileSize && len(x.made) < maxDescribed; {
		body, from, err := m.entryBody(at)
		if err != nil {
			break // the end, or damage: what is in front of it counts
		}
		if binary.LittleEndian.Uint32(body) != 0 {
			if table, err := m.parseEntry(body, from); err == nil {
				x.made = append(x.made, described{table.begin, at})
			}
		}
		at = from + uint64(len(body))
	}
	slices.SortFunc(x.made, func(a, b described) int { return cmp.Compare(a.begin, b.begin) })
	x.count = uint64(len(x.made))
	return x
}

// entry is where the description of the function that may hold the address lies.
func (x *unwindIndex) entry(own uint64) (description uint64, ok bool) {
	low, high := uint64(0), x.count // the last entry that begins at or before own
	for low < high {
		middle := (low + high) / 2
		begin, _, err := x.at(middle)
		if err != nil {
			return 0, false
		}
		if begin <= own {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return 0, false
	}
	_, description, err := x.at(low - 1)
	return description, err == nil
}

func (x *unwindIndex) at(i uint64) (begin, description uint64, err error) {
	if x.made != nil {
		return x.made[i].begin, x.made[i].description, nil
	}
	var pair [8]byte
	err = x.m.readOwn(pair[:], x.table+8*i)
	relative := func(b []byte) uint64 { return x.start + uint64(int64(int32(binary.LittleEndian.Uint32(b)))) }
	return relative(pair[:4]), relative(pair[4:]), err
}

// frameTable tells how to unwind one function.
type frameTable struct {
	begin, size  uint64
	codeFactor   uint64
	dataFactor   int64
	returnColumn uint64
	initial      []byte // instructions of all functions of its kind
	instructions []byte
	signalFrame  bool
}

// maxEntry bounds one entry of the tables; functions of some hundred kilobytes of code
// have a few thousand bytes.
const maxEntry = 1 << 16

var errTables = errors.New("the tables for unwinding are damaged or of a form that is not read")

// entryBody reads the body of an entry of .eh_frame, and the address at which it begins.
func (m *module) entryBody(at uint64) (body []byte, from uint64, err error) {
	var head [4]byte
	if err := m.readOwn(head[:], at); err != nil {
		return nil, 0, err
	}
	length := binary.LittleEndian.Uint32(head[:])
	if length < 4 || length > maxEntry {
		return nil, 0, errTables
	}
	body = make([]byte, length)
	return body, at + 4, m.readOwn(body, at+4)
}

// frameTable finds how to unwind the function at an address of the module.
func (m *module) frameTable(own uint64) (*frameTable, error) {
	index := m.unwindTable()
	if index == nil {
		return nil, fmt.Errorf("%s has no tables for unwinding", m.name)
	}
	at, ok := index.entry(own)
	if !ok {
		return nil, errTables
	}
	body, from, err := m.entryBody(at)
	if err != nil {
		return nil, err
	}
	table, err := m.parseEntry(body, from)
	if err != nil {
		return nil, err
	}
	if own-table.begin >= table.size {
		return nil, fmt.Errorf("%s has no table for unwinding of %#x", m.name, own)
	}
	return table, nil
}

// parseEntry reads the description of a function with the common part that it names.
func (m *module) parseEntry(body []byte, from uint64) (*frameTable, error) {
	common, _, err := m.entryBody(from - uint64(binary.LittleEndian.Uint32(body)))
	if err != nil {
		return nil, err
	}
	table, encoding, augmented, err := parseCommon(common)
	if err != nil {
		return nil, err
	}
	return table, table.parseFunction(body, from, encoding, augmented)
}

// parseCommon reads a common information entry behind its length.
func parseCommon(body []byte) (t *frameTable, encoding byte, augmented bool, err error) {
	c := cursor{rest: body}
	if id, version := c.u32(), c.byte(); id != 0 || version != 1 && version != 3 {
		return nil, 0, false, errTables
	}
	augmentation := c.text()
	t = &frameTable{codeFactor: c.unsigned(), dataFactor: c.signed()}
	if body[4] == 1 {
		t.returnColumn = uint64(c.byte())
	} else {
		t.returnColumn = c.unsigned()
	}
	if augmentation == "" {
		t.initial = c.rest
		return t, encodedWord, false, c.err
	}
	if augmentation[0] != 'z' {
		return nil, 0, false, errTables
	}
	data := cursor{rest: c.take(c.unsigned())}
	encoding = encodedWord
	for _, letter := range augmentation[1:] {
		switch letter {
		case 'R':
			encoding = data.byte()
		case 'P': // the routine for exceptions
			data.pointer(data.byte(), 0)
		case 'L':
			data.byte()
		case 'S':
			t.signalFrame = true
		default:
			return nil, 0, false, errTables
		}
	}
	t.initial = c.rest
	return t, encoding, true, errors.Join(c.err, data.err)
}

// parseFunction reads a frame description entry behind its length; from is its address.
func (t *frameTable) parseFunction(body []byte, from uint64, encoding byte, augmented bool) error {
	c := cursor{rest: body}
	c.u32() // where the common part is
	t.begin = c.pointer(encoding, from+4)
	t.size = c.pointer(encoding&encodedFormat, 0)
	if augmented {
		c.take(c.unsigned())
	}
	t.instructions = c.rest
	return c.err
}

// cursor takes values off the front of a piece of the tables. After the first error all
// values are zero.
type cursor struct {
	rest []byte
	err  error
}

func (c *cursor) take(n uint64) []byte {
	if c.err != nil || n > uint64(len(c.rest)) {
		c.err, c.rest = errTables, nil
		return nil
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

// number takes an unsigned number of up to eight bytes.
func (c *cursor) number(bytes uint64) (value uint64) {
	for i, b := range c.take(bytes) {
		value |= uint64(b) << (8 * i)
	}
	return value
}

func (c *cursor) byte() byte  { return byte(c.number(1)) }
func (c *cursor) u32() uint32 { return uint32(c.number(4)) }

// text takes a text that ends with a zero.
func (c *cursor) text() string {
	for i, b := range c.rest {
		if b == 0 {
			taken := string(c.rest[:i])
			c.rest = c.rest[i+1:]
			return taken
		}
	}
	c.take(uint64(len(c.rest)) + 1)
	return ""
}

// unsigned takes a number in groups of seven bits (ULEB128).
func (c *cursor) unsigned() (value uint64) {
	for shift := 0; ; shift += 7 {
		b := c.byte()
		if shift < 64 {
			value |= uint64(b&0x7f) << shift
		}
		if b&0x80 == 0 {
			return value
		}
	}
}

// signed takes a signed number in groups of seven bits (SLEB128).
func (c *cursor) signed() (value int64) {
	for shift := 0; ; shift += 7 {
		b := c.byte()
		if shift < 64 {
			value |= int64(b&0x7f) << shift
		}
		if b&0x80 == 0 {
			if b&0x40 != 0 && shift+7 < 64 {
				value |= -1 << (shift + 7)
			}
			return value
		}
	}
}

// pointer takes an encoded pointer; at is the address at which it stands.
func (c *cursor) pointer(encoding byte, at uint64) (value uint64) {
	if encoding == encodedOmitted {
		return 0
	}
	switch encoding & encodedFormat {
	case encodedWord, encodedU64, encodedS64:
		value = c.number(8)
	case encodedU32:
		value = c.number(4)
	case encodedS32:
		value = uint64(int64(int32(c.number(4))))
	default:
		c.err = errTables
	}
	if encoding&encodedFrom == encodedFromPC {
		value += at
	}
	return value
}
