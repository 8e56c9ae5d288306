package oracle

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
)

// The block of a tar archive, in bytes, and how many of zeros end it (POSIX pax).
const (
	tarBlock = 512
	tarEnd   = 2 * tarBlock
)

// tarArchive is a tar archive, packed or not, with its end: two blocks of zeros, and
// nothing but zeros behind them. Without a checksum over the members' content, it
// cannot see content that is wrong, nor a tail of zeros that begins where a member does.
func tarArchive(by unpacker) format {
	return func(k *look, file *source) error {
		var r io.Reader = file
		if by != nil {
			var err error
			if r, err = k.unpack(file, by); err != nil {
				return err
			}
		}
		t := &archive{k: k, file: file, bare: by == nil, r: bufio.NewReaderSize(onlyReader{r}, chunk)}
		return t.check()
	}
}

// archive is a tar archive while it is read.
type archive struct {
	k    *look
	file *source
	// bare says that a place in the archive is one in the file.
	bare bool
	r    *bufio.Reader
	// at is how much of the archive was read.
	at int64
}

func (t *archive) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.at += int64(n)
	return n, err
}

func (t *archive) check() error {
	end, err := t.members()
	if err != nil {
		return t.damage(err)
	}
	if t.at < end+tarEnd {
		return t.place(broken(Truncated, t.at, "its last member is whole, and the two blocks of zeros at its end are not there"))
	}
	return t.onlyZerosFollow()
}

// members reads all members and returns the place behind the last.
func (t *archive) members() (int64, error) {
	r, end := tar.NewReader(t), int64(0)
	for n := 0; ; n++ {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		if n >= t.k.Entries {
			return 0, t.file.fail("it has more members than the limit of %d", t.k.Entries)
		}
		if err := drain(r); err != nil {
			return 0, err
		}
		end = (t.at + tarBlock - 1) / tarBlock * tarBlock
	}
}

// damage is what an error within the archive says. That of the packing says more.
func (t *archive) damage(err error) error {
	var d *damage
	switch {
	case errors.As(err, &d):
		return d
	case errors.Is(err, io.ErrUnexpectedEOF):
		return t.place(broken(Truncated, t.at, "it ends within a member or a header"))
	case errors.Is(err, tar.ErrHeader):
		return t.place(broken(Malformed, max(0, t.at-tarBlock), "the header before byte %d is none", t.at))
	}
	return err
}

func (t *archive) onlyZerosFollow() error {
	buf := make([]byte, chunk)
	for {
		at := t.at
		n, err := t.Read(buf)
		for i, b := range buf[:n] {
			if b != 0 {
				return t.place(broken(TrailingGarbage, at+int64(i), "its end is there, and more follows"))
			}
		}
		if err != nil {
			return t.damage(notBareEnd(err))
		}
	}
}

func notBareEnd(err error) error {
	if err == io.EOF { //nolint:errorlint // a reader's end is bare
		return nil
	}
	return err
}

// place takes the place from damage within a packed archive: it is none in the file.
func (t *archive) place(d *damage) *damage {
	if !t.bare {
		d.message += " (unpacked)"
		d.offset = -1
	}
	return d
}
