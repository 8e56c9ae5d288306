package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// sources say where the scenarios of a run come from.
type sources struct {
	files   []string
	command []string // after --
	name    string   // of the command's scenario; "" for the default
	only    []string // names to run; none for all
	flags   *overlay
}

// gather reads and checks all scenarios of a run, with the flags laid over them and
// their defaults filled in. Nothing is launched for it.
func (s sources) gather() ([]scenario.Scenario, []reports.SourceFile, error) {
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	bare, files, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	var all []scenario.Scenario
	var problems []scenario.Problem
	for _, one := range bare {
		if one, err = s.flags.over(one); err != nil {
			return nil, nil, err
		}
		problems = append(problems, scenario.Check(one)...)
		one, unresolved := scenario.Resolve(one, "")
		problems = append(problems, unresolved...)
		all = append(all, one.WithDefaults())
	}
	if err := inFlags(append(problems, scenario.CheckNames(all)...)); err != nil {
		return nil, nil, err
	}
	all, err = s.chosen(all)
	return all, files, err
}

func (s sources) check() error {
	switch {
	case len(s.files) == 0 && len(s.command) == 0:
		return usage("there is nothing to run; name a scenario file, or write a program after --: sigprobe run -- ./my-service")
	case s.name != "" && len(s.command) == 0:
		return usage("--name is for a command after --; the scenarios of a file have their names in it")
	}
	return s.flags.check()
}

// load reads the files, and makes a scenario of the command.
func (s sources) load() (all []scenario.Scenario, files []reports.SourceFile, err error) {
	for _, path := range s.files {
		scenarios, err := scenario.LoadBare(path)
		if err != nil {
			return nil, nil, notAScenario(path, err)
		}
		file, err := sourceFile(path)
		if err != nil {
			return nil, nil, &exit{statusUsage, err}
		}
		all, files = append(all, scenarios...), append(files, file)
	}
	if len(s.command) > 0 {
		all = append(all, scenario.Scenario{
			Name:   s.name,
			Target: scenario.Target{Command: s.command, Workdir: scenario.Inherit},
		})
	}
	return all, files, nil
}

// sourceFile remembers a file by what is in it now. The path is absolute: a replay may
// be started elsewhere.
func sourceFile(path string) (reports.SourceFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return reports.SourceFile{}, fmt.Errorf("scenario file: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return reports.SourceFile{}, fmt.Errorf("find the current folder: %w", err)
	}
	sum := sha256.Sum256(text)
	return reports.SourceFile{Path: path, SHA256: hex.EncodeToString(sum[:])}, nil
}

// notAScenario explains why a file cannot be used. A program that stands where a
// scenario file belongs is the commonest slip.
func notAScenario(path string, err error) error {
	switch {
	case isProgram(path):
		return usage("%s is a program and no scenario file; write it after --: sigprobe run -- %s", path, path)
	case errors.Is(err, fs.ErrNotExist):
		return usage("there is no scenario file %s; correct the path, make one with sigprobe init, or write a program after --", path)
	case isFolder(path):
		return usage("%s is a folder; name the scenario files in it", path)
	}
	return &exit{statusUsage, err}
}

func isProgram(path string) bool {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && !strings.Contains(path, "/") {
		_, err := exec.LookPath(path)
		return err == nil
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// chosen keeps the scenarios that --scenario names.
func (s sources) chosen(all []scenario.Scenario) ([]scenario.Scenario, error) {
	if len(s.only) == 0 {
		return all, nil
	}
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Name
	}
	for _, name := range s.only {
		if !slices.Contains(names, name) {
			return nil, usage("--scenario: there is no scenario %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(all, func(one scenario.Scenario) bool { return !slices.Contains(s.only, one.Name) }), nil
}
