package shrink

import (
	"slices"
	"strconv"
	"time"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// asked are the signals that ask a program to stop, or that it often has a handler for.
var asked = []signals.Signal{signals.TERM, signals.INT, signals.HUP, signals.QUIT, signals.USR1}

// Alternative is a shot under the name of what is different about it.
type Alternative struct {
	Name string
	Shot plan.Shot
}

// OtherSignals puts other signals in the place of the schedule's first, wherever that is sent.
func OtherSignals(shot plan.Shot) (list []Alternative) {
	first := shot.Schedule.First()
	for _, other := range asked {
		if other == first || first == signals.KILL {
			continue
		}
		changed := shot
		changed.Schedule.Steps = slices.Clone(shot.Schedule.Steps)
		for i, step := range changed.Schedule.Steps {
			if step.Signal == first {
				changed.Schedule.Steps[i].Signal = other
			}
		}
		if deliverable(changed) {
			list = append(list, Alternative{other.String(), changed})
		}
	}
	return list
}

// OtherDeliveries sends the same to others.
func OtherDeliveries(shot plan.Shot) (list []Alternative) {
	for _, other := range signals.Deliveries {
		changed := shot
		if changed.To = other; other != shot.To && deliverable(changed) {
			list = append(list, Alternative{string(other), changed})
		}
	}
	return list
}

// deliverable says that a terminal can send all of the schedule, where it is to.
func deliverable(shot plan.Shot) bool {
	return shot.To != signals.ToTTY || len(shot.Schedule.Untypable()) == 0
}

// Asking is how many signals a schedule sends before it kills.
func Asking(s signals.Schedule) (n int) {
	for n < len(s.Steps) && s.Steps[n].Signal != signals.KILL {
		n++
	}
	return n
}

// Fewer leaves out signals of the schedule, the last first. The target is given as long
// as before until it is killed.
func Fewer(shot plan.Shot) (list []Alternative) {
	all := Asking(shot.Schedule)
	for n := 1; n < all; n++ {
		changed := shot
		steps := slices.Clone(shot.Schedule.Steps[:n])
		steps[n-1].Wait = total(shot.Schedule.Waits(signals.Forever)[n-1 : all])
		changed.Schedule.Steps = append(steps, shot.Schedule.Steps[all:]...)
		if n == 1 {
			changed.Second = nil
		}
		list = append(list, Alternative{strconv.Itoa(n), changed})
	}
	return list
}

// total adds waits up; one without end has none with others either.
func total(waits []time.Duration) (sum time.Duration) {
	for _, wait := range waits {
		if wait == signals.Forever {
			return signals.Forever
		}
		sum += wait
	}
	return sum
}
