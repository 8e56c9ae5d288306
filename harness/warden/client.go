package warden

import (
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Warden is the host's side of one warden process. It runs one trial at a time; the next
// one may be asked for meanwhile, and is launched without a pause behind the first. It is
// for one goroutine at a time.
type Warden struct {
	// Abilities is what the warden found that this machine permits.
	Abilities Abilities

	// ended is set when no further answer comes: the warden has died, or leaves.
	ended    bool
	answered bool // at least once
	cmd      *exec.Cmd
	socket   *os.File
	out      *gob.Encoder
	in       *gob.Decoder
	stderr   *tail
	id       observation.Identity
	env      []string // of the last request
}

// startBound is how long a warden may take to greet, leaveBound how long to remove
// its tree and leave.
const (
	startBound = 20 * time.Second
	leaveBound = killBound + 5*time.Second
)

// Start starts a warden. It takes 10 to 20 ms, once for a whole campaign.
func Start() (*Warden, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("start a warden: socketpair: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "warden")
	defer theirs.Close() //nolint:errcheck // the child has its own
	// The socket stays a blocking one: a thread that waits in read(2) itself has the
	// answer sooner than one that is woken by the runtime's poller.
	w := &Warden{socket: os.NewFile(uintptr(pair[0]), "warden"), stderr: &tail{}}
	w.out, w.in = gob.NewEncoder(w.socket), gob.NewDecoder(w.socket)
	w.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{Name}, Env: wardenEnv(), Dir: "/",
		Stderr: w.stderr, ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
		WaitDelay:   time.Second,
	}
	if err := w.cmd.Start(); err != nil {
		w.socket.Close() //nolint:errcheck // the error that counts is the other
		return nil, fmt.Errorf("start a warden: %w", err)
	}
	if err := w.greet(); err != nil {
		return nil, err
	}
	return w, nil
}

// wardenEnv is the warden's own environment, not the target's: what the Go runtime and
// gopsutil read must not come from the user.
func wardenEnv() []string {
	env := []string{"GOTRACEBACK=all", "PATH=" + os.Getenv("PATH")}
	if race, given := os.LookupEnv("GORACE"); given {
		env = append(env, "GORACE="+race) // of a test binary with the race detector
	}
	return env
}

func (w *Warden) greet() error {
	w.boundReads(startBound)
	var greeting reply
	if err := w.in.Decode(&greeting); err != nil || greeting.Abilities == nil {
		w.Close() //nolint:errcheck // the error that counts is the other
		return fmt.Errorf("start a warden: no greeting: %w", w.died(err))
	}
	w.boundReads(0)
	w.Abilities = *greeting.Abilities
	self, err := proc.ReadMember(w.cmd.Process.Pid)
	if err != nil {
		return fmt.Errorf("start a warden: %w", err)
	}
	w.id = self.Identity
	return nil
}

// boundReads makes reads fail after a time; 0 makes them wait for ever (socket(7)).
func (w *Warden) boundReads(d time.Duration) {
	timeout := unix.NsecToTimeval(int64(d))
	if raw, err := w.socket.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { //nolint:errcheck // an open file
			unix.SetsockoptTimeval(int(fd), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout) //nolint:errcheck // a socket takes it
		})
	}
}

// died adds what the warden said on its standard error. The kernel resets the connection
// of one that leaves a request unread.
func (w *Warden) died(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET) {
		err = errors.New("the warden died")
	}
	if said := w.stderr.String(); said != "" {
		return fmt.Errorf("%w; it said: %s", err, said)
	}
	return err
}

// ErrUnstarted says that a trial did not take place, because the warden has left after
// the one before: another warden can carry it out.
var ErrUnstarted = errors.New("the warden has left before this trial")

// Run runs one trial and returns what was observed. A cancelled context makes the
// warden kill the tree and leave; the Warden is then of no more use, as after any error
// and after an observation that has a Failure of the kind "cleanup". A target that
// misbehaves, or cannot be started, is no error: the observation tells.
func (w *Warden) Run(ctx context.Context, request Request) (observation.Observation, error) {
	return w.Ask(ctx, request).Answer()
}

// Asked is a trial that a warden was asked for.
type Asked struct {
	w     *Warden
	ctx   context.Context
	bound time.Duration
	err   error // of asking
	stop  func() bool
}

// Ask asks for a trial, which is begun at once or behind those that were asked for
// before. Answers must be fetched in the order of asking, each once.
func (w *Warden) Ask(ctx context.Context, request Request) *Asked {
	a := &Asked{w: w, ctx: ctx, bound: request.bound()}
	a.stop = context.AfterFunc(ctx, func() { unixShutdown(w.socket, unix.SHUT_WR) })
	env := append(slices.Clip(request.Env), markerName+"="+marker(w.id))
	request.Env, request.SameEnv = env, slices.Equal(env, w.env)
	if request.SameEnv {
		request.Env = nil
	}
	w.env = env
	if err := w.out.Encode(request); err != nil {
		a.err = fmt.Errorf("send a request: %w", err)
	}
	return a
}

