package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/sigprobe/sigprobe/harness/shrink"
)

const shrunkName = "shrunk"

// Shrunk is what is known of the findings of one trial after they were narrowed down:
// shrunk/SCENARIO-TRIAL.json in the run's folder.
type Shrunk struct {
	Schema int `json:"schema"`
	// Findings has one entry for each finding that was shrunk.
	Findings []shrink.Result `json:"findings"`
}

// ShrunkPath is where the result for a trial stands, relative to the run's folder.
func ShrunkPath(scenario string, trial int) string {
	return path.Join(shrunkName, fmt.Sprintf("%s-%d.json", scenario, trial))
}

// KeepShrunk keeps a result in the folder of a run, in place of an earlier one for the
// same finding of the same trial. The file is replaced as a whole.
func KeepShrunk(run string, r shrink.Result) error {
	if !validKey(r.Scenario, r.Trial) {
		return fmt.Errorf("keep what trial %d of %q was shrunk to: that is no name of a trial", r.Trial, r.Scenario)
	}
	if err := keepShrunk(run, r); err != nil {
		return storeError("keep what was shrunk in "+run, err)
	}
	return nil
}

func keepShrunk(run string, r shrink.Result) error {
	root, err := os.OpenRoot(run)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // a folder has nothing to lose
	var kept Shrunk
	readJSON(filepath.Join(run, ShrunkPath(r.Scenario, r.Trial)), &kept, false) // what cannot be read is replaced
	kept.Schema = Schema
	kept.Findings = append(slices.DeleteFunc(kept.Findings, func(old shrink.Result) bool {
		return old.Check == r.Check && old.Kind == r.Kind
	}), r)
	text, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	if err := root.MkdirAll(shrunkName, 0o755); err != nil {
		return err
	}
	return errors.Join(writeWhole(root, ShrunkPath(r.Scenario, r.Trial), append(text, '\n')), syncFolder(root.Open(shrunkName)))
}

// readShrunk reads all that was shrunk in a run; what cannot be read is a warning.
func readShrunk(run string) (all []shrink.Result, warnings []Warning) {
	names, _ := filepath.Glob(filepath.Join(run, shrunkName, "*.json")) //nolint:errcheck // the pattern is sound
	for _, name := range names {
		var kept Shrunk
		warnings = append(warnings, readJSON(name, &kept, true)...)
		all = append(all, kept.Findings...)
	}
	return all, warnings
}

// AddShrunk adds what a finding was shrunk to. Of several results for the same kind of
// finding the first that came back counts.
func (s *Summarizer) AddShrunk(r shrink.Result) {
	c, k := s.campaign(r.Scenario), kindKey{r.Check, r.Kind}
	if old := c.shrunk[k]; old == nil || !old.Back {
		c.shrunk[k] = &r
	}
}
