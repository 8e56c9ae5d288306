package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// interrupts turns sigprobe's own signals into the end of a run. The first lets the
// running trials end, the second kills them.
type interrupts struct {
	// drain is closed by the first signal, or by finish.
	drain chan struct{}
	once  sync.Once
	// cancel ends what runs, after the second.
	cancel context.CancelFunc
	caught chan os.Signal
	first  atomic.Int64
	count  atomic.Int64
}

// watchInterrupts begins to listen. The context ends with the second signal; stop has
// to be called.
//
// SIGHUP stays ignored under nohup. SIGINT is listened to even where a script started
// sigprobe in the background and the shell ignored it: somebody who sends it means it.
// With inherit both stay as they are, since a signal that has a handler here is no
// longer ignored in the targets, which are to inherit it.
func watchInterrupts(ctx context.Context, notes io.Writer, inherit bool) (_ context.Context, i *interrupts, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	i = &interrupts{drain: make(chan struct{}), cancel: cancel, caught: make(chan os.Signal, 4)}
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) && (inherit || s == syscall.SIGHUP) {
			continue
		}
		signal.Notify(i.caught, s)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.listen(notes)
	}()
	return ctx, i, func() {
		signal.Stop(i.caught)
		close(i.caught)
		<-done
		cancel()
	}
}

func (i *interrupts) listen(notes io.Writer) {
	for caught := range i.caught {
		switch i.count.Add(1) {
		case 1:
			s := signals.Signal(caught.(syscall.Signal))
			i.first.Store(int64(s))
			note(notes, "%s: finishing running trials; again to leave at once", s)
			i.finish()
		case 2:
			note(notes, "leaving at once")
			i.cancel()
		}
	}
}

// finish lets the running trials end and launches no more, as the first signal does.
func (i *interrupts) finish() { i.once.Do(func() { close(i.drain) }) }

// by is the signal that ended the run; ok is false when none came.
func (i *interrupts) by() (s signals.Signal, ok bool) {
	s = signals.Signal(i.first.Load())
	return s, s != 0
}

// survivePipes makes a write to a closed pipe an error in place of a death by
// SIGPIPE, which would end the run before its trees are gone. It is caught and not
// ignored, because what is ignored stays so in every process that is started.
func survivePipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
