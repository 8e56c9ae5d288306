package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// The clock of these tests is that of a bubble: nothing is waited for.

// logged is what was written so far, by whatever goroutine.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

// take gives what was written since it was called last.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

func TestALogIsNeverSilentForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		c := startChronicle(&log, 100)
		said := func() []string {
			synctest.Wait()
			return strings.Split(strings.TrimSuffix(log.take(), "\n"), "\n")
		}
		time.Sleep(heartbeat - time.Nanosecond)
		if got := said(); got[0] != "" {
			t.Errorf("before the first heartbeat: %q", got)
		}
		time.Sleep(time.Nanosecond)
		if got := said(); len(got) != 1 || got[0] != "sigprobe: still running, 1m0s: 0 of 100 trials" {
			t.Errorf("the first heartbeat: %q", got)
		}
		for _, v := range []verdict.Verdict{verdict.Graceful, verdict.Violation, verdict.Error} {
			c.add(harness.Trial{Scenario: "a", Judgement: verdict.Judgement{Verdict: v}})
		}
		time.Sleep(2 * heartbeat)
		if got := said(); len(got) != 2 || got[1] != "sigprobe: still running, 3m0s: a, 3 of 100 trials, 1 violation, 1 error" {
			t.Errorf("two more: %q", got)
		}
		time.Sleep(heartbeat / 2)
		c.ended(reports.Campaign{Name: "a", Verdict: verdict.Graceful, Trials: reports.Counts{Total: 2, Tally: verdict.Tally{Graceful: 2}}})
		if got := said(); len(got) != 1 || got[0] != "sigprobe: a: graceful, 2 trials: 2 graceful" {
			t.Errorf("the end of a scenario: %q", got)
		}
		time.Sleep(heartbeat - time.Nanosecond)
		if got := said(); got[0] != "" {
			t.Errorf("less than a heartbeat after that line: %q", got)
		}
		time.Sleep(time.Nanosecond)
		if got := said(); len(got) != 1 || !strings.Contains(got[0], "still running") {
			t.Errorf("a heartbeat after that line: %q", got)
		}
		c.stop()
		time.Sleep(10 * heartbeat)
		if got := said(); got[0] != "" {
			t.Errorf("after the end: %q", got)
		}
	})
}

func TestAHeartbeatOfASweepHasNoTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		c := startChronicle(&log, unknown)
		c.add(harness.Trial{Scenario: "a\n::error::x"})
		time.Sleep(heartbeat)
		synctest.Wait()
		c.stop()
		if got, want := log.take(), `sigprobe: still running, 1m0s: a\n::error::x, 1 trials, 1 error`+"\n"; got != want {
			t.Errorf("%q; want %q", got, want)
		}
	})
}
