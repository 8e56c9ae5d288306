package scenario_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
	"github.com/sigprobe/sigprobe/harness/signals"
)

// anyText draws what people put into arguments and patterns, and what YAML might
// take for something else.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[ -~]{1,20}`),
		rapid.StringMatching(`[a-zäöüß☃\t\n"'#:{}\[\]&*!|>%@,? -]{1,12}`),
		rapid.SampledFrom([]string{
			"true", "no", "null", "~", "12", "0x1f", "1e3", ".inf", "- x", "a: b", " a", "a ", "#c", "&a", "*a", "!!str", "<<", "---",
			"...", "2001-01-01", "x\n", "\n", "\n\nx\n\n", "a\n b\n", "\t", "%d", "@x", "`x`", "|", ">", "?", "-", ":", "''", `""`, `\`, `\n`, "\u2028", "\u0085", "é",
		}),
	)
}

func durations(atLeast time.Duration) *rapid.Generator[scenario.Duration] {
	return rapid.Custom(func(t *rapid.T) scenario.Duration {
		return scenario.Duration(rapid.Int64Range(int64(atLeast), int64(48*time.Hour)).Draw(t, "duration"))
	})
}

func spans() *rapid.Generator[scenario.Window] {
	return rapid.Custom(func(t *rapid.T) scenario.Window {
		from := durations(0).Draw(t, "from").D()
		return scenario.Window{From: from, To: from + durations(0).Draw(t, "width").D()}
	})
}

// maybe draws nothing or a pointer to a value.
func maybe[T any](t *rapid.T, g *rapid.Generator[T], name string) *T {
	if rapid.Bool().Draw(t, "has "+name) {
		value := g.Draw(t, name)
		return &value
	}
	return nil
}

// oneOrNone draws one of the choices, or the zero value.
func oneOrNone[T any](t *rapid.T, name string, choices ...T) T {
	var none T
	return rapid.SampledFrom(append(choices, none)).Draw(t, name)
}

func regexps() *rapid.Generator[scenario.Regexp] {
	return rapid.Custom(func(t *rapid.T) scenario.Regexp {
		return *scenario.MustRegexp(rapid.SampledFrom([]string{`ready`, `saved (\d+)`, `^\s*#: "x"`, `'`, ``, `a|b`, `true`, `7`, `[{]`}).Draw(t, "regexp"))
	})
}

// goodScenarios draws scenarios that pass [scenario.Check], without defaults.
func goodScenarios() *rapid.Generator[scenario.Scenario] {
	return rapid.Custom(func(t *rapid.T) scenario.Scenario {
		s := scenario.Scenario{
			Name:        rapid.StringMatching(`[A-Za-z0-9_][A-Za-z0-9._-]{0,12}`).Draw(t, "name"),
			Description: rapid.OneOf(rapid.Just(""), anyText()).Draw(t, "description"),
			Target:      targets().Draw(t, "target"),
			Ready:       readies().Draw(t, "ready"),
			Stop:        stops().Draw(t, "stop"),
			Strike:      strikes().Draw(t, "strike"),
			Expect:      expects().Draw(t, "expect"),
		}
		if s.Target.Workdir == scenario.Inherit {
			s.Expect.Files = rapid.SliceOfN(expectFiles(sharedOracles()), 0, 2).Draw(t, "files")
		} else {
			drawKept(t, &s)
		}
		apart(s.Expect.Files)
		return s
	})
}

// drawKept draws what only a fresh work folder can answer.
func drawKept(t *rapid.T, s *scenario.Scenario) {
	s.Expect.Files = rapid.SliceOfN(expectFiles(rapid.OneOf(sharedOracles(), ownOracles())), 0, 2).Draw(t, "files")
	s.Expect.Acknowledged = maybe(t, acknowledgements(), "acknowledged")
	s.Expect.Litter = maybe(t, rapid.Custom(func(t *rapid.T) scenario.Litter {
		return scenario.Litter{Allow: rapid.SliceOfN(rapid.SampledFrom([]string{"cache/*.tmp", "$TMPDIR/x", "/dev/shm/a b", "[#]"}), 0, 2).Draw(t, "allow")}
	}), "litter")
	s.Expect.Restarts = maybe(t, rapid.Custom(func(t *rapid.T) scenario.Restarts {
		return scenario.Restarts{Factor: oneOrNone(t, "factor", 1, 2.5, 1000), Floor: oneOrNone(t, "floor", scenario.Duration(time.Millisecond))}
	}), "restarts")
	loses := len(s.Expect.Files) > 0 || s.Expect.Acknowledged != nil || s.Expect.Restarts != nil
	if loses && s.Stop.Schedule.First() != signals.KILL {
		s.Expect.Compare = oneOrNone(t, "compare", scenario.CompareKill)
	}
}

