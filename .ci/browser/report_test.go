package browser

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

var (
	chromium *Chromium
	// few is the page of a run of two thousand trials, and fewRun its folder.
	few, fewRun string
)

// patience bounds each wait for a state of a page.
var patience = flag.Duration("poll", 30*time.Second, "how long to wait for a page to change")

// The command that is tested is the one that make build leaves.
const sigprobe = "../../bin/sigprobe"

var desktop = View{Width: 1100, Height: 800}

func TestMain(m *testing.M) { os.Exit(tested(m)) }

func tested(m *testing.M) int {
	flag.Parse()
	path, err := Find()
	if err != nil {
		fmt.Println("skipped:", err)
		return 0
	}
	if chromium, err = Start(path); err != nil {
		fmt.Println("skipped: Chromium does not start here:", err)
		return 0
	}
	defer chromium.Close()
	folder, err := os.MkdirTemp("", "sigprobe-browser-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if fewRun, err = Synthetic(filepath.Join(folder, "store"), 2000); err != nil {
		panic(err)
	}
	few = filepath.Join(folder, "few.html")
	if out, err := exec.Command(sigprobe, "report", fewRun, "--format", "html", "-o", few).CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v: %s; make build first", err, out))
	}
	return m.Run()
}

func open(t *testing.T, path string, v View) *Tab {
	t.Helper()
	tab, err := chromium.Open(path, v)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tab.Close)
	return tab
}

func do(t *testing.T, tab *Tab, steps ...Step) {
	t.Helper()
	if err := tab.Do(steps...); err != nil {
		t.Fatal(err)
	}
}

// value is what an expression gives in the page.
func value[T any](t *testing.T, tab *Tab, expression string) T {
	t.Helper()
	v, err := Value[T](tab, expression)
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// becomes polls until an expression is true.
func becomes(t *testing.T, tab *Tab, expression string) {
	t.Helper()
	if err := tab.Do(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingTimeout(*patience))); err != nil {
		t.Fatalf("%s never became true: %v", expression, err)
	}
}

func quiet(t *testing.T, tab *Tab) {
	t.Helper()
	if errors, requests := tab.Errors(), tab.Requests(); len(errors)+len(requests) > 0 {
		t.Errorf("the page says %q and asks for %q", errors, requests)
	}
}

func trialsOf(t *testing.T, folder string) (all []harness.Trial) {
	t.Helper()
	run, err := reports.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	for trial, err := range run.Each() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trial)
	}
	return all
}

// choose sets a control of the filter as a person does.
func choose(name, to string) Step {
	text, _ := json.Marshal(to)
	return Script(fmt.Sprintf(`{const c = document.getElementById("filter").elements[%q]; c.value = %s; c.dispatchEvent(new Event("input", {bubbles: true}))}`, name, text))
}

const shownCount = `document.getElementById("count").textContent`

func TestFiltersShowWhatTheStoreHas(t *testing.T) {
	tab := open(t, few, desktop)
	all := trialsOf(t, fewRun)
	kind := func(check, kind string) func(harness.Trial) bool {
		return func(one harness.Trial) bool {
			for _, f := range one.Judgement.Findings {
				if f.Check == check && (kind == "" || f.Kind == kind) {
					return true
				}
			}
			return false
		}
	}
	for _, c := range []struct {
		name, value string
		fits        func(harness.Trial) bool
	}{
		{"verdict", "v", func(one harness.Trial) bool { return one.Judgement.Verdict == verdict.Violation }},
		{"verdict", "g", func(one harness.Trial) bool { return one.Judgement.Verdict == verdict.Graceful }},
		{"verdict", "i", func(one harness.Trial) bool { return one.Judgement.Verdict == verdict.Inconclusive }},
		{"check", "exit/", kind("exit", "")},
		{"check", "survivors/alive", kind("survivors", "alive")},
		{"ending", "code 3", func(one harness.Trial) bool { e, ok := one.Observation.Ending(); return ok && e.String() == "code 3" }},
		{"scenario", "2", func(one harness.Trial) bool { return one.Scenario == "worker-pool" }},
		{"number", "17", func(one harness.Trial) bool { return one.Index == 17 }},
	} {
		want := 0
		for _, one := range all {
			if c.fits(one) {
				want++
			}
		}
		if want == 0 || want == len(all) {
			t.Fatalf("%s %s: %d of %d trials fit; that proves nothing", c.name, c.value, want, len(all))
		}
		do(t, tab, choose(c.name, c.value))
		becomes(t, tab, shownCount+fmt.Sprintf(` === (%d).toLocaleString("en") + " of 2,000 trials"`, want))
		if rows := value[int](t, tab, `document.querySelectorAll("#list tbody tr").length`); rows != min(want, 100) {
			t.Errorf("%s %s: %d rows, want %d", c.name, c.value, rows, min(want, 100))
		}
		do(t, tab, choose(c.name, ""))
		becomes(t, tab, shownCount+` === "2,000 trials"`)
	}
	quiet(t, tab)
}

