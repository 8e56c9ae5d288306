package oracle

// unchanged asks for the bytes from before the launch; where there was no file, for
// none. It cannot see a file that was changed and changed back, nor its times and
// permissions.
func unchanged(k *look) error {
	file, err := k.open(k.File, "the file")
	if k.Before == "" {
		return sameAbsence(err, "before the launch")
	}
	if err != nil {
		return err
	}
	before, err := k.openOther(k.Before, "the copy from before the launch")
	if err != nil {
		return err
	}
	return differing(file, before, nil, "what it was before the launch")
}

// sameAbsence holds the absence of a file against that at another time.
func sameAbsence(err error, when string) error {
	switch {
	case isAbsence(err):
		return nil
	case err != nil:
		return err
	}
	return broken(Created, -1, "the file is there, and there was none %s", when)
}

// openOther opens what a file is held against. That it is missing is no fact about the
// file.
func (k *look) openOther(path, name string) (*source, error) {
	s, err := k.open(path, name)
	if isAbsence(err) {
		return nil, errNotThere(name)
	}
	return s, err
}
