package stack

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// How frames were found, from the surest to the least sure.
const (
	byTables   = "tables"
	byPointers = "frame pointers"
	byGuess    = "guess"
)

// step is a way from a frame to its caller.
type step struct {
	up    registers
	last  bool // there is no caller
	exact bool // up is a place that was interrupted, not one behind a call
	how   string
}

// unwind walks from the innermost frame outwards.
func (a *addressSpace) unwind(regs registers) (how string, frames []observation.Frame, truncated bool, err error) {
	how, exact := byTables, true
	for len(frames) < observation.MaxFrames {
		if !a.maps.isCode(regs.pc()) {
			return how, frames, true, nil
		}
		frames = append(frames, a.frames(regs.pc(), exact)...)
		s, ok := a.step(regs, exact)
		if !ok {
			return how, frames, true, nil
		}
		if s.how == byGuess || how == byTables {
			how = s.how
		}
		if s.last {
			return how, frames, false, nil
		}
		regs, exact = s.up, s.exact
	}
	return how, frames[:observation.MaxFrames], true, nil
}

// step finds the caller of a frame by the surest means that there is. A caller's frame
// lies further up in the same stack; only one that a signal interrupted may lie on
// another, and the bound on the number of frames ends every circle.
func (a *addressSpace) step(regs registers, exact bool) (s step, ok bool) {
	if runtime.GOARCH != "amd64" {
		return step{}, false // elsewhere the kernel does not tell the registers that are needed
	}
	if up, interrupted := a.interrupted(regs); interrupted {
		return step{up: up, exact: true, how: byTables}, a.maps.isCode(up.pc())
	}
	for _, way := range []func(registers, bool) (step, bool){a.stepGo, a.stepTables, a.stepPointer, a.stepGuess} {
		if s, ok := way(regs, exact); ok && (s.last || a.plausible(regs, s.up)) {
			return s, true
		}
	}
	return step{}, false
}

// plausible says that up can be the caller of regs.
func (a *addressSpace) plausible(regs, up registers) bool {
	return up.sp() > regs.sp() && a.maps.isCode(up.pc()) && a.sameStack(regs.sp(), up.sp())
}

func (a *addressSpace) sameStack(low, high uint64) bool {
	stack := a.maps.find(low)
	return stack != nil && stack.readable && high >= stack.from && high <= stack.to
}

// trampoline is what a signal handler returns to: mov $15,%rax; syscall (rt_sigreturn).
var trampoline = []byte{0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}

// savedOrder is where the kernel puts the registers in a signal's frame: struct
// sigcontext of arch/x86/include/uapi/asm/sigcontext.h, by their numbers in the tables.
var savedOrder = [...]int{8, 9, 10, 11, 12, 13, 14, 15, 5, 4, regBP, 3, 1, 0, 2, regSP, regPC}

// contextOffset is where they begin in the struct ucontext that lies at the stack pointer.
const contextOffset = 40

// interrupted gives the registers of the code that a signal interrupted, where regs
// stand in the trampoline that its handler returns to.
func (a *addressSpace) interrupted(regs registers) (up registers, ok bool) {
	code := make([]byte, len(trampoline))
	if a.mem.read(code, regs.pc()) != nil || !bytes.Equal(code, trampoline) {
		return up, false
	}
	for i, register := range savedOrder {
		value, err := a.mem.word(regs.sp() + contextOffset + uint64(8*i))
		if err != nil {
			return up, false
		}
		up.set(register, value)
	}
	return up, true
}

// place is the module of an address and the module's own address of it. That of a place
// behind a call is moved into the call, which can be the last instruction of a function.
func (a *addressSpace) place(pc uint64, exact bool) (m *module, own uint64, ok bool) {
	in := a.maps.find(pc)
	if m = a.module(in); m == nil {
		return nil, 0, false
	}
	if own, ok = m.address(in, pc); ok && !exact {
		own--
	}
	return m, own, ok
}

// stepTables unwinds by the tables of C compilers.
func (a *addressSpace) stepTables(regs registers, exact bool) (step, bool) {
	m, own, ok := a.place(regs.pc(), exact)
	if !ok {
		return step{}, false
	}
	table, err := m.frameTable(own)
	if err != nil {
		return step{}, false
	}
	row, err := table.row(own)
	if err != nil {
		return step{}, false
	}
	up, last, ok := row.caller(regs, a.mem, table.returnColumn)
	return step{up: up, last: last, how: byTables}, ok
}

// stepPointer follows the frame pointer, where it is known and points to a frame.
func (a *addressSpace) stepPointer(regs registers, _ bool) (step, bool) {
	if !regs.known[regBP] || regs.value[regBP] < regs.sp() {
		return step{}, false
	}
	up, ok := a.frameAt(regs.value[regBP], regs.sp())
	return step{up: up, how: byPointers}, ok
}

// frameAt reads the two words that a frame pointer points to: the caller's frame pointer
// and the place to return to.
func (a *addressSpace) frameAt(at, sp uint64) (up registers, ok bool) {
	if at%8 != 0 || !a.sameStack(sp, at+16) {
		return up, false
	}
	pointer, err := a.mem.word(at)
	if err != nil {
		return up, false
	}
	back, err := a.mem.word(at + 8)
	if err != nil || !a.behindCall(back) {
		return up, false
	}
	up.set(regBP, pointer)
	up.set(regPC, back)
	up.set(regSP, at+16)
	return up, true
}