func TestEverythingIsShownAgain(t *testing.T) {
	tab := open(t, few, desktop)
	do(t, tab, choose("verdict", "v"), choose("scenario", "2"))
	becomes(t, tab, shownCount+`.includes(" of ")`)
	do(t, tab, chromedp.Click(`#filter button[type=reset]`))
	becomes(t, tab, shownCount+` === "2,000 trials"`)
	quiet(t, tab)
}

func TestTrialsAreSortedByKeyboard(t *testing.T) {
	tab := open(t, few, desktop)
	header := `document.querySelector("#list th[data-sort=latency]")`
	becomes(t, tab, `document.querySelectorAll("#list th[aria-sort=none]").length === 7`)
	do(t, tab, Script(header+`.querySelector("button").focus()`), chromedp.KeyEvent(kb.Enter))
	becomes(t, tab, header+`.getAttribute("aria-sort") === "ascending"`)
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	becomes(t, tab, header+`.getAttribute("aria-sort") === "descending"`)
	if n := value[int](t, tab, `document.querySelectorAll('#list th[aria-sort=descending], #list th[aria-sort=ascending]').length`); n != 1 {
		t.Errorf("%d columns say that they are sorted", n)
	}
	var slowest harness.Trial
	var most time.Duration
	for _, one := range trialsOf(t, fewRun) {
		if took, ok := one.Observation.Latency(); ok && took > most {
			slowest, most = one, took
		}
	}
	first := value[string](t, tab, `document.querySelector("#list tbody a").hash`)
	if want := fmt.Sprintf("#trial/%s/%d", slowest.Scenario, slowest.Index); first != want {
		t.Errorf("the slowest is %s; want %s", first, want)
	}
	if outline := value[string](t, tab, `getComputedStyle(document.activeElement).outlineStyle`); outline != "solid" {
		t.Errorf("the focus is shown by %q", outline)
	}
	do(t, tab, Script(`document.querySelector('#pages [data-step="1"]').focus()`), chromedp.KeyEvent(kb.Enter))
	becomes(t, tab, `document.querySelector("#pages span").textContent === "2 of 20"`)
	quiet(t, tab)
}

func TestTheFirstTabLeadsPastEverything(t *testing.T) {
	tab := open(t, few, desktop)
	do(t, tab, chromedp.KeyEvent(kb.Tab))
	becomes(t, tab, `document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().left >= 0`)
	do(t, tab, chromedp.KeyEvent(kb.Enter))
	becomes(t, tab, `location.hash === "#trials" && document.activeElement.id === "trials"`)
}

func TestEveryTrialHasAnAddress(t *testing.T) {
	tab := open(t, few+"#trial/http-drain/3", desktop)
	becomes(t, tab, `document.activeElement.id === "trial/http-drain/3"`)
	if n := value[int](t, tab, `document.querySelectorAll("#found article").length`); n != 1 {
		t.Errorf("%d cards of a trial without a page", n)
	}
	for i, one := range trialsOf(t, fewRun) {
		if i%37 != 0 {
			continue
		}
		id := fmt.Sprintf("trial/%s/%d", one.Scenario, one.Index)
		do(t, tab, Script(`location.hash = "#`+id+`"`))
		becomes(t, tab, `document.activeElement.id === "`+id+`"`)
		text := value[string](t, tab, `(document.activeElement.closest("details") || document.activeElement).innerText`)
		line := fmt.Sprintf("%s/%d", one.Scenario, one.Index)
		if !strings.Contains(text, line) || !strings.Contains(text, one.Shot.Point.String()) || !strings.Contains(text, string(one.Judgement.Verdict)) {
			t.Errorf("%s, struck at %s, reads %s", id, one.Shot.Point, text)
		}
	}
	quiet(t, tab)
}

