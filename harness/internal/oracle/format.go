package oracle

import (
	"errors"
	"fmt"
	"io"
)

// format says whether a file is whole by the rules of its format.
type format func(*look, *source) error

// formats are the formats by the names that scenario.Formats lists, each in a file of
// its own.
var formats = map[string]format{
	"text":    text,
	"jsonl":   jsonLines,
	"csv":     commaSeparated,
	"json":    jsonDocument,
	"xml":     xmlDocument,
	"yaml":    yamlDocuments,
	"gzip":    packed(gunzip),
	"bzip2":   packed(bunzip2),
	"zstd":    packed(unzstd),
	"xz":      packed(unxz),
	"zip":     zipArchive,
	"tar":     tarArchive(nil),
	"tar.gz":  tarArchive(gunzip),
	"tar.bz2": tarArchive(bunzip2),
	"tar.zst": tarArchive(unzstd),
	"tar.xz":  tarArchive(unxz),
	"sqlite":  sqliteDatabase,
	"parquet": parquetFrame,
	"png":     pngPicture,
	"jpeg":    jpegPicture,
}

// mayBeEmpty are the formats of which no bytes at all are a good file: no lines, no
// tables.
var mayBeEmpty = map[string]bool{"text": true, "jsonl": true, "sqlite": true}

// formatted asks that the file is whole by its format. It is the weakest oracle: it
// cannot see what is missing where the format does not say how much there should be,
// nor content that is well-formed and wrong. docs/ORACLES.md has the share of damaged
// files that each format notices.
func formatted(k *look) error {
	name := k.oracle.Argument
	check := formats[name]
	if check == nil {
		return fmt.Errorf("there is no format %q", name)
	}
	file, err := k.open(k.File, "the file")
	if err != nil {
		return err
	}
	if file.size == 0 && !mayBeEmpty[name] {
		return broken(Empty, 0, "the file is empty, which no good %s is", name)
	}
	return k.finish(file, check(k, file))
}

// finish says of damage what the file's end tells about its cause, and shows the place.
func (k *look) finish(file *source, err error) error {
	var d *damage
	if !errors.As(err, &d) {
		return err
	}
	if d.kind != Truncated {
		d = d.orZeros(file)
	}
	d.show(file)
	return d
}

// leastZeros is how many zero bytes at the end of a damaged file are taken for the
// cause: fewer of them end many good files too.
const leastZeros = 16

// orZeros is the damage, or where the file ends in many zero bytes, these.
func (d *damage) orZeros(file *source) *damage {
	zeros, err := zeroTail(file, 0)
	if err != nil || zeros == nil || file.size-zeros.offset < leastZeros {
		return d
	}
	zeros.message += "; " + d.message
	if d.line > 0 {
		zeros.line, _ = lineOf(file, zeros.offset) //nolint:errcheck // then there is none
	}
	return zeros
}

// inText is damage at a place of a text, with its line.
func inText(file *source, kind string, offset int64, message string, args ...any) error {
	line, err := lineOf(file, offset)
	if err != nil {
		return err
	}
	return broken(kind, offset, message, args...).inLine(line)
}

// longestToken bounds what a decoder of text must hold in memory at once: a line, a
// field, a string. In bytes.
const longestToken = 16 << 20

// guarded is a source for a decoder that holds a token in memory. It ends where more
// was read since the last mark than the longest token has.
type guarded struct {
	*source
	mark int64
}

func (g *guarded) Read(p []byte) (int, error) {
	if g.at-g.mark > longestToken {
		return 0, g.fail("a line, record or value behind byte %d is longer than the limit of %d bytes", g.mark, longestToken)
	}
	return g.source.Read(p)
}

// drain reads to the end and keeps nothing.
func drain(r io.Reader) error {
	_, err := io.CopyBuffer(io.Discard, onlyReader{r}, make([]byte, chunk))
	return err
}
