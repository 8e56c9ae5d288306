package stack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// image is a memory that begins at an address, and counts how much is read of it.
type image struct {
	at    uint64
	bytes []byte
	reads int
}

func (m *image) read(buf []byte, at uint64) error {
	m.reads++
	if at < m.at || at-m.at > uint64(len(m.bytes)) || uint64(len(m.bytes))-(at-m.at) < uint64(len(buf)) {
		return errUnreadable
	}
	copy(buf, m.bytes[at-m.at:])
	return nil
}

func (m *image) put(at uint64, words ...uint64) {
	for i, w := range words {
		binary.LittleEndian.PutUint64(m.bytes[at-m.at+8*uint64(i):], w)
	}
}

// base is where the images of these tests begin, and typeAt where types are said to be.
const (
	base     = 0x10000
	codeType = 0x111110
	textType = 0x222220
)

// fakePython makes an interpreter of version 3.8 with one thread, whose frames are those
// at the addresses that are given, each with the code at base+0x4000.
func fakePython(frames ...uint64) (*pythonRuntime, *image) {
	m := &image{at: base, bytes: make([]byte, 64<<10)}
	l := python38
	const state, interpreter, thread, code, name, table = base, base + 0x1000, base + 0x2000, base + 0x4000, base + 0x5000, base + 0x6000
	m.put(state+l.interpreters, interpreter)
	m.put(interpreter+l.threads, thread)
	m.put(thread+l.owner, interpreter)
	at := uint64(thread + l.frame)
	for _, f := range frames {
		m.put(at, f)
		m.put(f+l.code, code)
		at = f + l.back
	}
	m.put(code+8, codeType)
	m.put(code+l.name, name)
	m.put(code+l.filename, name)
	m.put(code+l.lines, table)
	m.put(name+8, textType, 4, 0, 1<<2|1<<5|1<<6)
	copy(m.bytes[name-base+l.asciiHead:], "save")
	return &pythonRuntime{mem: newPages(m), state: state, codeType: codeType, textType: textType, path: "/usr/bin/python3.8"}, m
}

func TestFakePython(t *testing.T) {
	r, _ := fakePython(base+0x3000, base+0x3100)
	frames, more, err := r.frames(7, 7)
	if err != nil || more || len(frames) != 2 || frames[1].Function != "save" || frames[1].File != "save" {
		t.Errorf("%+v, %t, %v", frames, more, err)
	}
}

// A chain of frames that is a circle ends at the bound.
func TestCircleOfFrames(t *testing.T) {
	r, m := fakePython(base + 0x3000)
	m.put(base+0x3000+python38.back, base+0x3000)
	frames, more, err := r.frames(7, 7)
	if err != nil || !more || len(frames) != observation.MaxFrames {
		t.Errorf("%d frames, %t, %v", len(frames), more, err)
	}
}

// Lists of threads and of interpreters that are circles end with an error.
func TestCircleOfThreads(t *testing.T) {
	r, m := fakePython(base + 0x3000)
	m.put(base+0x2000+python38.nextThread, base+0x2000)
	if _, _, err := r.frames(7, 7); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Errorf("threads: %v", err)
	}
	r, m = fakePython(base + 0x3000)
	m.put(base+0x1000+python38.nextInterpreter, base+0x1000)
	if _, _, err := r.frames(7, 7); err == nil || !strings.Contains(err.Error(), "no end") {
		t.Errorf("interpreters: %v", err)
	}
}

// What is no code, no string or no list is not taken for one.
func TestWrongTypes(t *testing.T) {
	for name, damage := range map[string]func(m *image){
		"code":         func(m *image) { m.put(base+0x4000+8, textType) },
		"name":         func(m *image) { m.put(base+0x5000+8, codeType) },
		"form of name": func(m *image) { m.put(base+0x5000+textState, 0) },
		"line table":   func(m *image) { m.put(base+0x6000+bytesSize, 1<<40) },
		"thread":       func(m *image) { m.put(base+0x2000+python38.owner, 0) },
	} {
		r, m := fakePython(base + 0x3000)
		damage(m)
		if frames, _, err := r.frames(7, 7); err == nil {
			t.Errorf("%s: %+v", name, frames)
		}
	}
}

// A name of a megabyte is cut.
func TestLongName(t *testing.T) {
	r, m := fakePython(base + 0x3000)
	m.put(base+0x5000+textLength, 1<<30)
	copy(m.bytes[0x5000+python38.asciiHead:], bytes.Repeat([]byte("x"), 2048))
	frames, _, err := r.frames(7, 7)
	if err != nil || len(frames) != 1 || len(frames[0].Function) > maxText+len("…") {
		t.Errorf("%d frames, %v", len(frames), err)
	}
}

