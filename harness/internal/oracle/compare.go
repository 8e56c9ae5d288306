package oracle

import (
	"bytes"
	"errors"
	"io"
)

// chunk is how much is compared at once.
const chunk = 32 << 10

// same is how far two readers have the same bytes.
type same struct {
	// bytes is how many bytes from their beginning are the same.
	bytes int64
	// aEnds and bEnds say that a reader ends there.
	aEnds, bEnds bool
}

func (s same) equal() bool { return s.aEnds && s.bEnds }

// compare reads two readers as far as they are the same, within fixed memory.
func compare(a, b io.Reader) (same, error) {
	var s same
	bufA, bufB := make([]byte, chunk), make([]byte, chunk)
	for {
		nA, errA := io.ReadFull(a, bufA)
		nB, errB := io.ReadFull(b, bufB)
		if err := errors.Join(notEnd(errA), notEnd(errB)); err != nil {
			return s, err
		}
		n := commonPrefix(bufA[:nA], bufB[:nB])
		s.bytes += int64(n)
		if n < nA || n < nB || errA != nil || errB != nil {
			s.aEnds, s.bEnds = n == nA && errA != nil, n == nB && errB != nil
			return s, nil
		}
	}
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// differing tells how a file differs from what was wanted: nil where it does not.
// older is what it was before, nil where that says nothing; what names the wanted one.
func differing(file, wanted, older *source, what string) error {
	s, err := compare(file.from(0), wanted.from(0))
	if err != nil || s.equal() {
		return err
	}
	d, err := kindOfDifference(file, older, s, what)
	if err != nil {
		return err
	}
	d.excerpt, err = sideBySide(wanted, file, d.offset)
	if err != nil {
		return err
	}
	return d.expecting(wanted.size)
}

func kindOfDifference(file, older *source, s same, what string) (*damage, error) {
	switch {
	case file.size == 0:
		return broken(Empty, 0, "the file is empty, where %s is not", what), nil
	case s.aEnds:
		return broken(Truncated, s.bytes, "it is %s as far as byte %d, and ends there", what, s.bytes), nil
	case s.bEnds:
		return broken(TrailingGarbage, s.bytes, "it is %s, and %d bytes follow", what, file.size-s.bytes), nil
	}
	zero, err := onlyZeros(file.from(s.bytes))
	if err != nil {
		return nil, err
	}
	if zero {
		return broken(ZeroFilled, s.bytes, "it is %s as far as byte %d, and zero from there to the end", what, s.bytes), nil
	}
	old, err := goesOnAs(file, older, s.bytes)
	if err != nil {
		return nil, err
	}
	if old && s.bytes > 0 {
		return broken(Torn, s.bytes, "it is %s as far as byte %d, and from there what it was before", what, s.bytes), nil
	}
	return broken(Changed, s.bytes, "it differs from %s at byte %d", what, s.bytes), nil
}

// onlyZeros says that nothing but zero bytes is left, and at least one.
func onlyZeros(r io.Reader) (bool, error) {
	buf, any := make([]byte, chunk), false
	for {
		n, err := r.Read(buf)
		for _, b := range buf[:n] {
			if b != 0 {
				return false, nil
			}
		}
		any = any || n > 0
		if err != nil {
			return any, notEnd(err)
		}
	}
}

// goesOnAs says that a file has the bytes of another one from a place to the end.
func goesOnAs(file, other *source, at int64) (bool, error) {
	if other == nil || other.size != file.size {
		return false, nil
	}
	s, err := compare(file.from(at), other.from(at))
	return s.equal(), err
}
