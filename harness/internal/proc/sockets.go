package proc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

// The state numbers of /proc/net (include/net/tcp_states.h): a TCP or Unix stream
// socket that listens, and a UDP socket that is bound and not connected; and of unix(7).
const (
	tcpListen   = "0A"
	udpUnbound  = "07"
	unixListens = 1 << 16 // __SO_ACCEPTCON in the flags

	unixDatagram = "0002" // SOCK_DGRAM in the type
)

// Listening lists the sockets that any of the processes holds and on which it accepts
// connections or datagrams. Sockets are looked up in the network namespace of the
// first process that holds any.
func Listening(pids []int) []observation.Socket {
	holders := map[uint64]int{}
	namespace := 0
	for _, pid := range pids {
		for _, inode := range SocketInodes(pid) {
			if _, known := holders[inode]; !known {
				holders[inode] = pid
			}
			if namespace == 0 {
				namespace = pid
			}
		}
	}
	if namespace == 0 {
		return nil
	}
	var sockets []observation.Socket
	for _, socket := range listeners("/proc/" + strconv.Itoa(namespace) + "/net") {
		if pid, held := holders[socket.Inode]; held {
			socket.PID = pid
			sockets = append(sockets, socket)
		}
	}
	return sockets
}

// Listeners lists everybody's TCP sockets that listen on the port, without holders.
func Listeners(port int) []observation.Socket {
	var sockets []observation.Socket
	for _, network := range []string{"tcp", "tcp6"} {
		for _, socket := range inetListeners("/proc/net", network, tcpListen) {
			if _, p, err := net.SplitHostPort(socket.Address); err == nil && p == strconv.Itoa(port) {
				sockets = append(sockets, socket)
			}
		}
	}
	return sockets
}

// listeners lists all listening sockets of a namespace, given its /proc/PID/net.
func listeners(folder string) []observation.Socket {
	sockets := inetListeners(folder, "tcp", tcpListen)
	sockets = append(sockets, inetListeners(folder, "tcp6", tcpListen)...)
	sockets = append(sockets, inetListeners(folder, "udp", udpUnbound)...)
	sockets = append(sockets, inetListeners(folder, "udp6", udpUnbound)...)
	return append(sockets, unixListeners(folder)...)
}

// inetListeners reads a table whose columns are: slot, local address, remote address,
// state, …, inode in the tenth (proc_pid_net(5)).
func inetListeners(folder, network, state string) []observation.Socket {
	text, err := ReadFile(unix.AT_FDCWD, folder+"/"+network, nil)
	if err != nil {
		return nil
	}
	var sockets []observation.Socket
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 10 || string(fields[3]) != state {
			continue
		}
		address, err := inetAddress(string(fields[1]))
		if err != nil {
			continue
		}
		inode, _ := strconv.ParseUint(string(fields[9]), 10, 64) //nolint:errcheck // the kernel writes numbers
		sockets = append(sockets, observation.Socket{Network: network, Address: address, Inode: inode})
	}
	return sockets
}

// inetAddress reads ADDRESS:PORT in hexadecimal; the address is made of 32-bit words
// in the machine's byte order, which is little-endian on what Linux runs on today.
func inetAddress(text string) (string, error) {
	address, port, found := bytes.Cut([]byte(text), []byte(":"))
	raw, err := hex.DecodeString(string(address))
	if !found || err != nil || len(raw)%4 != 0 {
		return "", fmt.Errorf("address %q", text)
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	ip, ok := netip.AddrFromSlice(raw)
	number, err := strconv.ParseUint(string(port), 16, 16)
	if !ok || err != nil {
		return "", fmt.Errorf("address %q", text)
	}
	return netip.AddrPortFrom(ip, uint16(number)).String(), nil
}

// unixListeners reads /proc/net/unix: Num RefCount Protocol Flags Type St Inode Path;
// an abstract name begins with @. A socket for datagrams does not listen; with a name
// it can be written to.
func unixListeners(folder string) []observation.Socket {
	text, err := ReadFile(unix.AT_FDCWD, folder+"/unix", nil)
	if err != nil {
		return nil
	}
	var sockets []observation.Socket
	for line := range bytes.Lines(text) {
		fields, name := cutFields(line, 7)
		if name == "" {
			continue // a socket without a name listens for nobody
		}
		flags, err := strconv.ParseUint(fields[3], 16, 64)
		datagram := fields[4] == unixDatagram && !autobound.MatchString(name)
		if err != nil || flags&unixListens == 0 && !datagram {
			continue
		}
		inode, _ := strconv.ParseUint(fields[6], 10, 64) //nolint:errcheck // the kernel writes numbers
		sockets = append(sockets, observation.Socket{Network: "unix", Address: name, Inode: inode})
	}
	return sockets
}

// autobound is a name that the kernel makes up for who only sends (unix(7)).
var autobound = regexp.MustCompile(`^@[0-9a-f]{5}$`)

// cutFields cuts n fields off a line; the rest is a name, which may hold spaces.
func cutFields(line []byte, n int) (fields []string, rest string) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	for range n {
		field, after, _ := bytes.Cut(bytes.TrimLeft(line, " "), []byte(" "))
		fields, line = append(fields, string(field)), after
	}
	return fields, string(line)
}
