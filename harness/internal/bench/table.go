package main

import (
	"fmt"
	"io"
	"strings"
)

// writeTable prints what a person reads.
func writeTable(out io.Writer, r Result) error {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s/%s, %s %s, %d processors, %d rounds\n", m.OS, m.Arch, m.OS, m.Kernel, m.Cores, r.Rounds)
	fmt.Fprintf(&b, "run store and work folders: %s\n", r.Store)
	for _, g := range r.Groups {
		writeGroup(&b, g)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeGroup(b *strings.Builder, g Group) {
	fmt.Fprintf(b, "\n%s: %s\n", g.Name, g.Title)
	for _, note := range g.Notes {
		fmt.Fprintf(b, "  note: %s\n", note)
	}
	if len(g.Series) > 0 {
		fmt.Fprintf(b, "  %-*s %7s %12s %12s\n", nameWidth, "", "n", "median µs", "p99 µs")
	}
	for _, s := range g.Series {
		fmt.Fprintf(b, "  %-*s %7d %12.1f %12.1f\n", nameWidth, s.Name, len(s.All()), micros(s.Quantile(0.5)), micros(s.Quantile(0.99)))
	}
	for _, bound := range g.Bounds {
		writeBound(b, bound)
	}
}

func writeBound(b *strings.Builder, bound Bound) {
	limit, word := "at most", "ok"
	if bound.AtLeast {
		limit = "at least"
	}
	if !bound.Met() {
		word = "MISSED"
	}
	half := fmt.Sprintf("(half of the rounds: %.2f to %.2f)", bound.Low, bound.High)
	fmt.Fprintf(b, "  %-*s %8.2f %-5s %-38s %8s %4g  %s\n", nameWidth, bound.Name, bound.Value, bound.Unit, half, limit, bound.Limit, word)
}

// nameWidth is the width of the column of names, in characters.
const nameWidth = 38
