package warden

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// terminal is the master side of a pseudo-terminal (pty(7)).
type terminal struct {
	fd   int // -1 once hung up
	name string
	// reader has a descriptor of its own for the master side. The line is not hung up
	// before that is closed too.
	reader *capture
}

// The size of a terminal that was not resized yet.
const (
	rows    = 24
	columns = 80
)

// openTerminal makes a pseudo-terminal and opens its slave. It is done by hand rather
// than by a library because the descriptors are waited on with poll(2).
func openTerminal() (t *terminal, slave int, err error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, -1, fmt.Errorf("open /dev/ptmx: %w", err)
	}
	t = &terminal{fd: master}
	if slave, err = t.openSlave(); err != nil {
		t.close()
		return nil, -1, err
	}
	return t, slave, nil
}

func (t *terminal) openSlave() (int, error) {
	if err := unix.IoctlSetPointerInt(t.fd, unix.TIOCSPTLCK, 0); err != nil {
		return -1, fmt.Errorf("unlock the terminal: %w", err)
	}
	number, err := unix.IoctlGetInt(t.fd, unix.TIOCGPTN)
	if err != nil {
		return -1, fmt.Errorf("number of the terminal: %w", err)
	}
	t.name = "/dev/pts/" + strconv.Itoa(number)
	slave, err := unix.Open(t.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", t.name, err)
	}
	if err := t.set(slave); err != nil {
		unix.Close(slave) //nolint:errcheck // nothing was written
		return -1, err
	}
	return slave, nil
}

// set gives the terminal its size, and switches its echo off: the ^C that a terminal
// shows would stand in the middle of what the target prints.
func (t *terminal) set(slave int) error {
	if err := t.resize(columns); err != nil {
		return err
	}
	termios, err := unix.IoctlGetTermios(slave, unix.TCGETS)
	if err == nil {
		termios.Lflag &^= unix.ECHO
		err = unix.IoctlSetTermios(slave, unix.TCSETS, termios)
	}
	if err != nil {
		return fmt.Errorf("switch the terminal's echo off: %w", err)
	}
	return nil
}

func (t *terminal) resize(width uint16) error {
	if err := unix.IoctlSetWinsize(t.fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: width}); err != nil {
		return fmt.Errorf("resize the terminal: %w", err)
	}
	return nil
}

// send does on the terminal what makes the line discipline send the signal. The
// warning is not empty when that cannot work because the program switched it off.
func (t *terminal) send(s signals.Signal) (warning string, err error) {
	switch s {
	case signals.HUP:
		t.close()
		t.reader.close()
		return "", nil
	case signals.WINCH:
		return "", t.resize(columns + 1)
	}
	termios, err := unix.IoctlGetTermios(t.fd, unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("read the terminal's settings: %w", err)
	}
	place, usual, ok := key(s)
	if !ok {
		return "", fmt.Errorf("no key stands for %s", s)
	}
	// A program may have moved the key, or switched it off (_POSIX_VDISABLE, 0).
	key := termios.Cc[place]
	if termios.Lflag&unix.ISIG == 0 || key == 0 {
		warning = "the program switched the key for " + s.String() + " off: it was typed, and arrives as a character"
		key = usual
	}
	if _, err := unix.Write(t.fd, []byte{key}); err != nil {
		return "", fmt.Errorf("type %s: %w", s, err)
	}
	return warning, nil
}

// key is where a terminal's settings have the character that stands for the signal, and
// what it is by custom: Ctrl-C, Ctrl-\ or Ctrl-Z (termios(3)).
func key(s signals.Signal) (place int, usual byte, ok bool) {
	switch s {
	case signals.INT:
		return unix.VINTR, 0x03, true
	case signals.QUIT:
		return unix.VQUIT, 0x1c, true
	case signals.TSTP:
		return unix.VSUSP, 0x1a, true
	}
	return 0, 0, false
}

// close hangs the terminal up: its session leader gets HUP.
func (t *terminal) close() {
	if t.fd >= 0 {
		unix.Close(t.fd) //nolint:errcheck // nothing is buffered on this side
		t.fd = -1
	}
}