// Whatever the memory holds: no panic, bounded lists, bounded texts.
func FuzzPython(f *testing.F) {
	_, good := fakePython(base+0x3000, base+0x3100)
	f.Add(good.bytes[:0x7000], uint8(8))
	f.Add(bytes.Repeat([]byte{0, 0, 1, 0, 0, 0, 0, 0}, 0x800), uint8(11))
	f.Add(append([]byte("xdebugpy"), make([]byte, 4096)...), uint8(13))
	f.Add(circleOfInterpreters(), uint8(8))
	f.Fuzz(func(t *testing.T, memory []byte, minor uint8) {
		m := &image{at: base, bytes: memory}
		r := &pythonRuntime{mem: newPages(m), state: base, codeType: codeType, textType: textType}
		l, err := r.layout(int(minor))
		if err != nil {
			return
		}
		if thread, err := r.thread(l, 7, 7); err == nil {
			frames, _, _ := r.walk(l, thread) //nolint:errcheck // what was read is what is looked at
			checkFrames(t, frames)
		}
		if m.reads > maxPages {
			t.Errorf("%d reads", m.reads)
		}
	})
}

// circleOfInterpreters is a memory in which the list of interpreters is a circle, and the
// thread of each in memory that cannot be read.
func circleOfInterpreters() []byte {
	_, m := fakePython()
	m.put(base+0x1000+python38.nextInterpreter, base+0x1000)
	m.put(base+0x2000+python38.nextThread, 0)
	m.put(base+0x2000+python38.threadID, 1<<40)
	return m.bytes[:0x3000]
}

func checkFrames(t *testing.T, frames []observation.Frame) {
	if len(frames) > observation.MaxFrames {
		t.Errorf("%d frames", len(frames))
	}
	for _, frame := range frames {
		for _, text := range []string{frame.Function, frame.File, frame.Module} {
			if len(text) > maxText+len("…") || !utf8.ValidString(text) {
				t.Errorf("a text of %d bytes: %.40q", len(text), text)
			}
		}
	}
}

func FuzzLineTables(f *testing.F) {
	f.Add([]byte{0x80, 1, 2, 0xf8, 0xff}, 10, int64(4))
	f.Fuzz(func(t *testing.T, table []byte, first int, place int64) {
		for _, line := range []func([]byte, int, int64) int{lineOfPairs, lineOfRanges, lineOfLocations} {
			line(table, first, place)
		}
	})
}

func FuzzMaps(f *testing.F) {
	f.Add([]byte("7ffd1000-7ffd3000 rw-p 00000000 00:00 0                  [stack]\n"))
	f.Add([]byte("00400000-00452000 r-xp 00000000 08:02 173521 /usr/bin/a\\012b (deleted)\n"))
	f.Add([]byte("0-ffffffffffffffff ---p 0 0:0 0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list := parseMaps(raw)
		for i, m := range list {
			if m.from >= m.to || i > 0 && m.from < list[i-1].from {
				t.Errorf("%+v", m)
			}
			if found := list.find(m.from); found == nil || m.from < found.from || m.from >= found.to {
				// Mappings of the kernel do not overlap; those of a fuzzer do, and then
				// another one may be found or none, but never a wrong one.
				if found != nil {
					t.Errorf("%#x was found in %+v", m.from, found)
				}
			}
		}
		list.find(0)
		list.find(1<<64 - 1)
	})
}

func FuzzSyscall(f *testing.F) {
	f.Add("0 0x0 0x7ffd 0x1 0x0 0x0 0x0 0x7ffd1000 0x7f0000001000\n")
	f.Add("-1 0x7ffd1000 0x401000\n")
	f.Add("running\n")
	f.Fuzz(func(t *testing.T, raw string) {
		regs, err := parseSyscall(raw)
		if err == nil && (!regs.known[regSP] || !regs.known[regPC]) {
			t.Errorf("%q: %+v", raw, regs)
		}
	})
}

// exercise asks a module for all that is asked of one.
func exercise(t *testing.T, m *module, places ...uint64) {
	m.pythonHere()
	for _, p := range m.elf.Progs {
		places = append(places, p.Vaddr, p.Vaddr+p.Filesz/2)
	}
	for _, own := range places[:min(len(places), 64)] {
		f := observation.Frame{Function: readable(m.function(own))}
		checkFrames(t, []observation.Frame{f})
		if table, err := m.frameTable(own); err == nil {
			if row, err := table.row(own); err == nil {
				row.caller(registers{}, newPages(&image{}), table.returnColumn)
			}
		}
		if table := m.goTable(); table != nil {
			if function, ok := table.find(own); ok {
				checkFrames(t, function.frames(own, "x")[:1])
				function.frameSize(own)
			}
		}
	}
}

