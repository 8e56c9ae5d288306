// Package reports keeps runs and sums them up.
//
// A run is a folder of the run store: [Create] makes one, [Writer.Append] adds every
// trial the moment it ends, and [Open] reads it back, also after a crash. [Summarizer]
// counts what the trials showed. How a summary is shown is package render's business.
// The format of the store is described in docs/RECORD_FORMAT.md.
package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// Schema is the version of the store and of the summary that this package writes.
// It rises when a field changes its meaning or goes; a new field does not raise it.
const Schema = 1

// RunInfo says what a run was asked to do, and where. It is written once, before the
// first trial, as run.json.
type RunInfo struct {
	Schema int `json:"schema"`
	// ID names the run; the names of a store sort by the time of the start.
	ID string `json:"id"`
	// Version is sigprobe's own.
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// CommandLine is sigprobe's arguments, without the program's name. The values of
	// --env are taken out by [Create].
	CommandLine []string `json:"command_line"`
	Machine     Machine  `json:"machine"`
	// Seed uses all 64 bits: read it as an integer, not as a floating-point number.
	Seed uint64 `json:"seed"`
	Jobs int    `json:"jobs"`
	// Shard is the part of the plan that this run carries out.
	Shard Shard `json:"shard"`
	// Files are the scenario files that the scenarios came from.
	Files []SourceFile `json:"files,omitempty"`
	// Scenarios are what was tested, with defaults filled in.
	Scenarios []scenario.Scenario `json:"scenarios"`
	// EnvNames lists, per scenario, the variables that it sets for its target. Their
	// values are not recorded.
	EnvNames map[string][]string `json:"env_names,omitempty"`
	// Statistics is what the random shots are to show; nil for the defaults.
	Statistics *Statistics `json:"statistics,omitempty"`
}

// Shard is part Index, from 0, of a plan that was cut into Of parts: the shots whose
// index divided by Of leaves Index. The zero value stands for the whole plan, 0 of 1.
type Shard struct {
	Index int `json:"index"`
	Of    int `json:"of"`
}

// Has says that a trial of the plan belongs to the shard.
func (s Shard) Has(index int) bool { return s.Of <= 1 || index%s.Of == s.Index }

// String is "2/8" as the command line writes it, counted from 1; empty for the whole plan.
func (s Shard) String() string {
	if s.Of <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index+1, s.Of)
}

// elsewhere says why a shard's sweep has not all points; empty for the whole plan.
func (s Shard) elsewhere() string {
	if s.Of <= 1 {
		return ""
	}
	return fmt.Sprintf("this is shard %s, the others have the rest", s)
}

// SourceFile is a scenario file as it was when the run started.
type SourceFile struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"` // of the content, hexadecimal
}

// Finished says how a run came to its end. It is written last, as finished.json: a
// run without it is still going on, or sigprobe was killed.
type Finished struct {
	Time    time.Time       `json:"time"`
	Verdict verdict.Verdict `json:"verdict"`
	// InterruptedBy names what ended the run before all trials were done: a signal of
	// sigprobe's own, or a rule to stop. Empty for a complete run.
	InterruptedBy string `json:"interrupted_by,omitempty"`
	// Error is why the harness could not go on.
	Error string `json:"error,omitempty"`
}

// cutShort says why the trials may not be all; empty for a complete run.
func (f *Finished) cutShort() string {
	switch {
	case f == nil:
		return "the run is not finished"
	case f.Error != "":
		return "the run was given up"
	case f.InterruptedBy != "":
		return "the run was interrupted by " + f.InterruptedBy
	}
	return ""
}

// completed fills in what can be derived, and takes out what must not be recorded.
func (info RunInfo) completed(id string, started time.Time) RunInfo {
	info.Schema, info.ID, info.Started = Schema, id, started
	if info.Shard.Of == 0 {
		info.Shard = Shard{Index: 0, Of: 1}
	}
	info.Jobs = max(info.Jobs, 1)
	info.CommandLine = withoutValues(info.CommandLine)
	given := info.Scenarios
	info.Scenarios = make([]scenario.Scenario, len(given))
	info.EnvNames = map[string][]string{}
	for i, s := range given {
		info.Scenarios[i] = s.WithDefaults()
		if len(s.Target.Env) > 0 {
			info.EnvNames[s.Name] = slices.Sorted(maps.Keys(s.Target.Env))
		}
	}
	return info
}

// withoutValues replaces the values of --env by an ellipsis, up to the `--` where the
// target's own arguments begin.
func withoutValues(args []string) []string {
	kept := slices.Clone(args)
	for i, arg := range kept {
		if arg == "--" {
			break
		}
		if i > 0 && kept[i-1] == "--env" {
			kept[i] = nameOnly(arg)
		} else if pair, ok := strings.CutPrefix(arg, "--env="); ok {
			kept[i] = "--env=" + nameOnly(pair)
		}
	}
	return kept
}

func nameOnly(pair string) string {
	name, _, _ := strings.Cut(pair, "=")
	return name + "=…"
}
