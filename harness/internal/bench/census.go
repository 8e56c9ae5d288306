package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// crowdToNone bounds how much longer a census may take in a crowd.
const crowdToNone = 1.3

// A census is quick and a crowd is slow to gather: few rounds with many censuses each.
// Six are the fewest that benchstat gives an interval for.
const (
	censusRounds   = 6
	censusPerRound = 500
)

// measureCensus compares the listing of a small tree with nobody else there and with
// thousands of processes that do not belong to it.
func measureCensus(ctx context.Context, b *bench) (group Group, err error) {
	g := Group{Title: fmt.Sprintf("listing a tree of %d, with a crowd of unrelated processes beside it", treeSize(treeDepth))}
	tree, err := b.plantTree(treeDepth)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, tree.fell()) }()
	alone, crowded := Series{Name: "no crowd"}, Series{Name: fmt.Sprintf("crowd of %d", b.crowd)}
	for range min(censusRounds, b.rounds) {
		a, c, err := b.compareCensus(ctx, tree)
		if refused := (refusedError{}); errors.As(err, &refused) {
			g.Notes = append(g.Notes, fmt.Sprintf("skipped: %v; lower it by --crowd", refused))
			return g, nil
		}
		if err != nil {
			return g, err
		}
		alone.Rounds, crowded.Rounds = append(alone.Rounds, a), append(crowded.Rounds, c)
	}
	g.Series = []Series{alone, crowded}
	g.Bounds = []Bound{ratio(crowded.Name+" to none", crowded, alone).atMost(crowdToNone)}
	return g, nil
}

// compareCensus makes one round.
func (b *bench) compareCensus(ctx context.Context, t *tree) (alone, crowded []time.Duration, err error) {
	if alone, err = takeCensus(ctx, t); err != nil {
		return nil, nil, err
	}
	people, err := b.gather(ctx)
	defer func() { err = errors.Join(err, people.disperse()) }()
	if err != nil {
		return nil, nil, err
	}
	crowded, err = takeCensus(ctx, t)
	return alone, crowded, err
}

func takeCensus(ctx context.Context, t *tree) ([]time.Duration, error) {
	return repeat(func() (time.Duration, error) {
		started := time.Now()
		members := proc.Descendants(t.root)
		took := time.Since(started)
		if len(members) != treeSize(treeDepth) {
			return took, fmt.Errorf("the census counts %d in a tree of %d", len(members), treeSize(treeDepth))
		}
		return took, nil
	})(ctx, censusPerRound)
}

// treeDepth is how deep the tree is that is listed.
const treeDepth = 2

// treeSize is how many descendants the root of a tree has: two sleeps at every root,
// and another root in all but the deepest.
func treeSize(depth int) int { return 2*depth + depth - 1 }

// tree is a process with descendants. It lives until its input ends.
type tree struct {
	root int
	cmd  *exec.Cmd
	in   io.Closer
}

func (b *bench) plantTree(depth int) (*tree, error) {
	t := &tree{cmd: inRole("sigprobe-bench-tree", strconv.Itoa(depth), b.sleep)}
	in, err := t.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	t.in = in
	b.cradle.do(func() { err = t.cmd.Start() })
	if err != nil {
		return nil, fmt.Errorf("start a tree of processes: %w", err)
	}
	t.root = t.cmd.Process.Pid
	if err := await("a tree of processes comes up", func() bool { return t.up(depth) }); err != nil {
		return nil, errors.Join(err, t.fell())
	}
	return t, nil
}

// up says whether all of the tree are there and none is busy any more.
func (t *tree) up(depth int) bool {
	members := proc.Descendants(t.root)
	for _, m := range members {
		if m.State != "S" {
			return false
		}
	}
	return len(members) == treeSize(depth)
}

// fell ends the tree, leaves first.
func (t *tree) fell() error {
	t.in.Close() //nolint:errcheck // it may have left
	return t.cmd.Wait()
}

// treeRole starts two sleeps and a smaller tree, waits for the end of its input, and
// ends them. Its arguments are the depth and the program.
func treeRole() (err error) {
	if len(os.Args) != 3 {
		return fmt.Errorf("%d arguments", len(os.Args)-1)
	}
	depth, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	c, err := newCradle()
	if err != nil {
		return err
	}
	b := &bench{sleep: os.Args[2], cradle: c, options: options{crowd: 2}}
	leaves, err := b.gather(context.Background())
	defer func() { err = errors.Join(err, leaves.disperse()) }()
	if err != nil {
		return err
	}
	if depth > 1 {
		branch, err := b.plantTree(depth - 1)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, branch.fell()) }()
	}
	_, err = bufio.NewReader(os.Stdin).ReadByte()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
