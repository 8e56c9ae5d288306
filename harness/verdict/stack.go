package verdict

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// shownFrames bounds the frames of a stack in a line of evidence.
const shownFrames = 8

// stood says where a thread stood before the signal: "1.2 ms before the signal it stood
// in save (app.py:41) < main (app.py:77)".
func (f facts) stood(s observation.Stack) string {
	return fmt.Sprintf("%s before the signal %s %s", span(f.o.Strike.Actual-s.At), f.who(s), standing(s))
}

// who names the thread of a stack.
func (f facts) who(s observation.Stack) string {
	switch {
	case s.PID != f.o.Process.PID:
		return fmt.Sprintf("process %d", s.PID)
	case s.TID != s.PID:
		return fmt.Sprintf("its thread %d", s.TID)
	}
	return "it"
}

// standing is the stack in words, fit to follow who stood there.
func standing(s observation.Stack) string {
	if len(s.Frames) == 0 {
		return "stood at a place that is not known: " + plain(s.Unknown)
	}
	frames := folded(s)
	text := "stood in " + strings.Join(frames[:min(len(frames), shownFrames)], " < ")
	if s.Truncated || len(frames) > shownFrames {
		text += " < …"
	}
	if s.How == "guess" {
		text += " (partly guessed)"
	}
	if s.Unknown != "" {
		text += "; " + plain(s.Unknown)
	}
	return text
}

// folded names the frames. The way from a language's own code into the kernel is long and
// always the same in Go and in Node.js: of that only the innermost frame is told.
func folded(s observation.Stack) (frames []string) {
	rest := s.Frames
	if own := firstOwn(s); own > 2 {
		frames = append(frames, called(rest[0]), "…")
		rest = rest[own:]
	}
	for _, frame := range rest {
		frames = append(frames, called(frame))
	}
	return frames
}

// firstOwn is the index of the first frame behind the way into the kernel; -1 where there
// is none, or the language has no such way.
func firstOwn(s observation.Stack) int {
	switch s.Language {
	case "go":
		return slices.IndexFunc(s.Frames, func(f observation.Frame) bool { return !belowOS(f) })
	case "node":
		return slices.IndexFunc(s.Frames, func(f observation.Frame) bool { return strings.HasPrefix(f.Function, "JS:") })
	}
	return -1
}

// belowOS says that a function is one of the packages by which Go's os and net reach the
// kernel.
func belowOS(frame observation.Frame) bool {
	return slices.ContainsFunc([]string{"internal/", "runtime.", "syscall."}, func(prefix string) bool {
		return strings.HasPrefix(frame.Function, prefix)
	})
}

// called names one frame: "save (app.py:41)", "write (libc.so.6)", "ledger+0x1223".
func called(frame observation.Frame) string {
	module := plain(path.Base(frame.Module))
	if frame.Function == "" {
		return fmt.Sprintf("%s+0x%x", module, frame.Offset)
	}
	name := plain(frame.Function)
	switch {
	case frame.File != "" && frame.Line > 0:
		return fmt.Sprintf("%s (%s:%d)", name, plain(path.Base(frame.File)), frame.Line)
	case frame.File != "":
		return fmt.Sprintf("%s (%s)", name, plain(path.Base(frame.File)))
	case frame.Module != "":
		return fmt.Sprintf("%s (%s)", name, module)
	}
	return name
}

// shownStacks bounds how many stacks stand in the evidence.
const shownStacks = 4

// lastStacks shows where the threads stood that did not leave. Those that tell nothing
// are left out, but for the main thread's, and those that stood in the same place after
// the first.
func (f facts) lastStacks() (lines []string) {
	seen := map[string]bool{}
	for i, s := range f.o.Forensics.Stacks {
		text := standing(s)
		if i > 0 && (s.Unknown != "" || seen[text]) || len(lines) == shownStacks {
			continue
		}
		seen[text] = true
		lines = append(lines, f.who(s)+" "+text)
	}
	return lines
}
