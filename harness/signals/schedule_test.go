package signals_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// schedules draws schedules of up to five steps; the last may wait without end.
func schedules() *rapid.Generator[signals.Schedule] {
	return rapid.Custom(func(t *rapid.T) signals.Schedule {
		steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) signals.Step {
			return signals.Step{
				Signal: rapid.SampledFrom(signals.All()).Draw(t, "signal"),
				Wait:   time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "wait")),
			}
		}), 1, 5).Draw(t, "steps")
		if rapid.Bool().Draw(t, "forever") {
			steps[len(steps)-1].Wait = signals.Forever
		}
		return signals.Schedule{Steps: steps}
	})
}

func TestScheduleIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedules().Draw(t, "schedule")
		again, err := signals.ParseSchedule(s.String())
		if err != nil || !again.Equal(s) {
			t.Fatalf("%q is read as %v, %v", s, again, err)
		}
	})
}

func TestScheduleReadsTheGrammarOfStartStopDaemon(t *testing.T) {
	for text, want := range map[string]string{
		"TERM/30/KILL/5":          "TERM/30s/KILL/5s",
		"INT/7.5s/TERM/2.5s/KILL": "INT/7.5s/TERM/2.5s/KILL",
		"TERM/forever":            "TERM/forever",
		"TERM/30/forever":         "TERM/forever",
		"TERM/5/5s":               "TERM/10s",
		"30":                      "TERM/30s/KILL/30s",
		"500ms":                   "TERM/500ms/KILL/500ms",
		"-15/10/-9":               "TERM/10s/KILL",
		"15":                      "TERM/15s/KILL/15s",
		"-TERM":                   "TERM",
		"sighup/KILL":             "HUP/KILL",
		"RTMIN+2/1m":              "RTMIN+2/1m0s",
	} {
		got, err := signals.ParseSchedule(text)
		if err != nil || got.String() != want {
			t.Errorf("ParseSchedule(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	if got, _ := signals.ParseSchedule("TERM/10s/KILL"); !got.Equal(signals.DefaultSchedule) {
		t.Errorf("the default schedule is %v", signals.DefaultSchedule)
	}
}

func TestNoScheduleIsRefusedWithWhatWouldBeRight(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "a signal or a wait is missing; write",
		"/":                     "a signal or a wait is missing; write",
		"TERM/":                 "a signal or a wait is missing; write",
		"TERM//KILL":            "a signal or a wait is missing; write",
		"NOSUCH/1s/KILL":        `no signal is called "NOSUCH"; write a name`,
		"10/KILL":               `the wait "10" stands before any signal; write the signal first, as in TERM/10`,
		"forever":               "forever names no signal; write TERM/forever",
		"TERM/forever/KILL":     "forever stands before the end",
		"TERM/forever/forever":  "forever stands before the end",
		"TERM/0/KILL":           "is not positive; leave it out",
		"TERM/0s":               "is not positive; leave it out",
		"TERM/7.5/KILL":         "neither whole seconds nor a duration; write 10 or 7.5s",
		"TERM/10 s/KILL":        "neither whole seconds nor a duration",
		"TERM/-10s/KILL":        `"10s"; write a name`,
		"TERM/99999999999":      "longer than a year; write shorter waits",
		"TERM/9000h/KILL":       "longer than a year; write shorter waits",
		"TERM/5000h/KILL/5000h": "longer than a year; write shorter waits",
		"--TERM":                `no signal is called "-TERM"`,
		"-33/10":                "32 and 33 belong to the C library",
	} {
		got, err := signals.ParseSchedule(text)
		if err == nil {
			t.Errorf("ParseSchedule(%q) = %v, want an error", text, got)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSchedule(%q) says %q, without %q", text, err, want)
		}
	}
}

func TestScheduleMadeInGoIsHeldToTheSameRules(t *testing.T) {
	for want, s := range map[string]signals.Schedule{
		"sends nothing":       {},
		"no signal a program": {Steps: []signals.Step{{Signal: 33}}},
		"not positive":        {Steps: []signals.Step{{Signal: signals.TERM, Wait: -1}}},
		"before the end":      {Steps: []signals.Step{{Signal: signals.TERM, Wait: signals.Forever}, {Signal: signals.KILL}}},
		"longer than a year":  {Steps: []signals.Step{{Signal: signals.TERM, Wait: signals.Forever - 1}}},
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check(%v) = %v, want %q", s, err, want)
		}
	}
}

