package stats

import (
	"math"
	"strconv"
	"strings"
)

// Percent is a share as a person writes it, to the nearest: "5 %", "0.25 %", "13.9 %".
func Percent(share float64) string {
	return strings.TrimSuffix(percent(share, math.Round), ".0") + " %"
}

// PercentAbove is a share rounded up, so that what is printed of an upper bound is one
// too: "1.0 %", "0.25 %", "13.9 %".
func PercentAbove(share float64) string { return percent(share, math.Ceil) + " %" }

// percent has one digit behind the point, and below one percent two that count.
func percent(share float64, round func(float64) float64) string {
	value := 100 * share
	digits := 1
	for limit := 1.0; value > 0 && value < limit && digits < 9; limit /= 10 {
		digits++
	}
	scale := math.Pow10(digits)
	// The nudge takes back what floating-point numbers add to a value that is whole.
	text := strconv.FormatFloat(max(0, round(value*scale-1e-9))/scale, 'f', digits, 64)
	if text = strings.TrimRight(text, "0"); strings.HasSuffix(text, ".") {
		text += "0"
	}
	return text
}
