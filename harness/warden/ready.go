package warden

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/internal/proc"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// Readiness that no event announces is asked for again and again, from every 200 µs
// in the beginning to every 5 ms.
const (
	firstAsk = 200 * time.Microsecond
	lastAsk  = 5 * time.Millisecond
)

// becomeReady waits until the target is ready, where the shot counts from there. That
// the target ends before is no failure: there is just nothing to strike.
func (t *trial) becomeReady() *observation.Failure {
	if point := t.req.Shot.Point.Time; point == nil || point.From == scenario.FromLaunch {
		return nil
	}
	timeout := t.readyTimeout()
	if t.req.Ready.HTTP != "" && t.req.Restart == nil {
		t.web = startWebProbe(t.req.Ready.HTTP, timeout)
	}
	t.awaitReady(timeout)
	if t.over() || t.o.Ready != nil {
		return nil
	}
	switch {
	case t.req.Ready.Auto() && !t.signWanted():
		t.ready("after", fmt.Sprintf("no sign of readiness within %s", timeout), t.clock.Now())
	case t.req.Ready.After != nil:
		t.ready("after", timeout.String(), t.clock.Now())
	default:
		return t.notReady(timeout)
	}
	return nil
}

func (t *trial) readyTimeout() time.Duration {
	switch after := t.req.Ready.After; {
	case after != nil:
		return after.D()
	case t.req.Ready.Auto() && !t.signWanted():
		return scenario.AutoReady
	case t.req.Restart != nil:
		return t.req.Restart.Within
	}
	return t.req.Ready.Timeout.D()
}

// signWanted says that auto has to find a sign of readiness, as it did the first time.
func (t *trial) signWanted() bool { return t.req.Restart != nil && t.req.Restart.By != "after" }

func (t *trial) notReady(timeout time.Duration) *observation.Failure {
	message := fmt.Sprintf("the target was not ready within %s (waiting for %s)", timeout, t.readyCondition())
	if last := t.lastLine(); last != "" {
		message += fmt.Sprintf("; the last it printed was %q", last)
	}
	return &observation.Failure{
		Kind: "not-ready", Message: message,
		Remedy: "look whether the condition is right, or give it more time (--ready-timeout, ready.timeout)",
	}
}

func (t *trial) readyCondition() string {
	r := t.req.Ready
	switch {
	case r.Output != nil:
		return fmt.Sprintf("a whole line matching /%s/", r.Output)
	case r.Port != 0:
		return fmt.Sprintf("a process of the target listening on port %d", r.Port)
	case r.HTTP != "":
		return "an answer from " + r.HTTP
	case r.File != "":
		return "the file " + r.File
	case r.Auto():
		return "a handler, a line of output or a listening socket"
	}
	return "READY=1 on NOTIFY_SOCKET"
}

func (t *trial) awaitReady(deadline time.Duration) {
	ask := firstAsk
	for !t.over() && t.o.Ready == nil && t.clock.Now() < deadline {
		t.noteHandler()
		t.checkReady()
		if t.o.Ready == nil {
			t.until(min(deadline, t.clock.Now()+ask), func() bool { return t.over() || t.announced() })
		}
		ask = min(ask*3/2, lastAsk)
	}
	if t.o.Ready == nil && t.announced() {
		t.checkReady()
	}
}

// announced says that an event which may mean readiness has come.
func (t *trial) announced() bool {
	return t.readyLine != nil ||
		t.notify != nil && t.notify.ready != nil ||
		t.web != nil && t.web.answered.Load() ||
		t.req.Ready.Auto() && t.firstLine() != ""
}

// noteHandler looks whether the first signal's handler is installed, until it is.
func (t *trial) noteHandler() {
	if t.o.HandlerSeen != nil {
		return
	}
	if s, err := t.target.Status(); err == nil && s.Caught.Has(t.firstSignal()) {
		now := t.clock.Now()
		t.o.HandlerSeen = &now
		t.runtimeHandlers = observation.CaughtByRuntime(s.Caught)
	}
}

func (t *trial) checkReady() {
	r := t.req.Ready
	switch {
	case r.Output != nil && t.readyLine != nil:
		t.ready("output", t.readyLine.line, t.readyLine.at)
	case r.Port != 0:
		t.checkPort(r.Port)
	case r.HTTP != "":
		t.checkWeb(r.HTTP)
	case r.File != "":
		if info, err := os.Stat(t.inWorkdir(r.File)); err == nil && !sameState(t.readyFile, info) {
			t.ready("file", r.File, t.clock.Now())
		}
	case r.Notify && t.notify.ready != nil:
		t.ready("notify", "READY=1", *t.notify.ready)
	case r.Auto():
		t.checkAuto()
	}
}

func (t *trial) checkAuto() {
	switch {
	case t.o.HandlerSeen != nil && !t.runtimeHandlers:
		t.ready("handler", t.firstSignal().String(), *t.o.HandlerSeen)
	case t.firstLine() != "":
		t.ready("output", t.firstLine(), t.clock.Now())
	default:
		if sockets := proc.Listening(t.pids()); len(sockets) > 0 {
			t.ready("listen", sockets[0].Network+" "+sockets[0].Address, t.clock.Now())
		}
	}
}

// checkPort wants a listener on the port that belongs to the tree.
func (t *trial) checkPort(port int) {
	if address := t.listensOn(port); address != "" {
		t.ready("port", address, t.clock.Now())
	}
}

