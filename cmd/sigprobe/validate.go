package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports/render"
)

func newValidate(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Check scenario files; launch nothing",
		Long: `Check scenario files, the programs and files that they name included. Problems are
printed on standard error as file:line:column: field: what is wrong; what would be right.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("FILE is missing; see sigprobe validate --help")
			}
			return validate(std, args)
		},
	}
}

func validate(std streams, files []string) error {
	refused := false
	for _, file := range files {
		scenarios, err := scenario.Load(file)
		if err == nil {
			fmt.Fprintf(std.out, "%s: OK, %s\n", render.Escape(file), plural(len(scenarios), "scenario")) //nolint:errcheck // the exit status says it too
			continue
		}
		refused = true
		if !printProblems(std.err, err) {
			report(std.err, notAScenario(file, err))
		}
	}
	if refused {
		return by(statusUsage)
	}
	return nil
}

// printProblems prints what is wrong in a file, so that editors find the places; ok is
// false when the file could not be read at all.
func printProblems(w io.Writer, err error) (ok bool) {
	var problems *scenario.Problems
	if !errors.As(err, &problems) {
		return false
	}
	for _, p := range problems.List {
		fmt.Fprintln(w, render.Escape(p.Error())) //nolint:errcheck // the exit status says it too
	}
	return true
}

// plural is "1 scenario", "3 scenarios".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
