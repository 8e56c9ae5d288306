package main

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/warden"
)

// engines are the engine with all jobs, and one with a single job for scenarios whose
// trials would be in each other's way. They are the same where there is one job.
type engines struct {
	all, single *harness.Engine
}

func openEngines(jobs int) (*engines, error) {
	all, err := harness.Open(jobs)
	if err != nil {
		return nil, err
	}
	if all.Jobs() == 1 {
		return &engines{all, all}, nil
	}
	single, err := harness.Open(1)
	if err != nil {
		return nil, errors.Join(err, all.Close())
	}
	return &engines{all, single}, nil
}

// of is the engine for a scenario.
func (e *engines) of(s scenario.Scenario) *harness.Engine {
	if oneAtATime(s) {
		return e.single
	}
	return e.all
}

// oneAtATime says that the trials of a scenario would be in each other's way: they listen
// on one port, or look at files of one folder.
func oneAtATime(s scenario.Scenario) bool {
	_, fixed := fixedPort(s)
	return fixed || s.Target.Workdir == scenario.Inherit && len(s.Expect.Files) > 0
}

func (e *engines) abilities(ctx context.Context) (warden.Abilities, error) {
	return e.all.Abilities(ctx)
}

// close lets every warden leave. Nothing of any trial is alive afterwards, or the
// error says so.
func (e *engines) close() error {
	err := e.all.Close()
	if e.single != e.all {
		err = errors.Join(err, e.single.Close())
	}
	return err
}

// fixedPort is the TCP port of this machine that a scenario's target must be the only
// one to listen on; ok is false when there is none.
func fixedPort(s scenario.Scenario) (port int, ok bool) {
	if s.Ready.Port != 0 {
		return s.Ready.Port, true
	}
	u, err := url.Parse(s.Ready.HTTP)
	if err != nil || !isLoopback(u.Hostname()) {
		return 0, false
	}
	if u.Port() == "" {
		return map[string]int{"http": 80, "https": 443}[u.Scheme], true
	}
	port, err = strconv.Atoi(u.Port())
	return port, err == nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// portsFree refuses a run whose targets would find their port taken: they, or at least
// what is observed of them, would be somebody else's.
func portsFree(scenarios []scenario.Scenario) error {
	for _, s := range scenarios {
		port, fixed := fixedPort(s)
		if !fixed {
			continue
		}
		if others := harness.PortInUse(port); len(others) > 0 {
			return broken(&portTaken{s.Name, port, others[0].Address})
		}
	}
	return nil
}

type portTaken struct {
	scenario string
	port     int
	address  string
}

func (p *portTaken) Error() string {
	return p.scenario + ": port " + strconv.Itoa(p.port) + " is in use, something listens on " + p.address +
		"; stop it, or give the target another port"
}
