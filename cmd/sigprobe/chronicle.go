package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

// heartbeat is how long a CI log is silent at the most: systems end jobs that say nothing
// for ten minutes or more.
const heartbeat = time.Minute

// chronicle is what a CI log shows of a run in place of a bar: a line for each scenario
// as it ends, and a heartbeat in between.
type chronicle struct {
	w      io.Writer
	began  time.Time
	total  int // or unknown
	ticker *time.Ticker
	done   chan struct{}
	beats  sync.WaitGroup

	mu    sync.Mutex // guards what follows
	name  string
	tally verdict.Tally // of the whole run
}

func startChronicle(w io.Writer, total int) *chronicle {
	c := &chronicle{w: w, began: time.Now(), total: total, ticker: time.NewTicker(heartbeat), done: make(chan struct{})}
	c.beats.Go(c.beat)
	return c
}

func (c *chronicle) beat() {
	for {
		select {
		case <-c.done:
			return
		case <-c.ticker.C:
			note(c.w, "%s", c.standing())
		}
	}
}

// standing is how far the run has come: "still running, 3m0s: ledger-writer, 120 of 5000
// trials, 2 violation".
func (c *chronicle) standing() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	parts := []string{fmt.Sprintf("%d trials", c.tally.Total())}
	if c.total != unknown {
		parts[0] = fmt.Sprintf("%d of %d trials", c.tally.Total(), c.total)
	}
	if c.name != "" {
		parts = append([]string{c.name}, parts...)
	}
	if c.tally.Violation > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", c.tally.Violation, verdict.Violation))
	}
	if c.tally.Error > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", c.tally.Error, verdict.Error))
	}
	return fmt.Sprintf("still running, %s: %s", time.Since(c.began).Round(time.Second), strings.Join(parts, ", "))
}

func (c *chronicle) add(t harness.Trial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.name = t.Scenario
	c.tally.Add(t.Judgement.Verdict)
}

// ended says that a scenario has ended; the next heartbeat is a whole one away.
func (c *chronicle) ended(campaign reports.Campaign) {
	note(c.w, "%s", render.Line(campaign))
	c.ticker.Reset(heartbeat)
}

func (c *chronicle) stop() {
	c.ticker.Stop()
	close(c.done)
	c.beats.Wait()
}
