package main

import (
	"bytes"
	"context"
	_ "embed" // for floor.c
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The C program stands in a folder of its own: a Go package without cgo must not hold one.
//
//go:embed floor/floor.c
var floorSource []byte

// floor is the compiled C program.
type floor struct {
	b    *bench
	path string
}

// compileFloor compiles the C program with the machine's compiler and tries it.
func compileFloor(ctx context.Context, b *bench) (*floor, error) {
	cc, err := compiler()
	if err != nil {
		return nil, err
	}
	source := filepath.Join(b.disk, "floor.c")
	if err := os.WriteFile(source, floorSource, 0o600); err != nil {
		return nil, fmt.Errorf("compile the C floor: %w", err)
	}
	f := &floor{b, filepath.Join(b.disk, "floor")}
	if _, err := b.output(ctx, append(cc, "-O2", "-o", f.path, source)...); err != nil {
		return nil, fmt.Errorf("compile the C floor: %w", err)
	}
	_, err = f.times("vfork")(ctx, 1)
	return f, err
}

// compiler is $CC with its flags, or the first that is there.
func compiler() ([]string, error) {
	if cc := strings.Fields(os.Getenv("CC")); len(cc) > 0 {
		return cc, nil
	}
	for _, name := range []string{"cc", "gcc", "clang"} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}, nil
		}
	}
	return nil, errors.New("there is no C compiler (cc, gcc, clang, or $CC)")
}

// times gives what measures n of one method.
func (f *floor) times(method string) func(context.Context, int) ([]time.Duration, error) {
	return func(ctx context.Context, n int) ([]time.Duration, error) {
		text, err := f.b.output(ctx, f.path, method, strconv.Itoa(n), f.b.sleep, "1000")
		if err != nil {
			return nil, err
		}
		var all []time.Duration
		for _, field := range bytes.Fields(text) {
			nanos, err := strconv.ParseInt(string(field), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("output of the C floor: %w", err)
			}
			all = append(all, time.Duration(nanos))
		}
		if len(all) != n {
			return nil, fmt.Errorf("the C floor measured %d of %d", len(all), n)
		}
		return all, nil
	}
}

// output runs a program to its end and gives what it printed. It is told to stop with
// TERM, when ctx ends or when this process dies.
func (b *bench) output(ctx context.Context, argv ...string) (text []byte, err error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	b.cradle.do(func() { text, err = cmd.Output() })
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", filepath.Base(argv[0]), err)
	}
	return text, err
}
