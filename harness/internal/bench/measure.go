package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/reports"
)

// groups is the table of all that is measured, in the order of the output.
var groups = []struct {
	name    string
	measure func(context.Context, *bench) (Group, error)
}{
	{"trial", measureTrial},
	{"lateness", measureLateness},
	{"exit", measureExit},
	{"census", measureCensus},
	{"sweep", measureSweep},
}

func groupNames() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

// bench is what all groups share.
type bench struct {
	options
	sleep  string // the program that everything is measured with
	cradle *cradle
	disk   string // an ordinary temporary folder, where programs can be executed
	fast   string // a folder in memory where there is one: run store, work folders
	tmpdir string // the TMPDIR that this process was given
}

// measure measures the groups one after the other. After an error the result holds
// what was measured until then.
func measure(ctx context.Context, o options, progress io.Writer) (result Result, err error) {
	b, err := newBench(o)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	result = Result{
		Schema: 1, Started: time.Now().UTC(), Machine: reports.ThisMachine(),
		Rounds: o.rounds, Store: place(b.fast),
	}
	for _, g := range groups {
		if len(o.only) > 0 && !slices.Contains(o.only, g.name) {
			continue
		}
		fmt.Fprintf(progress, "measuring %s\n", g.name)
		group, err := g.measure(ctx, b)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return result, fmt.Errorf("%s: %w", g.name, err)
		}
		group.Name = g.name
		result.Groups = append(result.Groups, group)
	}
	return result, nil
}

func newBench(o options) (*bench, error) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		return nil, fmt.Errorf("find the program to measure with: %w", err)
	}
	b := &bench{options: o, sleep: sleep, tmpdir: os.Getenv("TMPDIR")}
	if b.disk, err = os.MkdirTemp("", folderName()); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	if b.fast, err = inMemory(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.disk))
	}
	// The engine makes its work folders there.
	if err := os.Setenv("TMPDIR", b.fast); err != nil {
		return nil, errors.Join(err, b.close())
	}
	if b.cradle, err = newCradle(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) close() error {
	return errors.Join(os.Setenv("TMPDIR", b.tmpdir), os.RemoveAll(b.fast), os.RemoveAll(b.disk))
}

// folderName tells whose a folder is that was left because the benchmark was killed.
func folderName() string { return fmt.Sprintf("sigprobe-bench-%d-", os.Getpid()) }

// inMemory makes a folder on a tmpfs, so that a disk is not what is measured; on the
// ordinary temporary folder's file system where there is no tmpfs.
func inMemory() (string, error) {
	for _, parent := range []string{os.TempDir(), "/dev/shm"} {
		if !isTmpfs(parent) {
			continue
		}
		if dir, err := os.MkdirTemp(parent, folderName()); err == nil {
			return dir, nil
		}
	}
	return os.MkdirTemp("", folderName())
}

func isTmpfs(dir string) bool {
	var stat unix.Statfs_t
	return unix.Statfs(dir, &stat) == nil && stat.Type == unix.TMPFS_MAGIC
}

// place says in words where a folder lies.
func place(dir string) string {
	parent := filepath.Dir(dir)
	if isTmpfs(dir) {
		return "in memory (tmpfs, " + parent + ")"
	}
	return "on a disk (" + parent + "; no tmpfs was found)"
}

// contender is one of the things that are measured in turns.
type contender struct {
	name string
	// once does n of them and tells how long each took.
	once func(ctx context.Context, n int) ([]time.Duration, error)
	// slow ones have turns of a fifth.
	slow bool
}

// turn is how many a contender does at a time. The first find the caches full of what
// the others did before; they are not counted. A campaign is one long turn.
type turn struct{ cold, counted int }

func (t turn) of(c contender) turn {
	if c.slow {
		return turn{max(1, t.cold/5), max(1, t.counted/5)}
	}
	return t
}

// takeTurns lets each contender have its turn in every round. Who begins changes from
// round to round, so that nobody always follows the same one.
func takeTurns(ctx context.Context, rounds int, t turn, contenders []contender) ([]Series, error) {
	series := make([]Series, len(contenders))
	for i, c := range contenders {
		series[i].Name = c.name
	}
	for round := range rounds {
		for place := range contenders {
			i := (round + place) % len(contenders)
			t := t.of(contenders[i])
			took, err := contenders[i].once(ctx, t.cold+t.counted)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return series, fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			series[i].Rounds = append(series[i].Rounds, took[t.cold:])
		}
	}
	return series, nil
}

// repeat makes n measurements of one, until ctx ends.
func repeat(one func() (time.Duration, error)) func(context.Context, int) ([]time.Duration, error) {
	return func(ctx context.Context, n int) ([]time.Duration, error) {
		all := make([]time.Duration, 0, n)
		for range n {
			took, err := one()
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return all, err
			}
			all = append(all, took)
		}
		return all, nil
	}
}
