package stack

import (
	"debug/elf"
	"errors"
	"fmt"
	"path"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// pythonModule is what a file that holds CPython tells: where its state and its types
// are, as addresses of the module.
type pythonModule struct {
	state, codeType, textType uint64
	version                   uint64 // address of Py_Version; 0 before 3.11
}

// pythonSymbols are in the dynamic symbol table of every build whose extension modules
// can be loaded, stripped or not.
var pythonSymbols = []string{"_PyRuntime", "PyCode_Type", "PyUnicode_Type", "Py_Version"}

// pythonHere is what the module tells of CPython; nil when it does not hold it.
func (m *module) pythonHere() *pythonModule {
	if m.pythonRead {
		return m.python
	}
	m.pythonRead = true
	found := m.addresses(elf.SHT_DYNSYM, pythonSymbols...)
	if found["_PyRuntime"] != 0 && found["PyCode_Type"] != 0 && found["PyUnicode_Type"] != 0 {
		m.python = &pythonModule{found["_PyRuntime"], found["PyCode_Type"], found["PyUnicode_Type"], found["Py_Version"]}
	}
	return m.python
}

// pythonRuntime is a CPython in a process' memory.
type pythonRuntime struct {
	mem                       *pages
	state, codeType, textType uint64
	version                   uint64 // address of Py_Version; 0 where there is none
	path                      string // of the file that holds it
}

// python finds the interpreter: in the program itself or in its shared library.
func (a *addressSpace) python() (r *pythonRuntime, ok bool) {
	tried := map[string]bool{}
	for i := range a.maps.mappings {
		in := &a.maps.mappings[i]
		if tried[in.path] || in.path != a.maps.exe && !strings.HasPrefix(path.Base(in.path), "libpython3") {
			continue
		}
		tried[in.path] = true
		m := a.module(in)
		if m == nil || m.pythonHere() == nil {
			continue
		}
		base, ok := m.inMemory(in, 0)
		if !ok {
			continue
		}
		r = &pythonRuntime{
			mem: a.mem, path: in.path,
			state: base + m.python.state, codeType: base + m.python.codeType, textType: base + m.python.textType,
		}
		if m.python.version != 0 {
			r.version = base + m.python.version
		}
		return r, true
	}
	return nil, false
}

// minor finds out which Python 3 it is: by its own number, or before 3.11 by the name of
// its file.
func (r *pythonRuntime) minor() (int, error) {
	if r.version != 0 {
		number, err := r.mem.word(r.version)
		if err != nil {
			return 0, err
		}
		if number>>24 != 3 {
			return 0, fmt.Errorf("version %#x is no Python 3", number)
		}
		return int(number >> 16 & 0xff), nil
	}
	if match := pythonName.FindStringSubmatch(path.Base(r.path)); match != nil {
		return strconv.Atoi(match[1])
	}
	return 0, errors.New("its version is not to be seen: the file is not called python3.N")
}

var pythonName = regexp.MustCompile(`python3\.(\d{1,2})`)

// maxPythonThreads bounds the threads and the interpreters that are looked through.
const maxPythonThreads = 4096

// frames reads the frames of a thread, innermost first.
func (r *pythonRuntime) frames(pid, tid int) (frames []observation.Frame, more bool, err error) {
	minor, err := r.minor()
	if err != nil {
		return nil, false, err
	}
	l, err := r.layout(minor)
	if err != nil {
		return nil, false, err
	}
	thread, err := r.thread(l, pid, tid)
	if err != nil {
		return nil, false, err
	}
	at, err := r.mem.word(thread + l.frame)
	if err == nil && l.indirect && at != 0 {
		at, err = r.mem.word(at + l.current)
	}
	if err != nil {
		return nil, false, err
	}
	return r.walk(l, at)
}

// walk follows the chain of frames. Those that stand for C code are passed over; a chain
// that is a circle ends at its bound.
func (r *pythonRuntime) walk(l *pythonLayout, at uint64) (frames []observation.Frame, more bool, err error) {
	for range 4 * observation.MaxFrames {
		if at == 0 {
			return frames, false, nil
		}
		if len(frames) == observation.MaxFrames {
			break
		}
		f, isFrame, err := r.frame(l, at)
		if err != nil {
			return frames, true, err
		}
		if isFrame {
			frames = append(frames, f)
		}
		if at, err = r.mem.word(at + l.back); err != nil {
			return frames, true, err
		}
	}
	return frames, true, nil
}

// thread is the address of the thread's state. Since 3.11 the interpreter knows the
// kernel's number of each thread; before, the C library's block of the thread tells it.
// Where neither fits, the first thread of the process is the oldest, the last in the list.
func (r *pythonRuntime) thread(l *pythonLayout, pid, tid int) (thread uint64, err error) {
	interpreter, err := r.mem.word(r.state + l.interpreters)
	if err != nil {
		return 0, err
	}
	var oldest uint64
	steps := 0
	for interpreter != 0 {
		at, err := r.mem.word(interpreter + l.threads)
		for ; err == nil && at != 0; at, err = r.mem.word(at + l.nextThread) {
			if steps++; steps > maxPythonThreads {
				return 0, errors.New("its list of threads has no end")
			}
			if owner, err := r.mem.word(at + l.owner); err != nil || owner != interpreter {
				return 0, errors.New("its list of threads is not where it should be")
			}
			if r.isThread(l, at, tid) {
				return at, nil
			}
			oldest = at
		}
		if err != nil {
			return 0, err
		}
		if steps++; steps > maxPythonThreads {
			return 0, errors.New("its list of interpreters has no end")
		}
		if interpreter, err = r.mem.word(interpreter + l.nextInterpreter); err != nil {
			return 0, err
		}
	}
	if pid == tid && oldest != 0 {
		return oldest, nil
	}
	return 0, errors.New("the thread runs no Python code")
}

// glibcThreadID is where glibc keeps the kernel's number of a thread in the block that
// pthread_self(3) points to (struct pthread, x86-64). Nothing but the number itself says
// that it is there: another place would not hold it.
const glibcThreadID = 720

func (r *pythonRuntime) isThread(l *pythonLayout, at uint64, tid int) bool {
	if l.nativeID != 0 {
		id, err := r.mem.word(at + l.nativeID)
		return err == nil && id == uint64(tid)
	}
	block, err := r.mem.word(at + l.threadID)
	if err != nil || runtime.GOARCH != "amd64" {
		return false
	}
	id, err := r.mem.int32(block + glibcThreadID)
	return err == nil && int(id) == tid
}

// ownedByC marks frames that stand for C code between frames of Python (3.12,
// pycore_frame.h).
const ownedByC = 3

// frame reads one frame; isFrame is false for one that stands for C code.
func (r *pythonRuntime) frame(l *pythonLayout, at uint64) (f observation.Frame, isFrame bool, err error) {
	var owner [1]byte
	if l.ownedBy != 0 {
		if err := r.mem.read(owner[:], at+l.ownedBy); err != nil {
			return f, false, err
		}
	}
	code, err := r.mem.word(at + l.code)
	if err != nil || owner[0] == ownedByC {
		return f, false, err
	}
	if !r.is(code, r.codeType) {
		return f, false, errors.New("a frame has no code where it should be")
	}
	place, err := r.instruction(l, at, code)
	if err != nil {
		return f, false, err
	}
	return r.describe(l, code, place)
}

// is says that an object has the type: its second word is the type's address.
func (r *pythonRuntime) is(object, typ uint64) bool {
	if object == 0 || object%8 != 0 {
		return false
	}
	kind, err := r.mem.word(object + 8)
	return err == nil && kind == typ
}

// instruction is how far into its code a frame has come, in bytes; negative before the
// first instruction.
func (r *pythonRuntime) instruction(l *pythonLayout, frame, code uint64) (int64, error) {
	if l.bytecode == 0 {
		last, err := r.mem.int32(frame + l.instr)
		return int64(last) * l.unit, err
	}
	at, err := r.mem.word(frame + l.instr)
	return int64(at - (code + l.bytecode)), err
}

func (r *pythonRuntime) describe(l *pythonLayout, code uint64, place int64) (f observation.Frame, ok bool, err error) {
	if f.Function, err = r.textAt(l, code+l.name); err != nil {
		return f, false, err
	}
	if f.File, err = r.textAt(l, code+l.filename); err != nil {
		return f, false, err
	}
	first, err := r.mem.int32(code + l.firstLine)
	if err != nil {
		return f, false, err
	}
	table, err := r.bytesAt(code + l.lines)
	if err != nil {
		return f, false, err
	}
	f.Line = l.line(table, int(first), place)
	return f, true, nil
}

// maxLineTable bounds the line table of one piece of code, in bytes.
const maxLineTable = 1 << 20

// bytesAt reads the bytes object that a field points to.
func (r *pythonRuntime) bytesAt(field uint64) ([]byte, error) {
	object, err := r.mem.word(field)
	if err != nil {
		return nil, err
	}
	size, err := r.mem.word(object + bytesSize)
	if err != nil {
		return nil, err
	}
	if size > maxLineTable {
		return nil, fmt.Errorf("a line table of %d bytes is none", size)
	}
	table := make([]byte, size)
	return table, r.mem.read(table, object+bytesValue)
}

// textAt reads the string that a field points to, the first [maxText] characters of it.
func (r *pythonRuntime) textAt(l *pythonLayout, field uint64) (string, error) {
	object, err := r.mem.word(field)
	if err != nil {
		return "", err
	}
	if !r.is(object, r.textType) {
		return "", errors.New("a name is no string")
	}
	length, err := r.mem.word(object + textLength)
	if err != nil {
		return "", err
	}
	state, err := r.mem.int32(object + textState)
	if err != nil {
		return "", err
	}
	// PEP 393: three bits for the width of a character from bit 2 on, then compact, ascii.
	width, compact, ascii := uint64(state>>2&7), state>>5&1 == 1, state>>6&1 == 1
	if !compact || width != 1 && width != 2 && width != 4 {
		return "", errors.New("a name is a string of an unknown form")
	}
	at := object + l.asciiHead
	if !ascii {
		at = object + l.textHead
	}
	raw := make([]byte, width*min(length, maxText+1))
	if err := r.mem.read(raw, at); err != nil {
		return "", err
	}
	return text(decode(raw, int(width))), nil
}

// decode makes a text of characters of 1, 2 or 4 bytes (Latin-1, UCS-2, UCS-4).
func decode(raw []byte, width int) string {
	var b strings.Builder
	for ; len(raw) >= width; raw = raw[width:] {
		var r rune
		for i := width - 1; i >= 0; i-- {
			r = r<<8 | rune(raw[i])
		}
		b.WriteRune(r)
	}
	return b.String()
}
