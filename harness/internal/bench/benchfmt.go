package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"unicode"
)

// writeBenchfmt prints the lines that Go's benchmarks print, one for each series and
// round, so that benchstat can compare runs. Unlike there ns/op is the median of the
// round and not its mean: a single delay of the machine would move a mean.
func writeBenchfmt(out io.Writer, r Result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\npkg: github.com/sigprobe/sigprobe/harness/internal/bench\n", r.Machine.OS, r.Machine.Arch)
	for _, g := range r.Groups {
		for _, s := range g.Series {
			name := fmt.Sprintf("Benchmark%s/%s-%d", title(g.Name), benchName(s.Name), runtime.GOMAXPROCS(0))
			for _, round := range s.Rounds {
				fmt.Fprintf(&b, "%s\t%8d\t%12d ns/op\n", name, len(round), quantile(round, 0.5).Nanoseconds())
			}
		}
	}
	b.WriteString("\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// benchName makes a name of one word: blanks would end it, a slash begins a part of a
// name and a dash the number of processors.
func benchName(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",+/()-=", r)
	})
	return strings.Join(words, "_")
}

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
