package oracle

import (
	"bytes"
	"encoding/binary"
)

// parquetMagic stands at both ends of a file, and the footer's length in front of the
// last.
var parquetMagic = []byte("PAR1")

// parquetTail is the length of what ends a file: the footer's length and the magic.
const parquetTail = 8

// parquetFrame is the frame of a Parquet file: it begins and ends as one, and the footer
// between is a Thrift structure of just the length that is written. Since the footer is
// written last, that sees every cut. It reads no pages, and cannot see content that is
// wrong. Encrypted footers (PARE) are not read.
func parquetFrame(k *look, file *source) error {
	if file.size < int64(len(parquetMagic)) {
		return broken(Truncated, file.size, "it ends within its first %d bytes", len(parquetMagic))
	}
	first, tail := make([]byte, len(parquetMagic)), make([]byte, parquetTail)
	if _, err := file.ReadAt(first, 0); notEnd(err) != nil {
		return err
	}
	if !bytes.Equal(first, parquetMagic) {
		return broken(Malformed, 0, "it does not begin as a Parquet file does")
	}
	begin := int64(len(first))
	if file.size < begin+parquetTail {
		return broken(Truncated, file.size, "it ends before its footer")
	}
	if _, err := file.ReadAt(tail, file.size-parquetTail); notEnd(err) != nil {
		return err
	}
	switch magic := tail[parquetTail-len(parquetMagic):]; {
	case bytes.Equal(magic, []byte("PARE")):
		return file.fail("its footer is encrypted")
	case !bytes.Equal(magic, parquetMagic):
		d := broken(Truncated, file.size, "it begins as a Parquet file, and the footer at its end is not there")
		return d.orZeros(file)
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > file.size-begin-parquetTail {
		return broken(Malformed, file.size-parquetTail, "its footer should have %d bytes, and there are only %d", length, file.size-begin-parquetTail)
	}
	return k.footer(file, file.size-parquetTail-length, length)
}

// largestFooter is the size up to which a footer is read, in bytes.
const largestFooter = 64 << 20

// footer reads the footer, a structure of Thrift's compact protocol.
func (k *look) footer(file *source, at, length int64) error {
	if length > largestFooter {
		return file.fail("its footer of %d bytes is more than the %d that are read", length, largestFooter)
	}
	raw := make([]byte, length)
	if _, err := file.ReadAt(raw, at); notEnd(err) != nil {
		return err
	}
	t := thrift{raw: raw, depth: min(k.Depth, deepestThrift)}
	if !t.structure() || len(t.raw) > 0 || !t.fields[1] {
		return broken(Malformed, at+length-int64(len(t.raw)), "its footer is no structure of %d bytes", length)
	}
	return nil
}
