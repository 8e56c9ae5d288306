// Command demo shows sigprobe at work: it runs the shipped scenarios and some stops of
// programs that nobody here wrote, and holds every verdict against the one that is right
// for the program. Flawed programs are to be caught, for their reason.
//
//	go run ./scenarios/demo
//
// It runs in the repository's root after `make build`. The exit status is 0 when every
// verdict was right.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

const (
	sigprobe = "bin/sigprobe"
	outDir   = "out/demo"
	junit    = outDir + "/junit.xml"
	report   = outDir + "/report.txt"
)

func main() {
	wrong, err := demo()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	if wrong > 0 {
		fmt.Printf("%d verdicts are wrong\n", wrong)
		os.Exit(1)
	}
	fmt.Println("every verdict is right")
}

// demo returns how many verdicts are wrong; the error is one of the demo itself.
func demo() (wrong int, err error) {
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return 0, err
	}
	wrong, err = shipped()
	if err != nil {
		return 0, err
	}
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	for i, f := range foreign(port) {
		right, err := f.run(i)
		if err != nil {
			return 0, err
		}
		if !right {
			wrong++
		}
	}
	fmt.Printf("\nrun store     .sigprobe/runs, the newest is .sigprobe/latest\nJUnit         %s\nfull report   %s\n", junit, report)
	return wrong, nil
}

// promise is what must come of a campaign: a verdict, and its findings as check/kind.
type promise struct {
	verdict verdict.Verdict
	finding string
}

func (p promise) String() string { return strings.TrimSpace(string(p.verdict) + " " + p.finding) }

var caughtBy = regexp.MustCompile(`CAUGHT BY: ([^\s,]+(?:, [^\s,]+)*)`)

// promised reads a scenario's description, as scenarios/README.md says.
func promised(s scenario.Scenario) promise {
	match := caughtBy.FindStringSubmatch(s.Description)
	switch {
	case s.Name == "finishes-early":
		return promise{verdict.Inconclusive, ""}
	case match == nil || match[1] == "none":
		return promise{verdict.Graceful, ""}
	}
	return promise{verdict.Violation, match[1]}
}

// came is what came of a campaign, in the same form.
func came(c reports.Campaign) promise {
	var found []string
	for _, f := range c.Findings {
		found = append(found, f.Check+"/"+f.Kind)
	}
	slices.Sort(found)
	return promise{c.Verdict, strings.Join(found, ", ")}
}

// foreignPrograms are the files about programs that a machine may lack.
var foreignPrograms = map[string]bool{"real.yaml": true, "node.yaml": true}

// shown are those of real.yaml that there is time for; the tests run all of them, and
// content-good.yaml.
var shown = []string{"gzip", "tar-czf"}

// long are scenarios of content.yaml that take longest, and are left to the tests too.
var long = []string{"leaves-draft", "leaves-shared", "sqlite-halves", "sqlite-halves-sound", "half-archive", "acks-half-record", "sorts-in-place"}

// shipped runs the scenarios of this folder in one run and prints a line for each.
func shipped() (wrong int, err error) {
	var files, only []string
	promises := map[string]promise{}
	for _, name := range []string{"well-behaved.yaml", "flawed.yaml", "hostile.yaml", "sweep.yaml", "content.yaml", "real.yaml", "node.yaml"} {
		file := filepath.Join("scenarios", name)
		scenarios, err := scenario.Load(file)
		if err != nil && foreignPrograms[name] {
			fmt.Printf("skipped: %s, because a program that it is about is not installed: %v\n", name, err)
			continue
		}
		if err != nil {
			return 0, err
		}
		files = append(files, file)
		for _, s := range scenarios {
			if name == "real.yaml" && !slices.Contains(shown, s.Name) || slices.Contains(long, s.Name) {
				continue
			}
			promises[s.Name] = promised(s)
			only = append(only, "--scenario", s.Name)
		}
	}
	text, err := os.Create(report)
	if err != nil {
		return 0, err
	}
	defer text.Close() //nolint:errcheck // it is for reading only what came of it
	fmt.Printf("%d shipped scenarios, each in a campaign of its own:\n", len(promises))
	// A trial mostly waits, so more of them than processors do each other no harm.
	summary, err := run(text, "shipped", slices.Concat(files, only, []string{"--junit", junit, "--jobs", "8", "--no-failures"})...)
	if err != nil {
		return 0, err
	}
	return compare(summary, promises)
}

