package observation

import (
	"fmt"
	"time"
)

// Said are the acknowledgements that a target printed, each id once, in the order in
// which their lines came. It is on the way to be held against what is there, and is not
// recorded: [Acknowledged] is what comes of it. The zero value is empty.
type Said struct {
	// IDs holds the ids one behind the other, Ends where each of them ends, and At when
	// its line was read.
	IDs  []byte
	Ends []uint32
	At   []time.Duration
	// Overflow says why the list is not whole: then nothing can be concluded from it.
	Overflow string

	known map[string]bool
}

// The bounds of what is kept: so many ids, so many bytes each, so many bytes in all.
const (
	MaxSaid   = 1_000_000
	MaxID     = 64
	maxAllIDs = 16 << 20
)

// Add takes an acknowledgement; one that was said before counts as once.
func (s *Said) Add(id []byte, at time.Duration) {
	switch {
	case s.Overflow != "" || s.known[string(id)]:
	case len(id) == 0:
		s.Overflow = "an acknowledgement has an empty id"
	case len(id) > MaxID:
		s.Overflow = fmt.Sprintf("the id %q… is longer than %d bytes", id[:16], MaxID)
	case len(s.At) == MaxSaid, len(s.IDs)+len(id) > maxAllIDs:
		s.Overflow = fmt.Sprintf("more records were acknowledged than are remembered (%d, in %d MiB)", MaxSaid, maxAllIDs>>20)
	default:
		s.add(id, at)
	}
}

func (s *Said) add(id []byte, at time.Duration) {
	if s.known == nil {
		s.known = map[string]bool{}
	}
	s.known[string(id)] = true
	s.IDs = append(s.IDs, id...)
	s.Ends = append(s.Ends, uint32(len(s.IDs)))
	s.At = append(s.At, at)
}

// Len is how many different ids were said.
func (s *Said) Len() int { return len(s.At) }

// ID is the i-th id.
func (s *Said) ID(i int) string {
	start := uint32(0)
	if i > 0 {
		start = s.Ends[i-1]
	}
	return string(s.IDs[start:s.Ends[i]])
}
