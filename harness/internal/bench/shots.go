package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// shotsRole shoots at sleep as often as it is told on standard input and reports the
// lateness of every shot, until the input ends. Its arguments are the program and the
// folder for records, and what it is granted.
func shotsRole() (err error) {
	if len(os.Args) != 4 {
		return fmt.Errorf("%d arguments", len(os.Args)-1)
	}
	if os.Args[3] == grantNone {
		// Root's programs may be above it by CAP_SYS_NICE; that is taken away before.
		if err := unix.Setrlimit(unix.RLIMIT_RTPRIO, &unix.Rlimit{}); err != nil {
			return fmt.Errorf("lower RLIMIT_RTPRIO: %w", err)
		}
	}
	ctx, release := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	defer release()
	b := &bench{sleep: os.Args[1], fast: os.Args[2]}
	r, err := openRunner(b, "shots-"+os.Args[3], scenario.Inherit, shotWindow)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	orders, reports := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read an order: %w", err)
		}
		v := r.volley(ctx, o.Shots)
		if err := reports.Encode(v); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// volley runs n trials and takes their lateness.
func (r *runner) volley(ctx context.Context, n int) volley {
	v := volley{RealTime: true}
	for range n {
		t, err := r.trial(ctx)
		if err != nil {
			v.Error = err.Error()
			return v
		}
		v.Late = append(v.Late, t.Observation.Strike.Late())
		v.RealTime = v.RealTime && t.Observation.Strike.RealTime
	}
	return v
}
