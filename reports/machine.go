package reports

import (
	"runtime"

	"github.com/shirou/gopsutil/v3/host"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// Machine is where a run took place. The host's name is left out: reports are shown
// to others.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel,omitempty"` // release, as uname -r prints it
	// Cores is how many processors sigprobe could use.
	Cores int `json:"cores"`
	// Memory is the size of the machine's memory in bytes; 0 when it could not be read.
	Memory uint64 `json:"memory_bytes,omitempty"`
	// Layers lists what process trees can be tracked with here, strongest first.
	Layers []observation.Layer `json:"layers,omitempty"`
}

// ThisMachine describes the machine it runs on. What cannot be read stays empty. The
// layers are left to the caller, who knows what it tried.
func ThisMachine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	if kernel, err := host.KernelVersion(); err == nil {
		m.Kernel = kernel
	}
	if memory, err := mem.VirtualMemory(); err == nil {
		m.Memory = memory.Total
	}
	return m
}
