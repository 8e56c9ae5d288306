package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// subcommands is the table of them all: a file each.
var subcommands = []func(streams) *cobra.Command{
	newRun,
	newReplay,
	newShrink,
	newReport,
	newCompare,
	newBaseline,
	newExplain,
	newInspect,
	newValidate,
	newSchema,
	newInit,
	newDoctor,
}

func newRoot(std streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "sigprobe",
		Short: "Does it stop properly, wherever in its work the signal lands?",
		Long: `sigprobe launches any program, sends it SIGTERM, SIGINT or another signal at random
points of its work, and proves from the kernel's own records that it left cleanly,
in time and with no process left behind.

  sigprobe run -- ./my-service --port 8080

Exit status: 0 graceful, 1 violation or regression, 2 inconclusive, 64 usage or scenario error,
70 harness error, 128+N interrupted by signal N.`,
		Version:       version(),
		Args:          knownCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	root.SetVersionTemplate("sigprobe {{.Version}}\n")
	root.SetFlagErrorFunc(badFlag)
	root.SuggestionsMinimumDistance = 2
	for _, make := range subcommands {
		root.AddCommand(make(std))
	}
	return root
}

// badFlag says what is wrong with a flag, in fewer words than pflag.
func badFlag(c *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) && errors.Unwrap(invalid) != nil {
		err = fmt.Errorf("--%s: %w", invalid.GetFlag().Name, errors.Unwrap(invalid))
	}
	return usage("%w; see %s --help", err, c.CommandPath())
}

// knownCommand refuses a subcommand that does not exist, with the nearest that does.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("there is no command %q; did you mean %s?", args[0], strings.Join(near, " or "))
	}
	return usage("there is no command %q; see sigprobe --help, and write a program to test after --: sigprobe run -- %s", args[0], args[0])
}

// exactly wants so many arguments, and names them where they are missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage("%s is missing; see %s --help", names[len(args)], c.CommandPath())
		case len(args) > len(names):
			return usage("%q is one argument too many; see %s --help", args[len(names)], c.CommandPath())
		}
		return nil
	}
}

// atDash divides the arguments at --, behind which a command stands.
func atDash(c *cobra.Command, args []string) (before, after []string) {
	if dash := c.ArgsLenAtDash(); dash >= 0 {
		return args[:dash], args[dash:]
	}
	return args, nil
}

// defaultOf is how a flag's text names the value that counts without it.
func defaultOf(text string, value any) string { return fmt.Sprintf("%s (default %v)", text, value) }
