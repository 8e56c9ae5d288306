package sigmatch_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/plan"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/sigmatch"
	"github.com/sigprobe/sigprobe/harness/signals"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

const ms = time.Millisecond

// trial is a trial made by hand and judged for real: struck 213 ms after it was ready,
// it left 30 ms later with code 0.
func trial(changes ...func(*observation.Observation)) harness.Trial {
	point := plan.Point{Time: &plan.TimePoint{From: scenario.FromReady, After: 213 * ms}}
	t := harness.Trial{Scenario: "ledger", Index: 3,
		Shot: plan.Shot{Point: point, Schedule: signals.DefaultSchedule, To: signals.ToProcess}}
	t.Observation = observation.Observation{
		Stage:   observation.Settled,
		Process: observation.Identity{PID: 100, StartTicks: 7},
		Strike:  &observation.Strike{Planned: 200 * ms, Actual: 200*ms + 12*time.Microsecond},
		Sent: []observation.Sent{{Signal: signals.TERM, To: signals.ToProcess, At: 200*ms + 12*time.Microsecond,
			Receivers: 1, Disposition: observation.Caught}},
		Exit: &observation.Exit{At: 230*ms + 12*time.Microsecond},
	}
	for _, change := range changes {
		change(&t.Observation)
	}
	s := scenario.Scenario{Name: "ledger", Target: scenario.Target{Command: []string{"./ledger"}}}
	t.Judgement = verdict.Judge(s.WithDefaults(), t.Observation)
	return t
}

func code(n int) func(*observation.Observation) {
	return func(o *observation.Observation) { o.Exit.Status = uint32(n) << 8 }
}

func took(d time.Duration) func(*observation.Observation) {
	return func(o *observation.Observation) { o.Exit.At = o.Strike.Actual + d }
}

func killed(o *observation.Observation) {
	at := o.Strike.Actual + 10*time.Second
	o.Sent = append(o.Sent, observation.Sent{Signal: signals.KILL, To: signals.ToProcess, At: at, Disposition: observation.Uncatchable})
	o.Exit = &observation.Exit{At: at + ms, Status: uint32(signals.KILL), Step: 1}
	o.Forensics = &observation.Forensics{At: at, LastLine: "closing\x1b[2J",
		Stubborn: []observation.Process{{Identity: o.Process, Command: "ledger", State: "S", Syscall: "futex", Ignored: signals.SetOf(signals.TERM)}}}
}

func orphan(o *observation.Observation) {
	o.Survivors = append(o.Survivors, observation.Survivor{
		Member:      observation.Member{Identity: observation.Identity{PID: 103}, Parent: 100, Command: "sleep\n", State: "S"},
		CommandLine: "sleep 60", User: "nobody", Memory: 3_400_000, Killed: true})
}

func early(o *observation.Observation) {
	o.Strike, o.Sent = nil, nil
	o.Exit = &observation.Exit{At: 3 * ms, Step: -1}
}

func failed(o *observation.Observation) {
	o.Stage = observation.Launched
	o.Failure = &observation.Failure{Kind: "not-ready", Message: "not ready after 30 s", Remedy: "give it longer: --ready-timeout"}
	o.Strike, o.Sent, o.Exit = nil, nil, nil
}

// row is a matcher with a trial that meets it and one that does not.
type row struct {
	name      string
	matcher   types.GomegaMatcher
	met, fail harness.Trial
}

func rows() []row {
	return []row{
		{"graceful-violation", sigmatch.BeGraceful(), trial(), trial(code(3), orphan)},
		{"graceful-inconclusive", sigmatch.BeGraceful(), trial(), trial(early)},
		{"graceful-error", sigmatch.BeGraceful(), trial(), trial(failed)},
		{"graceful-unjudged", sigmatch.BeGraceful(), trial(), harness.Trial{Scenario: "ledger"}},
		{"end-with", sigmatch.EndWith("clean", "code:3"), trial(code(3)), trial(code(4))},
		{"end-with-kind", sigmatch.EndWith(observation.Killed), trial(killed), trial()},
		{"end-with-conventional", sigmatch.EndWith("conventional"), trial(code(143)), trial(failed)},
		{"exit-within", sigmatch.ExitWithin(2 * time.Second), trial(took(2 * time.Second)), trial(took(2*time.Second + ms))},
		{"exit-within-killed", sigmatch.ExitWithin(time.Minute), trial(), trial(killed)},
		{"exit-within-not-struck", sigmatch.ExitWithin(time.Minute), trial(), trial(early)},
		{"exit-within-before", sigmatch.ExitWithin(time.Minute), trial(), trial(took(-ms))},
		{"survivors", sigmatch.LeaveNoSurvivors(), trial(code(3)), trial(orphan)},
		{"survivors-unknown", sigmatch.LeaveNoSurvivors(), trial(), trial(failed)},
		{"survivors-unsettled", sigmatch.LeaveNoSurvivors(), trial(), trial(func(o *observation.Observation) { o.Stage = observation.Exited })},
		{"finding", sigmatch.HaveFinding("survivors", "unreaped", "orphan"), trial(orphan), trial(code(3))},
		{"finding-any-kind", sigmatch.HaveFinding("deadline"), trial(killed), trial()},
		{"finding-other-kind", sigmatch.HaveFinding("deadline", "late"), trial(took(time.Minute)), trial(killed)},
	}
}