// compare prints a line for each campaign and counts the wrong verdicts.
func compare(summary reports.Summary, promises map[string]promise) (wrong int, err error) {
	if len(summary.Scenarios) != len(promises) {
		return 0, fmt.Errorf("%d scenarios were run, and %d reported", len(promises), len(summary.Scenarios))
	}
	for _, c := range summary.Scenarios {
		got, mark := came(c), "as promised"
		if want := promises[c.Name]; got != want {
			wrong++
			mark = "WRONG, promised: " + want.String()
		}
		fmt.Printf("  %-24s %2d trials  %-40s %s\n", c.Name, c.Trials.Total, got, mark)
	}
	return wrong, nil
}

// stranger is a program from elsewhere, how it is run, and what is right for it.
type stranger struct {
	about   string
	args    []string
	promise promise
}

// foreign lists stops of a shell and of Python's web server.
func foreign(port int) []stranger {
	web := []string{"--trials", "5", "--ready-port", strconv.Itoa(port), "--window", "100ms..500ms"}
	server := []string{"--", "/usr/bin/python3", "-m", "http.server", strconv.Itoa(port)}
	return []stranger{
		{
			"a shell that does not forward TERM leaves its child behind",
			[]string{"--trials", "5", "--ready-after", "100ms", "--window", "0s..200ms", "--settle", "500ms", "--", "sh", "-c", "sleep 1000; echo x"},
			promise{verdict.Violation, "exit/default-action, survivors/orphan"},
		},
		{
			"Python's web server has no handler for TERM",
			slices.Concat(web, []string{"--schedule", "TERM/4s/KILL"}, server),
			promise{verdict.Violation, "exit/default-action"},
		},
		{
			"and it leaves cleanly on INT",
			slices.Concat(web, []string{"--schedule", "INT/4s/KILL"}, server),
			promise{verdict.Graceful, ""},
		},
	}
}

// run shows the whole report: it is what a person sees first of sigprobe.
func (f stranger) run(i int) (right bool, err error) {
	fmt.Printf("\n%s:\n$ sigprobe run %s\n", f.about, quoted(f.args))
	summary, err := run(os.Stdout, "foreign"+strconv.Itoa(i), f.args...)
	if err != nil {
		return false, err
	}
	if len(summary.Scenarios) != 1 {
		return false, fmt.Errorf("%d scenarios are reported for one command", len(summary.Scenarios))
	}
	got := came(summary.Scenarios[0])
	if got != f.promise {
		fmt.Printf("WRONG: %s; right is %s\n", got, f.promise)
	}
	return got == f.promise, nil
}

// run runs sigprobe and reads its summary. What its exit status says is also in there;
// only where there is none it could not do its work.
func run(text *os.File, name string, args ...string) (summary reports.Summary, err error) {
	path := filepath.Join(outDir, name+".json")
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return summary, err
	}
	cmd := exec.Command(sigprobe, slices.Concat([]string{"run", "--json", path}, args)...)
	cmd.Stdout, cmd.Stderr = text, os.Stderr
	failed := cmd.Run()
	body, err := os.ReadFile(path)
	if err != nil {
		return summary, fmt.Errorf("sigprobe run %s: %w", quoted(args), errors.Join(failed, err))
	}
	if err := json.Unmarshal(body, &summary); err != nil {
		return summary, fmt.Errorf("%s: %w", path, err)
	}
	return summary, nil
}

// freePort asks the kernel for a port that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().(*net.TCPAddr).Port, nil
}

// quoted shows arguments as a shell wants them.
func quoted(args []string) string {
	var words []string
	for _, arg := range args {
		if strings.ContainsAny(arg, " ;'\"") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}
