package harness

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// records is what was found of acknowledged records, by the index of their ids.
type records struct {
	shape shape
	// where names the content, and lined says that its last line has to be ended.
	where string
	lined bool
	whole []bool // it is there
	open  []bool // it is there in a last line without its newline
	// times counts where it stands in the column of the ids, lines where the last time,
	// and order lists them as they came there first.
	times []int
	lines []int
	order []int
	// rest is what follows the last newline, at most its end.
	rest  []byte
	named map[string]int
}

// shape is what stands around an id; empty strings mean that the id is a word.
type shape struct{ prefix, suffix string }

func shapeOf(as string) shape {
	prefix, suffix, _ := strings.Cut(as, "%s")
	return shape{prefix, suffix}
}

func (s shape) word() bool { return s == shape{} }

// findRecords looks all ids up, first anywhere, then in the column where most stand.
func findRecords(said *observation.Said, content io.ReadSeeker, asked scenario.Acknowledged) (*records, error) {
	n := said.Len()
	r := &records{
		shape: shapeOf(asked.As), where: asked.In, named: map[string]int{},
		whole: make([]bool, n), open: make([]bool, n), times: make([]int, n), lines: make([]int, n),
	}
	if asked.Command != "" {
		r.where = "what the command printed"
	}
	// How a command ends its last line is its own affair.
	r.lined = r.shape.word() && asked.Command == ""
	columns := map[int]*seen{}
	s := newScanner(said, r.shape)
	if err := s.scan(content, func(h hit) { r.note(h, columns, n) }); err != nil {
		return nil, err
	}
	r.rest = slices.Clone(s.rest)
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	column := fullest(columns)
	return r, newScanner(said, r.shape).scan(content, func(h hit) {
		if h.column == column && !(h.last && r.lined) {
			r.count(h)
		}
	})
}

// maxColumns bounds in how many columns ids are counted; further right nobody writes one.
const maxColumns = 64

func (r *records) note(h hit, columns map[int]*seen, n int) {
	if h.last && r.lined {
		r.open[h.id] = true
		return
	}
	r.whole[h.id] = true
	if h.column < maxColumns {
		if columns[h.column] == nil {
			columns[h.column] = &seen{bits: make([]uint64, n/64+1)}
		}
		columns[h.column].add(h.id)
	}
}

func (r *records) count(h hit) {
	r.times[h.id]++
	r.lines[h.id] = h.line
	if r.times[h.id] == 1 {
		r.order = append(r.order, h.id)
	}
}

// seen is a set of ids.
type seen struct {
	bits []uint64
	n    int
}

func (s *seen) add(id int) {
	if bit := uint64(1) << (id % 64); s.bits[id/64]&bit == 0 {
		s.bits[id/64] |= bit
		s.n++
	}
}

// fullest is the column with the most different ids, of equal ones the leftmost.
func fullest(columns map[int]*seen) int {
	best := -1
	for column, ids := range columns {
		if best < 0 || ids.n > columns[best].n || ids.n == columns[best].n && column < best {
			best = column
		}
	}
	return best
}

// misplaced tells of each record whether it stands behind one that was acknowledged later.
func (r *records) misplaced(said *observation.Said, certain func(time.Duration) bool) []bool {
	late := make([]bool, said.Len())
	latest := -1
	for _, id := range r.order {
		if certain(said.At[id]) {
			late[id] = id < latest
			latest = max(latest, id)
		}
	}
	return late
}

// tornAtEnd is the record whose beginning is the end of the content, -1 when there is none:
// the first of those that are not there.
func (r *records) tornAtEnd(said *observation.Said, certain func(time.Duration) bool) int {
	if len(r.rest) == 0 || !r.lined && r.shape.word() {
		return -1
	}
	for i := range said.Len() {
		if !r.whole[i] && !r.open[i] && certain(said.At[i]) && r.begins(said.ID(i)) {
			return i
		}
	}
	return -1
}

// begins says whether the content ends in a proper part of a record that has at least a
// byte of its id.
func (r *records) begins(id string) bool {
	record := r.shape.prefix + id + r.shape.suffix
	for n := min(len(record)-1, len(r.rest)); n > len(r.shape.prefix); n-- {
		start := len(r.rest) - n
		if string(r.rest[start:]) != record[:n] {
			continue
		}
		if r.shape.prefix != "" || start == 0 || !isWord(r.rest[start-1]) {
			return true
		}
	}
	return false
}

