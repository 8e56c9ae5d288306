package stack

import (
	"encoding/binary"
	"fmt"
)

// pythonLayout is where in CPython's structures a frame is told, in bytes: the same in
// all builds of a minor version for 64-bit systems. Compiled out of the headers of
// 3.8.18, 3.9.18, 3.10.13, 3.11.7 and 3.12.1; from 3.13 on the interpreter carries its
// own table.
type pythonLayout struct {
	interpreters             uint64 // _PyRuntimeState.interpreters.head
	nextInterpreter, threads uint64 // PyInterpreterState
	nextThread, owner        uint64 // PyThreadState.next, .interp
	threadID, nativeID       uint64 // 0 where there is none
	frame                    uint64 // the current frame, or what points to it
	indirect                 bool   // it is behind PyThreadState.cframe
	current                  uint64 // there

	code, back, instr uint64 // of a frame
	ownedBy           uint64 // 0 where there is none

	name, filename, firstLine, lines uint64 // PyCodeObject; the qualified name where there is one
	bytecode                         uint64 // 0 where a frame counts its instructions
	unit                             int64  // what it counts in, in bytes

	asciiHead, textHead uint64 // how long the head of a string is
	line                func(table []byte, first int, place int64) int
}

// Parts of strings and byte strings that are the same in all versions.
const (
	bytesSize  = 16
	bytesValue = 32
	textLength = 16
	textState  = 32
)

var python38 = pythonLayout{
	interpreters: 32, nextInterpreter: 0, threads: 8, nextThread: 8, owner: 16, threadID: 176, frame: 24,
	code: 32, back: 24, instr: 104, name: 112, filename: 104, firstLine: 40, lines: 120, unit: 1,
	asciiHead: 48, textHead: 72, line: lineOfPairs,
}

var pythonLayouts = map[int]pythonLayout{
	8: python38,
	9: python38,
	10: {
		interpreters: 32, nextInterpreter: 0, threads: 8, nextThread: 8, owner: 16, threadID: 176, frame: 24,
		code: 32, back: 24, instr: 96, name: 112, filename: 104, firstLine: 40, lines: 120, unit: 2,
		asciiHead: 48, textHead: 72, line: lineOfRanges,
	},
	11: {
		interpreters: 40, nextInterpreter: 0, threads: 16, nextThread: 8, owner: 16, threadID: 152, nativeID: 160,
		frame: 56, indirect: true, current: 8, code: 32, back: 48, instr: 56, ownedBy: 69,
		name: 128, filename: 112, firstLine: 72, lines: 136, bytecode: 184,
		asciiHead: 48, textHead: 72, line: lineOfLocations,
	},
	12: {
		interpreters: 40, nextInterpreter: 0, threads: 72, nextThread: 8, owner: 16, threadID: 136, nativeID: 144,
		frame: 56, indirect: true, current: 0, code: 0, back: 8, instr: 56, ownedBy: 70,
		name: 128, filename: 112, firstLine: 68, lines: 136, bytecode: 192,
		asciiHead: 40, textHead: 56, line: lineOfLocations,
	},
}

// layout is that of the version.
func (r *pythonRuntime) layout(minor int) (*pythonLayout, error) {
	if minor == 13 {
		return r.ownLayout()
	}
	l, known := pythonLayouts[minor]
	if !known {
		return nil, fmt.Errorf("the layout of Python 3.%d is not known: 3.8 to 3.13 are", minor)
	}
	return &l, nil
}

// ownTableSize is how much of _Py_DebugOffsets is read: all of it in 3.13.
const ownTableSize = 584

// maxOwnOffset is larger than any offset that makes sense: PyInterpreterState has some
// hundred kilobytes.
const maxOwnOffset = 1 << 20

// ownLayout reads the table that the state of 3.13 begins with (pycore_runtime.h,
// struct _Py_DebugOffsets).
func (r *pythonRuntime) ownLayout() (*pythonLayout, error) {
	table := make([]byte, ownTableSize)
	if err := r.mem.read(table, r.state); err != nil {
		return nil, err
	}
	if string(table[:8]) != "xdebugpy" {
		return nil, fmt.Errorf("its table of offsets is not where it should be")
	}
	at := func(offset int) uint64 { return binary.LittleEndian.Uint64(table[offset:]) }
	if at(16) != 0 {
		return nil, fmt.Errorf("a build without the global lock is not read")
	}
	l := &pythonLayout{
		interpreters: at(40), nextInterpreter: at(64), threads: at(72),
		nextThread: at(168), owner: at(176), frame: at(184), threadID: at(192), nativeID: at(200),
		back: at(232), code: at(240), instr: at(248), ownedBy: at(264),
		filename: at(280), name: at(296), lines: at(304), firstLine: at(312), bytecode: at(344),
		asciiHead: 40, textHead: 56, line: lineOfLocations,
	}
	for _, offset := range []uint64{
		l.interpreters, l.nextInterpreter, l.threads, l.nextThread, l.owner, l.frame, l.nativeID,
		l.back, l.code, l.instr, l.ownedBy, l.filename, l.name, l.lines, l.firstLine, l.bytecode,
	} {
		if offset > maxOwnOffset {
			return nil, fmt.Errorf("its table of offsets is damaged: %d", offset)
		}
	}
	return l, nil
}
