package observation

import "time"

// Stack is where a thread stood in its program, innermost frame first. It was read from
// outside while the thread slept or was held; a thread that ran meanwhile has none.
type Stack struct {
	// At is when it was read. Before the strike it is what the thread did then, not
	// what it does with the signal.
	At  time.Duration `json:"at_ns"`
	PID int           `json:"pid"`
	TID int           `json:"tid"`
	// Language is python, go, node or native: what the frames are frames of.
	Language string `json:"language,omitempty"`
	// How the frames were found: by "interpreter" (its own list of frames), "tables" (the
	// compiler's tables for unwinding), "frame pointers", or "guess" where a part was found
	// by what looks like a frame.
	How string `json:"how,omitempty"`
	// Frames are at most [MaxFrames].
	Frames []Frame `json:"frames,omitempty"`
	// Truncated says that there are more frames, or that the rest could not be followed.
	Truncated bool `json:"truncated,omitempty"`
	// Unknown says why there are no frames, or none of the language.
	Unknown string `json:"unknown,omitempty"`
}

// MaxFrames bounds the frames of a stack.
const MaxFrames = 32

// Frame is one call on a stack. The caller of the innermost frame stands behind it.
type Frame struct {
	// Function is its name, empty where the file has no name for the place.
	Function string `json:"function,omitempty"`
	// File and Line are of the source; empty and 0 where nothing tells them.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Module is the file whose code it is, "[vdso]" or "[JIT]"; empty for frames of an
	// interpreter.
	Module string `json:"module,omitempty"`
	// Offset is the address in the module as its symbol table counts; in "[JIT]" it is the
	// address in memory.
	Offset uint64 `json:"offset,omitempty"`
}
