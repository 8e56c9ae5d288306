package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build output
	Elapsed                       float64
}

// goTest runs the plain Go tests.
func goTest(packages []string, o options, total *tally) error {
	if len(packages) == 0 {
		return nil
	}
	args := []string{"test", "-json", "-shuffle=on", "-timeout=5m", fmt.Sprintf("-race=%t", o.race)}
	cmd := command("go", append(args, packages...)...)
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	failed := readEvents(output, os.Stdout, total)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return failed
}

// readEvents tells what comes of each package and counts its tests.
func readEvents(from io.Reader, to io.Writer, total *tally) error {
	said := map[string]*strings.Builder{} // by package and test
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			e.tell(said, to, total)
		} else if len(line) > 0 {
			to.Write(line) //nolint:errcheck // what the go command says beside the events
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read what go test says: %w", err)
		}
	}
}

// tell prints and counts the end of a test or a package, and collects what they print
// until then.
func (e event) tell(said map[string]*strings.Builder, to io.Writer, total *tally) {
	key := e.Package + e.ImportPath + " " + e.Test
	output := said[key]
	if output == nil {
		output = &strings.Builder{}
		said[key] = output
	}
	switch e.Action {
	case "output", "build-output":
		output.WriteString(e.Output)
	case "build-fail":
		fmt.Fprint(to, output)
	case "pass", "fail", "skip":
		e.tellEnd(output.String(), to, total)
		delete(said, key)
	}
}

func (e event) tellEnd(output string, to io.Writer, total *tally) {
	if e.Test == "" {
		e.tellPackage(output, to)
		return
	}
	switch e.Action {
	case "pass":
		total.Passed++
	case "fail":
		total.Failed++
		fmt.Fprint(to, output)
	case "skip":
		total.Skipped++
		fmt.Fprintf(to, "SKIP %s %s: %s\n", e.Package, e.Test, reason(output))
	}
}

// tellPackage prints a line for a package, and all that it said when it failed.
func (e event) tellPackage(output string, to io.Writer) {
	if e.Action == "fail" {
		fmt.Fprint(to, output)
	}
	fmt.Fprintf(to, "%-4s %s %.1fs\n", map[string]string{"pass": "ok", "fail": "FAIL", "skip": "none"}[e.Action], e.Package, e.Elapsed)
}

// reason is what a skipped test said, without the lines of the test runner.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}
