package verdict

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 250: "0 µs", 900 * time.Nanosecond: "1 µs", 250 * time.Microsecond: "250 µs",
		3400 * time.Microsecond: "3.4 ms", 3 * time.Millisecond: "3 ms", 12_700 * time.Microsecond: "13 ms",
		1254 * time.Millisecond: "1.25 s", 3 * time.Second: "3 s", 123 * time.Second: "2m3s",
		-12 * time.Millisecond: "-12 ms",
	} {
		if got := span(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
	if got := span(math.MinInt64); !strings.HasPrefix(got, "-2562047h") {
		t.Errorf("the shortest: %q", got)
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 B", 512: "512 B", 3_400_000: "3.4 MB", 1000: "1 kB", math.MaxUint64: "18.4 EB"} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}

func TestWhatTheTargetSaysIsEscaped(t *testing.T) {
	for _, c := range []struct{ text, plain, quoted string }{
		{"sleep", "sleep", `"sleep"`},
		{`say "hi"`, `say "hi"`, `"say \"hi\""`},
		{"a\nb\x1b[2J\x00", `a\nb\x1b[2J\x00`, `"a\nb\x1b[2J\x00"`},
		{"right to left: \u202e", `right to left: \u202e`, `"right to left: \u202e"`},
		{"no UTF-8: \xff\xfe", "no UTF-8: \ufffd\ufffd", "\"no UTF-8: \ufffd\ufffd\""},
		{"grüße", "grüße", `"grüße"`},
		{strings.Repeat("ä", 201), strings.Repeat("ä", 200) + "…", `"` + strings.Repeat("ä", 200) + `"…`},
	} {
		if got := plain(c.text); got != c.plain {
			t.Errorf("plain: %q, want %q", got, c.plain)
		}
		if got := quote(c.text); got != c.quoted {
			t.Errorf("quote: %q, want %q", got, c.quoted)
		}
	}
}

func TestBounded(t *testing.T) {
	many := make([]string, shownFacts+3)
	kept := bounded(many)
	if len(kept) != shownFacts+1 || kept[shownFacts] != "… and 3 more" {
		t.Errorf("%q", kept)
	}
	if few := bounded(many[:shownFacts]); len(few) != shownFacts {
		t.Errorf("%q", few)
	}
}

func TestBusy(t *testing.T) {
	if got, want := busy("S", "futex", "futex_wait"), "state S (sleeping), in futex, waiting in futex_wait"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := busy("R", "running", "0"), "state R (running or runnable)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := busy("", "", ""), "state unknown"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
