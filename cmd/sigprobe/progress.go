package main

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// progress is the bar of a run, and the way for notes past it. Without a terminal
// there is no bar, and notes are just written. A CI system has a chronicle in its place.
type progress struct {
	stderr io.Writer
	log    *chronicle    // nil outside of CI
	bars   *mpb.Progress // nil without a bar
	bar    *mpb.Bar

	mu    sync.Mutex // guards what the bar shows
	name  string
	tally verdict.Tally
}

// unknown is the number of trials of a run that finds it out as it goes.
const unknown = -1

// startProgress shows a bar on stderr where that is a terminal and a person looks at it.
func startProgress(stderr io.Writer, total int, quiet bool) *progress {
	p := &progress{stderr: stderr}
	if inCI() && !quiet {
		p.log = startChronicle(stderr, total)
		return p
	}
	if _, ok := terminal(stderr); !ok || quiet || total == 0 {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(stderr), mpb.WithWidth(40))
	filler, count := mpb.BarStyle().ToBuilder(), decor.CountersNoUnit("%d of %d  ")
	if total == unknown {
		filler, count = mpb.SpinnerStyle().ToBuilder(), decor.CurrentNoUnit("%d so far  ")
	}
	p.bar = p.bars.New(int64(max(total, 0)), filler,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.scenario() })),
		mpb.AppendDecorators(count, decor.Any(func(decor.Statistics) string { return p.verdicts() })),
	)
	return p
}

func (p *progress) add(t harness.Trial) {
	p.mu.Lock()
	p.name = t.Scenario
	p.tally.Add(t.Judgement.Verdict)
	p.mu.Unlock()
	if p.log != nil {
		p.log.add(t)
	}
	if p.bar != nil {
		p.bar.Increment()
	}
}

// ended tells of a scenario that has ended, where nothing else does before the report.
func (p *progress) ended(c reports.Campaign) {
	if p.log != nil {
		p.log.ended(c)
	}
}

func (p *progress) scenario() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.name + " "
}

func (p *progress) verdicts() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	for _, part := range []struct {
		n    int
		name verdict.Verdict
	}{
		{p.tally.Graceful, verdict.Graceful}, {p.tally.Violation, verdict.Violation},
		{p.tally.Inconclusive, verdict.Inconclusive}, {p.tally.Error, verdict.Error},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.name))
		}
	}
	return strings.Join(parts, ", ")
}

// Write puts a note above the bar.
func (p *progress) Write(text []byte) (int, error) {
	if p.bars != nil {
		if n, err := p.bars.Write(text); err == nil {
			return n, nil
		}
	}
	return p.stderr.Write(text)
}

// stop takes the bar away, or ends the chronicle. It can be called again.
func (p *progress) stop() {
	if p.log != nil {
		p.log.stop()
		p.log = nil
	}
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
