package oracle

import "fmt"

func errNotThere(name string) error { return fmt.Errorf("%s is not there", name) }

// oldOrNew asks for the bytes from before the launch, or for those that an undisturbed
// run leaves: the contract of a file that is replaced as a whole (written beside it,
// then renamed). A file that was not there before may be missing. It cannot see which
// of the two it should be, and it takes a target for damaged whose undisturbed runs do
// not all leave the same bytes.
func oldOrNew(k *look) error {
	file, err := k.open(k.File, "the file")
	if isAbsence(err) {
		return k.mayBeMissing(err)
	}
	if err != nil {
		return err
	}
	before, err := k.openIfAny(k.Before, "the copy from before the launch")
	if err != nil {
		return err
	}
	reference, err := k.openIfAny(k.Reference, "what the undisturbed run left")
	if err != nil {
		return err
	}
	return k.neither(file, before, reference)
}

// mayBeMissing is nil where there was no such file, or an undisturbed run leaves none.
func (k *look) mayBeMissing(missing error) error {
	if k.Before == "" || (k.HasReference && k.Reference == "") {
		return nil
	}
	return missing
}

func (k *look) openIfAny(path, name string) (*source, error) {
	if path == "" {
		return nil, nil
	}
	return k.openOther(path, name)
}

// neither is nil where the file is the old one or the new one.
func (k *look) neither(file, before, reference *source) error {
	if before != nil {
		s, err := compare(file.from(0), before.from(0))
		if err != nil || s.equal() {
			return err
		}
	}
	switch {
	case !k.HasReference:
		return fmt.Errorf("it is not what it was before the launch, and there is no undisturbed run to hold it against")
	case reference != nil:
		return differing(file, reference, before, "what an undisturbed run leaves")
	case before != nil:
		return differing(file, before, nil, "what it was before the launch")
	}
	return broken(Created, -1, "the file is there; there was none before the launch, and an undisturbed run leaves none")
}
