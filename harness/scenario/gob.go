package scenario

import "regexp"

// GobEncode sends the expression as its text, on the way to a warden.
func (r Regexp) GobEncode() ([]byte, error) { return []byte(r.String()), nil }

// GobDecode compiles what GobEncode sent.
func (r *Regexp) GobDecode(text []byte) (err error) {
	r.Regexp, err = regexp.Compile(string(text))
	return err
}
