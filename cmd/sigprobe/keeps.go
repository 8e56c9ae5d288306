package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// The flags that say what a stop must keep, and what it may leave. Each makes what it
// changes the scenario's own first.

func ownFiles(s *scenario.Scenario) {
	s.Expect.Files = slices.Clone(s.Expect.Files)
	for i := range s.Expect.Files {
		s.Expect.Files[i].Is = slices.Clone(s.Expect.Files[i].Is)
	}
}

// addFile adds an oracle to those of a pattern.
func addFile(s *scenario.Scenario, text string) error {
	path, oracle, err := fileAndOracle(text)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Expect.Files, func(f scenario.ExpectFile) bool { return f.Path == path })
	if i < 0 {
		i = len(s.Expect.Files)
		s.Expect.Files = append(s.Expect.Files, scenario.ExpectFile{Path: path})
	}
	s.Expect.Files[i].Is = append(s.Expect.Files[i].Is, oracle)
	return nil
}

// fileAndOracle reads GLOB=ORACLE. A path may have a = in it, and a command too: the
// first one with an oracle behind it divides them. What stands behind the last one is
// refused where there is none.
func fileAndOracle(text string) (path string, o scenario.Oracle, err error) {
	for at, char := range text {
		if char != '=' {
			continue
		}
		if o, err = scenario.ParseOracle(text[at+1:]); err == nil {
			return text[:at], o, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("%q names no oracle; write what the file must be, as in 'out/*.json=format:json' or 'run/*.lock=absent'", text)
	}
	return "", o, err
}

func setLitter(s *scenario.Scenario, text string) error {
	switch {
	case text == "allow":
		s.Expect.Litter = nil
	case text != "none":
		return fmt.Errorf("%q is no answer; write none or allow", text)
	case s.Expect.Litter == nil:
		s.Expect.Litter = &scenario.Litter{}
	}
	return nil
}

func ownLitter(s *scenario.Scenario) {
	var litter scenario.Litter
	if s.Expect.Litter != nil {
		litter.Allow = slices.Clone(s.Expect.Litter.Allow)
	}
	s.Expect.Litter = &litter
}

func addLitter(s *scenario.Scenario, pattern string) error {
	if s.Expect.Litter == nil {
		return errors.New("with --litter allow everything may be left; leave one of the two out")
	}
	s.Expect.Litter.Allow = append(s.Expect.Litter.Allow, pattern)
	return nil
}

func setRestart(s *scenario.Scenario, text string) error {
	wanted, err := strconv.ParseBool(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is neither true nor false", text)
	case !wanted:
		s.Expect.Restarts = nil
	case s.Expect.Restarts == nil:
		s.Expect.Restarts = &scenario.Restarts{}
	}
	return nil
}

func ownAcknowledged(s *scenario.Scenario) {
	var own scenario.Acknowledged
	if s.Expect.Acknowledged != nil {
		own = *s.Expect.Acknowledged
	}
	s.Expect.Acknowledged = &own
}

// ownRecords makes room for where the records are, in place of where the file has them.
func ownRecords(s *scenario.Scenario) {
	ownAcknowledged(s)
	s.Expect.Acknowledged.In, s.Expect.Acknowledged.Command = "", ""
}

// ofAcknowledged sets a field of what is acknowledged. By itself it says nothing, which
// the scenario's own check finds.
func ofAcknowledged(place func(*scenario.Acknowledged, string)) func(*scenario.Scenario, string) error {
	return func(s *scenario.Scenario, text string) error {
		if text == "" {
			return errors.New("it is empty; write a value, or leave it out")
		}
		place(s.Expect.Acknowledged, text)
		return nil
	}
}

func setOrdered(s *scenario.Scenario, text string) (err error) {
	s.Expect.Acknowledged.Ordered, err = strconv.ParseBool(text)
	return err
}

// keptText says what a stop must keep and may not leave; "" where nothing is asked.
func keptText(e scenario.Expect) string {
	var all []string
	for _, file := range e.Files {
		for _, oracle := range file.Is {
			all = append(all, fmt.Sprintf("%s is %s", file.Path, oracle))
		}
	}
	if a := e.Acknowledged; a != nil {
		all = append(all, acknowledgedText(*a))
	}
	if e.Litter != nil {
		all = append(all, "no litter"+butFor(e.Litter.Allow))
	}
	if r := e.Restarts; r != nil {
		all = append(all, fmt.Sprintf("it starts again within %v × the first start and at least %s", r.Factor, r.Floor))
	}
	if e.Compare != "" {
		all = append(all, fmt.Sprintf("loses no more than %s", strings.ToUpper(string(e.Compare))))
	}
	return strings.Join(all, "; ")
}

func acknowledgedText(a scenario.Acknowledged) string {
	where := "in " + a.In
	if a.Command != "" {
		where = "printed by " + a.Command
	}
	if a.Ordered {
		where += " in their order"
	}
	return fmt.Sprintf("all that /%s/ acknowledges is %s as %s", a.Output, where, a.As)
}

func butFor(patterns []string) string {
	if len(patterns) == 0 {
		return ""
	}
	return " but " + strings.Join(patterns, ", ")
}

// furtherStarts names what makes a trial launch the target more than once; "" for nothing.
func furtherStarts(e scenario.Expect) string {
	var names []string
	resumable := func(f scenario.ExpectFile) bool {
		return slices.Contains(f.Is, scenario.Oracle{Kind: scenario.Resumable})
	}
	for _, further := range []struct {
		name  string
		asked bool
	}{
		{"resumable", slices.ContainsFunc(e.Files, resumable)},
		{"restarts", e.Restarts != nil},
		{"compare", e.Compare != ""},
	} {
		if further.asked {
			names = append(names, further.name)
		}
	}
	return strings.Join(names, " and ")
}
