package render

import (
	"html/template"
	"iter"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/reports"
)

// Gathered is what a format that shows trials keeps of them: some numbers of each, and
// the whole of a few hundred. [Report.Trials] hands it out. Its methods are for one goroutine.
type Gathered struct {
	planned   int // scenarios
	scenarios []*gatheredScenario
	byName    map[string]*gatheredScenario
}

type gatheredScenario struct {
	*rows
	*choice
}

// NewGathered is empty. Scenarios stand in it in the order of the run, others behind
// them as they come.
func NewGathered(info reports.RunInfo) *Gathered {
	g := &Gathered{planned: len(info.Scenarios), byName: map[string]*gatheredScenario{}}
	for _, s := range info.Scenarios {
		g.of(s.Name)
	}
	return g
}

// Gather takes all trials, each of which must come once; [reports.Run.Each] sees to that.
func Gather(info reports.RunInfo, trials iter.Seq2[harness.Trial, error]) (*Gathered, error) {
	g := NewGathered(info)
	for t, err := range trials {
		if err != nil {
			return nil, err
		}
		g.Add(t)
	}
	return g, nil
}

// Add takes a trial.
func (g *Gathered) Add(t harness.Trial) {
	// What was printed is read from the evidence, for the few that are shown.
	t.Observation.Output.Stdout.Head, t.Observation.Output.Stdout.Tail = nil, nil
	t.Observation.Output.Stderr.Head, t.Observation.Output.Stderr.Tail = nil, nil
	s := g.of(t.Scenario)
	s.add(t)
	s.offer(t)
}

func (g *Gathered) of(name string) *gatheredScenario {
	s := g.byName[name]
	if s == nil {
		s = &gatheredScenario{&rows{name: name, anchor: anchor(name, len(g.scenarios))}, newChoice(g.planned)}
		g.byName[name] = s
		g.scenarios = append(g.scenarios, s)
	}
	return s
}

// gathered are the trials in the order of their numbers, each scenario of the summary among them.
func (r Report) gathered() (*Gathered, error) {
	g := NewGathered(r.Info)
	if r.Trials != nil {
		var err error
		if g, err = r.Trials(); err != nil {
			return nil, err
		}
	}
	for _, c := range r.Summary.Scenarios {
		g.of(c.Name)
	}
	for _, s := range g.scenarios {
		s.sort()
	}
	return g, nil
}

// inTurn gives the trials that are worth a page, each with the number of its scenario:
// the first of every scenario, then the second of every one.
func (g *Gathered) inTurn() iter.Seq2[int, *harness.Trial] {
	lists := make([][]*harness.Trial, len(g.scenarios))
	longest := 0
	for i, s := range g.scenarios {
		lists[i] = s.chosen()
		longest = max(longest, len(lists[i]))
	}
	return func(yield func(int, *harness.Trial) bool) {
		for depth := range longest {
			for i, list := range lists {
				if depth < len(list) && !yield(i, list[depth]) {
					return
				}
			}
		}
	}
}

// anchor is a scenario's name where it fits into an address, else its number.
func anchor(name string, number int) string {
	if name != "" && strings.Trim(name, safeInAddress) == "" {
		return name
	}
	return "scenario-" + strconv.Itoa(number+1)
}

const safeInAddress = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func trialAnchor(scenario string, index int) template.URL {
	return template.URL("trial/" + scenario + "/" + strconv.Itoa(index)) //nolint:gosec // of anchor and a number
}
