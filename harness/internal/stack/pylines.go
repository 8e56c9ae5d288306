package stack

// lineOfPairs finds a line in co_lnotab of 3.8 and 3.9: pairs of how many bytes of code
// and how many lines it goes on (Objects/lnotab_notes.txt).
func lineOfPairs(table []byte, first int, place int64) int {
	line, at := first, int64(0)
	for ; len(table) >= 2; table = table[2:] {
		if at += int64(table[0]); at > place {
			break
		}
		line += int(int8(table[1]))
	}
	return line
}

// noLine marks a range of code without a line in 3.10.
const noLine = -128

// lineOfRanges finds a line in co_linetable of 3.10: pairs of how many bytes of code there
// are and how far their line is from the one before (PEP 626).
func lineOfRanges(table []byte, first int, place int64) int {
	if place < 0 {
		return first
	}
	line, at := first, int64(0)
	for ; len(table) >= 2; table = table[2:] {
		at += int64(table[0])
		change := int(int8(table[1]))
		if change != noLine {
			line += change
		}
		if place < at {
			if change == noLine {
				return 0
			}
			return line
		}
	}
	return 0
}

// lineOfLocations finds a line in co_linetable of 3.11 and later: entries for one to
// eight units of code, whose first byte has its highest bit set (Objects/locations.md).
func lineOfLocations(table []byte, first int, place int64) int {
	if place < 0 {
		return first
	}
	line, at := first, int64(0)
	for len(table) > 0 {
		head := table[0]
		table = table[1:]
		change, none := lineChange(head>>3&15, table)
		line += change
		if at += 2 * (int64(head&7) + 1); place < at {
			if none {
				return 0
			}
			return line
		}
		for len(table) > 0 && table[0]&0x80 == 0 {
			table = table[1:]
		}
	}
	return 0
}

// lineChange is how many lines an entry goes on, by its form; none is set for code that
// belongs to no line.
func lineChange(form byte, rest []byte) (lines int, none bool) {
	switch {
	case form == 15:
		return 0, true
	case form == 13 || form == 14:
		return signedSixes(rest), false
	case form >= 10 && form <= 12:
		return int(form) - 10, false
	}
	return 0, false
}

// signedSixes reads a signed number in groups of six bits, whose lowest bit is the sign.
func signedSixes(rest []byte) int {
	value := 0
	for i, b := range rest {
		if i >= 6 {
			return 0
		}
		value |= int(b&0x3f) << (6 * i)
		if b&0x40 == 0 {
			break
		}
	}
	if value&1 != 0 {
		return -(value >> 1)
	}
	return value >> 1
}
