package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sigprobe/sigprobe/reports/render"
)

// outputs are the reports that a run is asked to write beside the text: a flag for
// every format that render knows, with the path, or - for standard output.
type outputs struct {
	paths map[string]*string // by format
	files []outputFile
}

// outputFile is where one report goes.
type outputFile struct {
	format string
	path   string // "-" for standard output
	// direct is what is written to as it is: a pipe, a device. nil for a regular file,
	// which is replaced as a whole.
	direct *os.File
}

const stdoutPath = "-"

func (o *outputs) addFlags(c *cobra.Command) {
	o.paths = map[string]*string{}
	for _, name := range slices.Sorted(maps.Keys(render.Formats)) {
		if name != "text" {
			o.paths[name] = c.Flags().String(name, "", fmt.Sprintf("write the report as %s to a file, - for standard output", name))
			c.Flags().Lookup(name).DefValue = ""
		}
	}
}

// open finds out, before anything is launched, that every report can be written.
func (o *outputs) open() error {
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(o.paths)) {
		path := *o.paths[name]
		if path == "" {
			continue
		}
		if other, twice := taken[path]; twice {
			return usage("--%s and --%s both write to %s; give each a file of its own", other, name, path)
		}
		taken[path] = name
		file, err := openOutput(name, path)
		if err != nil {
			return broken(fmt.Errorf("--%s: %s cannot be written: %w; name a file in a folder that can be", name, path, cause(err)))
		}
		o.files = append(o.files, file)
	}
	return nil
}

// cause is an error without the path of a temporary file that nobody named.
func cause(err error) error {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

func openOutput(format, path string) (outputFile, error) {
	file := outputFile{format: format, path: path}
	if path == stdoutPath {
		return file, nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return file, tryBeside(path)
	case err != nil:
		return file, err
	case info.IsDir():
		return file, errors.New("it is a folder")
	case info.Mode().IsRegular() && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/"):
		if file.path, err = filepath.EvalSymlinks(path); err != nil {
			return file, err
		}
		return file, tryBeside(file.path)
	}
	file.direct, err = os.OpenFile(path, os.O_WRONLY, 0)
	return file, err
}

// tryBeside finds out that a file can be made where the report will be. Nothing is
// left of it, so that a run which is killed leaves nothing either.
func tryBeside(path string) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".sigprobe-*")
	if err != nil {
		return err
	}
	return errors.Join(temp.Close(), os.Remove(temp.Name()))
}

// takesStdout says that standard output is a report's, so that text for a person goes
// to standard error.
func (o *outputs) takesStdout() bool {
	return slices.ContainsFunc(o.files, func(f outputFile) bool { return f.path == stdoutPath })
}

// write writes all reports; the first error does not keep the others from it.
func (o *outputs) write(stdout io.Writer, r render.Report) error {
	var errs []error
	for _, file := range o.files {
		if err := file.write(stdout, r); err != nil {
			errs = append(errs, fmt.Errorf("write the report --%s %s: %w", file.format, file.path, err))
		}
	}
	return errors.Join(errs...)
}

func (f outputFile) write(stdout io.Writer, r render.Report) error {
	format := render.Formats[f.format]
	switch {
	case f.path == stdoutPath:
		return format(stdout, r, render.Style{})
	case f.direct != nil:
		return errors.Join(format(f.direct, r, render.Style{}), f.direct.Close())
	}
	return replaceFile(f.path, func(w io.Writer) error { return format(w, r, render.Style{}) })
}

// replaceFile writes a file beside the named one and renames it over that: whoever
// reads it sees the old one or the whole new one.
func replaceFile(path string, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".sigprobe-*")
	if err != nil {
		return err
	}
	err = errors.Join(write(temp), temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		os.Remove(temp.Name()) //nolint:errcheck // the cause is reported
	}
	return err
}
