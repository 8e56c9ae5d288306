package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// crowd is many sleeping processes, by number: two descriptors for each would be more
// than many machines permit, and the number of a child that was not waited for is safe.
type crowd []int

// refusedError says that the machine did not take so many processes.
type refusedError struct {
	at, of int
	cause  error
}

func (e refusedError) Error() string {
	return fmt.Sprintf("the machine refused process %d of %d: %v", e.at, e.of, e.cause)
}

func (e refusedError) Unwrap() error { return e.cause }

// gather starts as many as were asked for and waits until all sleep. Whatever it
// returns is to be dispersed, also with an error.
func (b *bench) gather(ctx context.Context) (people crowd, err error) {
	b.cradle.do(func() {
		for len(people) < b.crowd && err == nil {
			var pid int
			if pid, err = b.cradle.fork(nil, b.sleep, "1000"); err == nil {
				people = append(people, pid)
				err = ctx.Err()
			}
		}
	})
	if isLimit(err) {
		return people, refusedError{len(people) + 1, b.crowd, err}
	}
	for _, pid := range people {
		if err == nil {
			err = asleep(pid)
		}
	}
	return people, err
}

// isLimit says whether the machine ran into a limit: of processes (EAGAIN), memory or
// descriptors.
func isLimit(err error) bool {
	for _, limit := range []error{unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE} {
		if errors.Is(err, limit) {
			return true
		}
	}
	return false
}

// disperse ends them all: first every one is told, so that they die side by side.
func (people crowd) disperse() error {
	for _, pid := range people {
		unix.Kill(pid, unix.SIGKILL) //nolint:errcheck // whether it is gone is what counts
	}
	var errs []error
	for _, pid := range people {
		errs = append(errs, waitFor(pid))
	}
	return errors.Join(errs...)
}
