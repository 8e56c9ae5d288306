package signals

import (
	"fmt"
	"strconv"
	"strings"
)

// Set is a set of signals: bit n-1 stands for signal n, as in the SigBlk, SigIgn,
// SigCgt and pending masks of /proc/PID/status (proc_pid_status(5)).
type Set uint64

// ParseSet reads a mask as the kernel prints it, 16 hexadecimal digits.
func ParseSet(hex string) (Set, error) {
	bits, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
	if err != nil {
		return 0, fmt.Errorf("signal mask %q: %w", hex, err)
	}
	return Set(bits), nil
}

// SetOf is the set of the given signals; numbers that are no signal are left out.
func SetOf(members ...Signal) Set {
	var set Set
	for _, s := range members {
		if s >= 1 && s <= Max {
			set |= 1 << (s - 1)
		}
	}
	return set
}

// Has says whether s is in the set; it is false for numbers that are no signal.
func (set Set) Has(s Signal) bool {
	return s >= 1 && s <= Max && set&(1<<(s-1)) != 0
}

// Signals lists the members in rising order.
func (set Set) Signals() []Signal {
	var members []Signal
	for s := Signal(1); s <= Max; s++ {
		if set.Has(s) {
			members = append(members, s)
		}
	}
	return members
}

// String lists the names, separated by blanks.
func (set Set) String() string {
	names := make([]string, 0, 8)
	for _, s := range set.Signals() {
		names = append(names, s.String())
	}
	return strings.Join(names, " ")
}

// MarshalText writes the mask as the kernel prints it.
func (set Set) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(set)), nil }

// UnmarshalText reads what [ParseSet] reads.
func (set *Set) UnmarshalText(text []byte) error {
	parsed, err := ParseSet(string(text))
	if err == nil {
		*set = parsed
	}
	return err
}
