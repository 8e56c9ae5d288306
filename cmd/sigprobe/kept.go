package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/reports"
)

// kept says where a kept trial is, and what is not recorded of it: the flags of what
// launches its target again.
type kept struct {
	store string
	env   []string
}

func (k *kept) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&k.store, "store", reports.DefaultRoot, "folder of the run store")
	c.Flags().StringArrayVar(&k.env, "env", nil, "K=V, a variable of the scenario, whose value is not recorded; repeatable")
}

// find finds the run, the trial, and the scenario as it can be launched again.
func (k *kept) find(name, trial string) (run *reports.Run, original harness.Trial, s scenario.Scenario, err error) {
	if run, err = reports.OpenIn(k.store, name); err != nil {
		return run, original, s, &exit{statusUsage, err}
	}
	if original, err = findTrial(run, trial); err != nil {
		return run, original, s, err
	}
	if s, err = k.scenario(run, original.Scenario); err != nil {
		return run, original, s, err
	}
	return run, original, s, portsFree([]scenario.Scenario{s})
}

// findTrial finds a trial by its number or SCENARIO/NUMBER.
func findTrial(run *reports.Run, text string) (found harness.Trial, err error) {
	name, number, named := cutLast(text)
	index, err := strconv.Atoi(number)
	if err != nil || index < 0 {
		return found, usage("%q is no trial; write its number, or SCENARIO/NUMBER, as in %s/0", text, firstScenario(run))
	}
	if !named && len(run.Info.Scenarios) > 1 {
		return found, usage("the run has %d scenarios; say which one's trial: %s/%d", len(run.Info.Scenarios), firstScenario(run), index)
	}
	trials, err := run.Trials()
	if err != nil {
		return found, &exit{statusUsage, err}
	}
	defer trials.Close() //nolint:errcheck // opened for reading
	for trials.Scan() {
		t := trials.Trial()
		if t.Index == index && (!named || t.Scenario == name) {
			return t, nil
		}
	}
	if err := trials.Err(); err != nil {
		return found, broken(err)
	}
	return found, usage("run %s has no finished trial %s; see sigprobe report %s", run.Info.ID, text, run.Info.ID)
}

// cutLast divides SCENARIO/NUMBER.
func cutLast(text string) (name, number string, named bool) {
	i := strings.LastIndexByte(text, '/')
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+1:], true
}

func firstScenario(run *reports.Run) string {
	if len(run.Info.Scenarios) == 0 {
		return "SCENARIO"
	}
	return run.Info.Scenarios[0].Name
}

// scenario is the stored one, with the values of its environment, which is not stored.
func (k *kept) scenario(run *reports.Run, name string) (scenario.Scenario, error) {
	i := slices.IndexFunc(run.Info.Scenarios, func(s scenario.Scenario) bool { return s.Name == name })
	if i < 0 {
		return scenario.Scenario{}, usage("run %s has lost its description of scenario %s, so it cannot be launched again; run it anew", run.Info.ID, name)
	}
	s := run.Info.Scenarios[i].WithDefaults()
	s.Target.Env = envFromFiles(run.Info.Files, name)
	for _, pair := range k.env {
		if err := setEnv(&s, pair); err != nil {
			return s, usage("--env: %w", err)
		}
	}
	var missing []string
	for _, variable := range run.Info.EnvNames[name] {
		if _, known := s.Target.Env[variable]; !known {
			missing = append(missing, "--env "+variable+"=VALUE")
		}
	}
	if len(missing) > 0 {
		return s, usage("the values of the environment are not recorded, and the scenario file is not as it was; give them with %s", strings.Join(missing, " "))
	}
	s, problems := scenario.Resolve(s, "")
	return s, inFlags(problems)
}

// envFromFiles reads the scenario's variables from its file, where that still is what
// it was.
func envFromFiles(files []reports.SourceFile, name string) map[string]string {
	for _, file := range files {
		if now, err := sourceFile(file.Path); err != nil || now.SHA256 != file.SHA256 {
			continue
		}
		scenarios, err := scenario.Load(file.Path)
		if err != nil {
			continue
		}
		for _, s := range scenarios {
			if s.Name == name {
				return s.Target.Env
			}
		}
	}
	return nil
}
