package proc

import (
	"fmt"
	"net"
	"os"
	"slices"
	"testing"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func listening(t *testing.T, network string) []string {
	t.Helper()
	var addresses []string
	for _, socket := range Listening([]int{os.Getpid()}) {
		if socket.Network == network {
			addresses = append(addresses, socket.Address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// TestListeningFindsEverySocket opens more sockets than the kernel lists in one read.
func TestListeningFindsEverySocket(t *testing.T) {
	var want []string
	for range 200 {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close() //nolint:errcheck // a test's socket
		want = append(want, socket.Addr().String())
	}
	slices.Sort(want)
	if got := listening(t, "tcp"); !slices.Equal(got, want) {
		t.Errorf("%d sockets of %d", len(got), len(want))
	}
}

// TestListeningOnUnixSockets: with a path, an abstract name and spaces; for connections
// and for datagrams. A socket that only sends has a name of the kernel's.
func TestListeningOnUnixSockets(t *testing.T) {
	name := fmt.Sprintf("@sigprobe test %d", os.Getpid())
	path := t.TempDir() + "/control"
	for _, address := range []string{name, path} {
		socket, err := net.Listen("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close() //nolint:errcheck // a test's socket
	}
	for _, address := range []string{name + " datagrams", ""} {
		socket, err := net.ListenPacket("unixgram", address)
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close() //nolint:errcheck // likewise
	}
	want := []string{path, name, name + " datagrams"}
	slices.Sort(want)
	if got := listening(t, "unix"); !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestAutobound(t *testing.T) {
	line := []byte("0000000000000000: 00000002 00000000 00000000 0002 01 12345 @0004f\n")
	fields, name := cutFields(line, 7)
	if fields[4] != unixDatagram || fields[6] != "12345" || !autobound.MatchString(name) {
		t.Errorf("%q, %q", fields, name)
	}
	var none []observation.Socket
	if got := unixListeners(t.TempDir()); !slices.Equal(got, none) {
		t.Errorf("without a table: %v", got)
	}
}
