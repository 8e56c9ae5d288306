package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/goccy/go-yaml"
)

// The pieces for CI systems, in docs/CI.md and action.yml, are run here as far as they can
// be without their servers.

const top = "../.."

// piece is the block of docs/CI.md with a word behind its language.
func piece(t *testing.T, word string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(top, "docs", "CI.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)\n```[a-z]+ " + word + "\n(.*?)\n```\n").FindSubmatch(page)
	if found == nil {
		t.Fatalf("docs/CI.md has no piece for %s", word)
	}
	return string(found[1]) + "\n"
}

// checkout is a folder with the scenario file that the pieces name.
func checkout(t *testing.T, accept string) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf(`scenarios:
  - name: sleeper
    target: {command: [sleep, "8101"]}
    ready: {after: 1ms}
    strike: {random: {trials: 4, within: 5ms}}
    expect: {exit: [%s]}
`, accept)
	err := errors.Join(os.Mkdir(filepath.Join(dir, "ci"), 0o755), os.WriteFile(filepath.Join(dir, "ci", "shutdown.yaml"), []byte(text), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs a script as a CI system does, and gives its exit status and what it said.
func shell(t *testing.T, dir, script string, env ...string) (status int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*bound)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)
	c.Dir = dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GOCACHE=" + os.Getenv("GOCACHE"), "CI=true"}, env...)
	// What a script leaves running would be waited for.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	out, err := c.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// outcomes are the statuses of a target that stops as its scenario wants, and of one that
// does not.
var outcomes = map[string]int{"default-action": 0, "clean": 1}

func wrote(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
}

func TestThePieceForGitLab(t *testing.T) {
	var jobs map[string]struct {
		Parallel  int
		Script    []string
		Artifacts struct {
			Reports struct{ JUnit string }
			Paths   []string
		}
	}
	if err := yaml.Unmarshal([]byte(piece(t, "gitlab")), &jobs); err != nil {
		t.Fatal(err)
	}
	job := jobs["shutdown"]
	for accept, want := range outcomes {
		for node := 1; node <= job.Parallel; node++ {
			dir := checkout(t, accept)
			status, said := shell(t, dir, strings.Join(job.Script, "\n"), "CI_PIPELINE_ID=77", fmt.Sprintf("CI_NODE_INDEX=%d", node), fmt.Sprintf("CI_NODE_TOTAL=%d", job.Parallel))
			if status != want || !strings.Contains(said, fmt.Sprintf("shard %d/%d", node, job.Parallel)) {
				t.Errorf("node %d, accepting %s: status %d, %s", node, accept, status, said)
			}
			wrote(t, dir, append(job.Artifacts.Paths, job.Artifacts.Reports.JUnit)...)
		}
	}
	if job.Parallel < 2 || len(job.Script) == 0 {
		t.Errorf("the piece is read as %+v", jobs)
	}
}

func TestThePieceForJenkins(t *testing.T) {
	text := piece(t, "jenkins")
	if strings.Count(text, "{") != strings.Count(text, "}") {
		t.Error("its braces are not paired")
	}
	steps := regexp.MustCompile(`(?s)sh '''(.*?)'''`).FindAllStringSubmatch(text, -1)
	if len(steps) != 1 {
		t.Fatalf("%d shell steps", len(steps))
	}
	for accept := range outcomes {
		dir := checkout(t, accept)
		// A violation is for the junit step to tell.
		if status, said := shell(t, dir, steps[0][1], "BUILD_NUMBER=12"); status != 0 {
			t.Errorf("accepting %s: status %d, %s", accept, status, said)
		}
		wrote(t, dir, "sigprobe.xml", "sigprobe.md", ".sigprobe/latest/run.json")
	}
	if status, _ := shell(t, t.TempDir(), steps[0][1], "BUILD_NUMBER=12"); status != 64 {
		t.Errorf("without a scenario file: status %d", status)
	}
}

// composite is as much of action.yml as is run here.
type composite struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Using string
		Steps []struct {
			ID, Shell, Run, Uses string
			Env                  map[string]string
		}
	}
}

