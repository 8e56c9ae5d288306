package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// overlay is the fields that were given as flags, with their values. It is laid over
// every scenario of a run.
type overlay struct {
	values map[string][]string // by flag
}

// addFlags gives a command the flags of all fields.
func (o *overlay) addFlags(c *cobra.Command) {
	o.values = map[string][]string{}
	for _, f := range fields {
		flag := c.Flags().VarPF(&givenValue{f, o}, f.flag, "", f.help)
		if f.value == "" {
			flag.NoOptDefVal = "true"
		}
	}
}

// givenValue is one flag on its way into the overlay (pflag.Value). A value that
// cannot be read is refused when the command line is.
type givenValue struct {
	field
	overlay *overlay
}

func (g *givenValue) Set(text string) error {
	if err := g.set(spare(), text); err != nil {
		return err
	}
	g.overlay.values[g.flag] = append(g.overlay.values[g.flag], text)
	return nil
}

func (g *givenValue) String() string { return "" }

// Type is what the help calls the value; pflag shows "bool" as a switch.
func (g *givenValue) Type() string {
	if g.value == "" {
		return "bool"
	}
	return g.value
}

// exclusive are flags that say the same thing twice. Conditions of readiness exclude
// each other too, which the scenario's own check finds.
var exclusive = [][2]string{
	{"signal", "schedule"},
	{"strike-output", "window"},
	{"strike-output", "from"},
	{"strike-syscall", "window"},
	{"strike-syscall", "from"},
	{"strike-syscall", "strike-output"},
	{"strike-handlers", "window"},
	{"strike-handlers", "from"},
	{"strike-handlers", "strike-output"},
	{"strike-handlers", "strike-syscall"},
	{"strike-handlers", "strike-file"},
	{"sweep", "strike-handlers"},
	{"sweep", "window"},
	{"sweep", "from"},
	{"sweep", "strike-output"},
	{"sweep", "strike-syscall"},
	{"strike-file", "window"},
	{"strike-file", "from"},
	{"strike-file", "strike-output"},
	{"strike-file", "strike-syscall"},
	{"sweep", "strike-file"},
	{"second-window", "second-syscall"},
	{"acknowledged-in", "acknowledged-command"},
}

func (o *overlay) check() error {
	for _, pair := range exclusive {
		if o.values[pair[0]] != nil && o.values[pair[1]] != nil {
			return usage("--%s and --%s exclude each other; keep one", pair[0], pair[1])
		}
	}
	return nil
}

// over lays the flags over a scenario whose defaults are not filled in. Room is made
// for all of them first, so that one flag does not undo another.
func (o *overlay) over(s scenario.Scenario) (scenario.Scenario, error) {
	for _, f := range fields {
		if o.values[f.flag] != nil && f.over != nil {
			f.over(&s)
		}
	}
	for _, f := range fields {
		for _, value := range o.values[f.flag] {
			if err := f.set(&s, value); err != nil {
				return s, usage("--%s: %w", f.flag, err)
			}
		}
	}
	return s, nil
}

// inFlags names problems of a scenario by the flags that mend them, each once.
func inFlags(problems []scenario.Problem) error {
	var lines []string
	for _, p := range problems {
		if line := flagOf(p.Path) + p.Message; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return usage("%s", strings.Join(lines, "\n"))
}

// flagOf is the flag for a field's path, or the path where there is none, as the start
// of a line; "" for the command, of which the message says all. The flag for the field
// itself comes before one for a field around it.
func flagOf(path string) string {
	flag, nearest := "", ""
	for _, f := range fields {
		for _, own := range strings.Fields(f.path) {
			around := own == path || strings.HasPrefix(path, own+"[") || strings.HasPrefix(path, own+".")
			if around && len(own) > len(nearest) {
				flag, nearest = f.flag, own
			}
		}
	}
	switch {
	case flag != "":
		return fmt.Sprintf("--%s: ", flag)
	case path == "" || strings.HasPrefix(path, "target.command"):
		return ""
	}
	return path + ": "
}
