package scenario

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Duration is a Go duration written with its unit: 2s, 150ms.
type Duration time.Duration

// D is the duration as package time has it.
func (d Duration) D() time.Duration { return time.Duration(d) }

// String writes it as package time does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes what String writes.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a duration that is not negative.
func (d *Duration) UnmarshalText(text []byte) error {
	if len(text) > 0 && strings.Trim(string(text), "0123456789.") == "" {
		return fmt.Errorf("%q has no unit; write %ss", text, text)
	}
	parsed, err := time.ParseDuration(string(text))
	switch {
	case len(text) > 0 && text[0] == '-':
		return fmt.Errorf("the duration %q is negative; write 0s or more", text)
	case err != nil:
		return fmt.Errorf("%q is no duration; write a number with its unit, such as 2s or 150ms", text)
	}
	*d = Duration(parsed)
	return nil
}

// Window is a span of time, both ends included.
type Window struct {
	From, To time.Duration
}

// ParseWindow reads `0s..1s`, or `1s` for 0s..1s.
func ParseWindow(text string) (Window, error) {
	from, to, both := strings.Cut(text, "..")
	if !both {
		from, to = "0s", from
	}
	var a, b Duration
	if err := a.UnmarshalText([]byte(from)); err != nil {
		return Window{}, fmt.Errorf("window %q: %w", text, err)
	}
	if err := b.UnmarshalText([]byte(to)); err != nil {
		return Window{}, fmt.Errorf("window %q: %w", text, err)
	}
	if b < a {
		return Window{}, fmt.Errorf("window %q ends before it starts; write the earlier end first, as in %s..%s", text, b, a)
	}
	return Window{a.D(), b.D()}, nil
}

// String writes both ends.
func (w Window) String() string { return w.From.String() + ".." + w.To.String() }

// MarshalText writes what String writes.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what [ParseWindow] reads.
func (w *Window) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWindow(string(text))
	return err
}

// Offsets is a part of the time around an event, both ends included; what lies before the
// event is negative.
type Offsets struct {
	From, To time.Duration
}

// ParseOffsets reads `-5ms..20ms`, or `-5ms` for -5ms..0s, or `20ms` for 0s..20ms.
func ParseOffsets(text string) (Offsets, error) {
	from, to, both := strings.Cut(text, "..")
	switch {
	case both:
	case strings.HasPrefix(text, "-"):
		from, to = text, "0s"
	default:
		from, to = "0s", text
	}
	a, errA := parseOffset(from)
	b, errB := parseOffset(to)
	if err := cmp.Or(errA, errB); err != nil {
		return Offsets{}, fmt.Errorf("offsets %q: %w", text, err)
	}
	if b < a {
		return Offsets{}, fmt.Errorf("offsets %q end before they start; write the earlier end first, as in %s..%s", text, b, a)
	}
	return Offsets{a, b}, nil
}

func parseOffset(text string) (time.Duration, error) {
	var d Duration
	size, negative := strings.CutPrefix(text, "-")
	if err := d.UnmarshalText([]byte(size)); err != nil {
		return 0, err
	}
	if negative {
		return -d.D(), nil
	}
	return d.D(), nil
}

// String writes both ends.
func (o Offsets) String() string { return o.From.String() + ".." + o.To.String() }

// MarshalText writes what String writes.
func (o Offsets) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what [ParseOffsets] reads.
func (o *Offsets) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOffsets(string(text))
	return err
}

// Range is a range of whole numbers from 1 on, both ends included.
type Range struct {
	First, Last int
}

// ParseRange reads `3` or `1..10`.
func ParseRange(text string) (Range, error) {
	first, last, both := strings.Cut(text, "..")
	if !both {
		last = first
	}
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if errA != nil || errB != nil || a < 1 || b < a {
		return Range{}, fmt.Errorf("%q is no range; write a number from 1 on, or two as in 1..10", text)
	}
	return Range{a, b}, nil
}

// String writes one number or two.
func (r Range) String() string {
	if r.First == r.Last {
		return strconv.Itoa(r.First)
	}
	return fmt.Sprintf("%d..%d", r.First, r.Last)
}

