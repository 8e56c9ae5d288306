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
// left as it is. Files must exist, and the manifests of sha256:@FILE, which are made
// absolute too. The problems have a path and no position.
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
	s.Expect.Files = slices.Clone(s.Expect.Files)
	for i := range s.Expect.Files {
		c.manifests(fmt.Sprintf("expect.files[%d]", i), &s.Expect.Files[i], dir)
	}
	return s, c.problems
}

// manifests makes the manifests of one file absolute.
func (c *collector) manifests(at string, f *ExpectFile, dir string) {
	f.Is = slices.Clone(f.Is)
	for i, o := range f.Is {
		if o.Kind == SHA256 {
			f.Is[i].Argument = c.manifest(fmt.Sprintf("%s.is[%d]", at, i), o.Argument, dir)
		}
	}
	f.SHA256 = c.manifest(at+".sha256", f.SHA256, dir)
}

// manifest makes the FILE of @FILE absolute; a hash stays as it is.
func (c *collector) manifest(at, argument, dir string) string {
	name, isFile := strings.CutPrefix(argument, "@")
	if !isFile || name == "" {
		return argument
	}
	full := absolute(name, dir)
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(at, "there is no manifest %s; make one with sha256sum, and write its path relative to the scenario file", full)
	case err != nil:
		c.add(at, "%v; make it readable", err)
	case !info.Mode().IsRegular():
		c.add(at, "%s is no regular file; write one that sha256sum has made", full)
	}
	return "@" + full
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
