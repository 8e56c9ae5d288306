package harness

import (
	"slices"
	"strconv"

	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/shrink"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// asked are the signals that ask a program to stop, or that it often has a handler for.
var asked = []signals.Signal{signals.TERM, signals.INT, signals.HUP, signals.QUIT, signals.USR1}

// How many shots show that a signal or a delivery brings the finding, and how many that
// it does not.
const (
	enoughFor     = 3
	enoughAgainst = 5
)

// sameSignals tries other signals, deliveries and numbers of signals at the place where
// the finding comes most often. What the trial itself was struck with is known already.
func (s *shrinking) sameSignals() {
	s.toSeven()
	s.tell("trying other signals and deliveries", otherShare)
	shot := s.Trial.Shot
	if s.search != nil {
		shot = s.shot(s.search.Range().Best)
	}
	schedule := shot.Schedule
	s.result.Numbers = s.variants(strconv.Itoa(asking(schedule)), shot, fewer(shot))
	s.result.Signals = s.variants(schedule.First().String(), shot, otherSignals(shot))
	s.result.Deliveries = s.variants(string(shot.To), shot, otherDeliveries(shot))
}

// named is a shot under the name of what is different about it.
type named struct {
	name string
	shot plan.Shot
}

// variants makes the shots. Where there are no others, or no time for any, there is
// nothing to tell.
func (s *shrinking) variants(own string, shot plan.Shot, others []named) []shrink.Variant {
	list := []shrink.Variant{{Name: own, Count: s.own()}}
	for _, other := range others {
		v := shrink.Variant{Name: other.name}
		for v.Failed < enoughFor && v.Shots < enoughAgainst && s.left(otherShare) {
			before := v.Shots
			if _, came, ok := s.strike(other.shot, look{}); ok {
				v.Add(came)
				if v.Shots == before {
					break // the target is not struck there: it is another with this signal
				}
			}
		}
		if v.Shots > 0 {
			list = append(list, v)
		}
	}
	if len(list) == 1 {
		return nil
	}
	return list
}

// own is how often the finding came where it does, with what the trial was struck with.
func (s *shrinking) own() shrink.Count {
	if s.search == nil {
		return s.result.Repeats
	}
	return s.search.Range().There
}

// otherSignals puts other signals in the place of the schedule's first, wherever that is sent.
func otherSignals(shot plan.Shot) (list []named) {
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
			list = append(list, named{other.String(), changed})
		}
	}
	return list
}

func otherDeliveries(shot plan.Shot) (list []named) {
	for _, other := range signals.Deliveries {
		changed := shot
		if changed.To = other; other != shot.To && deliverable(changed) {
			list = append(list, named{string(other), changed})
		}
	}
	return list
}

// deliverable says that a terminal can send all of the schedule, where it is to.
func deliverable(shot plan.Shot) bool {
	return shot.To != signals.ToTTY || len(shot.Schedule.Untypable()) == 0
}

// asking is how many signals a schedule sends before it kills.
func asking(s signals.Schedule) (n int) {
	for n < len(s.Steps) && s.Steps[n].Signal != signals.KILL {
		n++
	}
	return n
}

// fewer leaves out signals of the schedule, the last first. The target is given as long
// as before until it is killed.
func fewer(shot plan.Shot) (list []named) {
	all := asking(shot.Schedule)
	for n := 1; n < all; n++ {
		changed := shot
		steps := slices.Clone(shot.Schedule.Steps[:n])
		for _, step := range shot.Schedule.Steps[n:all] {
			if step.Wait == signals.Forever {
				steps[n-1].Wait = signals.Forever
			} else if steps[n-1].Wait != signals.Forever {
				steps[n-1].Wait += step.Wait
			}
		}
		changed.Schedule.Steps = append(steps, shot.Schedule.Steps[all:]...)
		if n == 1 {
			changed.Second = nil
		}
		list = append(list, named{strconv.Itoa(n), changed})
	}
	return list
}

// How many shots there and beyond a result rests on at least, where there is time.
const (
	thereWanted   = 7
	outsideWanted = 40
)

// toSeven repeats the finding where it comes, over all of the range.
func (s *shrinking) toSeven() {
	if s.search == nil {
		return
	}
	for i := int64(0); s.left(otherShare); i++ {
		r := s.search.Range()
		if r.There.Shots >= thereWanted {
			break
		}
		at := r.Left.Inside + (r.Right.Inside-r.Left.Inside)*(i%thereWanted)/(thereWanted-1)
		if r.Everywhere {
			at = r.Best
		}
		if _, came, ok := s.strike(s.shot(at), look{}); ok {
			s.search.Add(at, came)
		}
	}
	s.sumUp()
}

// confirm strikes beyond the range until it is seen that the finding does not come there.
func (s *shrinking) confirm() {
	if s.search == nil || s.result.Everywhere {
		return
	}
	s.tell("striking outside of it", wholeShare)
	for {
		r := s.search.Range()
		for _, at := range s.search.Spread(r, outsideWanted) {
			if s.search.Range().Outside.Shots >= outsideWanted || !s.left(wholeShare) {
				s.sumUp()
				return
			}
			if _, came, ok := s.strike(s.shot(at), look{}); ok {
				s.search.Add(at, came)
			}
		}
		if s.search.Range().Outside.Shots == r.Outside.Shots {
			s.sumUp()
			return // there is nothing more to be struck
		}
	}
}
