package scenario_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

func TestOffsetsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "from")
		to := rapid.Int64Range(from, int64(2*time.Hour)).Draw(t, "to")
		want := scenario.Offsets{From: time.Duration(from), To: time.Duration(to)}
		if got, err := scenario.ParseOffsets(want.String()); err != nil || got != want {
			t.Fatalf("%s is read back as %s, %v", want, got, err)
		}
	})
}

func TestOffsetsOfOneEnd(t *testing.T) {
	for text, want := range map[string]scenario.Offsets{
		"-5ms":      {From: -5 * time.Millisecond},
		"5ms":       {To: 5 * time.Millisecond},
		"-5ms..-1s": {},
		"5":         {},
		"..":        {},
		"--5ms":     {},
		"-5ms..":    {},
	} {
		got, err := scenario.ParseOffsets(text)
		if refused := want == (scenario.Offsets{}); refused != (err != nil) || got != want {
			t.Errorf("%q is read as %s, %v; want %s", text, got, err, want)
		}
	}
}
