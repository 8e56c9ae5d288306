package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// TestCommandsThatCannotBeLaunched has a case for each reason and its remedy; "" is a
// command that can be.
func TestCommandsThatCannotBeLaunched(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "good"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(dir, "plain"), "#!/bin/sh\n", 0o644)
	write(t, filepath.Join(dir, "orphan"), "#!/no/such/interpreter -x\n", 0o755)
	write(t, filepath.Join(dir, "by-env"), "#!/usr/bin/env sh\n", 0o755)
	write(t, filepath.Join(dir, "by-env-S"), "#!/usr/bin/env -S no-such-interpreter -x\n", 0o755)
	write(t, filepath.Join(dir, "windows"), "#!/bin/sh\r\n", 0o755)
	write(t, filepath.Join(dir, "nameless"), "#!\n", 0o755)
	write(t, filepath.Join(dir, "empty"), "", 0o755)
	write(t, filepath.Join(dir, "folder/x"), "", 0o644)
	write(t, filepath.Join(dir, "path/tool"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(dir, "path/locked"), "#!/bin/sh\n", 0o644)
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "dangling")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", os.Getenv("PATH")+":relative:"+filepath.Join(dir, "path"))
	for command, want := range map[string]string{
		"./good":           "",
		"sh":               "",
		"tool":             "",
		"./by-env":         "",
		"./empty":          "",
		"/bin/sh":          "",
		"./nope":           "there is no file DIR/nope; build it first",
		"./dangling":       "there is no file DIR/dangling; build it first",
		"./good/x":         "not a directory; correct the path",
		"./folder":         "DIR/folder is a folder; write the program in it",
		"./plain":          "DIR/plain is not executable; run chmod +x DIR/plain",
		"locked":           "DIR/path/locked is not executable; run chmod +x DIR/path/locked",
		"./pipe":           "DIR/pipe is no regular file; write a program",
		"./orphan":         "DIR/orphan needs the interpreter /no/such/interpreter, which is missing; install it",
		"./by-env-S":       "DIR/by-env-S needs the interpreter no-such-interpreter, which is not in PATH; install it",
		"./windows":        "ends in a carriage return, which counts as part of the interpreter's name; save it with Unix line ends",
		"./nameless":       "names no interpreter; write one such as #!/bin/sh",
		"good":             "good is not in PATH; write ./good for the one in DIR",
		"no-such-program!": "no-such-program! is not in PATH; install it",
	} {
		_, problems := scenario.Resolve(scenario.Scenario{Target: scenario.Target{Command: []string{command}}}, dir)
		one(t, command, problems, "target.command[0]: ", strings.ReplaceAll(want, "DIR", dir))
	}
}

// one expects a single problem that holds the text, or none for "".
func one(t *testing.T, of string, problems []scenario.Problem, path, want string) {
	t.Helper()
	switch {
	case want == "" && len(problems) > 0:
		t.Errorf("%s: %v", of, problems)
	case want != "" && (len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), path) || !strings.Contains(problems[0].Error(), want)):
		t.Errorf("%s: %v, want %s%s", of, problems, path, want)
	}
}

// TestMissingLoader patches the path of the dynamic loader in a copy of a real program.
func TestMissingLoader(t *testing.T) {
	program, err := os.ReadFile("/bin/true")
	if err != nil || !strings.Contains(string(program), "/lib64/ld-linux-x86-64.so.2") {
		t.Skip("no dynamically linked x86-64 program here")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "true"), strings.Replace(string(program), "/lib64/ld-linux", "/lib64/no-linux", 1), 0o755)
	_, problems := scenario.Resolve(scenario.Scenario{Target: scenario.Target{Command: []string{"./true"}}}, dir)
	one(t, "true", problems, "target.command[0]: ", "needs the dynamic loader /lib64/no-linux-x86-64.so.2, which is missing; install it")
}

func TestFilesThatCannotBeCopied(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "", 0o644)
	write(t, filepath.Join(dir, "folder/x"), "", 0o644)
	for file, want := range map[string]string{
		"file":    "",
		"folder":  "",
		"folder/": "",
		dir + "/": "",
		"gone":    "there is no file " + dir + "/gone; write a path relative to the scenario file",
		"file/":   dir + "/file is no folder; write it without the slash at the end",
	} {
		target := scenario.Target{Command: []string{"sh"}, Files: []string{file}}
		got, problems := scenario.Resolve(scenario.Scenario{Target: target}, dir)
		one(t, file, problems, "target.files[0]: ", want)
		if !filepath.IsAbs(got.Target.Files[0]) || strings.HasSuffix(got.Target.Files[0], "/") != strings.HasSuffix(file, "/") {
			t.Errorf("%s became %s", file, got.Target.Files[0])
		}
		if target.Files[0] != file {
			t.Errorf("the scenario asked about was changed")
		}
	}
}

func TestManifests(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sums"), strings.Repeat("a", 64)+"  x\n", 0o644)
	write(t, filepath.Join(dir, "folder/x"), "", 0o644)
	hash := strings.Repeat("a", 64)
	for argument, test := range map[string]struct{ becomes, want string }{
		hash:                {hash, ""},
		"@sums":             {"@" + dir + "/sums", ""},
		"@" + dir + "/sums": {"@" + dir + "/sums", ""},
		"@gone":             {"@" + dir + "/gone", "there is no manifest " + dir + "/gone; make one with sha256sum"},
		"@folder":           {"@" + dir + "/folder", dir + "/folder is no regular file; write one that sha256sum has made"},
		"@sums/x":           {"@" + dir + "/sums/x", "not a directory; make it readable"},
	} {
		long := scenario.ExpectFile{Path: "x", Is: []scenario.Oracle{{Kind: scenario.Present}, {Kind: scenario.SHA256, Argument: argument}}}
		short := scenario.ExpectFile{Path: "x", SHA256: argument}
		s := scenario.Scenario{Target: scenario.Target{Command: []string{"sh"}}}

		s.Expect.Files = []scenario.ExpectFile{long}
		got, problems := scenario.Resolve(s, dir)
		one(t, argument, problems, "expect.files[0].is[1]: ", test.want)
		if became := got.Expect.Files[0].Is[1].Argument; became != test.becomes || long.Is[1].Argument != argument {
			t.Errorf("%s became %s, and the one asked about is %s", argument, became, long.Is[1].Argument)
		}

		s.Expect.Files = []scenario.ExpectFile{short}
		got, problems = scenario.Resolve(s, dir)
		one(t, argument, problems, "expect.files[0].sha256: ", test.want)
		if became := got.Expect.Files[0].SHA256; became != test.becomes || s.Expect.Files[0].SHA256 != argument {
			t.Errorf("%s became %s, and the one asked about is %s", argument, became, s.Expect.Files[0].SHA256)
		}
	}
}

func TestProblemsOfFlagsNameTheField(t *testing.T) {
	s := scenario.Scenario{Target: scenario.Target{Command: []string{"x"}}}
	s.Strike.Random = &scenario.Random{Window: &scenario.Window{From: 2, To: 1}, Trials: -3}
	err := scenario.Refusal(scenario.Check(s))
	want := "strike.random.trials: -3 is no number of trials; write one from 1 to 1000000\n" +
		"strike.random.window: the window 2ns..1ns ends before it starts; write 1ns..2ns"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := scenario.Refusal(nil); err != nil {
		t.Errorf("no problems are an error: %v", err)
	}
}
