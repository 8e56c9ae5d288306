package main

import (
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// ownLatency makes room for the flags, whose quantiles win over those of a file.
func ownLatency(s *scenario.Scenario) {
	budget := scenario.LatencyBudget{}
	if s.Expect.Latency != nil {
		budget = *s.Expect.Latency
	}
	s.Expect.Latency = &budget
}

// setLatency sets the budget of one quantile.
func setLatency(s *scenario.Scenario, text string) error {
	name, value, both := strings.Cut(text, "=")
	budget := s.Expect.Latency
	place := map[string]**scenario.Duration{"p50": &budget.P50, "p95": &budget.P95, "p99": &budget.P99, "max": &budget.Max}[name]
	if !both || place == nil {
		return fmt.Errorf("%q is no budget; write p50, p95, p99 or max, and a time, as in p99=800ms", text)
	}
	var most scenario.Duration
	if err := most.UnmarshalText([]byte(value)); err != nil {
		return err
	}
	*place = &most
	return nil
}
