package oracle

import "encoding/binary"

// thrift passes over values of Thrift's compact protocol. Each of its methods says
// whether there was such a value, and takes it from raw.
type thrift struct {
	raw   []byte
	depth int
	// fields are the ids of the outermost structure's fields.
	fields map[int16]bool
}

// deepestThrift is how deep a footer may be nested: its format has fewer levels.
const deepestThrift = 64

// The types of the compact protocol.
const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

func (t *thrift) structure() bool {
	t.fields = map[int16]bool{}
	return t.fieldsOf(t.fields)
}

// fieldsOf passes over a structure, whose last byte is a stop.
func (t *thrift) fieldsOf(seen map[int16]bool) bool {
	for id := int16(0); ; {
		head, there := t.byte()
		if !there {
			return false
		}
		if head == 0 {
			return true
		}
		if delta := int16(head >> 4); delta != 0 {
			id += delta
		} else {
			zigzag, good := t.varint()
			if !good {
				return false
			}
			id = int16(zigzag>>1) ^ -int16(zigzag&1)
		}
		if seen != nil {
			seen[id] = true
		}
		if kind := head & 0x0f; kind != thriftTrue && kind != thriftFalse && !t.value(kind) {
			return false
		}
	}
}

// value passes over a value of a kind.
func (t *thrift) value(kind byte) bool {
	switch {
	case kind == thriftTrue || kind == thriftFalse || kind == thriftByte:
		_, there := t.byte()
		return there
	case kind >= thriftI16 && kind <= thriftI64:
		_, there := t.varint()
		return there
	case kind == thriftDouble:
		return t.skip(8)
	case kind == thriftBinary:
		n, there := t.varint()
		return there && t.skip(n)
	}
	if t.depth == 0 {
		return false
	}
	t.depth--
	defer func() { t.depth++ }()
	switch kind {
	case thriftList, thriftSet:
		return t.list()
	case thriftMap:
		return t.pairs()
	case thriftStruct:
		return t.fieldsOf(nil)
	}
	return false
}

func (t *thrift) list() bool {
	head, there := t.byte()
	n, kind := uint64(head>>4), head&0x0f
	if n == 15 && there {
		n, there = t.varint()
	}
	return there && t.values(n, kind)
}

// values passes over so many values: each has a byte at least.
func (t *thrift) values(n uint64, kinds ...byte) bool {
	if n > uint64(len(t.raw)) {
		return false
	}
	for range n {
		for _, kind := range kinds {
			if !t.value(kind) {
				return false
			}
		}
	}
	return true
}

func (t *thrift) pairs() bool {
	n, there := t.varint()
	if !there || n == 0 {
		return there
	}
	kinds, there := t.byte()
	return there && t.values(n, kinds>>4, kinds&0x0f)
}

func (t *thrift) byte() (byte, bool) {
	if len(t.raw) == 0 {
		return 0, false
	}
	b := t.raw[0]
	t.raw = t.raw[1:]
	return b, true
}

func (t *thrift) varint() (uint64, bool) {
	n, size := binary.Uvarint(t.raw)
	if size <= 0 {
		return 0, false
	}
	t.raw = t.raw[size:]
	return n, true
}

func (t *thrift) skip(n uint64) bool {
	if n > uint64(len(t.raw)) {
		return false
	}
	t.raw = t.raw[n:]
	return true
}
