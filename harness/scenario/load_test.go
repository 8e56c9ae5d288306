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
		{"what is kept, all problems at once", `scenarios:
  - target: {command: [x], workdir: inherit}
    expect:
      files:
        - {path: a.json, is: [old-or-new, format:jsn]}
        - path: ./b
          sha256: abc
        - {path: c, is: [absent, present]}
        - {path: 'out/*'}
        - {path: c, is: present, format: ''}
      acknowledged: {output: 'saved \d+', as: id}
      litter: {allow: ['a[']}
      restarts: {factor: 0.5, floor: 0s}
      compare: term
`, `bad.yaml:5:43: expect.files[0].is[1]: "jsn" is no format; write one of text, jsonl, csv, json, xml, yaml, gzip, bzip2, zstd, xz, zip, tar, tar.gz, tar.bz2, tar.zst, tar.xz, sqlite, parquet, png, jpeg
bad.yaml:6:17: expect.files[1].path: "./b" is never looked at by that name; write b
bad.yaml:7:19: expect.files[1].sha256: "abc" is no SHA-256; write its 64 hexadecimal digits, or @FILE for a manifest as sha256sum writes it
bad.yaml:8:11: expect.files[2]: a file that is absent has no content; keep absent, or the others
bad.yaml:9:11: expect.files[3]: nothing is expected of it; write what it is, such as is: present or format: json
bad.yaml:10:18: expect.files[4].path: c stands here a second time; write all that it is into one list
bad.yaml:10:42: expect.files[4].format: "" is no format; write one such as json, or leave it out
bad.yaml:11:7: expect.acknowledged: it needs the file that holds the records or a command that prints them, and not both; write in: out/ledger.jsonl, or command: ./bin/dump
bad.yaml:11:7: expect.acknowledged: a shared folder holds the records of earlier trials too; write workdir: fresh (--workdir fresh on the command line), or leave it out
bad.yaml:11:30: expect.acknowledged.output: "saved \\d+" has no group for the record's id; put brackets around it, as in 'committed (\d+)'
bad.yaml:11:47: expect.acknowledged.as: "id" does not say where the id stands; write %s once in its place
bad.yaml:12:7: expect.litter: in a shared folder nobody can say who made what is left; write workdir: fresh (--workdir fresh on the command line), or leave it out
bad.yaml:12:24: expect.litter.allow[0]: "a[" is no pattern; close its brackets, or put a backslash before them
bad.yaml:13:26: expect.restarts.factor: 0.5 is no bound that a start can keep; write a number from 1 to 1000
bad.yaml:13:38: expect.restarts.floor: 0s would count as left out, which is 1s; write more, 1ns for no floor
bad.yaml:14:16: expect.compare: "term" is nothing to compare with; write kill`},
		{"a file of a shared folder that is compared with a run of its own", "scenarios:\n  - target: {command: [x], workdir: inherit}\n    expect: {files: [{path: a, is: old-or-new}, {path: 'out/*', is: absent}, {path: out/b, sha256: '@gone'}]}",
			"bad.yaml:3:22: expect.files[0]: old-or-new compares with a run of its own from the same start, which a shared folder does not have; write workdir: fresh (--workdir fresh on the command line), or leave it out\n" +
				"bad.yaml:3:78: expect.files[2]: out/b fits out/*, which is absent; narrow that pattern, or leave one of the two out"},
		{"nothing that KILL could lose", "scenarios:\n  - target: {command: [x]}\n    expect: {compare: kill, litter: none}",
			"bad.yaml:3:23: expect.compare: nothing that KILL could lose is looked at; expect files, acknowledged or restarts too"},
		{"KILL beside KILL", "scenarios:\n  - target: {command: [x]}\n    stop: {schedule: KILL}\n    expect: {compare: kill, restarts: true}",
			"bad.yaml:4:23: expect.compare: the schedule KILL begins with KILL itself; let it begin with a signal that the target can handle, or leave compare out"},
		{"two hashes", "scenarios:\n  - target: {command: [x]}\n    expect:\n      files:\n        - path: a\n          is: ['sha256:" + strings.Repeat("a", 64) + "', 'sha256:" + strings.Repeat("b", 64) + "', 'sha256:@sums', 'sha256:@sums']\n",
			"bad.yaml:5:11: expect.files[0]: no content has two hashes; keep one sha256, or write two paths\n" +
				"bad.yaml:5:11: expect.files[0]: sha256:@sums stands twice; leave one out"},
		{"a factor as text", "scenarios: [{target: {command: [x]}, expect: {restarts: {factor: '3'}}}]",
			"bad.yaml:1:66: expect.restarts.factor: text stands where a number is wanted; write one such as 2.5, without quotes"},
		{"another word for litter", "scenarios: [{target: {command: [x]}, expect: {litter: some}}]",
			"bad.yaml:1:55: expect.litter: \"some\" is no answer; write none, allow, or what may be left as in {allow: ['cache/*']}"},
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

