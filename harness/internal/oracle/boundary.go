package oracle

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// endsWhole says that what a file has from a place on ends where a record ends. Nothing
// at all does.
func endsWhole(file *source, b scenario.Boundary, from int64) error {
	if file.size <= from {
		return nil
	}
	err := atBoundary(file, b, from)
	if d, is := err.(*damage); is { //nolint:errorlint // made here, never wrapped
		d.show(file)
	}
	return err
}

func atBoundary(file *source, b scenario.Boundary, from int64) error {
	switch b.Kind {
	case "line":
		return endsInLine(file, from)
	case "length":
		return endsByLength(file, b, from)
	case "pattern":
		return endsInPattern(file, b, from)
	}
	return fmt.Errorf("there is no boundary of records called %q", b.Kind)
}

// endsInLine says that the last byte behind a place, if there is one, ends a line.
func endsInLine(file *source, from int64) error {
	if file.size <= from {
		return nil
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, file.size-1); notEnd(err) != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	if d, err := zeroTail(file, from); d != nil || err != nil {
		return orErr(d, err)
	}
	start, err := lastBreak(file, from)
	if err != nil {
		return err
	}
	line, err := lineOf(file, start)
	if err != nil {
		return err
	}
	return broken(Torn, start, "line %d has %d bytes and no end", line, file.size-start).inLine(line)
}

// lastBreak is the place behind the last line break, not before from.
func lastBreak(file *source, from int64) (int64, error) {
	buf := make([]byte, chunk)
	for end := file.size; end > from; end -= chunk {
		begin := max(from, end-chunk)
		n, err := file.ReadAt(buf[:end-begin], begin)
		if notEnd(err) != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] == '\n' {
				return begin + int64(i) + 1, nil
			}
		}
	}
	return from, nil
}

// zeroTail is damage where a file ends in zero bytes, nil where it does not.
func zeroTail(file *source, from int64) (*damage, error) {
	start, err := lastNonZero(file, from)
	if err != nil || start == file.size {
		return nil, err
	}
	return broken(ZeroFilled, start, "it is zero from byte %d to its end at byte %d", start, file.size), nil
}

// lastNonZero is the place behind the last byte that is not zero, not before from.
func lastNonZero(file *source, from int64) (int64, error) {
	buf := make([]byte, chunk)
	for end := file.size; end > from; end -= chunk {
		begin := max(from, end-chunk)
		n, err := file.ReadAt(buf[:end-begin], begin)
		if notEnd(err) != nil {
			return 0, err
		}
		for i := n - 1; i >= 0; i-- {
			if buf[i] != 0 {
				return begin + int64(i) + 1, nil
			}
		}
	}
	return from, nil
}

// orErr is an error of either kind: a nil *damage is no error.
func orErr(d *damage, err error) error {
	if d != nil {
		return d
	}
	return err
}

// endsByLength walks from record to record, each behind its length. It counts on from
// being where one begins. A record of no bytes is one, unless nothing but zeros is left.
func endsByLength(file *source, b scenario.Boundary, from int64) error {
	r := bufio.NewReaderSize(file.from(from), chunk)
	zeros, err := lastNonZero(file, from)
	if err != nil {
		return err
	}
	head, at := make([]byte, b.Bytes), from
	for at < file.size {
		if at >= zeros {
			return orErr(zeroTail(file, at))
		}
		if _, err := io.ReadFull(r, head); err != nil {
			return tornLength(file, at, err)
		}
		length := lengthOf(head, b.Big)
		if left := file.size - at - int64(b.Bytes); length > uint64(left) {
			return broken(Torn, at, "the record at byte %d has %d of its %d bytes", at, left, length)
		}
		if err := skip(r, int64(length)); err != nil {
			return err
		}
		at += int64(b.Bytes) + int64(length)
	}
	return nil
}

func tornLength(file *source, at int64, err error) error {
	if notEnd(err) != nil {
		return err
	}
	return broken(Torn, at, "the record at byte %d has only %d bytes of its length", at, file.size-at)
}

func lengthOf(head []byte, big bool) uint64 {
	wide := make([]byte, 8)
	if big {
		copy(wide[8-len(head):], head)
		return binary.BigEndian.Uint64(wide)
	}
	copy(wide, head)
	return binary.LittleEndian.Uint64(wide)
}

func skip(r io.Reader, n int64) error {
	_, err := io.CopyN(io.Discard, r, n)
	return err
}

// patternWindow is how much of a file's end a pattern is held against, in bytes.
const patternWindow = 64 << 10

// endsInPattern says that the last bytes match. It looks at what was added alone, and
// at no more than the window.
func endsInPattern(file *source, b scenario.Boundary, from int64) error {
	begin := max(from, file.size-patternWindow)
	tail := make([]byte, file.size-begin)
	if _, err := file.ReadAt(tail, begin); notEnd(err) != nil {
		return err
	}
	if b.Pattern.Match(tail) {
		return nil
	}
	if d, err := zeroTail(file, from); d != nil || err != nil {
		return orErr(d, err)
	}
	return broken(Torn, file.size, "its end does not match the pattern at the end of a record")
}
