package harness

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// onlyKill stops a target that was started again: its work folder is thrown away.
var onlyKill = signals.Schedule{Steps: []signals.Step{{Signal: signals.KILL}}}

// grace is how long a target that auto took for ready must live on. A line that says why
// it cannot start is a sign of readiness to auto as well.
const grace = 200 * time.Millisecond

// firstStart finds out how the target becomes ready in a fresh folder, once for a
// scenario, where its trials do not show it: they may be struck before.
func (e *Engine) firstStart(ctx context.Context, s scenario.Scenario, shot plan.Shot) (*observation.Readiness, error) {
	point := shot.Point.Time
	if s.Expect.Restarts == nil || point != nil && point.From == scenario.FromReady {
		return nil, nil
	}
	return e.firsts.get(keyOf(s), func() (first *observation.Readiness, err error) {
		at, err := e.newSite(s, plan.Shot{})
		if err != nil {
			return nil, err
		}
		defer at.close() //nolint:errcheck // what is left is removed with the engine's room
		w, err := warden.Start()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, w.Close()) }()
		at.request.Shot, at.request.Minimal, at.request.Settle = at.onceReady(0), true, 0
		o, err := w.Run(ctx, at.request)
		return o.Ready, errors.Join(err, ctx.Err())
	})
}

// onceReady is a shot at a target that has just become ready. In the current folder it is
// stopped as in every trial, since nobody puts that folder back.
func (at *site) onceReady(after time.Duration) plan.Shot {
	schedule := onlyKill
	if at.space == nil {
		schedule = at.s.Stop.Schedule
	}
	return plan.Shot{
		Point:    plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: after}},
		Schedule: schedule, To: at.s.Stop.To,
	}
}

// startAgain starts the target again in the folder that the stop left, as often as the
// scenario asks: beside those who survived, alone, and to its own end. Each finds the
// folder as the stop left it.
func (e *Engine) startAgain(ctx context.Context, w *warden.Warden, at *site, o *observation.Observation) error {
	survivors := warden.Held(*o)
	resumes := at.look.resumes()
	restarts := at.s.Expect.Restarts != nil
	if !restarts && !resumes {
		return nil
	}
	again := further{e: e, at: at, w: w}
	if err := again.save(survivors, restarts && resumes); err != nil {
		return err
	}
	if survivors {
		if err := again.restart(ctx, o, "survivors"); err != nil {
			return err
		}
		// They were killed with it.
		for i := range o.Survivors {
			o.Survivors[i].Killed = true
		}
	}
	if restarts {
		if err := again.restart(ctx, o, "alone"); err != nil {
			return err
		}
	}
	if resumes {
		return again.resume(ctx)
	}
	return nil
}

// further are the further starts of one trial.
type further struct {
	e  *Engine
	at *site
	w  *warden.Warden
	// saved says that the folder can be put back, dirty that it has to be.
	saved, dirty bool
}

// save saves the folder where more than one start is to find it.
func (f *further) save(more ...bool) error {
	if f.at.space == nil || !slices.Contains(more, true) {
		return nil
	}
	f.saved = true
	return f.at.space.Save()
}

// fresh makes the folder what the stop left.
func (f *further) fresh() error {
	if f.saved && f.dirty {
		return f.at.space.Restore()
	}
	f.dirty = true
	return nil
}

// restart starts the target again until it is ready and notes how that went.
func (f *further) restart(ctx context.Context, o *observation.Observation, with string) error {
	if err := f.fresh(); err != nil {
		return err
	}
	first := f.at.first
	if first == nil {
		first = o.Ready
	}
	r := observation.Restart{With: with}
	if first == nil {
		r.Unknown = "a first start did not become ready, so nothing can be asked of a second one"
		o.Restarts = append(o.Restarts, r)
		return nil
	}
	asked := *f.at.s.Expect.Restarts
	r.First, r.Bound = first.At, max(asked.Floor.D(), time.Duration(asked.Factor*float64(first.At)))
	again, err := f.w.Run(ctx, f.at.restartRequest(*first, r.Bound, with == "survivors"))
	if err != nil {
		return err
	}
	noteRestart(&r, again, o.Files, f.at.s.Ready)
	if r.Cause == "slow" {
		err = f.blameMachine(ctx, &r, *first)
	}
	o.Restarts = append(o.Restarts, r)
	return err
}

// blameMachine looks whether a start in a fresh folder takes as long now: then the machine
// is busy, and nothing is said about the target.
func (f *further) blameMachine(ctx context.Context, r *observation.Restart, first observation.Readiness) error {
	if f.at.space == nil {
		return nil
	}
	fresh, err := f.e.newSite(f.at.s, plan.Shot{})
	if err != nil {
		return err
	}
	defer fresh.close() //nolint:errcheck // what is left is removed with the engine's room
	fresh.request.Shot.To = f.at.s.Stop.To
	o, err := f.w.Run(ctx, fresh.restartRequest(first, r.Bound, false))
	if err != nil {
		return err
	}
	if o.Ready == nil || f.at.s.Expect.Restarts.Factor*float64(o.Ready.At) > float64(r.Bound) {
		r.Cause, r.Unknown = "", "a start in a fresh folder takes as long now: the machine is busy"
	}
	return nil
}

func (at *site) restartRequest(first observation.Readiness, bound time.Duration, beside bool) warden.Request {
	r := at.request
	r.Restart = &warden.Restart{Within: bound, By: first.By, Beside: beside}
	r.Settle, r.Minimal, r.Hold, r.Watch, r.Acknowledge = 0, true, false, nil, nil
	r.Shot = at.onceReady(0)
	if first.Auto {
		r.Shot = at.onceReady(grace)
	}
	return r
}

