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
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if n, err := strconv.Atoi(name); err == nil {
		return fromNumber(n, text)
	}
	if n, ok := realTime(name); ok {
		return fromNumber(n, text)
	}
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return Signal(n), nil
	}
	return 0, fmt.Errorf("no signal is called %q: write a name such as TERM, INT or RTMIN+1, or a number from 1 to %d", text, Max)
}

func fromNumber(n int, text string) (Signal, error) {
	if n < 1 || n > Max || n == 32 || n == 33 {
		return 0, fmt.Errorf("%q is no signal a program can be sent: write a name such as TERM, or a number from 1 to %d (32 and 33 belong to the C library)", text, Max)
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