// Files that are damaged, or never were programs: no panic, and no end of work.
func FuzzModule(f *testing.F) {
	for _, seed := range [][]byte{[]byte("\x7fELF"), tinyProgram()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := newModule("fuzz", bytesAt(raw))
		if err != nil {
			return
		}
		exercise(t, m, 0, 1<<12, 1<<63)
	})
}

// tinyProgram is an ELF file with one segment and a header of tables for unwinding.
func tinyProgram() []byte {
	raw := make([]byte, 0x400)
	copy(raw, "\x7fELF\x02\x01\x01")
	little := binary.LittleEndian
	little.PutUint16(raw[16:], 3)
	little.PutUint16(raw[18:], 62)
	little.PutUint32(raw[20:], 1)
	little.PutUint64(raw[32:], 64)
	little.PutUint16(raw[52:], 64)
	little.PutUint16(raw[54:], 56)
	little.PutUint16(raw[56:], 2)
	segment := func(i int, kind, flags uint32, at, size uint64) {
		head := raw[64+56*i:]
		little.PutUint32(head, kind)
		little.PutUint32(head[4:], flags)
		for j, v := range []uint64{at, at, at, size, size, 1} {
			little.PutUint64(head[8+8*j:], v)
		}
	}
	segment(0, 1, 5, 0, 0x400)
	segment(1, 0x6474e550, 4, 0x200, 0x40)
	copy(raw[0x200:], []byte{1, 0x1b, 3, 0x3b, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x80, 0, 0, 0})
	copy(raw[0x260:], []byte{0x14, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0})
	copy(raw[0x280:], []byte{0x14, 0, 0, 0, 0x24, 0, 0, 0, 0x78, 0xfe, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0x44, 0x0e, 16, 0, 0, 0, 0})
	return raw
}

// The tables of the tiny program say what they were written to say, so that the fuzzer
// begins behind the first checks.
func TestTinyProgram(t *testing.T) {
	m, err := newModule("tiny", bytesAt(tinyProgram()))
	if err != nil {
		t.Fatal(err)
	}
	table, err := m.frameTable(0x110)
	if err != nil {
		t.Fatal(err)
	}
	for own, offset := range map[uint64]int64{0x101: 8, 0x103: 8, 0x104: 16, 0x110: 16} {
		row, err := table.row(own)
		if err != nil || row.base != regSP || row.offset != offset || row.rules[regPC].offset != -8 {
			t.Errorf("%#x: %+v, %v", own, row, err)
		}
	}
	if _, err := m.frameTable(0x190); err == nil {
		t.Error("a place behind the function has its table")
	}
}

// Real programs with damage of a few bytes, where the parsers go deeper than a fuzzer
// finds by itself.
func TestDamagedPrograms(t *testing.T) {
	whole, err := os.ReadFile(compile(t, "-O1"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		raw := bytes.Clone(whole)
		for range rapid.IntRange(1, 40).Draw(rt, "changes") {
			raw[rapid.IntRange(0, len(raw)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
		}
		m, err := newModule("damaged", bytesAt(raw))
		if err != nil {
			return
		}
		exercise(t, m, 0x1000, 0x1100, 0x1149, 0x1200)
	})
}

// Text of the target becomes whole characters, and not many of them.
func TestText(t *testing.T) {
	if got := text(strings.Repeat("ä", 1000)); got != strings.Repeat("ä", maxText/2)+"…" {
		t.Errorf("%q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 2*maxText).Draw(t, "raw")
		got := text(string(raw))
		if !utf8.ValidString(got) || len(got) > maxText+len("…") {
			t.Fatalf("%q", got)
		}
		if utf8.Valid(raw) && len(raw) <= maxText && got != string(raw) {
			t.Fatalf("%q became %q", raw, got)
		}
	})
}

// A page is read once, a word may lie on two, and there is an end to it.
func TestPages(t *testing.T) {
	m := &image{at: base, bytes: make([]byte, 3*pageSize)}
	m.put(base+pageSize-8, 1, 2)
	p := newPages(m)
	var buf [16]byte
	if err := p.read(buf[:], base+pageSize-8); err != nil || buf[0] != 1 || buf[8] != 2 {
		t.Errorf("%v, %v", buf, err)
	}
	if _, err := p.word(base + 16); err != nil || m.reads != 2 {
		t.Errorf("%d reads, %v", m.reads, err)
	}
	if _, err := p.word(^uint64(0) - 3); !errors.Is(err, errUnreadable) {
		t.Errorf("behind the end: %v", err)
	}
	endless := newPages(everything{})
	for i := range uint64(maxPages) {
		if _, err := endless.word(i * pageSize); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := endless.word(maxPages * pageSize); err == nil {
		t.Error("there is no end to it")
	}
}

type everything struct{}

func (everything) read([]byte, uint64) error { return nil }