// noteRestart tells from the observation of a further start how it went. A target that
// ends well by itself, ready or not, is ready where no condition was asked for: it may
// have had little to do.
func noteRestart(r *observation.Restart, again observation.Observation, left *observation.Files, ready scenario.Ready) {
	ending, ended := again.Ending()
	byItself := ended && again.Strike == nil
	if byItself {
		r.Status = &again.Exit.Status
	}
	switch {
	case again.Failure != nil && again.Failure.Kind != "not-ready":
		r.Unknown = again.Failure.Message
	case again.Ready != nil && !(byItself && ready.Auto()):
		r.Ready, r.After = true, again.Ready.At
	case byItself && ready.Auto() && ending.Kind == observation.Clean:
		r.Ready, r.After = true, again.Exit.At
	case ready.File != "" && !byItself && isLeft(left, ready.File):
		r.Unknown = "the file to be ready by was left by the first start, and it did not change"
	}
	if !r.Ready && r.Unknown == "" {
		r.Output = lastLines(again.Output)
		r.Cause = causeOf(*r, left)
	}
}

// isLeft says whether a file was made in the trial and is there.
func isLeft(left *observation.Files, name string) bool {
	return left != nil && slices.ContainsFunc(left.Work, func(c observation.Change) bool {
		return c.After != nil && c.Path == observation.EscapePath(filepath.Clean(name))
	})
}

// maxLines bounds the lines of output that are kept of a start that failed, of each stream.
const maxLines = 10

func lastLines(o observation.Output) (lines []string) {
	for _, stream := range []observation.Captured{o.Stdout, o.Stderr} {
		text := strings.TrimRight(stream.Text(), "\n")
		if text == "" {
			continue
		}
		all := strings.Split(text, "\n")
		lines = append(lines, all[max(0, len(all)-maxLines):]...)
	}
	return lines
}

// causes are what the output of a start that failed tells about its cause, the most
// telling first. Where litter is set, a path of that kind must have been left as well.
var causes = []struct {
	output *regexp.Regexp
	litter string
	cause  string
}{
	{regexp.MustCompile(`(?i)address (already )?in use|EADDRINUSE`), "socket", "stale-socket"},
	{regexp.MustCompile(`(?i)\bsocket\b.*(exists|in use)`), "socket", "stale-socket"},
	{regexp.MustCompile(`(?i)address (already )?in use|EADDRINUSE|port.*(in use|taken|occupied)|cannot bind|could not bind|failed to bind`), "", "port-in-use"},
	{regexp.MustCompile(`(?i)\bpid[- _]?file|\.pid\b`), "", "stale-pid"},
	{regexp.MustCompile(`(?i)\block(s|ed|ing)?\b|lock[- _]?file|\.lock\b|\.lck\b`), "", "stale-lock"},
	{regexp.MustCompile(`(?i)already (running|started|active)|another (instance|process|copy)`), "pid", "stale-pid"},
	{regexp.MustCompile(`(?i)already (running|started|active)|another (instance|process|copy)`), "lock", "stale-lock"},
	{regexp.MustCompile(`(?i)corrupt|malformed|damaged|truncated|invalid|unexpected (end|eof|token)|not a database|checksum|cannot parse|failed to parse|parse error|decode error|jsondecodeerror|bad (magic|header|format)|incomplete|inconsistent`), "", "damaged-state"},
	// It says nothing that is known: then what was left tells, where it is the kind of
	// file that keeps programs from starting.
	{regexp.MustCompile(``), "lock", "stale-lock"},
	{regexp.MustCompile(``), "pid", "stale-pid"},
	{regexp.MustCompile(``), "socket", "stale-socket"},
}

// causeOf tells why a start failed.
func causeOf(r observation.Restart, left *observation.Files) string {
	output := strings.Join(r.Output, "\n")
	for _, c := range causes {
		if c.output.MatchString(output) && (c.litter == "" || hasLitter(left, c.litter)) {
			return c.cause
		}
	}
	if r.Status != nil {
		return "exited"
	}
	return "slow"
}

func hasLitter(left *observation.Files, kind string) bool {
	if left == nil {
		return false
	}
	return slices.ContainsFunc(slices.Concat(left.Work, left.Temp), func(c observation.Change) bool { return c.Litter == kind })
}

// resumes says that some oracle is about what a further run to the end leaves.
func (l *inspection) resumes() bool { return len(patterns(l.expect, scenario.Resumable)) > 0 }

// resume starts the target again, to its own end, and keeps what it leaves. Where there
// is nothing to hold that against, it is not started.
func (f *further) resume(ctx context.Context) error {
	l := f.at.look
	switch {
	case f.at.space == nil:
		l.resumed = &leftFiles{none: "the target runs in the current folder, where it is not started again"}
		return nil
	case l.reference.none != "":
		return nil
	}
	if err := f.fresh(); err != nil {
		return err
	}
	o, err := f.w.Run(ctx, toTheEnd(f.at.request))
	if err != nil {
		return err
	}
	l.resumed, err = resumedBy(o, l)
	return err
}

func resumedBy(o observation.Observation, l *inspection) (*leftFiles, error) {
	left, err := leftBy(o, l.expect, l.dir, filepath.Join(l.drawer.Work, "resumed"))
	if left.none != "" {
		left.none = "started again after the stop: " + strings.TrimPrefix(left.none, undisturbedRun)
	}
	return &left, err
}
