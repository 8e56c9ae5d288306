package harness

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

func leaving(litter ...string) *observation.Files {
	f := &observation.Files{}
	for _, kind := range litter {
		f.Work = append(f.Work, observation.Change{Path: "x." + kind, After: &observation.Entry{Type: "file"}, Litter: kind})
	}
	return f
}

func TestCauseOfAStartThatFailed(t *testing.T) {
	code := uint32(1 << 8)
	tests := []struct {
		output string
		left   *observation.Files
		alive  bool
		want   string
	}{
		{"bind: Address already in use", nil, false, "port-in-use"},
		{"OSError: [Errno 98] Address already in use", leaving("socket"), false, "stale-socket"},
		{"listen tcp :80: bind: address already in use", leaving("lock"), false, "port-in-use"},
		{"Error: listen EADDRINUSE: address already in use :::80", nil, false, "port-in-use"},
		{"socket /run/x.sock exists", leaving("socket"), false, "stale-socket"},
		{"daemon is already running", leaving("pid"), false, "stale-pid"},
		{"daemon is already running", leaving("lock"), false, "stale-lock"},
		{"pid file found, already running?\nUnable to start server.", leaving("lock", "pid"), false, "stale-pid"},
		{"could not lock data: held by another process", nil, false, "stale-lock"},
		{"waiting for x.lock", nil, true, "stale-lock"},
		{"blocked by policy, clocks differ", nil, false, "exited"},
		{"json.decoder.JSONDecodeError: Expecting value", nil, false, "damaged-state"},
		{"sqlite3.DatabaseError: file is not a database", nil, false, "damaged-state"},
		{"unexpected end of JSON input", leaving("lock"), false, "damaged-state"},
		{"", leaving("lock"), false, "stale-lock"},
		{"", leaving("socket"), true, "stale-socket"},
		{"", leaving("temporary"), false, "exited"},
		{"", nil, false, "exited"},
		{"", nil, true, "slow"},
		{"still loading", leaving(""), true, "slow"},
	}
	for _, test := range tests {
		r := observation.Restart{Output: strings.Split(test.output, "\n"), Status: &code}
		if test.alive {
			r.Status = nil
		}
		if got := causeOf(r, test.left); got != test.want {
			t.Errorf("%q with %+v left: %s, want %s", test.output, test.left, got, test.want)
		}
	}
}

func TestNoteRestart(t *testing.T) {
	output := scenario.Ready{Output: scenario.MustRegexp("up")}
	file := scenario.Ready{File: "./up"}
	ready := &observation.Readiness{At: 7}
	exit := func(status uint32) *observation.Exit { return &observation.Exit{At: 9, Status: status, Step: -1} }
	notReady := &observation.Failure{Kind: "not-ready"}
	left := &observation.Files{Work: []observation.Change{{Path: "up", After: &observation.Entry{}}}}
	one := uint32(1 << 8)
	tests := []struct {
		name  string
		again observation.Observation
		ready scenario.Ready
		left  *observation.Files
		want  observation.Restart
	}{
		{"ready", observation.Observation{Ready: ready, Strike: &observation.Strike{}}, output, nil, observation.Restart{Ready: true, After: 7}},
		{"ready, and then gone", observation.Observation{Ready: ready, Exit: exit(1 << 8)}, output, nil, observation.Restart{Ready: true, After: 7, Status: &one}},
		{"a sign of life, and then gone", observation.Observation{Ready: ready, Exit: exit(1 << 8)}, scenario.Ready{}, nil, observation.Restart{Status: &one, Cause: "exited"}},
		{"no condition, and a good end", observation.Observation{Ready: ready, Exit: exit(0)}, scenario.Ready{}, nil, observation.Restart{Ready: true, After: 9, Status: new(uint32)}},
		{"a good end that is not ready", observation.Observation{Exit: exit(0)}, output, nil, observation.Restart{Status: new(uint32), Cause: "exited"}},
		{"not ready in time", observation.Observation{Failure: notReady}, output, nil, observation.Restart{Cause: "slow"}},
		{"a failure of the harness", observation.Observation{Failure: &observation.Failure{Kind: "launch", Message: "no"}}, output, nil, observation.Restart{Unknown: "no"}},
		{"a file that was there", observation.Observation{Failure: notReady}, file, left,
			observation.Restart{Unknown: "the file to be ready by was left by the first start, and it did not change"}},
		{"a file that was there, and gone at once", observation.Observation{Exit: exit(1 << 8)}, file, left, observation.Restart{Status: &one, Cause: "exited"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r observation.Restart
			noteRestart(&r, test.again, test.left, test.ready)
			if diff := cmp.Diff(test.want, r); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLost(t *testing.T) {
	o := observation.Observation{
		Files: &observation.Files{Examined: []observation.Examined{
			{Oracle: "absent", Answer: observation.Missing}, {Oracle: "absent", Answer: observation.Damaged},
			{Oracle: "unchanged", Answer: observation.Missing}, {Oracle: "unchanged", Answer: observation.Whole},
			{Oracle: "old-or-new", Answer: observation.Undecided},
		}},
		Acknowledged: &observation.Acknowledged{Lost: 1, Torn: 2, Duplicated: 4, Misplaced: 8},
		Restarts:     []observation.Restart{{With: "survivors"}, {With: "alone", Unknown: "busy"}},
	}
	if diff := cmp.Diff(observation.Lost{Damaged: 2, Records: 7}, lost(o)); diff != "" {
		t.Error(diff)
	}
	o.Restarts = []observation.Restart{{With: "alone"}}
	if !lost(o).NoRestart {
		t.Error("a target that does not start again alone is lost")
	}
}

func TestCertainty(t *testing.T) {
	exit := &observation.Exit{At: 5 * time.Millisecond}
	empty := 5 * time.Millisecond
	alone := observation.Observation{Exit: exit, TreeEmpty: &empty}
	if !certainty(alone)(6 * time.Millisecond) {
		t.Error("nobody was left who could have printed the line after the end")
	}
	for name, o := range map[string]observation.Observation{
		"a survivor":             {Exit: exit, Survivors: make([]observation.Survivor, 1)},
		"a lingerer":             {Exit: exit, TreeEmpty: &empty, Lingering: make([]observation.Lingerer, 1)},
		"a tree that was killed": {Exit: exit},
	} {
		if certain := certainty(o); certain(6*time.Millisecond) || !certain(5*time.Millisecond) {
			t.Errorf("%s: a line counts up to the end of the main process", name)
		}
	}
}

func TestOnceAsksOnce(t *testing.T) {
	var o once[int]
	asked := 0
	find := func() (int, error) { asked++; return asked, nil }
	for range 3 {
		if n, err := o.get("a", find); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	if n, _ := o.get("b", find); n != 2 {
		t.Errorf("another key gives %d", n)
	}
	failing := func() (int, error) { asked++; return 0, context.Canceled }
	for range 2 {
		if _, err := o.get("c", failing); err == nil {
			t.Error("no error")
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times: an error is not kept", asked)
	}
}
