package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sigprobe/sigprobe/reports/stats"
)

// shareValue is a flag for a number between 0 and 1, ends excluded, as 0.95 or 95%
// (pflag.Value). 0 stands for a flag that was not given.
type shareValue float64

func (v *shareValue) Set(text string) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share < 1) {
		return fmt.Errorf("%q is no share between 0 and 1; write one such as 95%% or 0.95", text)
	}
	*v = shareValue(share)
	return nil
}

func (v *shareValue) String() string {
	if *v == 0 {
		return ""
	}
	return strings.ReplaceAll(stats.Percent(float64(*v)), " ", "")
}

func (v *shareValue) Type() string { return "SHARE" }
