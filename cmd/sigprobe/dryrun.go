package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
	"github.com/sigprobe/sigprobe/reports/render"
)

// shownShots is how many of a campaign's shots a dry run lists.
const shownShots = 5

// dryRun says what a run would do, and does nothing.
func dryRun(w io.Writer, scenarios []scenario.Scenario, failing *failing, seed uint64, shard reports.Shard, jobs int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "dry run, seed %d: nothing is launched\n", seed)
	if shard.Of > 1 {
		fmt.Fprintf(&b, "shard %s: of the trials below, those whose number divided by %d leaves %d\n", shard, shard.Of, shard.Index)
	}
	var total time.Duration
	bounded := true
	for _, s := range scenarios {
		bound, ok := campaignBound(s, sizeOf(shard, plan.New(s, seed).Len()), jobs)
		again := failing.of(s)
		bound += time.Duration(len(again)) * trialBound(s)
		describe(&b, s, again, seed, bound, ok)
		total, bounded = total+bound, bounded && ok
	}
	fmt.Fprintf(&b, "\n%s\n", allText(total, bounded))
	if _, err := io.WriteString(w, b.String()); err != nil && !readerGone(err) {
		return broken(fmt.Errorf("write the plan: %w", err))
	}
	return nil
}

// allText is the bound of all trials.
func allText(bound time.Duration, bounded bool) string {
	if !bounded {
		return "no bound in all: a sweep makes as many trials as its reference run counts"
	}
	return fmt.Sprintf("at most %s in all", span(bound))
}

func describe(b *strings.Builder, s scenario.Scenario, again []reports.Failure, seed uint64, bound time.Duration, bounded bool) {
	shots := plan.New(s, seed)
	fmt.Fprintf(b, "\n%s\n", s.Name)
	if len(again) > 0 {
		fmt.Fprintf(b, "  %-8s %s\n", "again", render.Escape(againText(again)))
	}
	for _, line := range [][2]string{
		{"launch", fmt.Sprintf("%s × %s (work folder: %s)", launches(s.Strike, shots), strings.Join(s.Target.Command, " "), s.Target.Workdir)},
		{"ready", readyText(s.Ready)},
		{"signals", fmt.Sprintf("%s to %s", s.Stop.Schedule, s.Stop.To)},
		{"lands", landing(s, shots)},
		{"range", strikeRange(s.Strike) + secondRange(s.Strike.Stopping)},
		{"expect", expectText(s.Expect)},
		{"keeps", keptText(s.Expect)},
		{"takes", takesText(s, bound, bounded)},
	} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-8s %s\n", line[0], render.Escape(line[1]))
		}
	}
}

// takesText bounds the trials. How often a trial starts the target again depends on what
// the stop left.
func takesText(s scenario.Scenario, bound time.Duration, bounded bool) string {
	text := fmt.Sprintf("at most %s a trial, %s", span(trialBound(s)), strings.TrimPrefix(allText(bound, bounded), "at most "))
	if further := furtherStarts(s.Expect); further != "" {
		text += fmt.Sprintf("; further starts for %s are not in it", further)
	}
	return text
}

func readyText(r scenario.Ready) string {
	condition := ""
	switch {
	case r.Auto():
		return fmt.Sprintf("by the first sign of readiness, at the latest after %s", scenario.AutoReady)
	case r.After != nil:
		return fmt.Sprintf("after %s", r.After)
	case r.Output != nil:
		condition = fmt.Sprintf("a line of output matches /%s/", r.Output)
	case r.Port != 0:
		condition = fmt.Sprintf("it listens on port %d", r.Port)
	case r.HTTP != "":
		condition = r.HTTP + " answers"
	case r.File != "":
		condition = fmt.Sprintf("the file %s exists", r.File)
	default:
		condition = "it says READY=1"
	}
	return fmt.Sprintf("when %s, within %s", condition, r.Timeout)
}

// launches is how often the target is launched: a number, or what it depends on.
func launches(s scenario.Strike, shots plan.Plan) string {
	if s.Sweep == nil {
		return strconv.Itoa(shots.Len())
	}
	return "1 + N"
}

