// Package oracle answers one question about the content of one file, as a fact: is it
// whole, damaged or missing, where is the first damage, or why can that not be said.
// It changes no file that it looks at.
package oracle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Subject is a file and what it is held against. Paths are absolute, but for Path; ""
// stands for none.
type Subject struct {
	// Path is how the file is shown, relative to the work folder.
	Path string
	// File is where it is now. It may not exist.
	File string
	// Before is a copy from before the launch; "" where there was no such file.
	Before string
	// Reference is what an undisturbed run left; "" where there was no such run, or where it
	// left no such file. HasReference tells the two apart.
	Reference    string
	HasReference bool
	// Resumed is what a further run to the end left after the stop; "" where there was no
	// such run, or where it left no such file. HasResumed tells the two apart.
	Resumed    string
	HasResumed bool
	// Dir is the work folder, in which a command runs and a manifest is looked up.
	Dir string
}

// Limits bound what an oracle reads and does. Beyond them the answer is Undecided. A
// zero field stands for its default.
type Limits struct {
	// Bytes bounds the size of a file, and apart from that what is unpacked from it.
	// Default: 4 GiB.
	Bytes int64
	// Entries bounds the members of an archive. Default: 1,000,000.
	Entries int
	// Depth bounds how deep values may be nested. Default: 1,000.
	Depth int
	// Time bounds one answer. Default: one minute.
	Time time.Duration
}

// The defaults of Limits.
const (
	DefaultBytes   = 4 << 30
	DefaultEntries = 1_000_000
	DefaultDepth   = 1_000
	DefaultTime    = time.Minute
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Entries <= 0 {
		l.Entries = DefaultEntries
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Time <= 0 {
		l.Time = DefaultTime
	}
	return l
}

// question looks at a subject. It returns nil where the file is whole, a *damage, a
// *absence, or any other error where it cannot say.
type question func(*look) error

// questions are the oracles, each in a file of its own.
var questions = map[scenario.OracleKind]question{
	scenario.Unchanged:  unchanged,
	scenario.Absent:     absent,
	scenario.Present:    present,
	scenario.SHA256:     hashed,
	scenario.OldOrNew:   oldOrNew,
	scenario.AppendOnly: appendOnly,
	scenario.Resumable:  resumable,
	scenario.Command:    command,
	scenario.Format:     formatted,
}

// Examine asks an oracle about a file. It blocks for as long as the oracle looks, at
// most for the time of the limits and, where a decoder does not come back, for
// [patience] more. Whatever keeps it from an answer is an answer too: Undecided, with the
// reason.
func Examine(ctx context.Context, s Subject, o scenario.Oracle, l Limits) observation.Examined {
	begun := time.Now()
	l = l.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()
	k := &look{ctx: ctx, Subject: s, oracle: o, Limits: l, patience: patience}
	found := k.answer(k.contain())
	found.Took = time.Since(begun)
	return found
}

// look is one examination.
type look struct {
	ctx context.Context
	Subject
	oracle scenario.Oracle
	Limits
	patience time.Duration
	// sources are the files that were opened: one that could not be read to its end
	// outweighs what a decoder made of the rest.
	sources []*source
	// remark is what else there is to say of a whole file.
	remark string
}

// patience is how long a decoder may go on after its time: it ends with its next read,
// and what it started must be ended and removed.
const patience = 5 * time.Second

// contain asks the question where a panic ends nothing but the answer. A decoder that
// never reads again is left behind.
func (k *look) contain() error {
	done := make(chan error, 1)
	go func() { done <- k.ask() }()
	select {
	case err := <-done:
		return err
	case <-k.ctx.Done():
	}
	late := time.NewTimer(k.patience)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return k.outOfTime()
	}
}

// ask asks, and ends what was opened for it.
func (k *look) ask() (err error) {
	defer k.close()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the decoder of %s failed: %v, in %s", k.oracle, cause, firstFrame(debug.Stack()))
		}
	}()
	ask := questions[k.oracle.Kind]
	if ask == nil {
		return fmt.Errorf("there is no oracle %q; write one of %v", k.oracle.Kind, scenario.Oracles)
	}
	err = ask(k)
	if failed := k.unread(); failed != nil && !isAbsence(err) {
		return failed
	}
	return err
}

// firstFrame is the function below panic in a stack.
func firstFrame(stack []byte) string {
	_, below, _ := strings.Cut(string(stack), "\npanic(")
	lines := strings.SplitN(below, "\n", 4)
	if len(lines) < 3 {
		return "a place unknown"
	}
	name, _, _ := strings.Cut(lines[2], "(0x")
	return name
}

// outOfTime is why an answer did not come.
func (k *look) outOfTime() error {
	if cause := context.Cause(k.ctx); !errors.Is(cause, context.DeadlineExceeded) {
		return fmt.Errorf("the examination was ended: %w", cause)
	}
	return fmt.Errorf("no answer within %s", k.Time)
}

// answer puts what a question returned into the words of an observation.
func (k *look) answer(err error) observation.Examined {
	e := observation.Examined{Path: k.Path, Oracle: k.oracle.String(), Answer: observation.Whole}
	if size, err := sizeOf(k.File); err == nil {
		e.Size = size
	}
	var d *damage
	switch {
	case err == nil:
		e.Message = oneLine(k.remark)
	case isAbsence(err):
		e.Answer, e.Message = observation.Missing, oneLine(err.Error())
	case errors.As(err, &d):
		e.Answer = observation.Damaged
		e.Kind, e.Message, e.Line, e.Expected, e.Excerpt = d.kind, oneLine(d.message), d.line, d.expected, d.excerpt
		if d.offset >= 0 {
			e.Offset = &d.offset
		}
	default:
		e.Answer, e.Message = observation.Undecided, oneLine(err.Error())
	}
	return e
}

// oneLine is a text without line breaks.
func oneLine(text string) string { return strings.Join(strings.FieldsFunc(text, isBreak), " ") }

func isBreak(r rune) bool { return r == '\n' || r == '\r' }

// absence says that there is no such file where there should be one.
type absence struct{ message string }

func (a *absence) Error() string { return a.message }

func isAbsence(err error) bool {
	var a *absence
	return errors.As(err, &a)
}

// exists says whether there is anything at a path, a link that leads nowhere too.
func exists(path string) (bool, error) {
	_, err := lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
