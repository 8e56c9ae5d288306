package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/sigprobe/sigprobe/reports/render"
)

// terminal is the descriptor behind a stream, where that is a terminal.
func terminal(stream any) (fd int, ok bool) {
	file, isFile := stream.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	return int(file.Fd()), true
}

// styleFor is how text looks on a stream: in colours on a terminal that is not dumb,
// unless NO_COLOR is set to anything (no-color.org).
func styleFor(w io.Writer) render.Style {
	fd, ok := terminal(w)
	if !ok {
		return render.Style{}
	}
	style := render.Style{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(fd); err == nil {
		style.Width = width
	}
	return style
}

// inCI says that a CI system runs this, where a bar would fill the log.
func inCI() bool {
	ci := os.Getenv("CI")
	return ci != "" && ci != "false" && ci != "0"
}
