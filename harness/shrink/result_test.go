package shrink_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
)

var (
	rename = shrink.Event{Call: "rename", Files: []string{"out.tmp", "out.json"}, Path: "out.json", Nth: 3}
	write  = shrink.Event{Call: "write", Files: []string{"out.json"}, Path: "out.json", Nth: 42}
	fork   = shrink.Event{Call: "fork", Nth: 2}
)

func between(first shrink.Event, firstSide scenario.Side, last shrink.Event, lastSide scenario.Side) shrink.Between {
	return shrink.Between{First: first, FirstSide: firstSide, Last: last, LastSide: lastSide, Exact: true}
}

func TestTheHeadlineNamesTheCalls(t *testing.T) {
	r := shrink.Result{
		Back: true, There: shrink.Count{Failed: 7, Shots: 7}, Outside: shrink.Count{Shots: 40},
	}
	b := between(rename, scenario.After, write, scenario.Before)
	b.Width = 1800 * time.Microsecond
	r.Between = &b
	want := "fails only between rename(out.tmp, out.json) #3 and write #42 on out.json; 1.8 ms; 7/7 there, 0/40 outside"
	if got := r.Lines()[0]; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	r.Between.Exact = false
	if got := r.Lines()[0]; got != strings.Replace(want, "only", "at least", 1) {
		t.Errorf("cut short: %q", got)
	}
}

func TestBetweenInWords(t *testing.T) {
	open := between(write, scenario.Before, fork, scenario.After)
	open.OpenLast = true
	for want, b := range map[string]shrink.Between{
		"before fork #2": between(fork, scenario.Before, fork, scenario.Before),
		"at fork #2, in front of it and behind it":            between(fork, scenario.Before, fork, scenario.After),
		"from before write #42 on out.json to after fork #2":  between(write, scenario.Before, fork, scenario.After),
		"from before write #42 on out.json to before fork #2": between(write, scenario.Before, fork, scenario.Before),
		"from before write #42 on out.json on":                open,
	} {
		if got := b.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestASocketIsShownWithoutItsNumber(t *testing.T) {
	if got := (shrink.Event{Call: "recvfrom", Files: []string{"socket:[1268245]"}, Nth: 2}).String(); got != "recvfrom #2 on socket" {
		t.Errorf("%q", got)
	}
}

func TestAWindowInWords(t *testing.T) {
	ms := int64(time.Millisecond)
	w := shrink.Window{
		From: scenario.FromReady, Left: shrink.Edge{Inside: 101 * ms, Outside: 100 * ms}, Right: shrink.Edge{Inside: 103 * ms, Outside: 104 * ms},
		Exact: true, Before: &write,
	}
	blurred, open, cut := w, w, w
	blurred.Jitter, open.Right.Open, cut.Exact = 5*time.Millisecond, true, false
	for want, w := range map[string]shrink.Window{
		"from ready+100.5ms to ready+103.5ms, 3.0 ms (edges to 1.0 ms), behind write #42 on out.json":           w,
		"near ready+100.5ms: it is narrower than the target's own jitter, 5.0 ms, behind write #42 on out.json": blurred,
		"from ready+100.5ms on, behind write #42 on out.json":                                                   open,
		"from ready+101ms to ready+103ms, behind write #42 on out.json":                                         cut,
	} {
		if got := w.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestTheMomentsAreToldBesideTheCalls(t *testing.T) {
	b := between(rename, scenario.After, write, scenario.Before)
	ms := int64(time.Millisecond)
	w := shrink.Window{From: scenario.FromReady, Left: shrink.Edge{Inside: 101 * ms, Outside: 100 * ms}, Right: shrink.Edge{Inside: 103 * ms, Outside: 104 * ms}, Exact: true}
	r := shrink.Result{Back: true, Between: &b, Window: &w}
	if got, want := r.Lines()[1], "in time: only from ready+100.5ms to ready+103.5ms, 3.0 ms (edges to 1.0 ms)"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	w.Jitter = 4700 * time.Microsecond
	if got, want := r.Lines()[1], "in time: no moment is sure to bring it: the target's own jitter is 4.7 ms"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestWhatDoesNotComeBackAndWhatIsEverywhere(t *testing.T) {
	for want, r := range map[string]shrink.Result{
		"did not come back in 30 repeats":                                             {Repeats: shrink.Count{Shots: 30}},
		"did not come back in 1 repeat, nor in 9 shots at the system calls around it": {Repeats: shrink.Count{Shots: 1}, Around: shrink.Count{Shots: 9}},
		"no repeat of the shot could strike":                                          {},
		"fails everywhere: 12/12":                                                     {Back: true, Everywhere: true, There: shrink.Count{Failed: 12, Shots: 12}},
		"came back in 2/5 repeats, and was not narrowed down":                         {Back: true, Repeats: shrink.Count{Failed: 2, Shots: 5}},
	} {
		if got := r.Lines()[0]; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestVariantsSayWhichBringIt(t *testing.T) {
	v := func(name string, failed, shots int) shrink.Variant {
		return shrink.Variant{Name: name, Count: shrink.Count{Failed: failed, Shots: shots}}
	}
	r := shrink.Result{
		Signals: []shrink.Variant{v("INT", 7, 7), v("TERM", 0, 5), v("HUP", 0, 0), v("USR1", 1, 5)},
		Numbers: []shrink.Variant{v("2", 7, 7), v("1", 0, 5)},
		Cut:     "it was interrupted", Shots: 1, Took: time.Second,
	}
	want := []string{
		"signals: fails for INT 7/7, USR1 1/5; not for TERM 0/5",
		"signals of the schedule: fails for 2 7/7; not for 1 0/5",
		"1 shot in 1s; it was interrupted",
	}
	if got := strings.Join(r.Lines()[1:], "\n"); got != strings.Join(want, "\n") {
		t.Errorf("%s", got)
	}
}
