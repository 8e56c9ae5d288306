package proc

import (
	"github.com/shirou/gopsutil/v3/process"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Describe fills in what a person wants to know of a survivor: command line, user,
// memory and sockets. What the kernel refuses to tell stays empty.
//
// The process type is used bare: process.NewProcess would take a pidfd and leave it
// to the garbage collector.
func Describe(s *observation.Survivor) {
	p := process.Process{Pid: int32(s.PID)}
	s.CommandLine, _ = p.Cmdline() //nolint:errcheck // empty says it
	s.User, _ = p.Username()       //nolint:errcheck // likewise
	if memory, err := p.MemoryInfo(); err == nil {
		s.Memory = memory.RSS
	}
	s.Sockets = Listening([]int{s.PID})
}