func TestALinkOfTheTableOpensThePage(t *testing.T) {
	tab := open(t, few, desktop)
	do(t, tab, choose("verdict", "v"), Script(`document.querySelector("#list tbody a").click()`))
	becomes(t, tab, `document.activeElement.closest("details")?.open === true && location.hash === "#" + document.activeElement.id`)
	quiet(t, tab)
}

func TestAClickIntoThePlotFindsTheTrial(t *testing.T) {
	tab := open(t, few, desktop)
	do(t, tab, Script(`{
		const plot = document.querySelector("svg.scatter"), r = plot.getBoundingClientRect(), k = r.width / 720;
		const at = /M(\d+) (\d+)m/.exec(plot.querySelector(".marks.violation").getAttribute("d"));
		plot.dispatchEvent(new MouseEvent("click", {clientX: r.left + at[1] * k, clientY: r.top + at[2] * k, bubbles: true}));
	}`))
	becomes(t, tab, `location.hash.startsWith("#trial/ledger-writer/") && document.activeElement.id === location.hash.slice(1)`)
	quiet(t, tab)
}

func TestItIsReadWithoutJavaScript(t *testing.T) {
	v := desktop
	v.NoScript = true
	tab := open(t, few, v)
	if hidden := value[bool](t, tab, `document.getElementById("filter").checkVisibility()`); hidden {
		t.Error("a filter that does nothing is shown")
	}
	if n := value[int](t, tab, `document.querySelectorAll("#list tbody tr").length`); n < 300 {
		t.Errorf("%d rows", n)
	}
	violations := 0
	for _, one := range trialsOf(t, fewRun) {
		if one.Judgement.Verdict == verdict.Violation {
			violations++
		}
	}
	if n := value[int](t, tab, `document.querySelectorAll("#list tbody .badge.violation").length`); n != violations {
		t.Errorf("%d of %d violations are in the table", n, violations)
	}
	id := value[string](t, tab, `document.querySelector("details.trial article").id`)
	tab = open(t, few+"#"+id, v)
	if !value[bool](t, tab, `document.querySelector("details.trial").open`) {
		t.Errorf("the address of %s does not unfold it", id)
	}
	quiet(t, tab)
}

func TestItFitsAPhone(t *testing.T) {
	tab := open(t, few, View{Width: 360, Height: 740})
	do(t, tab, Script(`for (const d of document.querySelectorAll("details")) d.open = true`))
	if width := value[int](t, tab, `document.documentElement.scrollWidth`); width > 360 {
		t.Errorf("the page is %d wide on a screen of 360", width)
	}
}

func TestContrast(t *testing.T) {
	for _, dark := range []bool{false, true} {
		v := desktop
		v.Dark = dark
		tab := open(t, few, v)
		color := func(name string) string {
			return value[string](t, tab, `getComputedStyle(document.documentElement).getPropertyValue("--`+name+`").trim()`)
		}
		for _, text := range []string{"ink", "quiet", "link", "graceful", "violation", "inconclusive", "error"} {
			for _, ground := range []string{"ground", "paper"} {
				if c := contrast(t, color(text), color(ground)); c < 4.5 {
					t.Errorf("dark %t: %s on %s has a contrast of %.2f", dark, text, ground, c)
				}
			}
		}
	}
	if c := contrast(t, "#000000", "#ffffff"); math.Abs(c-21) > 0.01 {
		t.Errorf("black on white has %v", c)
	}
}

