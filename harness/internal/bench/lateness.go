package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// lateLimit bounds the median lateness of a timed shot, in microseconds.
const lateLimit = 5

// shotRounds is how many times each marksman has its turn. Rounds are longer here than
// elsewhere: the 99th percentile needs many shots and no comparison.
const shotRounds = 10

// shotWindow is when the shots are due, after the launch.
var shotWindow = scenario.Window{From: time.Millisecond, To: 5 * time.Millisecond}

// measureLateness takes how much later than planned timed shots are sent, by a warden
// as it is and by one that the kernel refuses a real-time priority.
func measureLateness(ctx context.Context, b *bench) (group Group, err error) {
	g := Group{Title: fmt.Sprintf("how much later than planned shots are sent that are due %s to %s after the launch", shotWindow.From, shotWindow.To)}
	asIs, err := startMarksman(ctx, b, grantAll)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, asIs.dismiss()) }()
	contenders := []contender{{name: latenessName(asIs.realTime), once: asIs.shoot}}
	if asIs.realTime {
		refused, err := startMarksman(ctx, b, grantNone)
		if err != nil {
			return g, err
		}
		defer func() { err = errors.Join(err, refused.dismiss()) }()
		if refused.realTime {
			g.Notes = append(g.Notes, "skipped: without real-time priority; the kernel grants it whatever is given up")
		} else {
			contenders = append(contenders, contender{name: latenessName(false), once: refused.shoot})
		}
	} else {
		g.Notes = append(g.Notes, "skipped: with real-time priority; the kernel refuses it here")
	}
	rounds := min(shotRounds, b.rounds)
	if g.Series, err = takeTurns(ctx, rounds, turn{counted: max(1, b.shots/rounds)}, contenders); err != nil {
		return g, err
	}
	for _, s := range g.Series {
		g.Bounds = append(g.Bounds, medianLateness(s).atMost(lateLimit))
	}
	return g, nil
}

func latenessName(realTime bool) string {
	if realTime {
		return "with real-time priority"
	}
	return "without real-time priority"
}

func medianLateness(s Series) Bound {
	var medians []float64
	for _, round := range s.Rounds {
		medians = append(medians, micros(quantile(round, 0.5)))
	}
	return spread("median "+s.Name, "µs", medians, micros(s.Quantile(0.5)))
}

// marksman is a process that shoots with an engine of its own: what it may do can be
// taken from it without taking it from everybody.
type marksman struct {
	cmd      *exec.Cmd
	orders   *json.Encoder
	reports  *json.Decoder
	closeIn  func() error
	ended    chan error
	realTime bool
}

// order asks for shots, and volley answers.
type (
	order  struct{ Shots int }
	volley struct {
		Late     []time.Duration
		RealTime bool
		Error    string
	}
)

// What a marksman is granted: what the machine grants, or no real-time priority.
const (
	grantAll  = "as-is"
	grantNone = "no-real-time"
)

// startMarksman starts one and lets it shoot once, to learn what the kernel grants it.
func startMarksman(ctx context.Context, b *bench, grant string) (*marksman, error) {
	m := &marksman{cmd: inRole("sigprobe-bench-shots", b.sleep, b.fast, grant), ended: make(chan error, 1)}
	in, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.orders, m.reports, m.closeIn = json.NewEncoder(in), json.NewDecoder(out), in.Close
	if err := m.start(grant); err != nil {
		return nil, fmt.Errorf("start a process that shoots: %w", err)
	}
	if _, err := m.shoot(ctx, 1); err != nil {
		return nil, errors.Join(err, m.dismiss())
	}
	return m, nil
}

// start starts the process on a thread that gives up the right to real-time priorities
// and ends with the process, which is what its parent-death signal needs.
func (m *marksman) start(grant string) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread is not used again
		var err error
		if grant == grantNone {
			err = refuseRealTime()
		}
		if err == nil {
			err = m.cmd.Start()
		}
		started <- err
		if err == nil {
			m.ended <- m.cmd.Wait()
		}
	}()
	return <-started
}

// refuseRealTime lets the kernel refuse SCHED_FIFO to all programs that this thread
// starts. It is granted to who has CAP_SYS_NICE, which root's programs get back at exec
// unless it is out of the bounding set (capabilities(7)), and within RLIMIT_RTPRIO
// (sched(7)), which is the role's to lower: it belongs to the process.
func refuseRealTime() error {
	err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_NICE, 0, 0, 0)
	if err != nil && !errors.Is(err, unix.EPERM) { // who may not drop it does not have it
		return fmt.Errorf("drop CAP_SYS_NICE: %w", err)
	}
	return nil
}

// shoot gives an order and takes the report.
func (m *marksman) shoot(ctx context.Context, n int) ([]time.Duration, error) {
	stop := context.AfterFunc(ctx, func() { m.cmd.Process.Signal(unix.SIGTERM) }) //nolint:errcheck // it may have left
	defer stop()
	if err := m.orders.Encode(order{n}); err != nil {
		return nil, fmt.Errorf("order shots: %w", err)
	}
	var v volley
	if err := m.reports.Decode(&v); err != nil {
		return nil, fmt.Errorf("no report of shots: %w", err)
	}
	if v.Error != "" {
		return nil, errors.New(v.Error)
	}
	m.realTime = v.RealTime
	return v.Late, nil
}

// dismiss lets it leave.
func (m *marksman) dismiss() error {
	m.closeIn() //nolint:errcheck // it may have left
	return <-m.ended
}
