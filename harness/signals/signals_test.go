package signals_test

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/signals"
)

func TestEverySignalIsReadBackFromItsName(t *testing.T) {
	for _, s := range signals.All() {
		for _, text := range []string{
			s.String(), "SIG" + s.String(), strings.ToLower(s.String()),
			"sig" + strings.ToLower(s.String()), strconv.Itoa(int(s)),
		} {
			if got, err := signals.Parse(text); err != nil || got != s {
				t.Errorf("Parse(%q) = %v, %v; want %d", text, int(got), err, int(s))
			}
		}
	}
	for _, name := range signals.Names() {
		if s, err := signals.Parse(name); err != nil || !s.Valid() {
			t.Errorf("Parse(%q) = %v, %v", name, s, err)
		}
	}
	if n := len(signals.Names()); n != 31+3 {
		t.Errorf("%d names, want 31 and three second ones", n)
	}
	if n := len(signals.All()); n != 62 {
		t.Errorf("%d signals, want 62: 1 to 64 without 32 and 33", n)
	}
}

func TestSignalsHaveTheNumbersOfTheSystem(t *testing.T) {
	for text, want := range map[string]unix.Signal{
		"TERM": unix.SIGTERM, "int": unix.SIGINT, "SIGKILL": unix.SIGKILL, "IOT": unix.SIGABRT,
		"cld": unix.SIGCHLD, "SIGPOLL": unix.SIGIO, "RTMIN": 34, "RTMIN+1": 35, "RTMAX": 64, "RTMAX-1": 63, "sigrtmax-30": 34,
	} {
		if got, err := signals.Parse(text); err != nil || got != signals.Signal(want) {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestNoSignalIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for _, text := range []string{
		"", "SIG", "NOSUCH", "0", "-1", "+9", "SIG9", "32", "33", "65", "99999999999999999999",
		"RTMIN-1", "RTMIN+", "RTMIN++1", "RTMIN+31", "RTMAX+1", "RTMAX-31", "TERM ", " TERM", "TERM,INT", "SIGSIGTERM",
	} {
		got, err := signals.Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) = %v, want an error", text, got)
			continue
		}
		if !strings.Contains(err.Error(), strconv.Quote(text)) || !strings.Contains(err.Error(), "; write a name such as TERM") {
			t.Errorf("Parse(%q) says %q: neither what was written nor what would be right", text, err)
		}
	}
}

func TestSetIsReadBackAsTheKernelPrintsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := signals.Set(rapid.Uint64().Draw(t, "set"))
		text, err := set.MarshalText()
		if err != nil || len(text) != 16 {
			t.Fatalf("MarshalText() = %q, %v; want 16 digits", text, err)
		}
		if got, err := signals.ParseSet(string(text)); err != nil || got != set {
			t.Fatalf("ParseSet(%q) = %v, %v", text, got, err)
		}
		if got := signals.SetOf(set.Signals()...); got != set {
			t.Fatalf("SetOf(%v) = %016x", set.Signals(), uint64(got))
		}
	})
}

func TestSetHasWhatWasPutIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.SliceOf(rapid.SampledFrom(signals.All())).Draw(t, "members")
		other := rapid.SampledFrom(signals.All()).Draw(t, "other")
		want := false
		for _, s := range members {
			want = want || s == other
		}
		if got := signals.SetOf(members...).Has(other); got != want {
			t.Fatalf("SetOf(%v).Has(%v) = %v", members, other, got)
		}
	})
}

func TestSetLeavesOutWhatIsNoSignal(t *testing.T) {
	if set := signals.SetOf(0, -1, 65, signals.TERM); set != signals.SetOf(signals.TERM) {
		t.Errorf("set = %016x", uint64(set))
	}
	// SigCgt of a shell with a handler for INT and CHLD, as /proc prints it.
	if set, err := signals.ParseSet("0000000000010002\n"); err != nil || set.String() != "INT CHLD" {
		t.Errorf("set = %v, %v; want INT CHLD", set, err)
	}
	for _, text := range []string{"", "xyz", "0x2", "10000000000000000", "-1"} {
		if _, err := signals.ParseSet(text); err == nil {
			t.Errorf("ParseSet(%q) is accepted", text)
		}
	}
}

func TestDeliveryIsReadBackOrRefused(t *testing.T) {
	for _, d := range signals.Deliveries {
		if got, err := signals.ParseDelivery(string(d)); err != nil || got != d {
			t.Errorf("ParseDelivery(%q) = %v, %v", d, got, err)
		}
	}
	for _, text := range []string{"", "Process", "tree", "process "} {
		if _, err := signals.ParseDelivery(text); err == nil || !strings.Contains(err.Error(), "; write process, group, session or tty") {
			t.Errorf("ParseDelivery(%q): %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"TERM", "sigint", "15", "RTMIN+3", "RTMAX-1", "SIG", "-9", "RTMIN+99"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := signals.Parse(text)
		if err != nil {
			return
		}
		if !s.Valid() {
			t.Fatalf("Parse(%q) = %d, which is no signal", text, int(s))
		}
		if again, err := signals.Parse(s.String()); err != nil || again != s {
			t.Fatalf("Parse(%q) = %v, read back as %v, %v", text, s, again, err)
		}
	})
}