func TestWaitsAddUpToLength(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedules().Draw(t, "schedule")
		limit := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "limit"))
		waits, sum := s.Waits(limit), time.Duration(0)
		if len(waits) != len(s.Steps) {
			t.Fatalf("%d waits for %d steps", len(waits), len(s.Steps))
		}
		for i, wait := range waits {
			if want := wanted(s, i, limit); wait != want {
				t.Fatalf("wait %d of %v = %v, want %v", i, s, wait, want)
			}
			sum += wait
		}
		if got := s.Length(limit); got != sum {
			t.Fatalf("Length = %v, want %v", got, sum)
		}
		if s.First() != s.Steps[0].Signal {
			t.Fatalf("First = %v", s.First())
		}
	})
}

// wanted is the wait of step i, said once more in other words than the code's.
func wanted(s signals.Schedule, i int, limit time.Duration) time.Duration {
	last := i == len(s.Steps)-1
	if last && s.Steps[i].Wait == signals.Forever {
		return limit
	}
	if last && s.Steps[i].Wait == 0 {
		return 10 * time.Second
	}
	return s.Steps[i].Wait
}

func TestPatienceEndsAtTheFirstKill(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedules().Draw(t, "schedule")
		before := signals.Schedule{}
		for _, step := range s.Steps {
			if step.Signal == signals.KILL {
				break
			}
			before.Steps = append(before.Steps, step)
		}
		// What comes behind the first KILL gives no time to leave by oneself.
		want := time.Duration(0)
		for i := range before.Steps {
			want += wanted(s, i, signals.FinalWait)
		}
		if got := s.Patience(); got != want {
			t.Fatalf("Patience of %v = %v, want %v", s, got, want)
		}
		if s.Patience() > s.Length(signals.FinalWait) {
			t.Fatalf("%v is more patient than it is long", s)
		}
	})
}

func TestPatienceOfWellKnownSchedules(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"TERM/10s/KILL":           10 * time.Second,
		"INT/7.5s/TERM/2.5s/KILL": 10 * time.Second,
		"TERM":                    signals.FinalWait,
		"TERM/forever":            signals.FinalWait,
		"KILL/5s":                 0,
		"TERM/KILL":               0,
	} {
		s, err := signals.ParseSchedule(text)
		if err != nil || s.Patience() != want {
			t.Errorf("Patience of %s = %v, %v; want %v", text, s.Patience(), err, want)
		}
	}
}

func TestUntypableSignalsOfASchedule(t *testing.T) {
	s, err := signals.ParseSchedule("INT/1s/TERM/1s/USR1/1s/TERM/1s/KILL")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Untypable(); len(got) != 2 || got[0] != signals.TERM || got[1].String() != "USR1" {
		t.Errorf("Untypable = %v, want TERM and USR1: INT has a key, KILL needs none", got)
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, text := range []string{"TERM/10s/KILL", "30", "-15/10/-9", "TERM/forever", "INT/7.5s/TERM/2.5s/KILL", "forever", "TERM//", "TERM/8760h/9h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := signals.ParseSchedule(text)
		if err != nil {
			return
		}
		again, err := signals.ParseSchedule(s.String())
		if err != nil || !again.Equal(s) {
			t.Fatalf("ParseSchedule(%q) = %v, read back as %v, %v", text, s, again, err)
		}
		if s.Patience() < 0 || s.Length(time.Hour) < 0 {
			t.Fatalf("%v overflows: patience %v, length %v", s, s.Patience(), s.Length(time.Hour))
		}
	})
}
