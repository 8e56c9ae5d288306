package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// command of the version in go.mod.
const ginkgoCommand = "github.com/onsi/ginkgo/v2/ginkgo"

// ginkgo runs the suites. Its own reporter shows failures and skips.
func ginkgo(suites []string, o options, total *tally) error {
	if len(suites) == 0 {
		return nil
	}
	const report = "ginkgo.json"
	os.Remove(filepath.Join(outDir, report)) //nolint:errcheck // one that stays is not read as new: the command fails then
	cmd := command("go", append(ginkgoArgs(o, report), folders(suites)...)...)
	cmd.Stdout = os.Stdout
	failed := cmd.Run()
	if err := countSpecs(filepath.Join(outDir, report), total); err != nil {
		return errors.Join(failed, err)
	}
	if failed != nil {
		return fmt.Errorf("ginkgo: %w", failed)
	}
	return nil
}

// ginkgoArgs asks for random order and parallel processes. The long campaigns have the
// label soak; nothing else runs beside them, and the race detector would only slow
// them down.
func ginkgoArgs(o options, report string) []string {
	args := []string{"run", ginkgoCommand, "run", procs(o), "--randomize-all", "--randomize-suites", "--keep-going",
		"--fail-on-empty", "--fail-on-pending", "--poll-progress-after=60s", "--output-dir=" + outDir, "--json-report=" + report}
	if !isTerminal(os.Stdout) {
		args = append(args, "--no-color")
	}
	if o.seed != 0 {
		args = append(args, fmt.Sprintf("--seed=%d", o.seed))
	}
	if o.soak {
		return append(args, "--label-filter=soak", "--timeout=6h", "-v")
	}
	return append(args, "--label-filter=!soak", "--timeout=10m", fmt.Sprintf("--race=%t", o.race))
}

// procs is how many processes the specs are dealt to. Most of a spec is waiting, so there
// is one more of them than processors.
func procs(o options) string {
	if o.soak {
		return "-p"
	}
	return fmt.Sprintf("--procs=%d", runtime.NumCPU()+1)
}

// isTerminal takes every character device for one, which is close enough to decide
// about colours.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// folders turns import paths into what the ginkgo command takes.
func folders(suites []string) []string {
	var list []string
	for _, path := range suites {
		list = append(list, "./"+strings.TrimPrefix(path, "github.com/sigprobe/sigprobe/"))
	}
	return list
}

// suiteReport is the part of Ginkgo's JSON report that is counted.
type suiteReport struct {
	SuiteDescription string
	SpecReports      []struct {
		ContainerHierarchyTexts []string
		LeafNodeType            string
		LeafNodeText            string
		State                   string
		Failure                 struct{ Message string }
	}
}

// countSpecs counts the specs of a report. Those that the label filter left out have
// no reason and are not counted; a set-up that failed counts as one failure.
func countSpecs(path string, total *tally) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("ginkgo left no report: the suites did not run")
	} else if err != nil {
		return err
	}
	var suites []suiteReport
	if err := json.Unmarshal(text, &suites); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, suite := range suites {
		for _, spec := range suite.SpecReports {
			switch {
			case spec.State == "passed" && spec.LeafNodeType == "It":
				total.Passed++
			case spec.State == "skipped" && spec.Failure.Message != "":
				total.Skipped++
				fmt.Printf("SKIP %s: %s: %s\n", suite.SuiteDescription,
					strings.Join(append(spec.ContainerHierarchyTexts, spec.LeafNodeText), " "), spec.Failure.Message)
			case spec.State != "passed" && spec.State != "skipped" && spec.State != "pending":
				total.Failed++
			}
		}
	}
	return nil
}