func TestWhatIsKeptGetsItsDefaults(t *testing.T) {
	got, err := scenario.Parse("x.yaml", []byte(`scenarios:
  - target: {command: [x]}
    expect:
      files:
        - {path: a, is: old-or-new, format: json, command: "jq . {}"}
        - {path: b, is: format:jsonl}
        - path: c
          is: command:jq -e .done {}
      acknowledged: {output: 'committed (\d+)', in: a}
      litter: none
      restarts: true
      compare: kill
  - {name: y, target: {command: [x]}, expect: {litter: allow, restarts: false}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := scenario.Expect{
		Files: []scenario.ExpectFile{
			{Path: "a", Is: []scenario.Oracle{{Kind: scenario.OldOrNew}, {Kind: scenario.Format, Argument: "json"}, {Kind: scenario.Command, Argument: "jq . {}"}}},
			{Path: "b", Is: []scenario.Oracle{{Kind: scenario.Format, Argument: "jsonl"}}},
			{Path: "c", Is: []scenario.Oracle{{Kind: scenario.Command, Argument: "jq -e .done {}"}}},
		},
		Acknowledged: &scenario.Acknowledged{Output: *scenario.MustRegexp(`committed (\d+)`), In: "a", As: "%s"},
		Litter:       &scenario.Litter{},
		Restarts:     &scenario.Restarts{Factor: 3, Floor: scenario.Duration(time.Second)},
		Compare:      scenario.CompareKill,
	}
	if diff := cmp.Diff(want, onlyKept(got[0].Expect), same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(scenario.Expect{}, onlyKept(got[1].Expect), same); diff != "" {
		t.Errorf("what is not to be checked: -want +got:\n%s", diff)
	}
}

func onlyKept(e scenario.Expect) scenario.Expect {
	return scenario.Expect{Files: e.Files, Acknowledged: e.Acknowledged, Litter: e.Litter, Restarts: e.Restarts, Compare: e.Compare}
}

// TestDefaultsLeaveTheScenarioAlone fills them in for one that shares its lists.
func TestDefaultsLeaveTheScenarioAlone(t *testing.T) {
	is := make([]scenario.Oracle, 1, 2) // room for an append to write into
	is[0] = scenario.Oracle{Kind: scenario.Present}
	file := scenario.ExpectFile{Path: "a", Is: is, Format: "json"}
	s := scenario.Scenario{Expect: scenario.Expect{
		Files: []scenario.ExpectFile{file}, Restarts: &scenario.Restarts{}, Acknowledged: &scenario.Acknowledged{},
	}}
	full := s.WithDefaults()
	if diff := cmp.Diff(file, s.Expect.Files[0], same); diff != "" || is[:2][1] != (scenario.Oracle{}) {
		t.Errorf("the file was changed: %s, %v", diff, is[:2])
	}
	if s.Expect.Restarts.Factor != 0 || s.Expect.Acknowledged.As != "" || full.Expect.Restarts.Factor == 0 {
		t.Errorf("restarts %+v, acknowledged %+v, filled in %+v", s.Expect.Restarts, s.Expect.Acknowledged, full.Expect.Restarts)
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
