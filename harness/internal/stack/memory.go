package stack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// memory is the memory of a process, or what stands for it in a test.
type memory interface {
	// read fills buf from the address or fails.
	read(buf []byte, at uint64) error
}

// process is the memory of a living process.
type process int

func (p process) read(buf []byte, at uint64) error {
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(len(buf))
	remote := []unix.RemoteIovec{{Base: uintptr(at), Len: len(buf)}}
	n, err := unix.ProcessVMReadv(int(p), local, remote, 0)
	if err != nil {
		return fmt.Errorf("memory at %#x: %w", at, err)
	}
	if n != len(buf) {
		return fmt.Errorf("memory at %#x: %w", at, errUnreadable)
	}
	return nil
}

var errUnreadable = errors.New("not readable")

const pageSize = 4096

// maxPages bounds what is read of one process for one stack: 4 MiB.
const maxPages = 1024

// pages keeps what was read, a page at a time: neighbouring words cost one system call.
type pages struct {
	of    memory
	kept  map[uint64][]byte
	tried int // pages asked for, those that could not be read too
}

func newPages(of memory) *pages { return &pages{of: of, kept: map[uint64][]byte{}} }

func (p *pages) page(number uint64) ([]byte, error) {
	if page, ok := p.kept[number]; ok {
		return page, nil
	}
	if p.tried++; p.tried > maxPages {
		return nil, errors.New("its stack takes more memory to follow than is read")
	}
	page := make([]byte, pageSize)
	if err := p.of.read(page, number*pageSize); err != nil {
		return nil, err
	}
	p.kept[number] = page
	return page, nil
}

func (p *pages) read(buf []byte, at uint64) error {
	if at > ^uint64(0)-uint64(len(buf)) {
		return fmt.Errorf("memory at %#x: %w", at, errUnreadable)
	}
	for len(buf) > 0 {
		page, err := p.page(at / pageSize)
		if err != nil {
			return err
		}
		n := copy(buf, page[at%pageSize:])
		buf, at = buf[n:], at+uint64(n)
	}
	return nil
}

// word reads eight bytes, as the processors that are supported write them.
func (p *pages) word(at uint64) (uint64, error) {
	var buf [8]byte
	err := p.read(buf[:], at)
	return binary.LittleEndian.Uint64(buf[:]), err
}

func (p *pages) int32(at uint64) (int32, error) {
	var buf [4]byte
	err := p.read(buf[:], at)
	return int32(binary.LittleEndian.Uint32(buf[:])), err
}

// maxText bounds a name or a path in bytes.
const maxText = 512

// text makes a string of the target fit to be kept: whole characters, and not many.
func text(raw string) string {
	whole := strings.ToValidUTF8(raw[:min(len(raw), 4*maxText)], "\ufffd")
	if len(whole) <= maxText {
		return whole
	}
	end := maxText
	for !utf8.RuneStart(whole[end]) {
		end--
	}
	return whole[:end] + "…"
}