// apart gives every file a path of its own.
func apart(files []scenario.ExpectFile) {
	for i := range files {
		files[i].Path = fmt.Sprintf("%d/%s", i, files[i].Path)
	}
}

// expectFiles draws files with one oracle or some, in their long and their short forms.
func expectFiles(oracles *rapid.Generator[scenario.Oracle]) *rapid.Generator[scenario.ExpectFile] {
	return rapid.Custom(func(t *rapid.T) scenario.ExpectFile {
		f := scenario.ExpectFile{Path: rapid.SampledFrom([]string{"a.json", "**/*.jsonl", "a b: c", "[#]", "*", "ä\\*"}).Draw(t, "path")}
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			f.Is = []scenario.Oracle{{Kind: scenario.Absent}}
		case 1:
			f.Format = oneOrNone(t, "format", scenario.Formats...)
			f.Command = rapid.SampledFrom([]string{"jq . {}", "a: b # c\nd"}).Draw(t, "command")
		case 2:
			f.SHA256 = rapid.SampledFrom([]string{strings.Repeat("aF", 32), "@sums: x"}).Draw(t, "sha256")
		default:
			f.Is = rapid.SliceOfNDistinct(oracles, 1, 3, scenario.Oracle.String).Draw(t, "is")
		}
		return f
	})
}

// sharedOracles draws oracles that a folder shared with other trials allows.
func sharedOracles() *rapid.Generator[scenario.Oracle] {
	return rapid.SampledFrom([]scenario.Oracle{
		{Kind: scenario.Present}, {Kind: scenario.Unchanged}, {Kind: scenario.AppendOnly}, {Kind: scenario.AppendOnly, Argument: "length:u32be"},
		{Kind: scenario.AppendOnly, Argument: `pattern:\x00$`}, {Kind: scenario.SHA256, Argument: "@sums"}, {Kind: scenario.Format, Argument: "tar.gz"},
		{Kind: scenario.Command, Argument: " ' \"{}\": #"},
	})
}

func ownOracles() *rapid.Generator[scenario.Oracle] {
	return rapid.SampledFrom([]scenario.Oracle{{Kind: scenario.OldOrNew}, {Kind: scenario.Resumable}})
}

func acknowledgements() *rapid.Generator[scenario.Acknowledged] {
	return rapid.Custom(func(t *rapid.T) scenario.Acknowledged {
		a := scenario.Acknowledged{
			Output:  *scenario.MustRegexp(rapid.SampledFrom([]string{`committed (\d+)`, `^(?P<id>\S+): (.*)$`}).Draw(t, "output")),
			As:      oneOrNone(t, "as", `{"id":%s,`, "%s", " %s"),
			Ordered: rapid.Bool().Draw(t, "ordered"),
		}
		if rapid.Bool().Draw(t, "by command") {
			a.Command = rapid.SampledFrom([]string{"sqlite3 x.db 'select id from t'", "true"}).Draw(t, "command")
		} else {
			a.In = rapid.SampledFrom([]string{"out/ledger.jsonl", "/var/x", "#"}).Draw(t, "in")
		}
		return a
	})
}

func targets() *rapid.Generator[scenario.Target] {
	return rapid.Custom(func(t *rapid.T) scenario.Target {
		target := scenario.Target{
			Command:        rapid.SliceOfN(anyText(), 1, 4).Draw(t, "command"),
			Workdir:        oneOrNone(t, "workdir", scenario.Fresh, scenario.Inherit),
			InheritSignals: rapid.Bool().Draw(t, "inherit signals"),
		}
		if target.Workdir != scenario.Inherit {
			for i := range rapid.IntRange(0, 3).Draw(t, "files") {
				target.Files = append(target.Files, fmt.Sprintf("seed/%d", i))
			}
		}
		if rapid.Bool().Draw(t, "has env") {
			target.Env = rapid.MapOfN(rapid.StringMatching(`[A-Za-z_][A-Z0-9_]{0,5}`), rapid.OneOf(rapid.Just(""), anyText()), 1, 3).Draw(t, "env")
		}
		return target
	})
}

