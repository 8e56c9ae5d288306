// ledger waits for its input some calls deep.
package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

type ledger struct{ entries int }

//go:noinline
func (l *ledger) save(entry []byte) {
	syscall.Read(0, entry) // line 15
	l.entries++
}

//go:noinline
func work(l *ledger) {
	var entry [2000]byte
	l.save(entry[:]) // line 22
	fmt.Fprintln(os.Stderr, l.entries, entry[0])
}

func init() { runtime.LockOSThread() } // main stays on the first thread

func main() {
	fmt.Println("ready")
	work(&ledger{}) // line 30
}