// listensOn is the address at which somebody of the tree listens on a TCP port, "" where
// nobody does.
func (t *trial) listensOn(port int) string {
	if len(proc.Listeners(port)) == 0 {
		return ""
	}
	suffix := fmt.Sprintf(":%d", port)
	for _, socket := range proc.Listening(t.pids()) {
		if strings.HasPrefix(socket.Network, "tcp") && strings.HasSuffix(socket.Address, suffix) {
			return socket.Address
		}
	}
	return ""
}

// checkWeb takes an answer. After a restart nobody is asked before the tree itself
// listens: a survivor of the earlier target would answer.
func (t *trial) checkWeb(address string) {
	switch {
	case t.web == nil && t.listensOn(portOf(address)) != "":
		t.web = startWebProbe(address, t.readyTimeout())
	case t.web != nil && t.web.answered.Load():
		t.web.quiet()
		t.ready("http", address, t.clock.Now())
	}
}

// portOf is the TCP port of a URL.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	return map[string]int{"http": 80, "https": 443}[u.Scheme]
}

// noteReadyFile remembers the file to be ready by as the earlier target left it.
func (t *trial) noteReadyFile() {
	if t.req.Restart != nil && t.req.Ready.File != "" {
		t.readyFile, _ = os.Stat(t.inWorkdir(t.req.Ready.File)) //nolint:errcheck // then there is none
	}
}

// sameState says that a file is as it was before; nil stands for no file.
func sameState(before, now os.FileInfo) bool {
	return before != nil && os.SameFile(before, now) && before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size()
}

func (t *trial) ready(by, detail string, at time.Duration) {
	t.o.Ready = &observation.Readiness{By: by, Auto: t.req.Ready.Auto(), Detail: detail, At: at}
	t.o.Stage = observation.Ready
	t.census(at)
}

func (t *trial) inWorkdir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(t.req.Dir, path)
}

// pids lists the main process and its living descendants.
func (t *trial) pids() []int {
	pids := []int{t.target.PID}
	for _, m := range proc.Descendants(t.target.PID) {
		if m.State != "Z" {
			pids = append(pids, m.PID)
		}
	}
	return pids
}

// firstLine is the latest whole line of a stream that has one.
func (t *trial) firstLine() string {
	for _, output := range t.outputs {
		if output != nil && output.stream.Lines > 0 {
			return cmp.Or(output.stream.Last(), " ")
		}
	}
	return ""
}

// lastLine is the last thing the target printed, whole or not.
func (t *trial) lastLine() string {
	for _, output := range t.outputs {
		if output != nil && output.stream.Last() != "" {
			return output.stream.Last()
		}
	}
	return ""
}

// notifySocket is where the target says READY=1 (sd_notify(3)): a datagram socket
// with an abstract name, so that no file is left.
type notifySocket struct {
	fd    int
	name  string
	ready *time.Duration
}

var notifySockets atomic.Int64

func openNotify() (*notifySocket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("@sigprobe-notify-%d-%d", os.Getpid(), notifySockets.Add(1))
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil {
		unix.Close(fd) //nolint:errcheck // the error that counts is the other
		return nil, err
	}
	return &notifySocket{fd: fd, name: name}, nil
}

func (n *notifySocket) receive(at time.Duration) {
	buf := make([]byte, 4096)
	for {
		size, _, err := unix.Recvfrom(n.fd, buf, 0)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(buf[:size])) {
			if strings.TrimSpace(line) == "READY=1" && n.ready == nil {
				n.ready = &at
			}
		}
	}
}

func (n *notifySocket) close() { unix.Close(n.fd) } //nolint:errcheck // nothing was written

// webProbe asks a URL until it answers, beside the loop, and wakes it then.
type webProbe struct {
	answered atomic.Bool
	cancel   context.CancelFunc
	done     chan struct{}
	wake     int // an eventfd
}

const (
	firstGet = 5 * time.Millisecond
	lastGet  = 50 * time.Millisecond
)

func startWebProbe(url string, timeout time.Duration) *webProbe {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	wake, _ := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) //nolint:errcheck // -1 wakes nobody, and the loop looks up anyway
	p := &webProbe{cancel: cancel, done: make(chan struct{}), wake: wake}
	go p.ask(ctx, url)
	return p
}

func (p *webProbe) ask(ctx context.Context, url string) {
	defer close(p.done)
	// One connection a request: one that is kept open would be a client in the
	// target's way when it is stopped.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for nap := firstGet; ctx.Err() == nil; nap = min(2*nap, lastGet) {
		if get(ctx, client, url) {
			// In this order, so that who sees the answer can take the wake-up back.
			unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) //nolint:errcheck // the loop looks up anyway
			p.answered.Store(true)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(nap):
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := client.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close() //nolint:errcheck // nothing was written
	return response.StatusCode < 400
}

// quiet takes the wake-up back: the loop would wake at once, again and again, for the
// rest of the trial.
func (p *webProbe) quiet() {
	var count [8]byte
	unix.Read(p.wake, count[:]) //nolint:errcheck // without an eventfd nobody is woken
}

func (p *webProbe) close() {
	p.cancel()
	<-p.done
	unix.Close(p.wake) //nolint:errcheck // nothing was written
}