// guessed is how far up the stack a frame is looked for, in bytes.
const guessed = 8 << 10

// stepGuess looks for the frame of a function that keeps a frame pointer where that is
// not known: the frames further in did not save it. What is found counts as sure where
// the place to return to is behind a call of this very function; where the call goes
// elsewhere it is another frame's; and where it cannot be told (through a pointer, or
// into another module) the next frame must be one too, and it is a guess.
func (a *addressSpace) stepGuess(regs registers, exact bool) (step, bool) {
	start, ok := a.keepsPointer(regs.pc(), exact)
	if !ok {
		return step{}, false
	}
	for at := (regs.sp() + 7) &^ 7; at < regs.sp()+guessed; at += 8 {
		up, ok := a.frameAt(at, regs.sp())
		if !ok || up.value[regBP] <= at {
			continue
		}
		switch called, direct := a.called(up.pc()); {
		case direct && called == start:
			return step{up: up, how: byPointers}, true
		case direct && a.maps.find(called) == a.maps.find(start):
			continue
		}
		if _, ok := a.frameAt(up.value[regBP], at); ok {
			return step{up: up, how: byGuess}, true
		}
	}
	return step{}, false
}

// keepsPointer says where the function of a place begins, if it is one that keeps a
// frame pointer: its table says so, or its first instructions do.
func (a *addressSpace) keepsPointer(pc uint64, exact bool) (start uint64, ok bool) {
	m, own, ok := a.place(pc, exact)
	if !ok {
		return 0, false
	}
	base := pc - own // of the module in memory
	if !exact {
		base--
	}
	if table, err := m.frameTable(own); err == nil {
		row, err := table.row(own)
		return table.begin + base, err == nil && !row.unknown && row.base == regBP
	}
	s, ok := m.symbolAt(own)
	if !ok {
		return 0, false
	}
	start = s.value + base
	code := make([]byte, prologue)
	if a.mem.read(code, start) != nil {
		return 0, false
	}
	code, pushed := bytes.CutPrefix(bytes.TrimPrefix(code, endbr), pushPointer)
	return start, pushed && bytes.Contains(code, setPointer)
}

// A function that keeps a frame pointer begins with push %rbp, behind endbr64 where that
// is used, and soon comes to mov %rsp,%rbp.
const prologue = 24

var (
	endbr       = []byte{0xf3, 0x0f, 0x1e, 0xfa}
	pushPointer = []byte{0x55}
	setPointer  = []byte{0x48, 0x89, 0xe5}
)

// called is where the call in front of an address goes, if that is written in it.
func (a *addressSpace) called(back uint64) (target uint64, direct bool) {
	code := make([]byte, 5)
	if a.mem.read(code, back-5) != nil || code[0] != 0xe8 {
		return 0, false
	}
	return back + uint64(int64(int32(binary.LittleEndian.Uint32(code[1:])))), true
}

// longestCall is the length of the longest call instruction that is recognised.
const longestCall = 7

// behindCall says that the address is one that a call returns to: it lies in code, behind
// an instruction that calls.
func (a *addressSpace) behindCall(pc uint64) bool {
	if pc < longestCall || !a.maps.isCode(pc-1) {
		return false
	}
	code := make([]byte, longestCall)
	return a.mem.read(code, pc-longestCall) == nil && endsInCall(code)
}

// endsInCall says that the seven bytes can end in a call: E8 with 32 bits, or FF with the
// register field 2 in its next byte, with 0, 1, 2, 4 or 5 bytes behind that.
func endsInCall(code []byte) bool {
	if code[2] == 0xe8 {
		return true
	}
	for _, i := range []int{0, 1, 3, 4, 5} {
		if code[i] == 0xff && code[i+1]>>3&7 == 2 {
			return true
		}
	}
	return false
}

// frames names the place of one frame, which has several names where the compiler put
// functions into their callers.
func (a *addressSpace) frames(pc uint64, exact bool) []observation.Frame {
	if m, own, ok := a.place(pc, exact); ok && m.goTable() != nil {
		if function, ok := m.goTable().find(own); ok {
			return function.frames(own, text(m.name))
		}
	}
	return []observation.Frame{a.frame(pc, exact)}
}

func (a *addressSpace) frame(pc uint64, exact bool) observation.Frame {
	in := a.maps.find(pc)
	if in.path == "" || strings.HasPrefix(in.path, "//anon") || strings.HasPrefix(in.path, "[anon") {
		return observation.Frame{Module: "[JIT]", Offset: pc, Function: a.jitted(pc)}
	}
	m, own, ok := a.place(pc, exact)
	if !ok {
		return observation.Frame{Module: text(in.path), Offset: pc - in.from + in.offset}
	}
	f := observation.Frame{Module: text(m.name), Offset: own}
	if !exact {
		f.Offset++
	}
	f.Function = readable(m.function(own))
	return f
}

// maxReadable bounds a name that was made readable: 2 to the power of it, in bytes.
const maxReadable = 9

// readable turns a name as C++ and Rust compilers write it into that of the source.
func readable(name string) string {
	if !strings.HasPrefix(name, "_Z") && !strings.HasPrefix(name, "_R") {
		return name
	}
	return text(demangle.Filter(name, demangle.NoParams, demangle.NoTemplateParams, demangle.MaxLength(maxReadable)))
}
