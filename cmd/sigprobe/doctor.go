package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	columns "github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/warden"
)

func newDoctor(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "What this machine can track and trigger, and why not",
		Long: `Find out what this machine permits: what process trees are tracked with, how exactly
signals are sent, and what evidence can be read. What is missing makes results weaker,
not wrong; each result says what it was measured with.

Exit status: 0, or 70 when no trial can be run here at all.`,
		Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return doctor(std) },
	}
}

// The answers of a look at the machine.
const (
	yes      = "yes"
	no       = "no"
	degraded = "degraded"
)

// ability is one thing that a machine permits or not.
type ability struct {
	name   string
	answer string
	// why says what was found.
	why string
	// remedy says what would mend it; empty where nothing is missing.
	remedy string
}

// doctor asks a warden what it can do, and looks at the rest itself.
func doctor(std streams) error {
	e, err := harness.Open(1)
	if err != nil {
		return broken(err)
	}
	found, err := e.Abilities(context.Background())
	if err != nil {
		printAbilities(std.out, examine(nil))
		return broken(fmt.Errorf("no trial can be run here: %w", errors.Join(err, e.Close())))
	}
	printAbilities(std.out, examine(&found))
	return broken(e.Close())
}

// examine makes all looks; of is nil where no warden could be started.
func examine(of *warden.Abilities) []ability {
	var all []ability
	if of != nil {
		for _, look := range wardenLooks {
			all = append(all, look(*of))
		}
	}
	for _, look := range looks {
		all = append(all, look())
	}
	return all
}

func printAbilities(w io.Writer, all []ability) {
	style := styleFor(w)
	width := 0
	for _, a := range all {
		width = max(width, columns.StringWidth(a.name))
	}
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%s  %s  %s\n", columns.Pad(a.name, width, ' '), paint(columns.Pad(a.answer, len(degraded), ' '), a.answer, style.Color), a.why)
		if a.remedy != "" {
			fmt.Fprintf(&b, "%s  remedy: %s\n", strings.Repeat(" ", width+2+len(degraded)), a.remedy)
		}
	}
	weaker := slices.IndexFunc(all, func(a ability) bool { return a.answer != yes })
	if weaker < 0 {
		fmt.Fprintln(&b, "\neverything works here")
	} else {
		fmt.Fprintln(&b, "\nwhat is missing makes results weaker, and each result says so")
	}
	io.WriteString(w, b.String()) //nolint:errcheck // there is no other place to say it
}

func paint(shown, answer string, color bool) string {
	if !color {
		return shown
	}
	return map[string]string{yes: "\x1b[32m", no: "\x1b[31m", degraded: "\x1b[33m"}[answer] + shown + "\x1b[0m"
}
