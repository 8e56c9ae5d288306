// Package main measures sigprobe against what the machine itself can do, and against
// what others do: `make bench`, or `go run ./harness/internal/bench`. How it measures
// and how to read it is in docs/PERFORMANCE.md.
//
// Everything that is compared is measured in one run, in turns, so that drift of the
// machine hits all alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// Exit statuses.
const (
	met         = 0
	missed      = 1
	usage       = 64
	broken      = 70 // something could not be measured
	interrupted = 128 + int(unix.SIGINT)
)

func main() {
	if status, is := asRole(); is {
		os.Exit(status)
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags, and the names of the groups to measure.
type options struct {
	rounds   int
	shots    int
	crowd    int
	quick    bool
	json     string
	benchfmt bool
	only     []string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: bench [flags] [%s]...\nWithout names all are measured. Status 1 means that a bound was missed.\n",
			strings.Join(groupNames(), "|"))
		flags.PrintDefaults()
	}
	flags.IntVar(&o.rounds, "rounds", 20, "rounds, in each of which everything that is compared has its turn")
	flags.IntVar(&o.shots, "shots", 1000, "timed shots to measure the lateness of")
	flags.IntVar(&o.crowd, "crowd", 5000, "unrelated processes beside a census")
	flags.BoolVar(&o.quick, "quick", false, "a short look: small numbers for what is not given")
	flags.StringVar(&o.json, "json", "", "write all measurements to this `file`")
	flags.BoolVar(&o.benchfmt, "benchfmt", false, "print lines for benchstat before the table")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only = flags.Args()
	if o.quick {
		o.shorten(flags)
	}
	return o, o.check(stderr)
}

// shorten lowers what was not given on the command line.
func (o *options) shorten(flags *flag.FlagSet) {
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, short := range map[string]struct {
		number *int
		value  int
	}{"rounds": {&o.rounds, 5}, "shots": {&o.shots, 60}, "crowd": {&o.crowd, 300}} {
		if !given[name] {
			*short.number = short.value
		}
	}
}

func (o options) check(stderr io.Writer) (err error) {
	for name, n := range map[string]int{"rounds": o.rounds, "shots": o.shots, "crowd": o.crowd} {
		if n < 1 {
			err = fmt.Errorf("--%s %d: write at least 1", name, n)
		}
	}
	for _, name := range o.only {
		if !slices.Contains(groupNames(), name) {
			err = fmt.Errorf("there is no group %q; write %s", name, strings.Join(groupNames(), ", "))
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
	}
	return err
}

// run measures what was asked for, prints it, and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return met
	case err != nil:
		return usage
	}
	ctx, release := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer release()
	result, err := measure(ctx, o, stderr)
	err = errors.Join(err, result.write(o, stdout), nothingLeft())
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted")
		return interrupted
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return broken
	case !result.Met():
		return missed
	}
	return met
}

// write prints the result in all the forms that were asked for, if there is any.
func (r Result) write(o options, stdout io.Writer) error {
	if len(r.Groups) == 0 {
		return nil
	}
	var errs []error
	if o.benchfmt {
		errs = append(errs, writeBenchfmt(stdout, r))
	}
	errs = append(errs, writeTable(stdout, r))
	if o.json != "" {
		errs = append(errs, writeJSON(o.json, r))
	}
	return errors.Join(errs...)
}

// nothingLeft says which processes were not cleaned up.
func nothingLeft() error {
	if left := proc.Descendants(os.Getpid()); len(left) > 0 {
		return fmt.Errorf("%d processes are left, the first is %d (%s)", len(left), left[0].PID, left[0].Command)
	}
	return nil
}
