package scenarios_test

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	. "github.com/onsi/gomega"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// beGone says that the process with this identity does not exist any more.
func beGone() OmegaMatcher {
	return WithTransform(func(id observation.Identity) bool {
		return id.PID != 0 && startTicks(id.PID) != id.StartTicks
	}, BeTrue())
}

// startTicks is field 22 of /proc/PID/stat; 0 when there is no such process. It is
// read here once more, and differently, so that the suite does not believe the harness.
func startTicks(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text)[strings.LastIndex(string(text), ")")+1:])
	ticks, _ := strconv.ParseUint(fields[19], 10, 64)
	return ticks
}

// freePort is a port that nobody listens on, the same for all who ask: the specs that
// use it run one after the other, or in processes of their own.
var freePort = sync.OnceValue(func() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // the specs cannot be laid out
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().(*net.TCPAddr).Port
})

func portText() string { return strconv.Itoa(freePort()) }

const notifier = `
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
time.sleep(.02)
s.sendto(b"STATUS=starting\nREADY=1\n", "\0" + os.environ["NOTIFY_SOCKET"][1:])
time.sleep(1000)`

var listener = `
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
time.sleep(.02)
s.bind(("127.0.0.1", ` + portText() + `))
s.listen()
time.sleep(1000)`
