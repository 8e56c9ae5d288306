// Package signals names signals, their dispositions and the order in which a
// program is told to stop.
//
// It knows three things: which number belongs to which name on the running
// system ([Parse], [Signal.String]), sets of signals as the kernel prints them in
// /proc/PID/status ([Set]), and the schedule of a stop in the grammar of
// start-stop-daemon ([Schedule]).
package signals

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signal is a signal number of the running system, 1 to [Max].
type Signal int

// The signals that sigprobe itself speaks of.
const (
	HUP   = Signal(unix.SIGHUP)
	INT   = Signal(unix.SIGINT)
	QUIT  = Signal(unix.SIGQUIT)
	KILL  = Signal(unix.SIGKILL)
	USR1  = Signal(unix.SIGUSR1)
	TERM  = Signal(unix.SIGTERM)
	STOP  = Signal(unix.SIGSTOP)
	CONT  = Signal(unix.SIGCONT)
	TSTP  = Signal(unix.SIGTSTP)
	WINCH = Signal(unix.SIGWINCH)
)

// Linux: signals 32 and 33 belong to the C library's threads; 34 to 64 are the
// real-time signals a program may use (signal(7)).
const (
	rtMin = 34
	rtMax = 64
)

// Max is the highest signal number.
const Max = rtMax

// Parse reads a signal: a name with or without SIG in either case ("TERM",
// "sigterm"), a number ("15"), or a real-time signal ("RTMIN", "RTMIN+3", "RTMAX-1").
func Parse(text string) (Signal, error) {
	if n, err := strconv.ParseInt(text, 10, 0); err == nil && text[0] != '+' {
		return fromNumber(int(n), text)
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if n, ok := realTime(name); ok {
		return fromNumber(n, text)
	}
	if s, ok := aliases[name]; ok {
		return s, nil
	}
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return Signal(n), nil
	}
	return 0, fmt.Errorf("no signal is called %q; write a name such as TERM, INT or RTMIN+1, or a number from 1 to %d", text, Max)
}

// aliases are the second names of signal(7) that package unix leaves out.
var aliases = map[string]Signal{
	"CLD":  Signal(unix.SIGCHLD),
	"IOT":  Signal(unix.SIGABRT),
	"POLL": Signal(unix.SIGIO),
}

// Valid says whether s can be sent to a program: 1 to [Max] without the C library's own.
func (s Signal) Valid() bool { return s >= 1 && s <= Max && s != 32 && s != 33 }

// All lists the valid signals in rising order.
func All() []Signal {
	all := make([]Signal, 0, Max)
	for s := Signal(1); s <= Max; s++ {
		if s.Valid() {
			all = append(all, s)
		}
	}
	return all
}

func fromNumber(n int, text string) (Signal, error) {
	if !Signal(n).Valid() {
		return 0, fmt.Errorf("%q is no signal a program can be sent; write a name such as TERM, or a number from 1 to %d (32 and 33 belong to the C library)", text, Max)
	}
	return Signal(n), nil
}

// realTime reads RTMIN, RTMIN+n, RTMAX and RTMAX-n.
func realTime(name string) (int, bool) {
	if rest, ok := strings.CutPrefix(name, "RTMIN"); ok {
		return rtMinPlus(rest)
	}
	if rest, ok := strings.CutPrefix(name, "RTMAX"); ok {
		n, ok := offset(rest, '-')
		return rtMax - n, ok && n <= rtMax-rtMin
	}
	return 0, false
}

func rtMinPlus(rest string) (int, bool) {
	n, ok := offset(rest, '+')
	return rtMin + n, ok && n <= rtMax-rtMin
}

func offset(text string, sign byte) (int, bool) {
	if text == "" {
		return 0, true
	}
	if text[0] != sign {
		return 0, false
	}
	n, err := strconv.ParseUint(text[1:], 10, 8)
	return int(n), err == nil
}

// Names lists every name that [Parse] reads, without SIG and without the real-time
// signals; second names such as IOT come last.
func Names() []string {
	var names []string
	for _, s := range All() {
		if s < rtMin {
			names = append(names, s.String())
		}
	}
	return append(names, slices.Sorted(maps.Keys(aliases))...)
}

// String is the name without SIG: "TERM", "RTMIN+2"; the number where there is no name.
func (s Signal) String() string {
	if s >= rtMin && s <= rtMax {
		if s == rtMin {
			return "RTMIN"
		}
		return fmt.Sprintf("RTMIN+%d", s-rtMin)
	}
	if name := unix.SignalName(syscall.Signal(s)); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return strconv.Itoa(int(s))
}

// MarshalText writes the name, as [Signal.String] does.
func (s Signal) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [Parse] reads.
func (s *Signal) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
