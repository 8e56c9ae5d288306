package stack

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What a look costs once the files are known, and what the first one costs.
func BenchmarkThread(b *testing.B) {
	for _, c := range []struct {
		name    string
		program func(b *testing.B) []string
	}{
		{"python", func(*testing.B) []string { return []string{"/usr/bin/python3", "testdata/ledger.py"} }},
		{"c", func(b *testing.B) []string { return []string{compile(b, "-O2")} }},
		{"go", func(b *testing.B) []string { return []string{buildGo(b)} }},
		{"sh", func(*testing.B) []string { return []string{"/bin/sh", "-c", "echo ready; read x"} }},
		{"node", func(*testing.B) []string { return []string{"node", "testdata/ledger.js"} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := start(b, c.program(b)...)
			l.waitFor(b, l.Process.Pid, reading)
			b.Run("known", func(b *testing.B) {
				r, before := reader(b), processorTime()
				for b.Loop() {
					if s := r.Thread(l.Process.Pid, l.Process.Pid); len(s.Frames) < 2 {
						b.Fatalf("%+v", s)
					}
				}
				b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-µs/op")
			})
			b.Run("first", func(b *testing.B) {
				before := processorTime()
				for b.Loop() {
					r := NewReader()
					r.Thread(l.Process.Pid, l.Process.Pid)
					r.Close()
				}
				b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-µs/op")
			})
		})
	}
}

// processorTime is what this process used of the processors, in µs: on a busy machine it
// says more than the clock.
func processorTime() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return (usage.Utime.Nano() + usage.Stime.Nano()) / 1000
}
