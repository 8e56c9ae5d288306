package trap

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const auditArch = unix.AUDIT_ARCH_AARCH64

var syscallInstruction = []byte{0x01, 0x00, 0x00, 0xd4} // svc #0

// setCall prepares a system call by the ABI of arm64: number in x8, arguments in x0 to
// x5.
func setCall(r *syscall.PtraceRegs, number int, args []uint64) {
	r.Regs[8] = uint64(number)
	copy(r.Regs[:6], args)
}

func result(r *syscall.PtraceRegs) uint64       { return r.Regs[0] }
func stackPointer(r *syscall.PtraceRegs) uint64 { return r.Sp }
