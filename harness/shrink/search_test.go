package shrink_test

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/shrink"
)

// target is a simulated one: it fails in some of the shots inside its windows, and ends
// somewhere.
type target struct {
	windows [][2]int64 // both ends included
	chance  float64
	end     int64 // behind it there is nothing to strike
	// drift moves all windows with every shot.
	drift float64
	shots int
	dice  *rand.Rand
}

func (t *target) inside(at int64) bool {
	moved := int64(t.drift * float64(t.shots))
	for _, w := range t.windows {
		if at >= w[0]+moved && at <= w[1]+moved {
			return true
		}
	}
	return false
}

func (t *target) strike(at int64) shrink.Outcome {
	t.shots++
	switch {
	case at > t.end:
		return shrink.Missed
	case t.inside(at) && t.dice.Float64() < t.chance:
		return shrink.Failed
	}
	return shrink.Passed
}

// narrow carries a search out to its end.
func narrow(fatal func(string, ...any), line shrink.Line, t *target) shrink.Range {
	s := shrink.NewSearch(line)
	for {
		at, more := s.Next()
		if !more {
			break
		}
		if at < line.From || at > line.To {
			fatal("it asks for %d, which is not on the line %d..%d", at, line.From, line.To)
		}
		if t.shots > 1000 {
			fatal("it does not come to an end")
		}
		s.Add(at, t.strike(at))
	}
	return s.Range()
}

// sized draws a line with one window that has the start in it.
func sized(t *rapid.T) (line shrink.Line, window [2]int64) {
	line = shrink.Line{From: rapid.Int64Range(-50, 50).Draw(t, "from")}
	line.To = line.From + rapid.Int64Range(20, 1_000_000).Draw(t, "length")
	window[0] = rapid.Int64Range(line.From, line.To).Draw(t, "left")
	window[1] = rapid.Int64Range(window[0], line.To).Draw(t, "right")
	line.Start = rapid.Int64Range(window[0], window[1]).Draw(t, "start")
	line.Step = rapid.Int64Range(1, 1000).Draw(t, "step")
	line.Resolution = rapid.SampledFrom([]int64{1, 1, 10, 100}).Draw(t, "resolution")
	return line, window
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestEdgesOfACertainWindowAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, window := sized(t)
		r := narrow(t.Fatalf, line, &target{windows: [][2]int64{window}, chance: 1, end: line.To, dice: dice(1)})
		if !r.Found || !r.Settled {
			t.Fatalf("%+v", r)
		}
		if r.Everywhere {
			for _, at := range []int64{line.From, line.To} {
				if at < window[0] || at > window[1] {
					t.Fatalf("not everywhere: the window %v leaves %d out", window, at)
				}
			}
			return
		}
		if r.There.Failed != r.There.Shots || r.Outside.Failed != 0 || r.Elsewhere != nil {
			t.Fatalf("a certain window, and %s there, %s outside", r.There, r.Outside)
		}
		holds(t, r.Left, window[0], line.From, line.Resolution)
		holds(t, r.Right, window[1], line.To, line.Resolution)
	})
}

// holds says that an edge is where the window ends, told as finely as was asked for.
func holds(t *rapid.T, e shrink.Edge, window, end, resolution int64) {
	switch between := e.Inside == window || (e.Inside < window) == (window < e.Outside); {
	case e.Open && window != end:
		t.Fatalf("%+v is open, and the window ends at %d", e, window)
	case e.Open:
	case !between || e.Outside == window:
		t.Fatalf("%+v does not hold the window's end %d", e, window)
	case abs(e.Outside-e.Inside) > resolution:
		t.Fatalf("%+v is coarser than %d", e, resolution)
	}
}

func abs(n int64) int64 { return max(n, -n) }

