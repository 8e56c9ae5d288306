package shrink_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// shots draws shots that ask with one to four signals and kill, or do not.
func shots() *rapid.Generator[plan.Shot] {
	return rapid.Custom(func(t *rapid.T) plan.Shot {
		shot := plan.Shot{To: rapid.SampledFrom(signals.Deliveries).Draw(t, "to")}
		for range rapid.IntRange(1, 4).Draw(t, "signals") {
			shot.Schedule.Steps = append(shot.Schedule.Steps, signals.Step{
				Signal: rapid.SampledFrom([]signals.Signal{signals.TERM, signals.INT, signals.HUP}).Draw(t, "signal"),
				Wait:   time.Duration(rapid.IntRange(0, 9).Draw(t, "wait")) * time.Second,
			})
		}
		if rapid.Bool().Draw(t, "kill") {
			shot.Schedule.Steps = append(shot.Schedule.Steps, signals.Step{Signal: signals.KILL})
		} else if rapid.Bool().Draw(t, "forever") {
			shot.Schedule.Steps[len(shot.Schedule.Steps)-1].Wait = signals.Forever
		}
		if rapid.Bool().Draw(t, "second") {
			shot.Second = &plan.Point{Time: &plan.TimePoint{From: scenario.FromStrike}}
		}
		return shot
	})
}

// day stands for a wait without end.
const day = 24 * time.Hour

func TestFewerSignalsAreTheFirstOnesInTheSameTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shot := shots().Draw(t, "shot")
		before := shot.Schedule.String()
		all := shrink.Asking(shot.Schedule)
		list := shrink.Fewer(shot)
		if len(list) != all-1 {
			t.Fatalf("%d alternatives to %s", len(list), before)
		}
		for i, a := range list {
			s := a.Shot.Schedule
			switch {
			case a.Name != strconv.Itoa(i+1) || shrink.Asking(s) != i+1 || s.Check() != nil:
				t.Fatalf("%q is %s of %s: %v", a.Name, s, before, s.Check())
			case s.Length(day) < min(day, shot.Schedule.Length(day)):
				t.Fatalf("%s gives less time than %s", s, before)
			case len(s.Steps)-shrink.Asking(s) != len(shot.Schedule.Steps)-all:
				t.Fatalf("%s kills otherwise than %s", s, before)
			case i == 0 && a.Shot.Second != nil || i > 0 && a.Shot.Second != shot.Second:
				t.Fatalf("%s: the second signal's point is %v", s, a.Shot.Second)
			}
			for j := range i + 1 {
				if s.Steps[j].Signal != shot.Schedule.Steps[j].Signal {
					t.Fatalf("%s does not begin like %s", s, before)
				}
			}
		}
		if shot.Schedule.String() != before {
			t.Fatalf("%s was changed to %s", before, shot.Schedule)
		}
	})
}

func TestAlternativesDifferInOneThingAndCanBeSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shot := shots().Draw(t, "shot")
		before := shot.Schedule.String()
		for _, a := range shrink.OtherSignals(shot) {
			if a.Shot.To != shot.To || a.Shot.Schedule.First().String() != a.Name || a.Shot.Schedule.First() == shot.Schedule.First() {
				t.Fatalf("%q is %s of %s", a.Name, a.Shot, shot)
			}
			sendable(t, a.Shot)
		}
		for _, a := range shrink.OtherDeliveries(shot) {
			if string(a.Shot.To) != a.Name || a.Shot.To == shot.To || a.Shot.Schedule.String() != before {
				t.Fatalf("%q is %s of %s", a.Name, a.Shot, shot)
			}
			sendable(t, a.Shot)
		}
		if shot.Schedule.String() != before {
			t.Fatalf("%s was changed to %s", before, shot.Schedule)
		}
	})
}

func sendable(t *rapid.T, shot plan.Shot) {
	if shot.To == signals.ToTTY && len(shot.Schedule.Untypable()) > 0 {
		t.Fatalf("a terminal has no keys for %s", shot.Schedule)
	}
}

func TestTheUsualSignalsAreTried(t *testing.T) {
	shot := plan.Shot{Schedule: signals.DefaultSchedule, To: signals.ToProcess}
	var names []string
	for _, a := range append(shrink.OtherSignals(shot), shrink.OtherDeliveries(shot)...) {
		names = append(names, a.Name)
	}
	if want := []string{"INT", "HUP", "QUIT", "USR1", "group", "session"}; !slices.Equal(names, want) {
		t.Errorf("%q, not %q", names, want)
	}
}
