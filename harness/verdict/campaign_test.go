package verdict_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

func TestCampaign(t *testing.T) {
	for _, c := range []struct {
		name  string
		quota *scenario.Quota
		tally verdict.Tally
		want  verdict.Verdict
		says  string
	}{
		{"all graceful", nil, verdict.Tally{Graceful: 20}, verdict.Graceful, ""},
		{"a violation beside an error", nil, verdict.Tally{Graceful: 18, Violation: 1, Error: 1}, verdict.Violation, "1 of 20 trials violated"},
		{"an error", nil, verdict.Tally{Graceful: 19, Error: 1}, verdict.Error, "1 of 20 trials could not be carried out"},
		{"half conclusive", &scenario.Quota{Percent: 50}, verdict.Tally{Graceful: 10, Inconclusive: 10}, verdict.Graceful, ""},
		{"less than half conclusive", &scenario.Quota{Percent: 50}, verdict.Tally{Graceful: 9, Inconclusive: 11}, verdict.Inconclusive, "9 of 20 trials proved something, and min_conclusive asks for 10"},
		{"none conclusive, none asked for", &scenario.Quota{}, verdict.Tally{Inconclusive: 3}, verdict.Inconclusive, "asks for 1"},
		{"one conclusive, none asked for", &scenario.Quota{}, verdict.Tally{Graceful: 1, Inconclusive: 3}, verdict.Graceful, ""},
		{"a violation among few", &scenario.Quota{Percent: 50}, verdict.Tally{Violation: 1, Inconclusive: 19}, verdict.Violation, "1 of 20"},
		{"a sweep with its proof", &scenario.Quota{Percent: 100}, verdict.Tally{Graceful: 1, Inconclusive: 1, Absent: 1}, verdict.Graceful, ""},
		{"a sweep whose calls rarely come", &scenario.Quota{Percent: 50}, verdict.Tally{Graceful: 1, Inconclusive: 9, Absent: 9}, verdict.Graceful, ""},
		{"a sweep that was starved as well", &scenario.Quota{Percent: 60}, verdict.Tally{Graceful: 1, Inconclusive: 9, Absent: 8}, verdict.Inconclusive, "1 of 2 trials proved something, and min_conclusive asks for 2"},
		{"a sweep without a call", &scenario.Quota{}, verdict.Tally{Inconclusive: 3, Absent: 3}, verdict.Inconclusive, "asks for 1"},
		{"none", nil, verdict.Tally{}, verdict.Inconclusive, "no trial"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s scenario.Scenario
			s.Expect.MinConclusive = c.quota
			got, reason := verdict.Campaign(s, c.tally)
			if got != c.want || !strings.Contains(reason, c.says) || (reason == "") != (c.says == "") {
				t.Errorf("%s, %q; want %s, %q", got, reason, c.want, c.says)
			}
		})
	}
}

func TestTally(t *testing.T) {
	var tally verdict.Tally
	for _, v := range []verdict.Verdict{verdict.Graceful, verdict.Graceful, verdict.Violation, verdict.Inconclusive, verdict.Error, "odd"} {
		tally.Add(v)
	}
	if want := (verdict.Tally{Graceful: 2, Violation: 1, Inconclusive: 1, Error: 2}); tally != want {
		t.Errorf("%+v, want %+v", tally, want)
	}
	if tally.Total() != 6 || tally.Conclusive() != 3 {
		t.Errorf("total %d, conclusive %d", tally.Total(), tally.Conclusive())
	}
}

func TestWorst(t *testing.T) {
	order := []verdict.Verdict{verdict.Violation, verdict.Error, verdict.Inconclusive, verdict.Graceful}
	if got := verdict.Worst(); got != verdict.Inconclusive {
		t.Errorf("of none: %s", got)
	}
	if got := verdict.Worst(verdict.Graceful, "odd"); got != verdict.Error {
		t.Errorf("of an odd one: %s", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom(order), 1, 8).Draw(t, "verdicts")
		want := order[3]
		for _, v := range order {
			if strings.Contains(" "+join(some)+" ", " "+string(v)+" ") {
				want = v
				break
			}
		}
		if got := verdict.Worst(some...); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

func join(verdicts []verdict.Verdict) string {
	var names []string
	for _, v := range verdicts {
		names = append(names, string(v))
	}
	return strings.Join(names, " ")
}
