package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports/render"
)

// The exit statuses. 128 plus the signal's number stands for an interrupted run;
// timeout(1) and shells own 124 to 127.
const (
	statusGraceful     = 0
	statusViolation    = 1
	statusInconclusive = 2
	statusUsage        = 64 // EX_USAGE of sysexits(3): the command line or a scenario
	statusHarness      = 70 // EX_SOFTWARE: sigprobe could not do its work
)

// exit is an error that knows its exit status. Without a cause nothing is printed:
// the report has said it.
type exit struct {
	status int
	cause  error
}

func (e *exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.cause.Error()
}

func (e *exit) Unwrap() error { return e.cause }

// usage is an error that the command line or a scenario has to mend.
func usage(format string, args ...any) error {
	return &exit{statusUsage, fmt.Errorf(format, args...)}
}

// broken is an error of sigprobe or of the machine it runs on.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return &exit{statusHarness, err}
}

// by ends the program with a status and without a word; nil for 0.
func by(status int) error {
	if status == 0 {
		return nil
	}
	return &exit{status, nil}
}

// interrupted is the status of a run that a signal ended.
func interrupted(s signals.Signal) int { return 128 + int(s) }

// statusOf is the exit status of a verdict.
func statusOf(v verdict.Verdict) int {
	switch v {
	case verdict.Graceful:
		return statusGraceful
	case verdict.Violation:
		return statusViolation
	case verdict.Inconclusive:
		return statusInconclusive
	}
	return statusHarness
}

// report prints an error, a line for each thing that is wrong, and gives the exit
// status. An error without a status is cobra's, about the command line.
func report(w io.Writer, err error) int {
	if err == nil {
		return statusGraceful
	}
	var known *exit
	if !errors.As(err, &known) {
		known = &exit{statusUsage, err}
	}
	if known.cause != nil {
		for line := range strings.Lines(known.cause.Error()) {
			note(w, "%s", strings.TrimSuffix(line, "\n"))
		}
	}
	return known.status
}

// note prints one line for a person beside the report. That nobody can read it is no
// reason to stop.
func note(w io.Writer, format string, args ...any) {
	fmt.Fprintf(w, "sigprobe: %s\n", render.Escape(fmt.Sprintf(format, args...))) //nolint:errcheck // see above
}

// readerGone says that whoever read the output has had enough of it (`| head`).
func readerGone(err error) bool { return errors.Is(err, syscall.EPIPE) }