// name describes one record, if it is among the first of its fate.
func (r *records) name(a *observation.Acknowledged, said *observation.Said, i int, fate string) {
	if r.named[fate]++; r.named[fate] > firstOfEach {
		return
	}
	where := r.where
	if r.lines[i] > 0 {
		where = fmt.Sprintf("%s, line %d", where, r.lines[i])
	}
	a.First = append(a.First, observation.Record{Fate: fate, ID: said.ID(i), At: said.At[i], Where: where})
}

// hit is a place where an id stands.
type hit struct {
	id     int
	column int // how many words of its line are left of it
	line   int // from 1
	last   bool
}

// scanner finds ids in a stream.
type scanner struct {
	shape   shape
	prefix  []byte
	suffix  []byte
	ids     map[string]int
	lengths []int // of the ids, the longest first: the longest that fits is meant
	reach   int   // how many bytes must be seen to decide about a place

	line, column int
	inWord       bool
	// pending are the hits of the line that is not ended yet, rest its end.
	pending []hit
	rest    []byte
	visit   func(hit)
}

func newScanner(said *observation.Said, s shape) *scanner {
	sc := &scanner{shape: s, prefix: []byte(s.prefix), suffix: []byte(s.suffix), ids: make(map[string]int, said.Len()), line: 1}
	for i := range said.Len() {
		id := said.ID(i)
		sc.ids[id] = i
		if !slices.Contains(sc.lengths, len(id)) {
			sc.lengths = append(sc.lengths, len(id))
		}
	}
	slices.Sort(sc.lengths)
	slices.Reverse(sc.lengths)
	sc.reach = len(s.prefix) + observation.MaxID + len(s.suffix) + 1
	return sc
}

// window is how much of a stream is looked at at once, in bytes.
const window = 256 << 10

// scan calls visit for every id in the stream, in their order.
func (s *scanner) scan(r io.Reader, visit func(hit)) error {
	s.visit = visit
	text := make([]byte, 0, window+2*s.reach)
	for {
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		used := s.take(text, end)
		text = text[:copy(text, text[used:])]
		if end {
			s.flush(true)
			return nil
		}
	}
}

// take looks at what can be decided and says how much that is.
func (s *scanner) take(text []byte, end bool) int {
	limit := len(text)
	if !end {
		limit -= s.reach
	}
	i := 0
	for i < limit {
		n := max(1, s.at(text[i:]))
		for _, b := range text[i : i+n] {
			s.step(b)
		}
		i += n
	}
	return i
}

// at takes the record that begins at a place and says how long it is, 0 where none does.
func (s *scanner) at(text []byte) int {
	if len(s.prefix) == 0 && s.inWord && isWord(text[0]) || !bytes.HasPrefix(text, s.prefix) {
		return 0
	}
	text = text[len(s.prefix):]
	for _, n := range s.lengths {
		if n > len(text) {
			continue
		}
		if id, known := s.ids[string(text[:n])]; known && s.ends(text, n) {
			s.found(id)
			return len(s.prefix) + n
		}
	}
	return 0
}

// ends says whether the id ends behind n bytes.
func (s *scanner) ends(text []byte, n int) bool {
	if len(s.suffix) > 0 {
		return bytes.HasPrefix(text[n:], s.suffix)
	}
	return n == len(text) || !isWord(text[n]) || !isWord(text[n-1])
}

// maxPending bounds how many hits of one line are held back; a line with more is not one
// that records are torn in.
const maxPending = 1 << 10

func (s *scanner) found(id int) {
	h := hit{id: id, line: s.line}
	if s.shape.word() {
		h.column = s.column
	}
	if s.pending = append(s.pending, h); len(s.pending) > maxPending {
		s.flush(false)
	}
}

// flush hands the held hits out; last says that their line is the last and not ended.
func (s *scanner) flush(last bool) {
	for _, h := range s.pending {
		h.last = last
		s.visit(h)
	}
	s.pending = s.pending[:0]
}

// step goes on by one byte.
func (s *scanner) step(b byte) {
	if b == '\n' {
		s.flush(false)
		s.line++
		s.column, s.inWord, s.rest = 0, false, s.rest[:0]
		return
	}
	word := isWord(b)
	if word && !s.inWord {
		s.column++
	}
	s.inWord = word
	if s.rest = append(s.rest, b); len(s.rest) > 2*s.reach {
		s.rest = s.rest[:copy(s.rest, s.rest[len(s.rest)-s.reach:])]
	}
}

// isWord says whether a byte belongs to a word: letters, digits, the underscore, and all
// that is not ASCII.
func isWord(b byte) bool {
	return b == '_' || b >= 0x80 || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