func TestNothingIsEverSaidToFailOutsideOfAWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, window := sized(t)
		line.Repeats, line.Reach = 50, 20
		simulated := &target{
			windows: [][2]int64{window, {window[1] + 5, window[1] + 9}}, end: line.To,
			chance: rapid.Float64Range(0.2, 1).Draw(t, "chance"), dice: dice(rapid.Uint64().Draw(t, "seed")),
		}
		r := narrow(t.Fatalf, line, simulated)
		if !r.Found {
			return
		}
		for _, at := range append(r.Elsewhere, r.Left.Inside, r.Right.Inside, r.Best) {
			if !simulated.inside(at) {
				t.Fatalf("%d is in none of the windows %v", at, simulated.windows)
			}
		}
		if !r.Everywhere && (r.Left.Inside > r.Right.Inside || r.Left.Outside >= r.Left.Inside || r.Right.Outside <= r.Right.Inside) {
			t.Fatalf("out of order: %+v", r)
		}
	})
}

// TestNoisyEdgesAreMostlyRight holds the doubt that is allowed against what comes of it:
// a few edges in a hundred are told too near.
func TestNoisyEdgesAreMostlyRight(t *testing.T) {
	for _, chance := range []float64{0.3, 0.5, 0.8} {
		right, shots := 0, 0
		const searches = 400
		for seed := range uint64(searches) {
			window := [2]int64{400_000, 402_000}
			simulated := &target{windows: [][2]int64{window}, chance: chance, end: 1_000_000, dice: dice(seed)}
			r := narrow(t.Fatalf, shrink.Line{To: 1_000_000, Start: 401_000, Step: 500, Resolution: 100, Repeats: 30}, simulated)
			if r.Found && r.Left.Outside < window[0] && r.Right.Outside > window[1] {
				right++
			}
			shots += simulated.shots
		}
		if right < searches*80/100 {
			t.Errorf("with a chance of %.1f both edges hold the window in %d of %d searches", chance, right, searches)
		}
		t.Logf("chance %.1f: %d of %d right, %d shots each", chance, right, searches, shots/searches)
	}
}

func TestTheWindowAroundTheStartIsFoundAmongSeveral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gap := rapid.Int64Range(2000, 50_000).Draw(t, "gap")
		windows := [][2]int64{{100_000, 101_000}, {101_000 + gap, 102_000 + gap}, {900_000, 905_000}}
		chosen := rapid.SampledFrom(windows).Draw(t, "window")
		line := shrink.Line{To: 1_000_000, Start: rapid.Int64Range(chosen[0], chosen[1]).Draw(t, "start"), Step: 500}
		r := narrow(t.Fatalf, line, &target{windows: windows, chance: 1, end: line.To, dice: dice(1)})
		if r.Left.Inside != chosen[0] || r.Right.Inside != chosen[1] {
			t.Fatalf("%+v is not the window %v of the start %d", r, chosen, line.Start)
		}
	})
}

func TestAWindowFarFromTheOthersIsTold(t *testing.T) {
	line := shrink.Line{To: 80, Start: 5}
	r := narrow(t.Fatalf, line, &target{windows: [][2]int64{{4, 6}, {40, 40}}, chance: 1, end: 80, dice: dice(1)})
	if len(r.Elsewhere) != 1 || r.Elsewhere[0] != 40 || r.Outside.Failed != 1 {
		t.Errorf("the scout at 40 fails as well, and %+v", r)
	}
}

func TestWhatNeverFailsIsGivenUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, _ := sized(t)
		line.Repeats, line.Reach = rapid.IntRange(1, 10).Draw(t, "repeats"), rapid.IntRange(0, 30).Draw(t, "reach")
		simulated := &target{end: line.To, dice: dice(1)}
		r := narrow(t.Fatalf, line, simulated)
		if r.Found || !r.Settled || r.Everywhere || simulated.shots < line.Repeats || simulated.shots > line.Repeats+line.Reach {
			t.Fatalf("after %d shots %+v", simulated.shots, r)
		}
	})
}

func TestWhatAlwaysFailsFailsEverywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, _ := sized(t)
		line.Repeats = 60
		simulated := &target{
			windows: [][2]int64{{line.From, line.To}}, end: rapid.Int64Range(line.Start, line.To).Draw(t, "end"),
			chance: 1, dice: dice(1),
		}
		if r := narrow(t.Fatalf, line, simulated); !r.Everywhere {
			t.Fatalf("%+v", r)
		}
	})
}

func TestAWindowThatDriftsIsFoundWhereItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		simulated := &target{
			windows: [][2]int64{{400_000, 410_000}}, chance: 1, end: 1_000_000,
			drift: rapid.Float64Range(-20, 20).Draw(t, "drift"), dice: dice(1),
		}
		r := narrow(t.Fatalf, shrink.Line{To: 1_000_000, Start: 405_000, Step: 500, Resolution: 100, Fraction: 16, Repeats: 3, Reach: 20}, simulated)
		moved := int64(simulated.drift * float64(simulated.shots))
		if r.Left.Inside < 400_000+min(moved, 0) || r.Right.Inside > 410_000+max(moved, 0) {
			t.Fatalf("%+v reaches beyond where the window ever was, %d further", r, moved)
		}
	})
}

func TestWhatLiesBehindAnUndecidedPlaceDoesNotCountYet(t *testing.T) {
	s := shrink.NewSearch(shrink.Line{To: 80, Start: 5})
	for at, outcomes := range map[int64][]shrink.Outcome{
		5: {shrink.Failed, shrink.Failed, shrink.Failed}, 10: {shrink.Passed}, 40: {shrink.Failed},
	} {
		for _, o := range outcomes {
			s.Add(at, o)
		}
	}
	if r := s.Range(); r.Right.Inside != 5 || r.Settled {
		t.Errorf("%+v; at 10 it may be silent", r)
	}
}

func TestAWindowThatReachesTheTargetsEndIsOpenThere(t *testing.T) {
	simulated := &target{windows: [][2]int64{{100, 200}}, chance: 1, end: 200, dice: dice(1)}
	r := narrow(t.Fatalf, shrink.Line{To: 1000, Start: 150}, simulated)
	if r.Everywhere || r.Left.Open || r.Left.Inside != 100 || !r.Right.Open || r.Right.Inside != 200 || simulated.shots > 60 {
		t.Errorf("after %d shots %+v", simulated.shots, r)
	}
}

func TestTheShotsAtTheEdgesAreThere(t *testing.T) {
	r := narrow(t.Fatalf, shrink.Line{To: 100, Start: 50}, &target{windows: [][2]int64{{50, 50}}, chance: 1, end: 100, dice: dice(1)})
	if r.There.Failed < 3 || r.There.Shots != r.There.Failed {
		t.Errorf("%s there", r.There)
	}
}

func TestShotsOutsideAreOutside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line, window := sized(t)
		simulated := &target{windows: [][2]int64{window}, chance: 1, end: line.To, dice: dice(1)}
		s := shrink.NewSearch(line)
		for {
			at, more := s.Next()
			if !more {
				break
			}
			s.Add(at, simulated.strike(at))
		}
		r := s.Range()
		if r.Everywhere {
			return
		}
		places := s.Spread(r, 40)
		if len(places) == 0 || len(places) > 40 {
			t.Fatalf("%d places", len(places))
		}
		for _, at := range places {
			if at < line.From || at > line.To || simulated.inside(at) {
				t.Fatalf("%d is not outside of %v on %d..%d", at, window, line.From, line.To)
			}
		}
	})
}

func TestALeapOverASilentGapIsNoticed(t *testing.T) {
	// From 0 the steps go to 128, which fails, and to 256, in the other window.
	simulated := &target{windows: [][2]int64{{0, 130}, {250, 260}}, chance: 1, end: 10_000, dice: dice(1)}
	r := narrow(t.Fatalf, shrink.Line{To: 10_000}, simulated)
	if r.Right.Inside != 130 || r.Right.Outside != 131 {
		t.Errorf("%+v", r)
	}
}
