package oracle

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sigprobe/sigprobe/harness/observation"
)

var large = flag.Int64("large", 128<<20, "the size in bytes of the file that is examined within 64 MiB")

// mostMemory is how much a process may have while it examines a large file, in KiB.
const mostMemory = 64 << 10

// TestLargeFilesAreStreamed examines a file that does not fit into the memory allowed, in
// a process of its own, which tells how much it had at most (VmHWM, proc_pid_status(5);
// ru_maxrss would count its parent's memory from before the exec).
func TestLargeFilesAreStreamed(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	if file := os.Getenv("SIGPROBE_TEST_LARGE"); file != "" {
		examineLarge(t, file, os.Getenv("SIGPROBE_TEST_ORACLE"))
		return
	}
	file := filepath.Join(t.TempDir(), "large")
	writeLarge(t, file)
	for _, oracle := range []string{"old-or-new", "append-only", "append-only:length:u16be", "sha256:" + strings.Repeat("0", 64), "format:jsonl", "format:text", "format:csv"} {
		again := exec.Command("/proc/self/exe", "-test.run=^TestLargeFilesAreStreamed$")
		again.Env = append(os.Environ(), "SIGPROBE_TEST_LARGE="+file, "SIGPROBE_TEST_ORACLE="+oracle)
		out, err := again.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", oracle, err, out)
		}
		peak := peakOf(t, string(out))
		t.Logf("%s of %d MiB: %d MiB at most", oracle, *large>>20, peak>>10)
		if peak > mostMemory {
			t.Errorf("%s needs %d KiB for %d bytes", oracle, peak, *large)
		}
	}
}

func examineLarge(t *testing.T, file, oracle string) {
	s := Subject{Path: "large", File: file, Before: file, Reference: file, HasReference: true}
	if strings.HasPrefix(oracle, "append-only:") {
		s.Before = "" // all of it is walked over
	}
	want := observation.Whole
	if strings.HasPrefix(oracle, "sha256") {
		want = observation.Damaged
	}
	if e := ask(t, s, oracle); e.Answer != want {
		t.Fatalf("%s (%s)", said(e), e.Message)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.Write(status) //nolint:errcheck // the parent misses it
}

// peakOf reads VmHWM, in KiB.
func peakOf(t *testing.T, status string) int64 {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmHWM:" {
			if peak, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return peak
			}
		}
	}
	t.Fatalf("no VmHWM in\n%s", status)
	return 0
}

// writeLarge writes lines that are records of two bytes of length, JSON and CSV at once.
func writeLarge(t *testing.T, path string) {
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(file)
	for written, i := int64(0), 0; written < *large; i++ {
		// Two spaces are the length 0x2020.
		n, err := fmt.Fprintf(w, "  1%0*d\n", 0x2020-2, i)
		if err != nil {
			t.Fatal(err)
		}
		written += int64(n)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
