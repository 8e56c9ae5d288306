package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestAHundredThousandTrials holds the size of the file and the memory of its making,
// and tells how long things took: times are told and not held.
func TestAHundredThousandTrials(t *testing.T) {
	const trials = 100_000
	dir := t.TempDir()
	run, err := Synthetic(filepath.Join(dir, "store"), trials)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "report.html")
	started := time.Now()
	render := exec.Command(sigprobe, "report", run, "--format", "html", "-o", path)
	if out, err := render.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	made := time.Since(started)
	// ru_maxrss is in KiB on Linux (getrusage(2)).
	memory := render.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	started = time.Now()
	tab := open(t, path, desktop)
	becomes(t, tab, shownCount+` === "100,000 trials"`)
	opened := time.Since(started)
	do(t, tab, choose("verdict", "v"))
	becomes(t, tab, `document.querySelector("#list tbody .badge")?.textContent === "✕ violation" && `+shownCount+` !== "100,000 trials"`)
	filtered := time.Since(started)
	inPage := value[float64](t, tab, `performance.getEntriesByType("navigation")[0].loadEventEnd`)
	do(t, tab, choose("verdict", ""))
	becomes(t, tab, shownCount+` === "100,000 trials"`)
	sorted := value[float64](t, tab, `(() => { const from = performance.now(); document.querySelector("#list th[data-sort=ending] button").click(); return performance.now() - from; })()`)
	t.Logf("%d trials: report in %v with %d MiB, file of %.1f MiB; opened in %v (load event after %.0f ms), first filtered row after %v, sorted in %.0f ms; %d console messages, %d requests",
		trials, made.Round(time.Millisecond), memory>>20, float64(info.Size())/(1<<20), opened.Round(time.Millisecond), inPage, filtered.Round(time.Millisecond), sorted, len(tab.Errors()), len(tab.Requests()))
	if memory > 300<<20 {
		t.Errorf("the report was made with %d MiB of memory", memory>>20)
	}
	if info.Size() > 10_000_000 {
		t.Errorf("the file has %d bytes", info.Size())
	}
	if n := value[int](t, tab, `document.querySelectorAll("details.trial").length`); n < 100 {
		t.Errorf("only %d trials have a page", n)
	}
	quiet(t, tab)
}
