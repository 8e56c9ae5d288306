package oracle

import (
	"encoding/csv"
	"errors"
	"io"
)

// commaSeparated is CSV (RFC 4180) of UTF-8 in which each record has as many fields as the
// first one, the header, and the last has its end. It cannot see a cut behind a record,
// and it takes other separators for one long field.
func commaSeparated(k *look, file *source) error {
	g := &guarded{source: file}
	r := csv.NewReader(g)
	r.ReuseRecord = true
	for {
		_, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return csvDamage(file, r, g.mark, err)
		}
		g.mark = r.InputOffset()
	}
	if err := endsInLine(file, 0); err != nil {
		return err
	}
	return validUTF8(file)
}

// csvDamage is what is wrong with the record that begins at a place. A reader that came
// to the end of a file without a last line break has a torn record.
func csvDamage(file *source, r *csv.Reader, at int64, err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	kind := Malformed
	if r.InputOffset() == file.size && isTorn(endsInLine(file, at)) {
		kind = Torn
	}
	return broken(kind, at, "the record at line %d: %s", parse.StartLine, parse.Err).inLine(parse.StartLine)
}

func isTorn(err error) bool {
	var d *damage
	return errors.As(err, &d) && d.kind == Torn
}
