// Command sigprobe launches any program, sends it signals at random points of its
// work, and proves from the kernel's own records whether it stopped properly.
package main

import (
	"io"
	"os"
)

func main() {
	os.Exit(run(streams{args: os.Args[1:], in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are the command line, and where the command reads and prints. Colours and the progress bar need a
// terminal, which only an *os.File can be.
type streams struct {
	args     []string // without the name of the program
	in       io.Reader
	out, err io.Writer
}

// run is the whole program but for the exit; it returns the exit status.
func run(std streams) int {
	survivePipes()
	root := newRoot(std)
	root.SetArgs(std.args)
	err := root.Execute()
	return report(std.err, err)
}