// contrast is that of WCAG 2, between two colours written #rrggbb.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, color string) (sum float64) {
	t.Helper()
	if len(color) != 7 {
		t.Fatalf("%q is no colour", color)
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestNothingMovesWhereThatIsAskedFor(t *testing.T) {
	v := desktop
	v.Still = true
	if got := value[string](t, open(t, few, v), `getComputedStyle(document.documentElement).scrollBehavior`); got != "auto" {
		t.Errorf("scrolling is %s", got)
	}
}

func TestPaperShowsWhatIsFolded(t *testing.T) {
	v := desktop
	v.Print, v.Dark = true, true
	tab := open(t, few, v)
	folded := `document.querySelector("details.trial:not([open])")`
	if !value[bool](t, tab, folded+`.querySelector("article").checkVisibility()`) || value[float64](t, tab, folded+`.getBoundingClientRect().height`) < 200 {
		t.Error("a folded trial does not stand on paper")
	}
	if got := value[string](t, tab, `getComputedStyle(document.documentElement).getPropertyValue("--ground").trim()`); got != "#ffffff" {
		t.Errorf("paper is %s", got)
	}
	if value[bool](t, tab, `document.getElementById("filter").checkVisibility()`) {
		t.Error("the filter is printed")
	}
	pdf, err := chromedp.Call(tab.ctx, page.PrintToPDF, page.PrintToPDFParams{})
	if err != nil || !strings.HasPrefix(string(pdf.Data), "%PDF") {
		t.Errorf("%d bytes that are no PDF: %v", len(pdf.Data), err)
	}
}

// TestThePolicyStopsWhatIsPutIn proves that the other tests would see a script that got
// into the page, and that the policy holds it back.
func TestThePolicyStopsWhatIsPutIn(t *testing.T) {
	text, err := os.ReadFile(few)
	if err != nil {
		t.Fatal(err)
	}
	for what, evil := range map[string]string{
		"a script":  `<script>document.title = "taken"</script>`,
		"a handler": `<svg onload='document.title = "taken"'></svg>`,
		"an image":  `<img src="https://127.0.0.1:9/x.png">`,
		"a style":   `<p style="position: fixed">x</p>`,
	} {
		path := filepath.Join(t.TempDir(), "evil.html")
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), "<main>", "<main>"+evil, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		tab := open(t, path, desktop)
		if title := value[string](t, tab, `document.title`); title == "taken" {
			t.Errorf("%s ran", what)
		}
		for !told(tab.Errors()) {
			if tab.ctx.Err() != nil {
				t.Fatalf("nobody told of %s", what)
			}
			do(t, tab, Script(`0`)) // the message comes apart from the page
		}
	}
}

func told(errors []string) bool {
	return strings.Contains(strings.Join(errors, "\n"), "Content Security Policy")
}

// TestAHostileTarget strikes at a program whose output, arguments and files are markup.
func TestAHostileTarget(t *testing.T) {
	dir := t.TempDir()
	const mark = `"'></script><script>document.title="taken"</script><img src=x onerror=document.title="taken">`
	script := `#!/bin/sh
printf 'ready %s\033[2J\033]0;title\007\n' "$1"
printf '<!--%s\n' "$1" >&2
exec 7>"<img src=x onerror=document.title=1>"
while :; do sleep 0.05; done
`
	evil := filepath.Join(dir, "evil<b>.sh")
	if err := os.WriteFile(evil, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "evil.html")
	binary, err := filepath.Abs(sigprobe)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command(binary, "run", "--quiet", "--trials", "3", "--seed", "1", "--window", "0s..50ms", "--ready-output", "ready", "--name", "evil", "--html", path, "--", evil, mark)
	run.Dir = dir
	out, err := run.CombinedOutput()
	if run.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	tab := open(t, path, desktop)
	do(t, tab, Script(`for (const d of document.querySelectorAll("details")) d.open = true`))
	text := value[string](t, tab, `document.body.innerText`)
	for _, want := range []string{mark, `\x1b[2J`, "<!--", "/<img src=x onerror=document.title=1>", "evil<b>.sh"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if n := value[int](t, tab, `document.querySelectorAll("img, body b b, main script").length`); n > 0 {
		t.Errorf("%d elements came from the target", n)
	}
	if title := value[string](t, tab, `document.title`); !strings.HasPrefix(title, "violation: sigprobe") {
		t.Errorf("the title is %s", title)
	}
	do(t, tab, choose("verdict", "v"))
	becomes(t, tab, shownCount+` === "3 trials"`)
	quiet(t, tab)
}
