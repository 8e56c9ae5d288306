package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/reports/render"
)

func newInspect(std streams) *cobra.Command {
	after := 500 * time.Millisecond
	c := &cobra.Command{
		Use:   "inspect PID | -- COMMAND…",
		Short: "Which signals a program catches, ignores and blocks, and what that means",
		Long: `Look at a process that runs, without touching it; or launch a command, look at it
after a while, and kill it.`,
		Example: "  sigprobe inspect 4711\n  sigprobe inspect --after 2s -- ./my-service",
		RunE: func(c *cobra.Command, args []string) error {
			pids, command := atDash(c, args)
			p, err := inspected(pids, command, after)
			if err != nil {
				return err
			}
			printProcess(std.out, p)
			return nil
		},
	}
	c.Flags().DurationVar(&after, "after", after, "when to look at a command, counted from its launch")
	return c
}

func inspected(pids, command []string, after time.Duration) (observation.Process, error) {
	switch {
	case len(command) > 0 && len(pids) == 0:
		return inspectCommand(command, after)
	case len(command) == 0 && len(pids) == 1:
		return inspectPID(pids[0])
	}
	return observation.Process{}, usage("name one process by its PID, or write a command after --; see sigprobe inspect --help")
}

func inspectPID(text string) (p observation.Process, err error) {
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 1 {
		return p, usage("%q is no PID; to launch a program write it after --: sigprobe inspect -- %s", text, text)
	}
	p, err = harness.Inspect(pid)
	if errors.Is(err, syscall.ESRCH) {
		return p, usage("there is no process %d; see ps", pid)
	}
	return p, broken(err)
}

// lookLead is time before the KILL, in which the warden looks at the command.
const lookLead = 20 * time.Millisecond

// inspectCommand looks at a command as a trial does right before it strikes. The
// trial's only signal is KILL, so the command's own stop is not exercised.
func inspectCommand(command []string, after time.Duration) (p observation.Process, err error) {
	delay := scenario.Duration(after)
	bare := scenario.Scenario{
		Target: scenario.Target{Command: command, Workdir: scenario.Inherit},
		Ready:  scenario.Ready{After: &delay, Timeout: delay + scenario.Duration(time.Second)},
		Stop:   scenario.Stop{Schedule: signals.Schedule{Steps: []signals.Step{{Signal: signals.KILL}}}, Settle: new(scenario.Duration)},
	}
	problems := scenario.Check(bare)
	s, unresolved := scenario.Resolve(bare, "")
	if err := inFlags(append(problems, unresolved...)); err != nil {
		return p, err
	}
	s = s.WithDefaults()
	shot := plan.Shot{Point: plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: lookLead}}, Schedule: s.Stop.Schedule, To: s.Stop.To}
	trial, err := oneTrial(s, shot)
	if err != nil {
		return p, err
	}
	o := trial.Observation
	switch {
	case o.Failure != nil:
		return p, broken(errors.New(o.Failure.Message))
	case o.Strike == nil || o.Strike.Doing == nil:
		ending, _ := o.Ending()
		return p, usage("the command ended before it was looked at (it %s); look earlier with --after", ending.Describe())
	}
	return o.Strike.Doing.Main, nil
}

func oneTrial(s scenario.Scenario, shot plan.Shot) (trial harness.Trial, err error) {
	ctx, signalled, stop := watchInterrupts(context.Background(), io.Discard, false)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // there is nothing to let end here: the first signal is enough
		select {
		case <-signalled.drain:
			cancel()
		case <-ctx.Done():
		}
	}()
	e, err := harness.Open(1)
	if err != nil {
		return trial, broken(err)
	}
	trial, err = e.Trial(ctx, s, 0, shot)
	if closed := e.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return trial, ended(signalled, err)
	}
	return trial, nil
}

func printProcess(w io.Writer, p observation.Process) {
	var b strings.Builder
	fmt.Fprintf(&b, "process %d, %s", p.PID, render.Escape(p.Command))
	if p.Program != "" {
		fmt.Fprintf(&b, " (%s)", render.Escape(p.Program))
	}
	fmt.Fprintf(&b, ", state %s, %s\n\n", p.State, plural(len(p.Threads), "thread"))
	for _, set := range []struct {
		name string
		set  signals.Set
	}{{"catches", p.Caught}, {"ignores", p.Ignored}, {"blocks", p.Blocked()}, {"pending", p.Pending}} {
		fmt.Fprintf(&b, "%-8s %s\n", set.name, orNone(set.set.String()))
	}
	b.WriteByte('\n')
	for _, s := range []signals.Signal{signals.TERM, signals.INT, signals.HUP, signals.QUIT} {
		fmt.Fprintf(&b, "%-5s %s\n", s, meaning(p, s))
	}
	for _, line := range oddities(p) {
		fmt.Fprintln(&b, line)
	}
	io.WriteString(w, b.String()) //nolint:errcheck // there is no other place to say it
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// meaning is what a signal would do now.
func meaning(p observation.Process, s signals.Signal) string {
	switch p.Disposition(s) {
	case observation.Caught:
		return "is handled: what happens then is up to the program"
	case observation.Ignored:
		return "is thrown away: nothing happens"
	case observation.Blocked:
		return "stays pending until a thread unblocks it, or is taken by sigwait or a signalfd"
	}
	if p.NSPid == 1 {
		return "has no handler and the process is PID 1 of its namespace: the kernel drops it"
	}
	return "has no handler: the process dies at once, without cleaning up; its children are not told"
}

// oddities are what else keeps signals from doing their work.
func oddities(p observation.Process) []string {
	var lines []string
	if strings.EqualFold(p.State, "t") {
		lines = append(lines, "it is stopped: signals but KILL and CONT wait until it goes on")
	}
	if p.State == "D" {
		lines = append(lines, "it sleeps uninterruptibly in "+orNone(p.WChan)+": signals wait until that is over")
	}
	if p.State == "Z" {
		lines = append(lines, "it is dead and its parent has not waited for it")
	}
	return lines
}