// landing is the first shots of the plan.
func landing(s scenario.Scenario, shots plan.Plan) string {
	if s.Strike.Sweep != nil {
		return sweepLanding(*s.Strike.Sweep)
	}
	var points []string
	for i := range min(shots.Len(), shownShots) {
		points = append(points, shots.Shot(i).Point.String())
	}
	if rest := shots.Len() - len(points); rest > 0 {
		points = append(points, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(points, ", ")
}

// sweepLanding says how a sweep finds its points, and what bounds it.
func sweepLanding(s scenario.Sweep) string {
	counts := "without a signal"
	if s.Signal == scenario.Second {
		counts = "with the first signal alone"
	}
	text := fmt.Sprintf("a reference run %s counts first; then one trial for each call, %s", counts, sideList(s.Sides))
	var bounds []string
	if s.Points.Last > 0 {
		bounds = append(bounds, fmt.Sprintf("--points %s", s.Points))
	}
	if s.Trials > 0 {
		bounds = append(bounds, fmt.Sprintf("--trials %d", s.Trials))
	}
	if s.Budget > 0 {
		bounds = append(bounds, fmt.Sprintf("--budget %s", s.Budget))
	}
	if len(bounds) == 0 {
		return text + ", until a run makes no further call; --points, --trials and --budget would bound it"
	}
	return text + "; bounded by " + strings.Join(bounds, " and ")
}

func sideList(sides []scenario.Side) string {
	words := make([]string, len(sides))
	for i, side := range sides {
		words[i] = string(side)
	}
	return strings.Join(words, " and ")
}

// strikeRange is what the shots are drawn from.
func strikeRange(s scenario.Strike) string {
	switch {
	case s.Output != nil:
		return fmt.Sprintf("match %s of /%s/%s", s.Output.Nth, s.Output.Matching, later(s.Output.Delay))
	case s.File != nil:
		return fmt.Sprintf("%s %s of %s%s", s.File.Event, s.File.Nth, s.File.Path, later(s.File.Delay))
	case s.Syscall != nil:
		return fmt.Sprintf("call %s of %s, %s%s", s.Syscall.Nth, callText(s.Syscall.Call, s.Syscall.Path, s.Syscall.Count), s.Syscall.Side, later(s.Syscall.Delay))
	case s.Handlers != nil:
		return fmt.Sprintf("%s around the moment at which its handler is installed", s.Handlers.Window)
	case s.Sweep != nil:
		return fmt.Sprintf("calls %s of %s", s.Sweep.Points, callText(s.Sweep.Syscall, s.Sweep.Path, s.Sweep.Count))
	}
	return fmt.Sprintf("anywhere in %s after %s", s.Random.Window, s.Random.From)
}

// secondRange is what the second signal's point is drawn from.
func secondRange(s *scenario.Stopping) string {
	switch {
	case s == nil:
		return ""
	case s.Window != nil:
		return fmt.Sprintf("; the second signal %s after the first", s.Window)
	}
	return fmt.Sprintf("; the second signal at call %s of %s after the first, %s", s.Nth, callText(s.Call, s.Path, scenario.PerTree), s.Side)
}

func callText(calls scenario.Calls, path string, count scenario.Count) string {
	text := string(calls)
	if path != "" {
		text += " on " + path
	}
	if count == scenario.PerProcess {
		text += " of a process"
	}
	return text
}

func later(delay *scenario.Window) string {
	if delay == nil {
		return ""
	}
	return fmt.Sprintf(", %s later", delay)
}

func expectText(e scenario.Expect) string {
	endings := make([]string, len(e.Exit))
	for i, accepted := range e.Exit {
		endings[i] = accepted.String()
	}
	return fmt.Sprintf("ends %s within %s, survivors: %s, ports: %s", strings.Join(endings, " or "), e.Within, e.Survivors, e.Ports)
}

// trialBound is how long a trial can take when every wait goes to its end.
func trialBound(s scenario.Scenario) time.Duration {
	return readyBound(s) + pointBound(s) + s.Stop.Schedule.Length(s.Stop.Limit.D()) + s.Stop.Settle.D()
}

func readyBound(s scenario.Scenario) time.Duration {
	fromReady := s.Strike.Random != nil && s.Strike.Random.From == scenario.FromReady || s.Strike.Sweep != nil && s.Strike.Sweep.Signal == scenario.Second
	switch {
	case !fromReady:
		return 0 // the shot does not wait for it
	case s.Ready.Auto():
		return scenario.AutoReady
	case s.Ready.After != nil:
		return s.Ready.After.D()
	}
	return s.Ready.Timeout.D()
}

func pointBound(s scenario.Scenario) time.Duration {
	var delay *scenario.Window
	switch strike := s.Strike; {
	case strike.Random != nil:
		return strike.Random.Window.To
	case strike.Handlers != nil:
		return s.Ready.Timeout.D() + max(0, strike.Handlers.Window.To)
	case strike.Output != nil:
		delay = strike.Output.Delay
	case strike.File != nil:
		delay = strike.File.Delay
	case strike.Syscall != nil:
		delay = strike.Syscall.Delay
	}
	if delay == nil {
		return s.Stop.Limit.D()
	}
	return s.Stop.Limit.D() + delay.To
}

// campaignBound is the bound for all trials, so many at a time; ok is false where there
// is none.
func campaignBound(s scenario.Scenario, trials, jobs int) (bound time.Duration, ok bool) {
	if oneAtATime(s) {
		jobs = 1
	}
	if s.Strike.Sweep != nil {
		return sweepBound(s, jobs)
	}
	return rounds(trials, jobs, trialBound(s)), true
}

// sweepBound counts the reference run. When a budget is used up, the trials that run
// are finished.
func sweepBound(s scenario.Scenario, jobs int) (bound time.Duration, ok bool) {
	sweep, one := *s.Strike.Sweep, trialBound(s)
	trials := sweep.Trials
	if last := sweep.Points.Last; last > 0 {
		points := ((last-sweep.Points.First)/sweep.Points.Step + 1) * len(sweep.Sides)
		if trials == 0 || points < trials {
			trials = points
		}
	}
	if trials > 0 {
		bound, ok = one+rounds(trials, jobs, one), true
	}
	if budget := sweep.Budget.D(); budget > 0 && (!ok || 2*one+budget < bound) {
		bound, ok = 2*one+budget, true
	}
	return bound, ok
}

func rounds(trials, jobs int, one time.Duration) time.Duration {
	return time.Duration((trials+jobs-1)/jobs) * one
}
