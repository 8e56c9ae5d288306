package harness

import (
	"strconv"

	"github.com/sigprobe/sigprobe/harness/shrink"
)

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
	s.tell("trying other signals and deliveries", inAllOther)
	shot := s.Trial.Shot
	if s.search != nil {
		shot = s.shot(s.search.Range().Best)
	}
	schedule := shot.Schedule
	s.result.Numbers = s.variants(strconv.Itoa(shrink.Asking(schedule)), shrink.Fewer(shot))
	s.result.Signals = s.variants(schedule.First().String(), shrink.OtherSignals(shot))
	s.result.Deliveries = s.variants(string(shot.To), shrink.OtherDeliveries(shot))
}

// variants makes the shots. Where there are no others, or no time for any, there is
// nothing to tell.
func (s *shrinking) variants(own string, others []shrink.Alternative) []shrink.Variant {
	list := []shrink.Variant{{Name: own, Count: s.own()}}
	for _, other := range others {
		v := shrink.Variant{Name: other.Name}
		for v.Failed < enoughFor && v.Shots < enoughAgainst && s.left(inAllOther) {
			before := v.Shots
			if _, came, ok := s.strike(other.Shot, look{}); ok {
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
	for i := int64(0); s.left(inAllOther); i++ {
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
	s.tell("striking outside of it", beyondIt)
	for {
		r := s.search.Range()
		for _, at := range s.search.Spread(r, outsideWanted) {
			if s.search.Range().Outside.Shots >= outsideWanted || !s.left(beyondIt) {
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
