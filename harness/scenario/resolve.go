package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Resolve holds a scenario against this machine before anything is launched. A
// relative command with a slash and relative files are made absolute, counted from
// dir ("" is the current folder). The command must be a file that can be executed,
// with its interpreter; one without a slash is looked up in sigprobe's own PATH and
// left as it is. Files must exist. The problems have a path and no position.
func Resolve(s Scenario, dir string) (Scenario, []Problem) {
	var c collector
	dir, err := filepath.Abs(dir)
	if err != nil {
		c.add("target", "the current folder is not known: %v; change into one that exists", err)
		return s, c.problems
	}
	s.Target.Command = slices.Clone(s.Target.Command)
	s.Target.Files = slices.Clone(s.Target.Files)
	if len(s.Target.Command) > 0 && s.Target.Command[0] != "" {
		s.Target.Command[0] = c.command(s.Target.Command[0], dir)
	}
	for i, file := range s.Target.Files {
		s.Target.Files[i] = c.file(fmt.Sprintf("target.files[%d]", i), file, dir)
	}
	return s, c.problems
}

func (c *collector) command(name, dir string) string {
	const path = "target.command[0]"
	if !strings.Contains(name, "/") {
		if problem := lookUp(name, dir); problem != "" {
			c.add(path, "%s", problem)
		}
		return name
	}
	name = absolute(name, dir)
	if problem := executable(name); problem != "" {
		c.add(path, "%s", problem)
	}
	return name
}

// file makes a file to copy absolute; the slash that asks for a folder's content stays.
func (c *collector) file(path, name, dir string) string {
	if name == "" {
		return name
	}
	full := absolute(name, dir)
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(path, "there is no file %s; write a path relative to the scenario file", full)
	case err != nil:
		c.add(path, "%v; make it readable", err)
	case strings.HasSuffix(name, "/") && !info.IsDir():
		c.add(path, "%s is no folder; write it without the slash at the end", full)
	}
	if strings.HasSuffix(name, "/") && full != "/" {
		full += "/"
	}
	return full
}

func absolute(name, dir string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}
