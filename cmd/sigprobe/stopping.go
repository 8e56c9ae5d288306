package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/verdict"
)

// stopRule ends a run early. The zero value never does.
type stopRule struct {
	maxFailures int // 0: any number
	failFast    bool
	failed      int
}

func (s *stopRule) addFlags(c *cobra.Command) {
	c.Flags().IntVar(&s.maxFailures, "max-failures", 0, "end the run when so many trials are violations or errors; those that run are finished")
	c.Flags().Lookup("max-failures").DefValue = ""
	c.Flags().BoolVar(&s.failFast, "fail-fast", false, "end the run at the first violation or error: --max-failures 1")
}

func (s *stopRule) check(c *cobra.Command) error {
	given := c.Flags().Changed("max-failures")
	switch {
	case given && s.failFast:
		return usage("--fail-fast and --max-failures exclude each other: --fail-fast is --max-failures 1")
	case given && s.maxFailures < 1:
		return usage("--max-failures %d: at least one trial must fail before a run can end for it; write 1 or more, or leave it out", s.maxFailures)
	}
	return nil
}

// add counts a trial; met says that the run has to end.
func (s *stopRule) add(t harness.Trial) (met bool) {
	if v := t.Judgement.Verdict; v == verdict.Violation || v == verdict.Error {
		s.failed++
	}
	return s.failFast && s.failed > 0 || s.maxFailures > 0 && s.failed >= s.maxFailures
}

// String is the rule as the command line gives it.
func (s *stopRule) String() string {
	if s.failFast {
		return "--fail-fast"
	}
	return fmt.Sprintf("--max-failures %d", s.maxFailures)
}