// Answer waits for the end of the trial and returns what [Warden.Run] returns, or
// [ErrUnstarted] where the warden left before it.
func (a *Asked) Answer() (o observation.Observation, err error) {
	defer a.stop()
	if a.w.ended {
		return o, cmp.Or(a.ctx.Err(), ErrUnstarted)
	}
	if a.err != nil && a.w.answered {
		a.w.ended = true // it died since the trial before, and never read this request
		return o, cmp.Or(a.ctx.Err(), ErrUnstarted)
	}
	if err = a.err; err == nil {
		o, err = a.w.answer(a.bound)
	}
	a.w.answered = true
	a.w.ended = err != nil || o.Failure != nil && o.Failure.Kind == "cleanup"
	if err != nil {
		return o, a.w.lost(a.ctx, err)
	}
	return o, nil
}

// answer reads the answer to the request that is carried out.
func (w *Warden) answer(bound time.Duration) (o observation.Observation, err error) {
	var silent atomic.Bool
	timer := time.AfterFunc(bound, func() {
		silent.Store(true)
		unixShutdown(w.socket, unix.SHUT_RDWR)
	})
	defer timer.Stop()
	var answer reply
	if err := w.in.Decode(&answer); err != nil {
		if silent.Load() {
			err = fmt.Errorf("no answer within %s; look whether something stopped it (state T) or holds it in the kernel (state D)", bound)
		}
		return o, w.died(err)
	}
	if answer.Observation == nil {
		return o, errors.New("the warden answered without an observation")
	}
	return *answer.Observation, nil
}

func (w *Warden) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("warden %d: %w", w.cmd.Process.Pid, err)
}

// bound is how long the trial can take at the most, and some more: a warden that has
// not answered by then is stopped or stuck.
func (r Request) bound() time.Duration {
	sum := max(r.Ready.Timeout.D(), scenario.AutoReady) + r.Shot.Schedule.Length(r.Limit) + r.Settle
	if r.Restart != nil {
		sum += r.Restart.Within
	}
	if r.Ready.After != nil {
		sum += r.Ready.After.D()
	}
	if r.Shot.Point.Time != nil {
		sum += r.Shot.Point.Time.After
	}
	if r.Shot.Point.Handler != nil {
		sum += r.Shot.Point.Handler.Offset
	}
	if r.Shot.Point.Line != nil {
		sum += r.Shot.Point.Line.Delay
	}
	return sum + 2*r.Limit + 6*killBound
}

// unixShutdown tells the warden that no more requests come: in the middle of a trial
// it kills the tree, answers and leaves. A reader of this side is woken by SHUT_RDWR.
func unixShutdown(socket *os.File, how int) {
	if raw, err := socket.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), how) }) //nolint:errcheck // a closed socket says the same
	}
}

// Close lets the warden kill what is left of its tree and waits until it has left. A
// warden that does not leave in time is killed, and its cgroup with it; that is an
// error, for what it left behind then is not known where there is no cgroup.
func (w *Warden) Close() error {
	w.socket.Close() //nolint:errcheck // it is closed either way
	exited := make(chan error, 1)
	go func() { exited <- w.cmd.Wait() }()
	var err error
	select {
	case err = <-exited:
	case <-time.After(leaveBound):
		w.cmd.Process.Kill() //nolint:errcheck // it may just have left
		<-exited
		err = fmt.Errorf("did not leave within %s", leaveBound)
	}
	if err != nil {
		w.cleanUp()
		return fmt.Errorf("warden %d: %w", w.cmd.Process.Pid, w.died(err))
	}
	return nil
}

// cleanUp removes what a warden that died left behind: all of it where it had a
// cgroup, elsewhere whoever still bears its marker. The target itself dies with the
// warden in any case (its parent-death signal).
func (w *Warden) cleanUp() {
	if w.Abilities.CgroupDir == "" {
		killMarked(marker(w.id))
		return
	}
	g := &group{dir: w.Abilities.CgroupDir, fd: -1, events: -1, pressure: -1}
	g.kill()
	g.remove()
}

// PID is the warden's process ID.
func (w *Warden) PID() int { return w.cmd.Process.Pid }

// tail keeps the end of what a warden says on its standard error.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 8 << 10

func (t *tail) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, text...)
	if extra := len(t.text) - tailSize; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(text), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