func readAction(t *testing.T) (a composite) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "action.yml"))
	if err == nil {
		err = yaml.Unmarshal(text, &a)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var expression = regexp.MustCompile(`\$\{\{ *([a-z._-]+) *\}\}`)

// act runs the action's steps, one after the other, until one fails.
func act(t *testing.T, dir string, inputs map[string]string) (status int, said string, outputs map[string]string) {
	t.Helper()
	a := readAction(t)
	source, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"github.action_path": source}
	for name, input := range a.Inputs {
		known["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		known["inputs."+name] = value
	}
	temp := t.TempDir()
	for _, step := range a.Runs.Steps {
		if step.Run == "" {
			continue // another action
		}
		if expression.MatchString(step.Run) {
			t.Errorf("step %s has an expression in its script, where an input would be read as shell", step.ID)
		}
		output := filepath.Join(temp, step.ID)
		env := []string{"GITHUB_ACTIONS=true", "RUNNER_TEMP=" + temp, "GITHUB_OUTPUT=" + output, "GITHUB_STEP_SUMMARY=" + filepath.Join(temp, "summary.md")}
		for name, value := range step.Env {
			env = append(env, name+"="+expression.ReplaceAllStringFunc(value, func(found string) string {
				value, ok := known[expression.FindStringSubmatch(found)[1]]
				if !ok {
					t.Errorf("step %s: nothing is known of %s", step.ID, found)
				}
				return value
			}))
		}
		var part string
		status, part = shell(t, dir, step.Run, env...)
		said += part
		written, _ := os.ReadFile(output)
		for line := range strings.Lines(string(written)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			known["steps."+step.ID+".outputs."+name] = value
		}
		if status != 0 {
			break
		}
	}
	if summary, err := os.ReadFile(filepath.Join(temp, "summary.md")); err == nil {
		said += string(summary)
	}
	return status, said, known
}

func TestTheAction(t *testing.T) {
	for accept, want := range outcomes {
		dir := checkout(t, accept)
		status, said, outputs := act(t, dir, map[string]string{
			"sigprobe": "sigprobe", "scenarios": "ci/shutdown.yaml\n", "seed": "7", "shard": "2/2", "args": "--quiet\n\n--jobs\n2",
		})
		if status != want || outputs["steps.run.outputs.exit-status"] != fmt.Sprint(want) {
			t.Errorf("accepting %s: status %d, %v, %s", accept, status, outputs, said)
		}
		if strings.Contains(said, "::error file=ci/shutdown.yaml,") != (want == 1) || !strings.Contains(said, "## sigprobe: ") {
			t.Errorf("accepting %s it said: %s", accept, said)
		}
		wrote(t, dir, "sigprobe-reports/sigprobe.xml", "sigprobe-reports/sigprobe.md", "sigprobe-reports/sigprobe.json", "sigprobe-reports/sigprobe.ctrf.json", ".sigprobe/latest/run.json")
	}
}

// No input is ever read by a shell, and a command may have blanks.
func TestTheActionTakesInputsAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	status, said, _ := act(t, dir, map[string]string{
		"sigprobe": "sigprobe", "reports": "a b $(touch pwned)",
		"args": "--trials\n1\n--window\n0s..1ms\n--ready-after\n20ms\n--accept\ncode:3\n--\nsh\n-c\ntrap 'exit 3' TERM; touch \"it ran\"; `true`; sleep 8102 & wait; kill $!; exit 3",
	})
	if status != 0 && status != 1 { // the sleep may survive, which is not what this is about
		t.Errorf("status %d, %s", status, said)
	}
	wrote(t, dir, "a b $(touch pwned)/sigprobe.xml")
	if _, err := os.Stat(filepath.Join(dir, "it ran")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pwned")); err == nil {
		t.Error("an input was read by a shell")
	}
}

func TestTheActionSaysWhatItNeeds(t *testing.T) {
	if status, said, _ := act(t, t.TempDir(), map[string]string{"sigprobe": "./none"}); status != 64 || !strings.Contains(said, "::error::the input sigprobe names ./none") {
		t.Errorf("status %d, %s", status, said)
	}
}

func TestTheActionBuildsItsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds sigprobe")
	}
	dir := checkout(t, "default-action")
	status, said, outputs := act(t, dir, map[string]string{"scenarios": "ci/shutdown.yaml"})
	if status != 0 || !strings.HasSuffix(outputs["steps.build.outputs.binary"], "/sigprobe-bin/sigprobe") {
		t.Errorf("status %d, %v, %s", status, outputs, said)
	}
}

// Workflows are read by actionlint, where it can be built.
func TestWorkflows(t *testing.T) {
	tool := []string{"tool", "-modfile=" + filepath.Join(top, ".ci", "tools", "go.mod"), "actionlint"}
	if out, err := exec.Command("go", append(tool, "-version")...).CombinedOutput(); err != nil {
		t.Skipf("actionlint cannot be built: %v: %s", err, out)
	}
	path := filepath.Join(t.TempDir(), "shutdown.yml")
	if err := os.WriteFile(path, []byte(piece(t, "github")), 0o644); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(top, ".github", "workflows", "*.yml"))
	lint := func(files ...string) (string, error) {
		out, err := exec.Command("go", append(append(tool, "-no-color", "-shellcheck=", "-pyflakes="), files...)...).CombinedOutput()
		return string(bytes.TrimSpace(out)), err
	}
	if said, err := lint(append(files, path)...); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	// What the piece gives the action is what the action takes.
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct {
				Uses string
				With map[string]any
			}
		}
	}
	if err := yaml.Unmarshal([]byte(piece(t, "github")), &workflow); err != nil {
		t.Fatal(err)
	}
	used, action := 0, readAction(t)
	for _, step := range workflow.Jobs["shutdown"].Steps {
		if !strings.HasPrefix(step.Uses, "sigprobe/sigprobe@") {
			continue
		}
		used++
		for name := range step.With {
			if _, known := action.Inputs[name]; !known {
				t.Errorf("the action has no input %s", name)
			}
		}
	}
	if used != 1 {
		t.Errorf("the piece uses the action %d times", used)
	}
}
