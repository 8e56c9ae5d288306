package oracle

import (
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// appendOnly asks that the file begins with all that it was before the launch, and that
// whole records follow: it is the earlier file, or that and what was added ends where a
// record ends. It cannot see records that are missing behind the last one, that are
// there twice, or whose content is wrong. What was added is not held against what an
// undisturbed run adds: times, ids and the order of parallel work differ between good
// runs, and nothing in the file says whether they do. Where they do not, ask
// old-or-new or resumable.
func appendOnly(k *look) error {
	boundary, err := scenario.ParseBoundary(k.oracle.Argument)
	if err != nil {
		return err
	}
	file, err := k.open(k.File, "the file")
	if isAbsence(err) && k.Before == "" {
		return nil
	}
	if err != nil {
		return err
	}
	began := int64(0)
	if k.Before != "" {
		if began, err = k.keeps(file); err != nil {
			return err
		}
	}
	return endsWhole(file, boundary, began)
}

// keeps says that a file begins with what was there before, and how long that is.
func (k *look) keeps(file *source) (int64, error) {
	before, err := k.openOther(k.Before, "the copy from before the launch")
	if err != nil {
		return 0, err
	}
	s, err := compare(file.from(0), before.from(0))
	switch {
	case err != nil || s.bEnds:
		return before.size, err
	case file.size == 0:
		return 0, broken(Empty, 0, "the file is empty; it had %d bytes before the launch", before.size).expecting(before.size)
	case s.aEnds:
		return 0, broken(Truncated, s.bytes, "it ends at byte %d; it had %d bytes before the launch", s.bytes, before.size).expecting(before.size)
	}
	d := broken(NotAPrefix, s.bytes, "what was there before the launch is changed from byte %d on", s.bytes).expecting(before.size)
	d.excerpt, err = sideBySide(before, file, s.bytes)
	if err != nil {
		return 0, err
	}
	return 0, d
}