func readies() *rapid.Generator[scenario.Ready] {
	return rapid.Custom(func(t *rapid.T) scenario.Ready {
		ready := scenario.Ready{Timeout: oneOrNone(t, "timeout", scenario.Duration(50*time.Hour))}
		switch rapid.IntRange(0, 6).Draw(t, "condition") {
		case 1:
			pattern := regexps().Draw(t, "output")
			ready.Output = &pattern
		case 2:
			ready.Port = rapid.IntRange(1, 65535).Draw(t, "port")
		case 3:
			ready.HTTP = "http://localhost:80/x?a=b#c"
		case 4:
			ready.File = "run/a.pid"
		case 5:
			ready.Notify = true
		case 6:
			after := durations(0).Draw(t, "after")
			ready.After, ready.Timeout = &after, scenario.Duration(50*time.Hour)
		}
		return ready
	})
}

func stops() *rapid.Generator[scenario.Stop] {
	return rapid.Custom(func(t *rapid.T) scenario.Stop {
		stop := scenario.Stop{
			To:     oneOrNone(t, "to", signals.ToProcess, signals.ToGroup, signals.ToSession),
			Settle: maybe(t, durations(0), "settle"),
			Limit:  oneOrNone(t, "limit", scenario.Duration(time.Minute)),
		}
		text := rapid.SampledFrom([]string{"", "TERM/10s/KILL", "30", "TERM/forever", "RTMIN+1/KILL", "INT/1ms/QUIT"}).Draw(t, "schedule")
		if text != "" {
			stop.Schedule, _ = signals.ParseSchedule(text)
		}
		if text == "INT/1ms/QUIT" {
			stop.To = signals.ToTTY
		}
		return stop
	})
}

func strikes() *rapid.Generator[scenario.Strike] {
	return rapid.Custom(func(t *rapid.T) scenario.Strike {
		trials := oneOrNone(t, "trials", 1, 7, 5000)
		switch rapid.IntRange(0, 3).Draw(t, "trigger") {
		case 1:
			return scenario.Strike{Random: &scenario.Random{Trials: trials, Within: durations(1).Draw(t, "within")}}
		case 2:
			from := oneOrNone(t, "from", scenario.FromReady, scenario.FromLaunch)
			return scenario.Strike{Random: &scenario.Random{Trials: trials, From: from, Window: maybe(t, spans(), "window")}}
		case 3:
			nth := oneOrNone(t, "nth", scenario.Range{First: 3, Last: 3}, scenario.Range{First: 1, Last: 10})
			return scenario.Strike{Output: &scenario.Output{Trials: trials, Matching: regexps().Draw(t, "matching"), Nth: nth, Delay: maybe(t, spans(), "delay")}}
		}
		return scenario.Strike{}
	})
}

func expects() *rapid.Generator[scenario.Expect] {
	return rapid.Custom(func(t *rapid.T) scenario.Expect {
		e := scenario.Expect{
			Exit:          rapid.SliceOfNDistinct(accepts(), 0, 3, scenario.Accept.String).Draw(t, "exit"),
			Within:        oneOrNone(t, "within", scenario.Duration(1500*time.Microsecond)),
			Survivors:     oneOrNone(t, "survivors", scenario.None, scenario.Allow),
			Ports:         oneOrNone(t, "ports", scenario.None, scenario.Allow),
			MinConclusive: oneOrNone(t, "min conclusive", &scenario.Quota{Count: 1}, &scenario.Quota{}, &scenario.Quota{Percent: 12.5}, &scenario.Quota{Percent: 1e-7}),
		}
		if rapid.Bool().Draw(t, "has output") {
			e.Output = &scenario.ExpectOutput{
				Contains: rapid.StringMatching(`[ -~]{1,9}`).Draw(t, "contains"),
				Matches:  maybe(t, regexps(), "matches"),
				Lacks:    maybe(t, regexps(), "lacks"),
			}
		}
		return e
	})
}

func accepts() *rapid.Generator[scenario.Accept] {
	return rapid.Custom(func(t *rapid.T) scenario.Accept {
		kind := rapid.SampledFrom(observation.Kinds).Draw(t, "kind")
		if kind == observation.Code {
			return scenario.Accept{Kind: kind, Code: rapid.IntRange(1, 255).Draw(t, "code")}
		}
		return scenario.Accept{Kind: kind}
	})
}
