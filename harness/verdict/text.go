package verdict

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// shownRunes bounds what is shown of one text of the target.
const shownRunes = 200

// shownFacts bounds how many facts of one sort stand in the evidence.
const shownFacts = 12

// span writes a duration in the unit and with the digits a person wants: "250 µs",
// "3.4 ms", "12 ms", "1.25 s", "2m3s".
func span(d time.Duration) string {
	abs := max(d, -d)
	switch {
	case abs < 0 || abs >= time.Minute: // abs < 0: the one duration without a positive twin
		return d.Round(time.Second).String()
	case abs >= time.Second:
		return number(d.Seconds(), 2) + " s"
	case abs >= 10*time.Millisecond:
		return number(float64(d)/1e6, 0) + " ms"
	case abs >= time.Millisecond:
		return number(float64(d)/1e6, 1) + " ms"
	case d == 0:
		return "0 s"
	}
	return number(float64(d)/1e3, 0) + " µs"
}

// number rounds to the given digits and leaves out trailing zeros behind the point.
func number(value float64, digits int) string {
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// size writes a number of bytes: "512 B", "3.4 MB" (decimal units).
func size(bytes uint64) string {
	value, unit := float64(bytes), 0
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return number(value, min(unit, 1)) + " " + units[unit]
}

var units = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// plain makes a text of the target fit to be shown amid a sentence: every character
// that does not print is escaped as strconv.Quote does it, bytes that are no UTF-8
// become U+FFFD as they do in JSON, and what is very long is cut.
func plain(text string) string {
	var b strings.Builder
	shown := 0
	for _, r := range text {
		if shown++; shown > shownRunes {
			return b.String() + "…"
		}
		if strconv.IsPrint(r) {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// quote makes a text of the target fit to be shown as itself, in quotes.
func quote(text string) string {
	runes := []rune(text)
	if len(runes) > shownRunes {
		return strconv.Quote(string(runes[:shownRunes])) + "…"
	}
	return strconv.Quote(string(runes))
}

// count writes "1 child", "3 children".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// bounded keeps the first facts and counts the rest.
func bounded(facts []string) []string {
	if len(facts) <= shownFacts {
		return facts
	}
	return append(facts[:shownFacts:shownFacts], fmt.Sprintf("… and %d more", len(facts)-shownFacts))
}

// process writes "sleep (4242)".
func process(command string, pid int) string {
	if command == "" {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("%s (%d)", plain(command), pid)
}

// stateNames explains the letters of proc_pid_stat(5).
var stateNames = map[string]string{
	"R": "running or runnable",
	"S": "sleeping",
	"D": "uninterruptible",
	"T": "stopped",
	"t": "stopped by a tracer",
	"Z": "zombie",
	"I": "idle",
}

// busy says what a process or a thread is doing: "state S (sleeping), in futex,
// waiting in futex_wait_queue".
func busy(state, syscall, wchan string) string {
	if state == "" {
		state = "unknown"
	}
	text := "state " + plain(state)
	if name, known := stateNames[state]; known {
		text += " (" + name + ")"
	}
	if syscall != "" && syscall != "running" {
		text += ", in " + plain(syscall)
	}
	if wchan != "" && wchan != "0" {
		text += ", waiting in " + plain(wchan)
	}
	return text
}

// story tells the trial from the strike to the end, a fact a line.
func (f facts) story() []string {
	lines := []string{f.struck()}
	if f.o.Strike.Doing != nil && f.o.Strike.Doing.Stack != nil {
		lines = append(lines, f.stood(*f.o.Strike.Doing.Stack))
	}
	var sent []string
	for _, s := range f.o.Sent {
		sent = append(sent, f.sent(s))
	}
	lines = append(lines, bounded(sent)...)
	lines = append(lines, fmt.Sprintf("%s %s, %s after the first signal (wait status 0x%04x)", f.main, f.ending.Describe(), span(f.latency), f.o.Exit.Status))
	if f.o.Output.Last != "" {
		lines = append(lines, "last line before the signal: "+quote(f.o.Output.Last))
	}
	return lines
}

func (f facts) struck() string {
	strike := f.o.Strike
	text := fmt.Sprintf("struck %s after launch, %s late", span(strike.Actual), span(strike.Late()))
	if strike.Event != "" {
		text = fmt.Sprintf("struck %s after launch at %s", span(strike.Actual), plain(strike.Event))
	}
	if strike.Doing != nil {
		main := strike.Doing.Main
		text += "; it was in " + busy(main.State, main.Syscall, main.WChan)
	}
	return text
}

func (f facts) sent(s observation.Sent) string {
	text := fmt.Sprintf("+%s: %s to %s", span(s.At-f.o.Strike.Actual), s.Signal, s.To)
	if s.Event != "" {
		text += " at " + plain(s.Event)
	}
	if s.Final {
		text = fmt.Sprintf("+%s: %s to the whole tree, by sigprobe", span(s.At-f.o.Strike.Actual), s.Signal)
	}
	switch {
	case s.Error != "":
		text += ", refused: " + plain(s.Error)
	case s.Disposition == observation.Default:
		text += ", no handler installed"
	case s.Disposition != observation.Unknown && s.Disposition != observation.Uncatchable:
		text += ", " + plain(string(s.Disposition))
	}
	return text
}
