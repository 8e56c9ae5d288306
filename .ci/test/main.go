// Command test runs all tests of the repository and tells what came of them: the Go
// tests through `go test`, the Ginkgo suites through the ginkgo command of the version
// in go.mod, in random order and in parallel.
//
//	go run ./.ci/test [-race=false] [-soak] [-seed N] [PACKAGE…]
//
// Output of failed tests is shown whole, skipped tests with their reason. The last line
// is the summary, "N passed, N failed, N skipped"; it also stands in out/test-summary.txt.
// The exit status is 1 when a test failed, or a package could not be built.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// outDir is where reports of the run are kept.
const outDir = "out"

func main() {
	race := flag.Bool("race", hasCgo(), "detect data races; needs a C compiler")
	soak := flag.Bool("soak", false, "run the long campaigns and nothing else")
	seed := flag.Int64("seed", 0, "seed of the suites; 0 draws one, and it is printed")
	flag.Parse()
	if err := run(options{*race, *soak, *seed, flag.Args()}); err != nil {
		fmt.Fprintln(os.Stderr, "test:", err)
		os.Exit(1)
	}
}

type options struct {
	race, soak bool
	seed       int64
	patterns   []string // all packages when empty
}

// run runs both kinds of tests, the second also when the first failed.
func run(o options) error {
	if !o.race && !o.soak {
		fmt.Println("note: data races are not looked for (no C compiler, or -race=false)")
	}
	plain, suites, err := packages(o.patterns)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(outDir, 0o755); err != nil {
		return err
	}
	var total tally
	var failed error
	if !o.soak {
		failed = goTest(plain, o, &total)
	}
	if err := ginkgo(suites, o, &total); err != nil {
		failed = err
	}
	return finish(total, failed)
}

// finish prints the summary and keeps it.
func finish(total tally, failed error) error {
	if total.Failed > 0 {
		failed = fmt.Errorf("%d tests failed", total.Failed)
	}
	if err := os.WriteFile(filepath.Join(outDir, "test-summary.txt"), []byte(total.String()+"\n"), 0o644); err != nil {
		failed = err
	}
	if failed != nil {
		fmt.Println("FAIL:", failed)
	}
	fmt.Println(total)
	if failed == nil && total.Passed == 0 {
		failed = fmt.Errorf("no test ran")
	}
	return failed
}

// packages lists the packages with tests: those with plain Go tests, and those that
// are Ginkgo suites.
func packages(patterns []string) (plain, suites []string, err error) {
	const format = `{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}{{end}}`
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	text, err := command("go", append([]string{"list", "-f", format}, patterns...)...).Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.Contains(line, " github.com/onsi/ginkgo/v2"):
			suites = append(suites, fields[0])
		default:
			plain = append(plain, fields[0])
		}
	}
	return plain, suites, nil
}

// hasCgo says whether the go command found a C compiler.
func hasCgo() bool {
	text, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	return err == nil && strings.TrimSpace(string(text)) == "1"
}

// command makes a command whose complaints are shown.
func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	// Else every process with the race detector waits for a second before it ends, and a
	// warden is one.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// tally counts tests and specs.
type tally struct{ Passed, Failed, Skipped int }

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.Passed, t.Failed, t.Skipped)
}
