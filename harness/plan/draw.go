package plan

import (
	"math/bits"
	"math/rand/v2"
	"time"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// draw makes the random choices of one shot.
//
// Only the generator is taken from math/rand/v2, whose sequence is specified. Its
// Rand is not used: IntN and Int64N draw other numbers on 32-bit systems than on
// 64-bit ones, and a shot must be the same everywhere.
type draw struct {
	source *rand.PCG
}

// newDraw starts the choices of shot i. Shots are told apart by an odd multiple of
// their index, so that no two of a campaign share a state.
func newDraw(seed, stream uint64, i int) *draw {
	return &draw{rand.NewPCG(seed, stream+uint64(i)*0x9e3779b97f4a7c15)}
}

// below draws from 0 to n-1, n ≥ 1, uniformly: the high half of a 128-bit product,
// where the few products that would favour some results are drawn again (Lemire,
// Fast Random Integer Generation in an Interval, 2019).
func (d *draw) below(n uint64) uint64 {
	high, low := bits.Mul64(d.source.Uint64(), n)
	for unfair := -n % n; low < unfair; {
		high, low = bits.Mul64(d.source.Uint64(), n)
	}
	return high
}

// among draws a number of the range, both ends included.
func (d *draw) among(r scenario.Range) int {
	return r.First + int(d.below(uint64(r.Last-r.First)+1))
}

// within draws a moment of the window, both ends included, in whole microseconds:
// what a person can read, write and repeat.
func (d *draw) within(w scenario.Window) time.Duration {
	micros := uint64((w.To - w.From) / time.Microsecond)
	return w.From + time.Duration(d.below(micros+1))*time.Microsecond
}
