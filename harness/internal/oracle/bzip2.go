package oracle

import (
	"compress/bzip2"
	"errors"
	"io"
	"strings"
)

// bunzip2 unpacks bzip2 of one stream or several, each with its checksums. It cannot see
// streams that are missing at the end.
func bunzip2(p *packedFile) (io.Reader, error) {
	return asDamage(bzip2.NewReader(p.Reader), func(err error) error {
		var structure bzip2.StructuralError
		if errors.As(err, &structure) && strings.Contains(string(structure), "continuation") {
			return p.garbage(max(0, p.place()-2)) // the two bytes that should be its magic
		}
		return p.spoiled("bzip2 data", err)
	}), nil
}
