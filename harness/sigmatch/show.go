package sigmatch

import (
	"fmt"
	"strings"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// show writes one trial: the shot, why it is at fault, the verdict and the findings.
func show(b *strings.Builder, t harness.Trial, fault string) {
	fmt.Fprintf(b, "\ntrial %d of %s: %s\n", t.Index, t.Scenario, t.Shot)
	if fault != "" {
		fmt.Fprintf(b, "  fault:   %s\n", fault)
	}
	fmt.Fprintf(b, "  verdict: %s\n", verdictOf(t))
	fmt.Fprintf(b, "  target:  %s\n", ended(t))
	for _, f := range t.Judgement.Findings {
		showFinding(b, f)
	}
	for _, d := range t.Observation.Degradations {
		fmt.Fprintf(b, "  degraded: %s: %s\n", d.What, d.Why)
	}
}

func verdictOf(t harness.Trial) string {
	if t.Judgement.Verdict == "" {
		return "none"
	}
	if t.Judgement.Reason == "" {
		return string(t.Judgement.Verdict)
	}
	return fmt.Sprintf("%s: %s", t.Judgement.Verdict, t.Judgement.Reason)
}

// ended says how and when the main process ended.
func ended(t harness.Trial) string {
	ending, ok := t.Observation.Ending()
	if !ok {
		return "not seen to end"
	}
	text := ending.Describe()
	if latency, struck := t.Observation.Latency(); struck {
		text += fmt.Sprintf(", %s after the first signal", latency)
	}
	return text
}

func showFinding(b *strings.Builder, f verdict.Finding) {
	fmt.Fprintf(b, "  finding: %s/%s: %s\n", f.Check, f.Kind, f.Message)
	for _, fact := range f.Evidence {
		fmt.Fprintf(b, "    - %s\n", fact)
	}
	if f.Hint != "" {
		fmt.Fprintf(b, "    hint: %s\n", f.Hint)
	}
}
