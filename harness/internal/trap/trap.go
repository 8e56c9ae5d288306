// Package trap holds a process tree at its system calls: every call that is asked for
// stops the thread that makes it, before the kernel carries it out, until it is let go.
//
// The mechanism is a seccomp filter with a user-space listener
// (seccomp_unotify(2)). It is put into a target between its exec and its first
// instruction, by making the stopped target call seccomp(2) itself; from then on
// nobody is traced: threads, forks, execs and job control behave as they always do, and
// every process that is started below has the filter too. Only a call after which the
// target is to be held is stepped over with ptrace(2), that one time.
//
// What is no system call of this machine's own kind cannot be held: stores into mapped
// files, the work of io_uring, calls answered by the vDSO, and the calls of 32-bit
// programs.
package trap

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Trap is the listener of one tree.
type Trap struct {
	fd int
	// killable says that a held thread is woken by nothing but its death and our answer;
	// before Linux 5.19 any signal interrupts the call.
	killable   bool
	noNewPrivs bool
}

// Call is a system call that a thread is held at.
type Call struct {
	id uint64
	// TID is the thread, as this process' PID namespace numbers it.
	TID int
	// Number is the system call's number on this machine.
	Number int
	// Site is the address of the instruction that made the call.
	Site uint64
	Args [6]uint64
}

// Same says that both are the same call with the same arguments from the same place.
func (c Call) Same(other Call) bool {
	return c.Number == other.Number && c.Site == other.Site && c.Args == other.Args
}

// notification and response are the kernel's struct seccomp_notif and
// seccomp_notif_resp (linux/seccomp.h).
type notification struct {
	id    uint64
	pid   uint32
	flags uint32
	nr    int32
	arch  uint32
	ip    uint64
	args  [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// ioctls of the listener that package unix does not name (linux/seccomp.h).
const (
	ioctlIDValid  = 0x40082102
	ioctlSetFlags = 0x40082104
)

// FD is the listener: readable when a thread is held, hung up when the last process of
// the tree is gone.
func (t *Trap) FD() int { return t.fd }

// Killable says whether a signal leaves a held call undisturbed.
func (t *Trap) Killable() bool { return t.killable }

// NoNewPrivs says that the target had to give up gaining privileges by exec.
func (t *Trap) NoNewPrivs() bool { return t.noNewPrivs }

// Close lets go of the tree. A call that is held, or made afterwards, fails with
// ENOSYS, so it is for trees that are dead.
func (t *Trap) Close() {
	if t.fd >= 0 {
		unix.Close(t.fd) //nolint:errcheck // nothing was written
		t.fd = -1
	}
}

// Next takes the next held call. ok is false when the thread died before it could be
// taken. It blocks while no thread is held: wait for FD to become readable first.
func (t *Trap) Next() (call Call, ok bool, err error) {
	var n notification
	errno := t.ioctl(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n))
	switch errno {
	case 0:
	case unix.EINTR, unix.ENOENT: // the thread was killed meanwhile
		return Call{}, false, nil
	default:
		return Call{}, false, fmt.Errorf("take a held system call: %w", errno)
	}
	return Call{id: n.id, TID: int(n.pid), Number: int(n.nr), Site: n.ip, Args: n.args}, true, nil
}

// Held says whether the thread is still held at the call: what was read of it under
// its number in the meantime is then its own.
func (t *Trap) Held(c Call) bool {
	return t.ioctl(ioctlIDValid, unsafe.Pointer(&c.id)) == 0
}

// Continue lets the kernel carry the call out.
func (t *Trap) Continue(c Call) error {
	return t.answer(response{id: c.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE})
}

// restartNoIntr is ERESTARTNOINTR of the kernel (linux/errno.h): a thread with a signal
// pending handles it first and then makes the call again, whatever SA_RESTART says.
const restartNoIntr = 513

// Restart lets the thread handle a signal that is pending for it, and make the call
// afterwards, if it is alive then: the call comes to be held once more. It is only for
// a thread that does have a signal pending; any other would see an error that does not
// exist.
func (t *Trap) Restart(c Call) error {
	return t.answer(response{id: c.id, errno: -restartNoIntr})
}

func (t *Trap) answer(r response) error {
	errno := t.ioctl(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
	if errno == 0 || errno == unix.ENOENT { // ENOENT: the thread is dead
		return nil
	}
	return fmt.Errorf("let go of a system call: %w", errno)
}

func (t *Trap) ioctl(request uint, argument unsafe.Pointer) unix.Errno {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(t.fd), uintptr(request), uintptr(argument))
		if errno != unix.EINTR || request == unix.SECCOMP_IOCTL_NOTIF_RECV {
			return errno
		}
	}
}

// Detour says that with the call the target opens a way on which it works without any
// call: io_uring, or a file that is mapped to be written to. Calls that do so are held
// whatever calls a trap is for.
func (c Call) Detour() (what string, fd int, ok bool) {
	switch c.Number {
	case unix.SYS_IO_URING_SETUP:
		return "io_uring", -1, true
	case unix.SYS_MMAP:
		fd = int(int32(c.Args[4]))
		return "a mapped file", fd, c.Args[2]&unix.PROT_WRITE != 0 && c.Args[3]&unix.MAP_SHARED != 0 && fd >= 0
	}
	return "", -1, false
}

