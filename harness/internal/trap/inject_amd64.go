package trap

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const auditArch = unix.AUDIT_ARCH_X86_64

var syscallInstruction = []byte{0x0f, 0x05} // syscall

// setCall prepares a system call by the ABI of x86-64: number in rax, arguments in rdi,
// rsi, rdx, r10, r8, r9. An orig_rax of -1 says that the target is in no system call,
// so that the kernel restarts none.
func setCall(r *syscall.PtraceRegs, number int, args []uint64) {
	r.Rax, r.Orig_rax = uint64(number), ^uint64(0)
	for i, place := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9} {
		if i < len(args) {
			*place = args[i]
		}
	}
}

func result(r *syscall.PtraceRegs) uint64       { return r.Rax }
func stackPointer(r *syscall.PtraceRegs) uint64 { return r.Rsp }
