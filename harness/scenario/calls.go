package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/internal/calls"
)

// Calls is a set of system calls, as text: names and classes separated by commas.
type Calls string

// Numbers lists the calls by their numbers on the running machine.
func (c Calls) Numbers() ([]int, error) {
	set, err := calls.Parse(string(c))
	return set.Numbers(), err
}

// UnmarshalText reads names and classes, and refuses what is none.
func (c *Calls) UnmarshalText(text []byte) error {
	if _, err := calls.Parse(string(text)); err != nil {
		return err
	}
	*c = Calls(text)
	return nil
}

// Span is a part of the points of a sweep: First, First+Step, … up to Last.
type Span struct {
	First, Step int
	Last        int // 0 for no end
}

// ParseSpan reads `7`, `1..`, `5..100`, `1..+10`, `5..100+5`.
func ParseSpan(text string) (Span, error) {
	span, err := parseSpan(text)
	if err != nil || span.First < 1 || span.Step < 1 || span.Last != 0 && span.Last < span.First {
		return Span{}, fmt.Errorf("%q is no part of a sweep; write 1.. for all points, 5..100 for some, 1..+10 for every tenth", text)
	}
	return span, nil
}

func parseSpan(text string) (s Span, err error) {
	ends, step, stepped := strings.Cut(text, "+")
	s.Step = 1
	if stepped {
		if s.Step, err = strconv.Atoi(step); err != nil {
			return s, err
		}
	}
	first, last, open := strings.Cut(ends, "..")
	if s.First, err = strconv.Atoi(first); err != nil {
		return s, err
	}
	switch {
	case !open:
		s.Last = s.First
	case last != "":
		s.Last, err = strconv.Atoi(last)
		if err == nil && s.Last == 0 {
			err = strconv.ErrRange
		}
	}
	return s, err
}

// Has says whether point n belongs to the span.
func (s Span) Has(n int) bool {
	return n >= s.First && (s.Last == 0 || n <= s.Last) && (n-s.First)%max(1, s.Step) == 0
}

// String writes the span so that [ParseSpan] reads it back.
func (s Span) String() string {
	text := strconv.Itoa(s.First)
	switch s.Last {
	case s.First:
	case 0:
		text += ".."
	default:
		text += ".." + strconv.Itoa(s.Last)
	}
	if s.Step > 1 {
		text += "+" + strconv.Itoa(s.Step)
	}
	return text
}

// MarshalText writes what String writes.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [ParseSpan] reads.
func (s *Span) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSpan(string(text))
	return err
}