const (
	loadWord = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifAny    = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	leave    = unix.BPF_RET | unix.BPF_K
)

// maxCalls keeps the longest jump of a filter within its 8 bits.
const maxCalls = 240

// filter makes a program that notifies of the calls, and of those that open a detour, and
// allows everything else.
func filter(calls []int) ([]unix.SockFilter, error) {
	const ( // offsets in struct seccomp_data; of an argument that of its lower half
		nr, arch          = 0, 4
		prot, flags, file = 32, 40, 48 // arguments of mmap(2)
	)
	if len(calls) == 0 || len(calls) > maxCalls {
		return nil, fmt.Errorf("a trap takes 1 to %d system calls, not %d", maxCalls, len(calls))
	}
	// Jumps count the instructions they skip.
	tail := []unix.SockFilter{
		{Code: ifEqual, K: unix.SYS_IO_URING_SETUP, Jt: 8},
		{Code: ifEqual, K: unix.SYS_MMAP, Jf: 6},
		{Code: loadWord, K: prot},
		{Code: ifAny, K: unix.PROT_WRITE, Jf: 4},
		{Code: loadWord, K: flags},
		{Code: ifAny, K: unix.MAP_SHARED, Jf: 2},
		{Code: loadWord, K: file},
		{Code: ifEqual, K: 1<<32 - 1, Jf: 1},
		{Code: leave, K: unix.SECCOMP_RET_ALLOW},
		{Code: leave, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	program := []unix.SockFilter{
		{Code: loadWord, K: arch},
		{Code: ifEqual, K: auditArch, Jf: uint8(len(calls) + len(tail) - 1)},
		{Code: loadWord, K: nr},
	}
	for i, nr := range calls {
		program = append(program, unix.SockFilter{Code: ifEqual, K: uint32(nr), Jt: uint8(len(calls) - i - 1 + len(tail) - 1)})
	}
	return append(program, tail...), nil
}

// Set waits until a target that was started with PTRACE_TRACEME stops right after its
// exec, puts a trap into it, and lets it run. The caller's thread must be the tracer.
// After an error the target is not traced any more than before, and of no more use.
func Set(pid, pidfd int, calls []int) (*Trap, error) {
	if auditArch == 0 {
		return nil, fmt.Errorf("no trap is made on %s yet, on amd64 and arm64 only", runtime.GOARCH)
	}
	program, err := filter(calls)
	if err != nil {
		return nil, err
	}
	if err := waitStop(pid); err != nil {
		return nil, err
	}
	in, err := enter(pid)
	if err != nil {
		return nil, err
	}
	trap, err := in.install(program, pidfd)
	if left := in.leave(); err == nil && left != nil {
		trap.Close()
		return nil, left
	}
	if err != nil {
		return nil, err
	}
	if err := unix.PtraceDetach(pid); err != nil {
		trap.Close()
		return nil, fmt.Errorf("detach from the target: %w", err)
	}
	return trap, nil
}

// install makes the target install the filter, and takes the listener from it.
func (in *injection) install(program []unix.SockFilter, pidfd int) (*Trap, error) {
	address, err := in.write(program)
	if err != nil {
		return nil, err
	}
	trap := &Trap{fd: -1, killable: true}
	theirs, err := in.seccomp(address, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	if errors.Is(err, unix.EINVAL) {
		trap.killable = false
		theirs, err = in.seccomp(address, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	}
	if err != nil {
		return nil, err
	}
	trap.noNewPrivs = in.noNewPrivs
	if trap.fd, err = unix.PidfdGetfd(pidfd, theirs, 0); err != nil {
		err = fmt.Errorf("take the seccomp listener from the target: %w", err)
	}
	if _, closed := in.call(unix.SYS_CLOSE, uint64(theirs)); closed != nil && err == nil {
		err = fmt.Errorf("close the listener in the target: %w", closed)
	}
	if err != nil {
		trap.Close()
		return nil, err
	}
	// On one processor after the other instead of both in turn; refused before Linux 6.6.
	unix.Syscall(unix.SYS_IOCTL, uintptr(trap.fd), ioctlSetFlags, unix.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) //nolint:errcheck // only speed
	return trap, nil
}

// seccomp calls seccomp(2) in the target. Who lacks CAP_SYS_ADMIN must first give up
// gaining privileges by exec, which stops setuid programs from being what they are; so
// that is only done where it is needed.
func (in *injection) seccomp(program uint64, flags uint64) (listener int, err error) {
	fd, err := in.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, program)
	if errors.Is(err, unix.EACCES) {
		if _, err := in.call(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return -1, fmt.Errorf("prctl(PR_SET_NO_NEW_PRIVS) in the target: %w", err)
		}
		in.noNewPrivs = true
		fd, err = in.call(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, program)
	}
	if err != nil {
		return -1, fmt.Errorf("install a seccomp filter in the target: %w", err)
	}
	return int(fd), nil
}
