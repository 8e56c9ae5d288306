package scenario_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

func TestEveryProblemIsOneLineWithItsPlace(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"all problems at once", `# what is wrong here
scenarios:
  - name: .hidden
    target:
      comand: [./x]
      files: [seed, other/seed]
      workdir: inherit
    ready: {port: 99999, output: '('}
    stop:
      settle: 3
      settle: 4s
    strike:
      random: {within: 1s, window: 2s..1s, trials: 0}
      output: {matching: x}
    expect: {exit: [clean, 3], within: 0s}
`, `bad.yaml:3:11: name: ".hidden" does not fit into a path; use letters, digits, dots, dashes and underscores, and begin with no dot or dash
bad.yaml:5:7: target: unknown field "comand"; did you mean command?
bad.yaml:6:14: target.files: files are copied into a fresh work folder only; write workdir: fresh, or leave files out
bad.yaml:6:21: target.files[1]: seed and other/seed would both be copied to seed; rename one, or put them into a folder
bad.yaml:8:5: ready: output and port exclude each other; keep one
bad.yaml:8:19: ready.port: 99999 is no port; write one from 1 to 65535
bad.yaml:8:34: ready.output: "(" is no regular expression: missing closing ): ` + "`(`" + `; write one in RE2 syntax
bad.yaml:10:15: stop.settle: "3" has no unit; write 3s
bad.yaml:11:7: stop.settle: the field stands here a second time; it is already on line 10
bad.yaml:12:5: strike: random and output exclude each other; keep one, or make two scenarios
bad.yaml:13:7: strike.random: within and window exclude each other; keep one
bad.yaml:13:36: strike.random.window: window "2s..1s" ends before it starts; write the earlier end first, as in 1s..2s
bad.yaml:13:52: strike.random.trials: 0 trials prove nothing; write 1 or more, or leave it out for 20
bad.yaml:15:28: expect.exit[1]: a number stands where text is wanted; write code:3
bad.yaml:15:40: expect.within: 0s cannot be kept; write more, or leave it out for what the schedule gives`},
		{"a command as one text", "scenarios: [{target: {command: ./x -v}}]",
			"bad.yaml:1:32: target.command: text stands where a list is wanted; write [./x, -v]"},
		{"no command", "scenarios:\n  - name: x\n    target: {workdir: fresh}",
			"bad.yaml:3:5: target.command: there is no program to launch; write it and its arguments as a list, such as [./server, --port, \"8080\"]"},
		{"a signal without a key", "scenarios:\n  - target: {command: [x]}\n    stop: {to: tty}",
			"bad.yaml:3:5: stop.schedule: no key stands for TERM, and to: tty types keys; schedule INT, QUIT, TSTP, HUP or WINCH, or deliver to process, group or session"},
		{"one name twice", "scenarios:\n  - target: {command: [x]}\n  - target: {command: [/bin/x]}",
			"bad.yaml:3:5: name: another scenario is called \"x\"; give each a name of its own"},
		{"an unknown field that resembles none", "scenarios: [{target: {command: [x]}, hooks: 1}]",
			"bad.yaml:1:38: scenarios[0]: unknown field \"hooks\"; write one of name, description, target, ready, stop, strike, expect"},
		{"letters swapped", "scenarios: [{target: {command: [x]}, raedy: auto}]",
			"bad.yaml:1:38: scenarios[0]: unknown field \"raedy\"; did you mean ready?"},
		{"nothing behind the colon", "scenarios:\n  - target: {command: [x]}\n    expect:\n",
			"bad.yaml:3:5: expect: a value is missing; write one, or leave the whole line out"},
		{"no YAML", "scenarios: [a\nb: 2",
			"bad.yaml:2:1: ',' or ']' must be specified; mend the YAML here or right before"},
		{"an empty file", "# nothing\n", "bad.yaml:1:1: the file has no scenarios; write a list of them under scenarios:"},
		{"no list", "scenarios: []\n", "bad.yaml:1:12: the file has no scenarios; write a list of them under scenarios:"},
		{"two documents", "scenarios: [{target: {command: [x]}}]\n---\na: 1\n",
			"bad.yaml:3:1: a second document begins here; write all scenarios in one list"},
		{"an alias of nothing", "scenarios: [{target: *t}]", "bad.yaml:1:22: target: no anchor &t comes before this; write the value itself"},
		{"a tag", "scenarios: [{name: !!str 5, target: {command: [x]}}]", "bad.yaml:1:20: name: the tag !!str is not used here; write the value alone"},
		{"a huge number", "scenarios: [{target: {command: [x]}, strike: {random: {trials: 18446744073709551615}}}]",
			"bad.yaml:1:64: strike.random.trials: 18446744073709551615 is too large; write a smaller number"},
		{"Latin-1", "scenarios: [{name: \xe4}]", "bad.yaml:1:1: the file is no UTF-8 text; save it as UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := scenario.Parse("bad.yaml", []byte(test.text))
			var problems *scenario.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v, no *Problems", err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPlacesAreThoseOfTheEditor(t *testing.T) {
	for name, text := range map[string]string{
		"plain":            "scenarios:\n  - target: {command: [x]}\n    stop: {to: tree}\n",
		"Windows":          "scenarios:\r\n  - target: {command: [x]}\r\n    stop: {to: tree}\r\n",
		"byte order mark":  "\ufeffscenarios:\n  - target: {command: [x]}\n    stop: {to: tree}\n",
		"comment on line":  "scenarios: # ä\n  - target: {command: [x]} # ö\n    stop: {to: tree} # ü\n",
		"blank not spaced": "scenarios:\n- target: {command: [x]}\n\n   \n",
	} {
		_, err := scenario.Parse("x.yaml", []byte(text))
		if name == "blank not spaced" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "x.yaml:3:16: stop.to: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseFillsInDefaults(t *testing.T) {
	got, err := scenario.Parse("x.yaml", []byte("scenarios: [{target: {command: [./bin/ledger writer, 7]}}]"))
	if err != nil {
		t.Fatal(err)
	}
	settle := scenario.Duration(2 * time.Second)
	want := []scenario.Scenario{{
		Name:   "ledger-writer",
		Target: scenario.Target{Command: []string{"./bin/ledger writer", "7"}, Workdir: scenario.Fresh},
		Ready:  scenario.Ready{Timeout: scenario.Duration(30 * time.Second)},
		Stop:   scenario.Stop{Schedule: signals.DefaultSchedule, To: signals.ToProcess, Settle: &settle, Limit: scenario.Duration(5 * time.Minute)},
		Strike: scenario.Strike{Random: &scenario.Random{Trials: 20, From: scenario.FromReady, Window: &scenario.Window{To: time.Second}}},
		Expect: scenario.Expect{
			Exit: []scenario.Accept{{Kind: observation.Clean}}, Within: scenario.Duration(10 * time.Second),
			Survivors: scenario.None, Ports: scenario.None, MinConclusive: &scenario.Quota{Percent: 50},
		},
	}}
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	got, err := scenario.Parse("x.yaml", []byte(`scenarios:
  - &first
    name: one
    target: {command: [x, localhost:8080, "a:b", code:3]}
    expect: &strict {exit: [code:7, conventional], within: 3s}
  - <<: *first
    name: two
    expect: {<<: *strict, within: 4s}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].Name != "two" || got[1].Expect.Within.String() != "4s" || len(got[1].Expect.Exit) != 4 {
		t.Errorf("read %+v", got)
	}
	if args := strings.Join(got[1].Target.Command, "|"); args != "x|localhost:8080|a:b|code:3" {
		t.Errorf("the command is %s", args)
	}
	if accept := got[0].Expect.Exit[0]; accept != (scenario.Accept{Kind: observation.Code, Code: 7}) {
		t.Errorf("the first ending is %v", accept)
	}
}

func TestMergesInCirclesEnd(t *testing.T) {
	bomb := "scenarios:\n- &a0 {name: x}\n"
	for i := range 30 {
		bomb += strings.ReplaceAll(strings.ReplaceAll("- &aN {<<: [*aM, *aM, *aM, *aM]}\n", "N", string(rune('A'+i))), "M", string(rune('A'+i-1)))
	}
	bomb = strings.ReplaceAll(bomb, "&a0", "&a@")
	for name, text := range map[string]string{
		"self":  "scenarios:\n- &a {<<: *a, target: {command: [x]}}\n",
		"list":  "scenarios: &a [*a]\n",
		"merge": "scenarios: [{<<: &a [*a]}]\n",
		"bomb":  strings.ReplaceAll(bomb, "@", "Q"),
	} {
		if _, err := scenario.Parse("x.yaml", []byte(text)); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestLoadCountsPathsFromTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bin/x"), "#!/bin/sh\n", 0o755)
	write(t, filepath.Join(dir, "seed/a"), "", 0o644)
	file := filepath.Join(dir, "sub/../x.yaml")
	write(t, filepath.Join(dir, "sub/keep"), "", 0o644)
	write(t, filepath.Join(dir, "x.yaml"), "scenarios:\n- target: {command: [./bin/x, ./bin/x], files: [seed, seed/]}\n- {name: sh, target: {command: [sh]}}\n", 0o644)
	got, err := scenario.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "bin/x"), "./bin/x"}
	if diff := cmp.Diff(want, got[0].Target.Command); diff != "" {
		t.Errorf("command: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "seed"), filepath.Join(dir, "seed") + "/"}, got[0].Target.Files); diff != "" {
		t.Errorf("files: -want +got:\n%s", diff)
	}
	if got[1].Target.Command[0] != "sh" {
		t.Errorf("a bare name became %s", got[1].Target.Command[0])
	}
}

func TestLoadTellsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.yaml")
	write(t, file, "scenarios:\n- target: {command: [./nope], files: [gone]}\n- {name: b, target: {command: [no-such-program-at-all]}}\n", 0o644)
	_, err := scenario.Load(file)
	want := file + ":2:22: target.command[0]: there is no file " + dir + "/nope; build it first, or correct the path\n" +
		file + ":2:39: target.files[0]: there is no file " + dir + "/gone; write a path relative to the scenario file\n" +
		file + ":3:32: target.command[0]: no-such-program-at-all is not in PATH; install it, or write its path with a slash"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := scenario.Load(filepath.Join(dir, "no.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// FuzzParse sees that no text ends the program, that what is accepted passes Check,
// and that every refusal has a place.
func FuzzParse(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(d.file()))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := scenario.Parse("x.yaml", text)
		var problems *scenario.Problems
		if errors.As(err, &problems) {
			for _, p := range problems.List {
				if p.File == "" || p.Line < 1 || p.Column < 1 || p.Message == "" {
					t.Fatalf("a problem without its place: %+v", p)
				}
			}
			return
		}
		if err != nil || len(list) == 0 {
			t.Fatalf("%d scenarios, %v", len(list), err)
		}
		for _, s := range list {
			if problems := scenario.Check(s); len(problems) > 0 {
				t.Fatalf("accepted, and wrong: %v", problems)
			}
		}
		if problems := scenario.CheckNames(list); len(problems) > 0 {
			t.Fatalf("accepted, and wrong: %v", problems)
		}
	})
}
