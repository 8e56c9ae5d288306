package stack

// Numbers of registers as the tables for unwinding count them (System V ABI for AMD64,
// figure 3.36); the program counter stands where its column for return addresses is.
const (
	regBP = 6
	regSP = 7
	regPC = 16

	registerCount = 17
)

// registers are those of one frame as far as they are known.
type registers struct {
	value [registerCount]uint64
	known [registerCount]bool
}

func (r *registers) set(number int, value uint64) { r.value[number], r.known[number] = value, true }

// pc and sp are known in every frame that is walked to.
func (r *registers) pc() uint64 { return r.value[regPC] }
func (r *registers) sp() uint64 { return r.value[regSP] }
