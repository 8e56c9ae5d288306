package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports/render"
)

func newInit(std streams) *cobra.Command {
	path := "sigprobe.yaml"
	c := &cobra.Command{
		Use:     "init [flags] [-- COMMAND…]",
		Short:   "Write a scenario file with comments to begin with",
		Example: "  sigprobe init -- ./my-service --port 8080",
		RunE: func(c *cobra.Command, args []string) error {
			before, command := atDash(c, args)
			if len(before) > 0 {
				return usage("write the command after --: sigprobe init -- %s", strings.Join(args, " "))
			}
			if len(command) == 0 {
				command = []string{"./my-service"}
			}
			return initialise(std, path, command)
		},
	}
	c.Flags().StringVarP(&path, "output", "o", path, "file to write; one that is there is not overwritten")
	return c
}

func initialise(std streams, path string, command []string) error {
	text, err := template(fromFolder(command, filepath.Dir(path)))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already; remove it, or name another file with -o", path)
	}
	if err == nil {
		_, err = file.Write(text)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		return broken(fmt.Errorf("write the scenario file: %w; name another one with -o", err))
	}
	fmt.Fprintf(std.out, "wrote %s; run it with: sigprobe run %s\n", render.Escape(path), render.Escape(path)) //nolint:errcheck // the file is there
	return nil
}

// fromFolder makes a relative program right for a file in another folder: it counts
// from there.
func fromFolder(command []string, folder string) []string {
	program := command[0]
	if folder == "." || filepath.IsAbs(program) || !strings.Contains(program, "/") {
		return command
	}
	absolute, err := filepath.Abs(program)
	if err != nil {
		return command
	}
	return append([]string{absolute}, command[1:]...)
}

// template is the file: the command's own part, then what can be changed.
func template(command []string) ([]byte, error) {
	named := scenario.Scenario{Target: scenario.Target{Command: command}}
	named.Name = named.WithDefaults().Name
	own, err := scenario.Marshal([]scenario.Scenario{named})
	if err != nil {
		return nil, usage("the command cannot stand in a scenario file: %w", err)
	}
	text := append([]byte(templateHead), own...)
	text = append(text, templateRest...)
	if _, err := scenario.Parse("sigprobe.yaml", text); err != nil {
		return nil, &exit{statusUsage, err}
	}
	return text, nil
}

const templateHead = `# What sigprobe does with your program; see sigprobe run --help for the words.
# Editors complete and check this file with the schema that ` + "`sigprobe schema`" + ` prints:
#   yaml-language-server: $schema=./sigprobe.schema.json
`

const templateRest = `      # workdir: inherit       # run here; the default, fresh, is a new folder per trial
      # files: [testdata/]     # copied into the fresh folder
      # env: {LEVEL: debug}
    # When it counts as ready. The default, auto, is the first of: it listens, it has a
    # handler for the signal, it prints a line; else 500 ms.
    ready: auto
    # ready: {output: 'listening on'}     # or port: 8080, http: URL, file: PATH, notify: true, after: 2s
    stop:
      schedule: TERM/10s/KILL  # what is sent, and how long to wait in between
      to: process              # or group, session, tty (Ctrl-C)
      settle: 2s               # how long children may take after their parent has left
    strike:
      random: {trials: 20, from: ready, window: 0s..1s}
      # output: {matching: 'saved', nth: 1..10}   # at lines of output, in place of random
    expect:
      exit: [clean]            # also signal-code, re-raised, default-action, code:N
      within: 10s
      survivors: none
      # output: {contains: 'bye'}
`
