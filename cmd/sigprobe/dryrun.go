package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports/render"
)

// shownShots is how many of a campaign's shots a dry run lists.
const shownShots = 5

// dryRun says what a run would do, and does nothing.
func dryRun(w io.Writer, scenarios []scenario.Scenario, seed uint64, jobs int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "dry run, seed %d: nothing is launched\n", seed)
	var total time.Duration
	for _, s := range scenarios {
		bound := campaignBound(s, plan.New(s, seed).Len(), jobs)
		describe(&b, s, seed, bound)
		total += bound
	}
	fmt.Fprintf(&b, "\nat most %s in all\n", span(total))
	if _, err := io.WriteString(w, b.String()); err != nil && !readerGone(err) {
		return broken(fmt.Errorf("write the plan: %w", err))
	}
	return nil
}

func describe(b *strings.Builder, s scenario.Scenario, seed uint64, bound time.Duration) {
	shots := plan.New(s, seed)
	fmt.Fprintf(b, "\n%s\n", s.Name)
	for _, line := range [][2]string{
		{"launch", fmt.Sprintf("%d × %s (work folder: %s)", shots.Len(), strings.Join(s.Target.Command, " "), s.Target.Workdir)},
		{"ready", readyText(s.Ready)},
		{"signals", fmt.Sprintf("%s to %s", s.Stop.Schedule, s.Stop.To)},
		{"lands", landing(shots)},
		{"range", strikeRange(s.Strike)},
		{"expect", expectText(s.Expect)},
		{"takes", fmt.Sprintf("at most %s a trial, %s in all", span(trialBound(s)), span(bound))},
	} {
		fmt.Fprintf(b, "  %-8s %s\n", line[0], render.Escape(line[1]))
	}
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

// landing is the first shots of the plan.
func landing(shots plan.Plan) string {
	var points []string
	for i := range min(shots.Len(), shownShots) {
		points = append(points, shots.Shot(i).Point.String())
	}
	if rest := shots.Len() - len(points); rest > 0 {
		points = append(points, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(points, ", ")
}

// strikeRange is what the shots are drawn from.
func strikeRange(s scenario.Strike) string {
	if s.Output == nil {
		return fmt.Sprintf("anywhere in %s after %s", s.Random.Window, s.Random.From)
	}
	text := fmt.Sprintf("match %s of /%s/", s.Output.Nth, s.Output.Matching)
	if s.Output.Delay != nil {
		text += fmt.Sprintf(", %s later", s.Output.Delay)
	}
	return text
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
	switch {
	case s.Strike.Output != nil, s.Strike.Random.From == scenario.FromLaunch:
		return 0 // the shot does not wait for it
	case s.Ready.Auto():
		return scenario.AutoReady
	case s.Ready.After != nil:
		return s.Ready.After.D()
	}
	return s.Ready.Timeout.D()
}

func pointBound(s scenario.Scenario) time.Duration {
	if s.Strike.Output == nil {
		return s.Strike.Random.Window.To
	}
	bound := s.Stop.Limit.D()
	if s.Strike.Output.Delay != nil {
		bound += s.Strike.Output.Delay.To
	}
	return bound
}

// campaignBound is the bound for all trials, so many at a time.
func campaignBound(s scenario.Scenario, trials, jobs int) time.Duration {
	if _, fixed := fixedPort(s); fixed {
		jobs = 1
	}
	rounds := (trials + jobs - 1) / jobs
	return time.Duration(rounds) * trialBound(s)
}