// MarshalText writes what String writes.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what [ParseRange] reads.
func (r *Range) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRange(string(text))
	return err
}

// Regexp is a regular expression in RE2 syntax.
type Regexp struct {
	*regexp.Regexp
}

// MustRegexp compiles text and panics where it is none; for scenarios written in Go.
func MustRegexp(text string) *Regexp { return &Regexp{regexp.MustCompile(text)} }

// String is the expression; "" for none.
func (r Regexp) String() string {
	if r.Regexp == nil {
		return ""
	}
	return r.Regexp.String()
}

// MarshalText writes what String writes.
func (r Regexp) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// cause is what is wrong with an expression, without package regexp's preface.
func cause(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

// UnmarshalText compiles the expression.
func (r *Regexp) UnmarshalText(text []byte) error {
	compiled, err := regexp.Compile(string(text))
	if err != nil {
		return fmt.Errorf("%q is no regular expression: %s; write one in RE2 syntax", text, cause(err))
	}
	r.Regexp = compiled
	return nil
}

// Accept is an ending that is accepted.
type Accept struct {
	Kind observation.Kind
	Code int // for the kind code
}

// Matches says whether the ending is this one. A code is accepted by its number also
// where it is a signal's: code:143 takes an exit with 143 after TERM.
func (a Accept) Matches(e observation.Ending) bool {
	if a.Kind == observation.Code {
		return a.Code == e.Code && (e.Kind == observation.Code || e.Kind == observation.SignalCode)
	}
	return a.Kind == e.Kind
}

// String writes `clean`, `code:3`.
func (a Accept) String() string {
	if a.Kind == observation.Code {
		return fmt.Sprintf("code:%d", a.Code)
	}
	return string(a.Kind)
}

// MarshalText writes what String writes.
func (a Accept) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an ending as `--accept` takes it. `conventional` is no ending
// but a list: see [ParseAccepts]. code:0 is clean.
func (a *Accept) UnmarshalText(text []byte) error {
	kind, code, err := observation.ParseKind(string(text))
	switch {
	case err != nil:
		return err
	case kind == observation.Code && code == 0:
		kind = observation.Clean
	}
	*a = Accept{kind, code}
	return nil
}

// Conventional is what `conventional` stands for: the endings that one convention or
// another calls graceful.
var Conventional = []Accept{{Kind: observation.Clean}, {Kind: observation.SignalCode}, {Kind: observation.ReRaised}}

// ParseAccepts reads a list as `--accept` takes it: clean,signal-code,code:7 or conventional.
func ParseAccepts(items []string) ([]Accept, error) {
	var accepts []Accept
	for _, item := range items {
		if item == "conventional" {
			accepts = append(accepts, Conventional...)
			continue
		}
		var a Accept
		if err := a.UnmarshalText([]byte(item)); err != nil {
			return nil, err
		}
		accepts = append(accepts, a)
	}
	return accepts, nil
}

// Quota is a number of trials, or a share of them.
type Quota struct {
	Count   int
	Percent float64 // counts when positive
}

// Of is the number of trials out of total that the quota asks for, rounded up.
func (q Quota) Of(total int) int {
	if q.Percent <= 0 {
		return q.Count
	}
	need := int(q.Percent * float64(total) / 100)
	if float64(need)*100 < q.Percent*float64(total) {
		need++
	}
	return need
}

// String writes `10` or `50%`.
func (q Quota) String() string {
	if q.Percent > 0 {
		return strconv.FormatFloat(q.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(q.Count)
}

// MarshalText writes what String writes.
func (q Quota) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalText reads `10` or `50%`.
func (q *Quota) UnmarshalText(text []byte) error {
	if share, isShare := strings.CutSuffix(string(text), "%"); isShare {
		percent, err := strconv.ParseFloat(share, 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return fmt.Errorf("%q is no share; write one from above 0%% to 100%%", text)
		}
		*q = Quota{Percent: percent}
		return nil
	}
	count, err := strconv.Atoi(string(text))
	if err != nil || count < 0 {
		return fmt.Errorf("%q is no number of trials; write one such as 10, or a share such as 50%%", text)
	}
	*q = Quota{Count: count}
	return nil
}
