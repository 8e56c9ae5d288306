package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/sigprobe/sigprobe/harness/verdict"
	"github.com/sigprobe/sigprobe/reports"
)

// JUnit writes a suite for the run with a case for each scenario, for what CI systems
// show: a violation is a failure, a failure of the harness an error, and what proved
// nothing is skipped. What stands in it is what the schema of Jenkins' xUnit plug-in knows,
// which other readers take too. Latencies stand in the case's output and not as its time, which
// would be read as how long the case took.
func JUnit(w io.Writer, r Report, _ Style) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	var all junit.Testsuites
	all.AddSuite(r.suite())
	all.Skipped = 0 // which the common schema knows of a suite alone; each suite has its own
	return all.WriteXML(w)
}

func (r Report) suite() junit.Testsuite {
	suite := junit.Testsuite{Name: "sigprobe", Time: r.duration()}
	if !r.Info.Started.IsZero() {
		suite.SetTimestamp(r.Info.Started)
	}
	suite.AddProperty("run", Escape(r.Info.ID))
	suite.AddProperty("seed", strconv.FormatUint(r.Info.Seed, 10))
	suite.AddProperty("verdict", Escape(string(r.Summary.Verdict)))
	if r.Info.Version != "" {
		suite.AddProperty("sigprobe", Escape(r.Info.Version))
	}
	if shard := r.Info.Shard.String(); shard != "" {
		suite.AddProperty("shard", shard)
	}
	if note := r.unfinished(); note != "" {
		suite.AddProperty("incomplete", note)
	}
	for _, c := range r.Summary.Scenarios {
		suite.AddProperty("verdict."+Escape(c.Name), Escape(string(c.Verdict)))
		if trial, ok := worstTrial(c); ok {
			suite.AddProperty("replay."+Escape(c.Name), r.replay(c.Name, trial))
		}
		if bound := rateLines(c); len(bound) > 0 {
			suite.AddProperty("bound."+Escape(c.Name), Escape(strings.Join(bound, "; ")))
		}
		if c.Sweep != nil {
			suite.AddProperty("sweep."+Escape(c.Name), Escape(c.Sweep.Reason))
		}
		suite.AddTestcase(r.testcase(c))
	}
	if lines := r.closing(); len(lines) > 0 {
		suite.SystemOut = &junit.Output{Data: strings.Join(lines, "\n")}
	}
	return suite
}

// duration is the time of the whole run in seconds, 0 when its end is not known.
func (r Report) duration() string {
	if r.Finished == nil || r.Info.Started.IsZero() {
		return "0"
	}
	return fmt.Sprintf("%.3f", max(0, r.Finished.Time.Sub(r.Info.Started).Seconds()))
}

// worstTrial is the trial that one would repeat first.
func worstTrial(c reports.Campaign) (trial int, ok bool) {
	if len(c.Findings) > 0 {
		return c.Findings[0].Example(), true
	}
	if len(c.Unproven) > 0 {
		return c.Unproven[0].Example(), true
	}
	return 0, false
}

func (r Report) testcase(c reports.Campaign) junit.Testcase {
	tc := junit.Testcase{
		Name: Escape(c.Name), Classname: "sigprobe",
		SystemOut: &junit.Output{Data: strings.Join(caseOutput(c), "\n")},
	}
	result := &junit.Result{
		Message: headline(c), Type: kindOf(c),
		Data: strings.Join(r.campaignLines(c), "\n"),
	}
	switch c.Verdict {
	case verdict.Graceful:
	case verdict.Violation:
		tc.Failure = result
	case verdict.Inconclusive:
		tc.Skipped = result
	default:
		tc.Error = result
	}
	return tc
}

// headline is the one line that a CI system shows in its list.
func headline(c reports.Campaign) string {
	switch {
	case len(c.Findings) == 1:
		return Escape(c.Findings[0].Message)
	case len(c.Findings) > 1:
		return fmt.Sprintf("%s (and %s more)", Escape(c.Findings[0].Message), counted(len(c.Findings)-1, "kind"))
	case len(c.Unproven) > 0:
		return Escape(c.Unproven[0].Reason)
	}
	return Escape(c.Reason)
}

// kindOf is the type of the result: CI systems group by it.
func kindOf(c reports.Campaign) string {
	if c.Verdict == verdict.Violation && len(c.Findings) > 0 {
		return Escape(c.Findings[0].Check + "/" + c.Findings[0].Kind)
	}
	return Escape(string(c.Verdict))
}

func caseOutput(c reports.Campaign) []string {
	t := c.Trials
	lines := []string{
		fmt.Sprintf("trials: %d, graceful: %d, violation: %d, inconclusive: %d, error: %d", t.Total, t.Graceful, t.Violation, t.Inconclusive, t.Error),
		fmt.Sprintf("latency: p50 %s, p95 %s, p99 %s, max %s", millis(c.Latency.P50), millis(c.Latency.P95), millis(c.Latency.P99), millis(c.Latency.Max)),
	}
	if len(c.Endings) > 0 {
		lines = append(lines, "endings: "+endings(c.Endings))
	}
	return slices.Concat(lines, sweepLines(c), replayedLines(c), checkLines(c), lateLines(c))
}
