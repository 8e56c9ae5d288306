package scenario

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lookUp says why the program cannot be launched by its bare name; "" when it can.
// Like execvp(3) it takes the first file in PATH that may be executed.
func lookUp(name, dir string) string {
	var refused string
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		// A relative entry means another folder for every work folder: package
		// os/exec does not launch from there either.
		if !filepath.IsAbs(folder) {
			continue
		}
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			continue
		}
		if refused = permitted(path); refused == "" {
			return interpreted(path)
		}
	}
	if refused != "" {
		return refused
	}
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return fmt.Sprintf("%s is not in PATH; write ./%s for the one in %s", name, name, dir)
	}
	return fmt.Sprintf("%s is not in PATH; install it, or write its path with a slash", name)
}

// executable says why the file cannot be launched; "" when it can.
func executable(path string) string {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no file %s; build it first, or correct the path", path)
	case err != nil:
		return fmt.Sprintf("%v; correct the path or its permissions", err)
	case info.IsDir():
		return fmt.Sprintf("%s is a folder; write the program in it", path)
	case !info.Mode().IsRegular():
		return fmt.Sprintf("%s is no regular file; write a program", path)
	}
	if refused := permitted(path); refused != "" {
		return refused
	}
	return interpreted(path)
}

// permitted says why the file may not be executed; "" when it may. The kernel also
// refuses on a file system mounted noexec (access(2)).
func permitted(path string) string {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&0o111 == 0 {
		return fmt.Sprintf("%s is not executable; run chmod +x %s", path, path)
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Sprintf("%s cannot be executed: %v; mend its permissions, or mount its file system without noexec", path, err)
	}
	return ""
}

// interpreted says why the program that the kernel starts in place of the file is
// missing: the interpreter of a script, the dynamic loader of a binary. Both give "no
// such file or directory" on launch, though the file itself is there.
func interpreted(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "" // it may be executable and not readable
	}
	defer file.Close() //nolint:errcheck // nothing was written
	head := make([]byte, 256)
	n, _ := io.ReadFull(file, head)
	if line, isScript := bytes.CutPrefix(head[:n], []byte("#!")); isScript {
		line, _, _ = bytes.Cut(line, []byte("\n"))
		return interpreter(path, string(line))
	}
	if loader := loader(file); loader != "" && missing(loader) {
		return fmt.Sprintf("%s needs the dynamic loader %s, which is missing; install it, or link the program for this system", path, loader)
	}
	return ""
}

// interpreter checks the first line of a script, without its #!.
func interpreter(path, line string) string {
	words := strings.Fields(line)
	switch {
	case strings.HasSuffix(line, "\r"):
		return fmt.Sprintf("the first line of %s ends in a carriage return, which counts as part of the interpreter's name; save it with Unix line ends", path)
	case len(words) == 0:
		return fmt.Sprintf("the first line of %s names no interpreter; write one such as #!/bin/sh", path)
	case missing(words[0]):
		return fmt.Sprintf("%s needs the interpreter %s, which is missing; install it, or correct the first line", path, words[0])
	}
	if name, isEnv := byEnv(words); isEnv {
		if problem := lookUp(name, ""); problem != "" {
			return fmt.Sprintf("%s needs the interpreter %s, which is not in PATH; install it, or correct the first line", path, name)
		}
	}
	return ""
}

// byEnv is the program that `/usr/bin/env name` looks up, also with -S.
func byEnv(words []string) (name string, ok bool) {
	if filepath.Base(words[0]) != "env" || len(words) < 2 {
		return "", false
	}
	name = words[1]
	if name == "-S" && len(words) > 2 {
		name = words[2]
	}
	return name, !strings.HasPrefix(name, "-") && !strings.ContainsAny(name, "=/")
}

// loader is the path in a binary's PT_INTERP segment (elf(5)); "" when it has none.
func loader(file io.ReaderAt) string {
	binary, err := elf.NewFile(file)
	if err != nil {
		return ""
	}
	for _, segment := range binary.Progs {
		if segment.Type != elf.PT_INTERP || segment.Filesz > unix.PathMax {
			continue
		}
		text, err := io.ReadAll(segment.Open())
		if err != nil {
			return ""
		}
		return strings.TrimRight(string(text), "\x00")
	}
	return ""
}

func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
