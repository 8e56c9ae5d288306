package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
)

// wholeRole is the name under which the test binary is the whole benchmark.
const wholeRole = "sigprobe-bench"

func TestMain(m *testing.M) {
	if os.Args[0] == wholeRole {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	if status, is := asRole(); is {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// short is a run that takes a second or two.
var short = []string{"--rounds", "2", "--shots", "4", "--crowd", "20"}

func TestEverythingIsMeasured(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bench.json")
	var out, stderr bytes.Buffer
	status := run(append(short, "--benchfmt", "--json", file), &out, &stderr)
	if status != met && status != missed {
		t.Fatalf("status %d, %s\n%s", status, stderr.String(), out.String())
	}
	var result Result
	read(t, file, &result)
	samples := map[string]int{}
	for _, g := range result.Groups {
		for _, s := range g.Series {
			samples[g.Name] += len(s.All())
			if s.Quantile(0.01) <= 0 {
				t.Errorf("%s: %s took no time", g.Name, s.Name)
			}
			if !strings.Contains(out.String(), s.Name) {
				t.Errorf("%s is not in the table", s.Name)
			}
		}
		if len(g.Bounds) == 0 {
			t.Errorf("%s has no bound: %v", g.Name, g.Notes)
		}
	}
	// Four contenders without a C compiler, one of them slow, six with one; one marksman where the kernel
	// grants no real-time priority, else two.
	for name, least := range map[string]int{
		"trial": 3 * 2 * trialTurn.counted, "lateness": 4, "exit": 2 * 2 * exitTurn.counted, "census": 2 * 2 * censusPerRound,
	} {
		if samples[name] < least {
			t.Errorf("%s: %d samples, not %d", name, samples[name], least)
		}
	}
	if result.Met() != (status == met) || strings.Contains(out.String(), "MISSED") != (status == missed) {
		t.Errorf("status %d does not fit to\n%s", status, out.String())
	}
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// Every orphan of the benchmark becomes this process' child: none may be left, whether
// it could clean up or not.
func TestNothingIsLeftAlive(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		signal syscall.Signal
		group  string
	}{
		{syscall.SIGINT, "trial"}, {syscall.SIGTERM, "lateness"}, {syscall.SIGINT, "census"},
		{syscall.SIGKILL, "trial"}, {syscall.SIGKILL, "lateness"}, {syscall.SIGKILL, "census"},
	} {
		t.Run(c.group+" and "+c.signal.String(), func(t *testing.T) {
			var stderr bytes.Buffer
			cmd := &exec.Cmd{
				Path: "/proc/self/exe", Args: []string{wholeRole, "--rounds", "1000", "--shots", "100000", "--crowd", "300", c.group},
				Stderr: &stderr, SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { removeFolders(cmd.Process.Pid) })
			awaitInTest(t, "it is at work", func() bool { return len(proc.Descendants(cmd.Process.Pid)) > 2 })
			cmd.Process.Signal(c.signal) //nolint:errcheck // how it ends tells
			cmd.Wait()                   //nolint:errcheck // likewise
			if c.signal != syscall.SIGKILL && cmd.ProcessState.ExitCode() != interrupted {
				t.Errorf("%s, not code %d: %s", cmd.ProcessState, interrupted, stderr.String())
			}
			awaitInTest(t, "all are gone", func() bool {
				for pid, left := proc.DeadChild(); pid != 0 && left; pid, left = proc.DeadChild() {
					proc.Reap(pid) //nolint:errcheck // it was dead and is ours
				}
				_, left := proc.DeadChild()
				return !left
			})
		})
	}
}

// removeFolders removes what a benchmark leaves that was killed.
func removeFolders(pid int) {
	for _, parent := range []string{os.TempDir(), "/dev/shm"} {
		dirs, _ := filepath.Glob(fmt.Sprintf("%s/sigprobe-bench-%d-*", parent, pid)) //nolint:errcheck // the pattern is sound
		for _, dir := range dirs {
			os.RemoveAll(dir) //nolint:errcheck // it is in a temporary folder
		}
	}
}

func awaitInTest(t *testing.T, what string, there func() bool) {
	t.Helper()
	if err := await(what, there); err != nil {
		t.Fatal(err)
	}
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for _, args := range [][]string{{"--rounds", "0"}, {"--shots", "-1"}, {"--crowd", "0"}, {"speed"}, {"--no-such-flag"}} {
		var out, stderr bytes.Buffer
		if status := run(args, &out, &stderr); status != usage || stderr.Len() == 0 || out.Len() > 0 {
			t.Errorf("%v: status %d, %q, %q", args, status, out.String(), stderr.String())
		}
	}
}

func TestQuickLeavesAloneWhatWasGiven(t *testing.T) {
	o, err := parse([]string{"--quick", "--shots", "77"}, os.Stderr)
	if err != nil || o.shots != 77 || o.rounds >= 20 || o.crowd >= 5000 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestAProgramThatCannotStartLeavesNoCrowd(t *testing.T) {
	c, err := newCradle()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{cradle: c, sleep: filepath.Join(t.TempDir(), "none"), options: options{crowd: 3}}
	people, err := b.gather(t.Context())
	if err == nil || len(people) != 0 {
		t.Errorf("%d started, %v", len(people), err)
	}
}

func TestQuantileIsTheSmallestThatCoversTheShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.IntRange(0, 20), 1, 50).Draw(t, "sample")
		p := float64(rapid.IntRange(1, 100).Draw(t, "percent")) / 100
		got := quantile(sample, p)
		below, upTo := 0, 0
		for _, v := range sample {
			if v < got {
				below++
			}
			if v <= got {
				upTo++
			}
		}
		need := p * float64(len(sample))
		if !slices.Contains(sample, got) || float64(upTo) < need-1e-9 || float64(below) >= need+1e-9 {
			t.Fatalf("%d of %v at %v: %d below, %d up to it", got, sample, p, below, upTo)
		}
	})
}

