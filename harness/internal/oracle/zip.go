package oracle

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
)

// zipArchive is a zip archive whose members, to the last, have the content that the
// checksums of its directory name, and behind which nothing follows. It cannot see the
// fields of a local header that the directory has too, nor members that were never
// added. Encrypted members are not read.
func zipArchive(k *look, file *source) error {
	r, err := zip.NewReader(file, file.size)
	if err != nil {
		return zipDamage(file, err)
	}
	if len(r.File) > k.Entries {
		return file.fail("it has more members than the limit of %d", k.Entries)
	}
	if err := zipEnd(file, int64(len(r.Comment))); err != nil {
		return err
	}
	left := k.Bytes
	for _, member := range r.File {
		n, err := zipMember(file, member, left)
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// zipDamage is what a directory that cannot be read says. It stands at the end: a file
// that begins as an archive and has none ends too early.
func zipDamage(file *source, err error) error {
	magic := make([]byte, 4)
	if _, err := file.ReadAt(magic, 0); notEnd(err) != nil {
		return err
	}
	if !errors.Is(err, zip.ErrFormat) || !bytes.HasPrefix(magic, []byte("PK")) {
		return broken(Malformed, 0, "it is no zip archive: %s", err)
	}
	if d, zeroErr := zeroTail(file, 0); zeroErr == nil && d != nil && file.size-d.offset >= leastZeros {
		return d
	}
	return broken(Truncated, file.size, "it begins as an archive, and the directory at its end is not there")
}

// zipEndRecord is the length of the record that ends an archive, without its comment.
const zipEndRecord = 22

// zipEnd says that the end record and its comment are the last of the file.
func zipEnd(file *source, comment int64) error {
	at := file.size - zipEndRecord - comment
	magic := make([]byte, 4)
	if _, err := file.ReadAt(magic, max(0, at)); notEnd(err) != nil {
		return err
	}
	if at < 0 || !bytes.Equal(magic, []byte("PK\x05\x06")) {
		return broken(TrailingGarbage, -1, "its directory is whole, and more follows")
	}
	return nil
}

func zipMember(file *source, member *zip.File, left int64) (int64, error) {
	if member.Flags&1 != 0 {
		return 0, file.fail("its member %q is encrypted", member.Name)
	}
	at, err := member.DataOffset()
	if err != nil {
		return 0, broken(Malformed, -1, "its member %q has no header: %s", member.Name, err)
	}
	at = min(at, file.size) // the header may be wrong about its length
	r, err := member.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return 0, file.fail("its member %q is packed in a way that is not read (method %d)", member.Name, member.Method)
	}
	if err != nil {
		return 0, broken(Malformed, at, "its member %q: %s", member.Name, err)
	}
	defer r.Close() //nolint:errcheck // it was only read
	n, err := io.CopyBuffer(io.Discard, io.LimitReader(r, left+1), make([]byte, chunk))
	switch {
	case n > left:
		return 0, file.fail("it unpacks to more than the limit of bytes")
	case err != nil:
		return 0, broken(Malformed, at, "its member %q: %s", member.Name, err)
	}
	return n, nil
}
