package trap

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// injection is a stopped target that is made to call the kernel for us: its registers
// and the instruction under its program counter are borrowed and given back.
type injection struct {
	pid        int
	registers  syscall.PtraceRegs // as they were
	text       [8]byte            // the instruction and what follows it
	noNewPrivs bool
}

// enter borrows the target. It must be stopped by ptrace, with this thread as its tracer.
func enter(pid int) (*injection, error) {
	in := &injection{pid: pid}
	if err := syscall.PtraceGetRegs(pid, &in.registers); err != nil {
		return nil, fmt.Errorf("read the target's registers: %w", err)
	}
	pc := uintptr(in.registers.PC())
	if _, err := syscall.PtracePeekText(pid, pc, in.text[:]); err != nil {
		return nil, fmt.Errorf("read the target's text: %w", err)
	}
	text := in.text
	copy(text[:], syscallInstruction)
	if _, err := syscall.PtracePokeText(pid, pc, text[:]); err != nil {
		return nil, fmt.Errorf("write the target's text: %w", err)
	}
	return in, nil
}

// leave gives everything back.
func (in *injection) leave() error {
	if _, err := syscall.PtracePokeText(in.pid, uintptr(in.registers.PC()), in.text[:]); err != nil {
		return fmt.Errorf("restore the target's text: %w", err)
	}
	if err := syscall.PtraceSetRegs(in.pid, &in.registers); err != nil {
		return fmt.Errorf("restore the target's registers: %w", err)
	}
	return nil
}

// call makes the target carry out one system call and gives its result.
func (in *injection) call(number int, args ...uint64) (uint64, error) {
	registers := in.registers
	setCall(&registers, number, args)
	if err := syscall.PtraceSetRegs(in.pid, &registers); err != nil {
		return 0, fmt.Errorf("set the target's registers: %w", err)
	}
	if err := syscall.PtraceSingleStep(in.pid); err != nil {
		return 0, fmt.Errorf("step the target: %w", err)
	}
	if err := waitStop(in.pid); err != nil {
		return 0, err
	}
	if err := syscall.PtraceGetRegs(in.pid, &registers); err != nil {
		return 0, fmt.Errorf("read the target's registers: %w", err)
	}
	value := int64(result(&registers))
	if value < 0 && value > -4096 {
		return 0, unix.Errno(-value)
	}
	return uint64(value), nil
}

// errEnded says that the target ended where it was expected to stop.
var errEnded = errors.New("the target ended")

// waitStop waits until the thread has stopped.
func waitStop(tid int) error {
	info, err := waitChange(tid, unix.WSTOPPED|unix.WEXITED)
	if err == nil && info.code != cldTrapped && info.code != cldStopped {
		return errEnded
	}
	return err
}

// change is the part of what waitid(2) fills in that is looked at here.
type change struct {
	signo, errno, code int32
	_                  [116]byte
}

// waitChange waits for a change of a thread's state. A stop is taken, so that the next
// call sees the next one; an end is left to whoever reaps the thread.
func waitChange(tid, options int) (change, error) {
	var info change
	wait := func(options int) error {
		for {
			err := unix.Waitid(unix.P_PID, tid, (*unix.Siginfo)(unsafe.Pointer(&info)), options|unix.WALL, nil)
			if !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	}
	err := wait(options | unix.WNOWAIT)
	if err == nil && (info.code == cldTrapped || info.code == cldStopped) {
		err = wait(unix.WSTOPPED | unix.WNOHANG)
	}
	if err != nil {
		return info, fmt.Errorf("wait for thread %d: %w", tid, err)
	}
	return info, nil
}

// Ways in which a child changed (CLD_ in sigaction(2)).
const (
	cldTrapped = 4
	cldStopped = 5
)

// scratch is how far below the stack pointer the filter is written: the kernel makes
// the stack of a fresh program 128 KiB larger than it needs (setup_arg_pages).
const scratch = 16 << 10

// write puts the program, and the struct sock_fprog that names it, into memory that the
// target does not use yet, and gives the struct's address.
func (in *injection) write(program []unix.SockFilter) (uint64, error) {
	type fprog struct {
		length uint16
		_      [6]byte
		filter uint64
	}
	at := (stackPointer(&in.registers) - scratch) &^ 15
	head := fprog{length: uint16(len(program)), filter: at + uint64(unsafe.Sizeof(fprog{}))}
	text := unsafe.Slice((*byte)(unsafe.Pointer(&head)), unsafe.Sizeof(head))
	body := unsafe.Slice((*byte)(unsafe.Pointer(&program[0])), len(program)*int(unsafe.Sizeof(program[0])))
	all := append(append([]byte(nil), text...), body...)
	local := []unix.Iovec{{Base: &all[0]}}
	local[0].SetLen(len(all))
	n, err := unix.ProcessVMWritev(in.pid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(all)}}, 0)
	if err == nil && n != len(all) {
		err = unix.EFAULT
	}
	if err != nil {
		return 0, fmt.Errorf("write the filter into the target: %w", err)
	}
	return at, nil
}