func TestRatioComparesWithinRounds(t *testing.T) {
	over := Series{Rounds: [][]time.Duration{{20, 20, 900}, {2000, 2000, 2000}, {30, 30, 30}}}
	under := Series{Rounds: [][]time.Duration{{10, 10, 10}, {1000, 1000, 5}, {10, 10, 10}}}
	b := ratio("a to b", over, under).atMost(2)
	if b.Value != 2 || b.Low != 2 || b.High != 3 || !b.Met() {
		t.Errorf("%+v", b)
	}
}

func TestBounds(t *testing.T) {
	for _, c := range []struct {
		bound Bound
		met   bool
	}{
		{Bound{Value: 3.9}.atMost(4), true}, {Bound{Value: 4}.atMost(4), true}, {Bound{Value: 4.1}.atMost(4), false},
		{Bound{Value: 21}.atLeast(20), true}, {Bound{Value: 20}.atLeast(20), true}, {Bound{Value: 19.9}.atLeast(20), false},
		{ratio("of nothing", Series{}, Series{}).atMost(4), false}, {ratio("of nothing", Series{}, Series{}).atLeast(4), false},
		{Bound{Value: math.Inf(1)}.atMost(4), false},
	} {
		r := Result{Groups: []Group{{}, {Name: "g", Bounds: []Bound{{Value: 1, Limit: 1}, c.bound}}}}
		if c.bound.Met() != c.met || r.Met() != c.met {
			t.Errorf("%+v: %v", c.bound, c.bound.Met())
		}
		var table bytes.Buffer
		if err := writeTable(&table, r); err != nil || strings.Contains(table.String(), "MISSED") == c.met {
			t.Errorf("%v in\n%s", err, table.String())
		}
		file := filepath.Join(t.TempDir(), "bench.json")
		if err := writeJSON(file, r); err != nil {
			t.Error(err)
		}
		var stored struct {
			Groups []struct{ Bounds []struct{ Met bool } }
		}
		read(t, file, &stored)
		if stored.Groups[1].Bounds[1].Met != c.met {
			t.Errorf("%+v is stored as %v", c.bound, stored)
		}
	}
}

// benchLine is what Go's benchmarks print (golang.org/design/14313-benchmark-format).
var benchLine = regexp.MustCompile(`^Benchmark[A-Z]\w*/\w+-\d+\s+\d+\s+\d+ ns/op$`)

func TestBenchfmt(t *testing.T) {
	var out bytes.Buffer
	r := Result{Groups: []Group{{Name: "trial", Series: []Series{{
		Name: "sigprobe, fresh work-folder (a/b)", Rounds: [][]time.Duration{{1, 2, 3}, {4, 5, 600}},
	}}}}}
	if err := writeBenchfmt(&out, r); err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, "Benchmark") {
			if !benchLine.MatchString(strings.TrimSpace(line)) {
				t.Errorf("%q", line)
			}
			values = append(values, strings.Join(strings.Fields(line)[1:], " "))
		}
	}
	if want := []string{"3 2 ns/op", "3 5 ns/op"}; !slices.Equal(values, want) {
		t.Errorf("%q, not %q", values, want)
	}
}
