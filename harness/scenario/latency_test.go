package scenario_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// withLatency is a scenario file with a budget.
func withLatency(budget string) []byte {
	return []byte("scenarios:\n  - target: {command: [sleep, \"1\"]}\n    expect: {latency: " + budget + "}\n")
}

func TestLatencyBudgetsAreReadAndWritten(t *testing.T) {
	read, err := scenario.Parse("a.yaml", withLatency("{p50: 100ms, p99: 800ms}"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range read[0].Expect.Latency.Budgets() {
		got = append(got, b.Name+" "+b.Most.String())
	}
	if diff := cmp.Diff([]string{"p50 100ms", "p99 800ms"}, got); diff != "" {
		t.Error(diff)
	}
	text, err := scenario.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenario.Parse("b.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(read[0].Expect.Latency, again[0].Expect.Latency); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

func TestLatencyBudgetsThatCannotWorkAreRefused(t *testing.T) {
	for budget, want := range map[string]string{
		"{}":                    "expect.latency: no quantile is bounded; write one such as {p99: 800ms}",
		"{p98: 1s}":             `3:24: expect.latency: unknown field "p98"; did you mean p95?`,
		"{p99: 0s}":             "3:29: expect.latency.p99: 0s cannot be kept; write more",
		"{p99: -1s}":            "expect.latency.p99: ",
		"{p50: 2s, p99: 1s}":    "3:38: expect.latency.p99: 1s is less than the 2s of p50",
		"800ms":                 "expect.latency: ",
		"{p50: 1s, max: 999ms}": "expect.latency.max: 999ms is less than the 1s of p50",
	} {
		_, err := scenario.Parse("a.yaml", withLatency(budget))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", budget, err, want)
			continue
		}
		if n := strings.Count(err.Error(), "\n"); n > 0 {
			t.Errorf("%s: it is refused twice: %v", budget, err)
		}
	}
}