func TestMatchers(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(r.met).To(r.matcher)
			g.Expect(r.matcher.NegatedFailureMessage(r.met)).To(golden(t, r.name+".not.txt"))
			g.Expect(r.fail).NotTo(r.matcher)
			g.Expect(r.matcher.FailureMessage(r.fail)).To(golden(t, r.name+".txt"))
		})
	}
}

var update = flag.Bool("update", false, "write the failure messages to testdata instead of comparing them")

func golden(t *testing.T, name string) types.GomegaMatcher {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		return WithTransform(func(message string) error { return os.WriteFile(path, []byte(message+"\n"), 0o644) }, Succeed())
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return WithTransform(func(message string) string { return message + "\n" }, Equal(string(want)))
}

// campaign stands for whatever has trials.
type campaign []harness.Trial

func (c campaign) Trials() []harness.Trial { return c }

func TestSeveralTrials(t *testing.T) {
	good, bad := trial(), trial(orphan)
	for name, several := range map[string]func(...harness.Trial) any{
		"slice":    func(trials ...harness.Trial) any { return trials },
		"campaign": func(trials ...harness.Trial) any { return campaign(trials) },
		"pointers": func(trials ...harness.Trial) any {
			var pointers []*harness.Trial
			for i := range trials {
				pointers = append(pointers, &trials[i])
			}
			return pointers
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(several(good, good)).To(sigmatch.BeGraceful())
			g.Expect(several(good, bad)).NotTo(sigmatch.BeGraceful())
			g.Expect(several(good, bad)).To(sigmatch.EndWith("clean"))
			g.Expect(several(good, bad)).NotTo(sigmatch.LeaveNoSurvivors())
			g.Expect(several(good, bad)).To(sigmatch.HaveFinding("survivors"))
			g.Expect(several(good, good)).NotTo(sigmatch.HaveFinding("survivors"))
			g.Expect(several(good, bad)).To(sigmatch.ExitWithin(time.Second))
		})
	}
}

func TestPointer(t *testing.T) {
	good := trial()
	NewWithT(t).Expect(&good).To(sigmatch.BeGraceful())
}

func TestMessagesOfSeveral(t *testing.T) {
	g := NewWithT(t)
	good, bad := trial(), trial(orphan)
	trials := []harness.Trial{good}
	for i := range 7 {
		trials = append(trials, bad)
		trials[1+i].Index = 4 + i
	}
	for name, c := range map[string]struct {
		matcher types.GomegaMatcher
		trials  []harness.Trial
		negated bool
	}{
		"several-all":      {sigmatch.BeGraceful(), trials, false},
		"several-none":     {sigmatch.HaveFinding("exit"), trials[:2], false},
		"several-some.not": {sigmatch.HaveFinding("survivors"), trials[:2], true},
		"several-both.not": {sigmatch.BeGraceful(), []harness.Trial{good, good}, true},
	} {
		met, err := c.matcher.Match(c.trials)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(met).To(Equal(c.negated), name)
		message := c.matcher.FailureMessage(c.trials)
		if c.negated {
			message = c.matcher.NegatedFailureMessage(c.trials)
		}
		g.Expect(message).To(golden(t, name+".txt"))
	}
}

func TestMisuse(t *testing.T) {
	for name, c := range map[string]struct {
		matcher types.GomegaMatcher
		actual  any
		says    string
	}{
		"another type":          {sigmatch.BeGraceful(), 7, "got int"},
		"nothing":               {sigmatch.BeGraceful(), nil, "got <nil>"},
		"nil pointer":           {sigmatch.BeGraceful(), (*harness.Trial)(nil), "nil pointer"},
		"nil pointer in slice":  {sigmatch.BeGraceful(), []*harness.Trial{nil}, "trial 0 of the slice"},
		"no trial":              {sigmatch.BeGraceful(), []harness.Trial{}, "no trial"},
		"campaign of nothing":   {sigmatch.HaveFinding("exit"), campaign(nil), "no trial"},
		"no ending":             {sigmatch.EndWith[string](), trial(), "at least one way"},
		"an odd ending":         {sigmatch.EndWith("gone"), trial(), `"gone" is no way to end`},
		"a code without number": {sigmatch.EndWith(observation.Code), trial(), "code:N"},
		"an odd check":          {sigmatch.HaveFinding("survivor"), trial(), `no check is called "survivor"`},
	} {
		g := NewWithT(t)
		met, err := c.matcher.Match(c.actual)
		g.Expect(err).To(MatchError(ContainSubstring(c.says)), name)
		g.Expect(met).To(BeFalse(), name)
	}
}

// A trial is over: asking again and again would only delay the failure.
func TestEventuallyGivesUpAtOnce(t *testing.T) {
	asked := 0
	g := NewGomega(func(string, ...int) {})
	g.Eventually(trial(orphan)).To(countMatches{sigmatch.BeGraceful(), &asked})
	NewWithT(t).Expect(asked).To(Equal(1))
}

// countMatches counts how often a matcher is asked.
type countMatches struct {
	types.GomegaMatcher
	asked *int
}

func (c countMatches) Match(actual any) (bool, error) {
	*c.asked++
	return c.GomegaMatcher.Match(actual)
}

func (c countMatches) MatchMayChangeInTheFuture(actual any) bool {
	return c.GomegaMatcher.(interface{ MatchMayChangeInTheFuture(any) bool }).MatchMayChangeInTheFuture(actual)
}
