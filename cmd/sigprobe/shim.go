package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// interpreters are programs that are binaries where they are at home, and often small
// scripts in front of one: pyenv, rbenv, nvm and asdf put such scripts on PATH.
var interpreters = regexp.MustCompile(`^(python|pypy|ruby|node|perl|php|java|lua)[0-9.]*$|^(npm|npx|yarn|pnpm|bundle|uv|poetry)$`)

// warnOfShim tells a person that the signals will go to a script in front of the
// program that was meant. Such scripts seldom pass them on.
func warnOfShim(w io.Writer, program string) {
	path, ok := shim(program)
	if ok {
		note(w, "warning: %s is %s, a script that starts the real program: signals go to the script; name the real program by its path, or use --to group", program, path)
	}
}

func shim(program string) (path string, ok bool) {
	path, err := exec.LookPath(program)
	if err != nil || !interpreters.MatchString(filepath.Base(path)) {
		return "", false
	}
	file, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer file.Close() //nolint:errcheck // nothing was written
	var magic [2]byte
	_, err = io.ReadFull(file, magic[:])
	return path, err == nil && string(magic[:]) == "#!"
}
