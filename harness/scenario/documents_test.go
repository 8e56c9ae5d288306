package scenario_test

import "strings"

// document is a scenario, or part of one, and whether it is good.
type document struct {
	text string // a whole file, or fields of one scenario beside its target
	good bool
	// beyond marks what the parser refuses and a schema cannot.
	beyond bool
}

// file is the document as a file.
func (d document) file() string {
	if strings.HasPrefix(d.text, "scenarios") || strings.HasPrefix(d.text, "other") || d.text == "[]" {
		return d.text
	}
	target := "target: {command: [./x]}"
	if strings.HasPrefix(d.text, "target:") {
		target = ""
	}
	return "scenarios:\n  - description: x\n    " + target + "\n    " + strings.ReplaceAll(d.text, "\n", "\n    ") + "\n"
}

// documents are held against the parser and the schema.
var documents = []document{
	{text: "name: ledger-writer_2.x", good: true},
	{text: "name: .x"}, {text: "name: -x"}, {text: "name: a/b"}, {text: "name: ''"}, {text: "name: 5"}, {text: "name: ä"},

	{text: "target: {command: [sleep, 1000, 1.5, true]}", good: true},
	{text: "target: {command: [./x], env: {A: b, PORT: 8080, ON: true, E: ''}}", good: true},
	{text: "target: {command: [./x], files: [a, b/], workdir: fresh, inherit_signals: true}", good: true},
	{text: "target: {command: [./x], files: [], workdir: inherit}", good: true},
	{text: "target: {command: [./x], files: [a], workdir: inherit}"},
	{text: "target: {command: [./x], files: [a/c, b/c]}", beyond: true},
	{text: "target: {command: [./x], files: ['']}"},
	{text: "target: {command: [./x], workdir: new}"},
	{text: "target: {command: [./x], env: {A: null}}"},
	{text: "target: {command: [./x], env: {A: [b]}}"},
	{text: "target: {command: [./x], env: {'A=B': c}}"},
	{text: "target: {command: [./x], inherit_signals: yes}"},
	{text: "target: {command: [./x], shell: true}"},
	{text: "target: {command: []}"}, {text: "target: {command: ['']}"}, {text: "target: {command: ./x}"}, {text: "target: {command: [null]}"},
	{text: "target: {}"}, {text: "target: ./x"},

	{text: "ready: auto", good: true},
	{text: "ready: {}", good: true},
	{text: "ready: {output: ready, timeout: 1m30s}", good: true},
	{text: "ready: {port: 65535}", good: true},
	{text: "ready: {http: 'http://127.0.0.1:80/x?y'}", good: true},
	{text: "ready: {http: 'HTTPS://h'}", good: true},
	{text: "ready: {file: run/x.pid}", good: true},
	{text: "ready: {notify: true}", good: true},
	{text: "ready: {notify: false, port: 80}", good: true},
	{text: "ready: {after: 0s}", good: true},
	{text: "ready: now"}, {text: "ready: [output]"}, {text: "ready:"},
	{text: "ready: {output: x, port: 80}"}, {text: "ready: {http: 'http://h', file: x}"}, {text: "ready: {notify: true, after: 1s}"},
	{text: "ready: {port: 0}"}, {text: "ready: {port: 65536}"}, {text: "ready: {port: -1}"}, {text: "ready: {port: '80'}"}, {text: "ready: {port: 1.5}"},
	{text: "ready: {http: localhost}"}, {text: "ready: {http: 'ftp://h'}"}, {text: "ready: {http: 'http:///x'}"}, {text: "ready: {http: ''}"},
	{text: "ready: {file: ''}"}, {text: "ready: {output: 5}"}, {text: "ready: {notify: 1}"}, {text: "ready: {after: 2}"}, {text: "ready: {after: -2s}"}, {text: "ready: {after: two}"}, {text: "ready: {after: '0'}"},
	{text: "ready: {output: '('}", beyond: true},
	{text: "ready: {after: 31s}", beyond: true},
	{text: "ready: {timeout: 0s}", beyond: true},
	{text: "ready: {after: 31s, timeout: 32s}", good: true},

	{text: "stop: {schedule: TERM/10s/KILL, to: group, settle: 0s, limit: 1h}", good: true},
	{text: "stop: {schedule: INT/7.5s/TERM/2.5s/KILL}", good: true},
	{text: "stop: {schedule: 30}", good: true}, {text: "stop: {schedule: '30'}", good: true}, {text: "stop: {schedule: -15}", good: true},
	{text: "stop: {schedule: -15/10/-9}", good: true}, {text: "stop: {schedule: sigterm/30/forever}", good: true},
	{text: "stop: {schedule: RTMIN+3/RTMAX-30/SigUsr1/IOT}", good: true},
	{text: "stop: {schedule: INT/1s/QUIT/KILL, to: tty}", good: true},
	{text: "stop: {schedule: NOSUCH/10s/KILL}"}, {text: "stop: {schedule: 10/KILL}"}, {text: "stop: {schedule: TERM/forever/KILL}"}, {text: "stop: {schedule: forever}"},
	{text: "stop: {schedule: TERM/}"}, {text: "stop: {schedule: ''}"}, {text: "stop: {schedule: TERM/0/KILL}"}, {text: "stop: {schedule: TERM/7.5/KILL}"},
	{text: "stop: {schedule: 0}"}, {text: "stop: {schedule: -65}"}, {text: "stop: {schedule: 7.5}"}, {text: "stop: {schedule: RTMIN+31}"}, {text: "stop: {schedule: [TERM, KILL]}"},
	{text: "stop: {to: tree}"}, {text: "stop: {to: 1}"}, {text: "stop: {settle: 2}"}, {text: "stop: {settle: '2'}"}, {text: "stop: {kill: 2s}"},
	{text: "stop: {schedule: TERM/10s/KILL, to: tty}", beyond: true},
	{text: "stop: {to: tty}", beyond: true},
	{text: "stop: {settle: 9000h}", beyond: true},
	{text: "stop: {limit: 0s}", beyond: true},

	{text: "strike: {}", good: true},
	{text: "strike: {random: {trials: 200, from: launch, within: 2s}}", good: true},
	{text: "strike: {random: {window: 1s..2s}}", good: true}, {text: "strike: {random: {window: 2s}}", good: true}, {text: "strike: {random: {window: 0s..0s}}", good: true},
	{text: "strike: {output: {matching: 'saved \\d+', nth: 1..10, delay: 0s..5ms, trials: 3}}", good: true},
	{text: "strike: {output: {matching: x, nth: 3}}", good: true}, {text: "strike: {output: {matching: x, nth: '3'}}", good: true},
	{text: "strike: {random: {}, output: {matching: x}}"}, {text: "strike: {random: {within: 1s, window: 1s..2s}}"},
	{text: "strike: {random: {trials: 0}}"}, {text: "strike: {random: {trials: -1}}"}, {text: "strike: {random: {trials: 2.5}}"}, {text: "strike: {random: {trials: many}}"}, {text: "strike: {random: {trials: 1000001}}"},
	{text: "strike: {random: {from: start}}"}, {text: "strike: {random: {within: 2}}"}, {text: "strike: {random: {window: 1..2}}"}, {text: "strike: {random: {window: [1s, 2s]}}"}, {text: "strike: {random: {window: 1s...2s}}", beyond: true},
	{text: "strike: {output: {}}"}, {text: "strike: {output: {matching: x, nth: 0}}"}, {text: "strike: {output: {matching: x, nth: 1-3}}"}, {text: "strike: {file: {create: x}}"}, {text: "strike: random"},
	{text: "strike: {sweep: {syscall: write}}", good: true}, {text: "strike: {sweep: {syscall: 'rename,%modify', path: 'out/**', side: [before, after], points: 5..100+5, count: process, trials: 9, budget: 60s}}", good: true},
	{text: "strike: {sweep: {syscall: write, points: 7}}", good: true}, {text: "strike: {sweep: {syscall: write, points: '1..+10'}}", good: true},
	{text: "strike: {syscall: {call: =write, path: out.json, nth: 3..9, side: inside, trials: 5, delay: 1ms}}", good: true},
	{text: "strike: {sweep: {}}"}, {text: "strike: {sweep: {syscall: nonsense}}", beyond: true}, {text: "strike: {sweep: {syscall: write, side: before}}"}, {text: "strike: {sweep: {syscall: write, side: [beside]}}"},
	{text: "strike: {sweep: {syscall: write, side: [after, after]}}", beyond: true}, {text: "strike: {sweep: {syscall: write, points: 9..3}}", beyond: true}, {text: "strike: {sweep: {syscall: write, points: 0..3}}"},
	{text: "strike: {sweep: {syscall: write, path: 'a[', budget: 1s}}", beyond: true}, {text: "strike: {sweep: {syscall: write, trials: 0}}"}, {text: "strike: {syscall: {call: write}, sweep: {syscall: write}}"},
	{text: "strike: {syscall: {call: write, count: thread}}"}, {text: "strike: {syscall: {nth: 3}}"},
	{text: "strike: {random: {window: 2s..1s}}", beyond: true}, {text: "strike: {output: {matching: x, nth: 3..1}}", beyond: true}, {text: "strike: {random: {within: 0s}}", beyond: true},

	{text: "expect: {exit: [clean, conventional, 'code:3', 'code:255', killed], within: 2s, survivors: allow, ports: none, min_conclusive: 10}", good: true},
	{text: "expect: {output: {contains: stopped, lacks: panic}, min_conclusive: 50%}", good: true},
	{text: "expect: {min_conclusive: 0}", good: true}, {text: "expect: {min_conclusive: '0'}", good: true}, {text: "expect: {exit: ['code:0']}", good: true},
	{text: "expect: {exit: clean}"}, {text: "expect: {exit: []}"}, {text: "expect: {exit: [0]}"}, {text: "expect: {exit: ['code:256']}"}, {text: "expect: {exit: [code]}"}, {text: "expect: {exit: [Clean]}"},
	{text: "expect: {within: 10}"}, {text: "expect: {survivors: some}"}, {text: "expect: {ports: true}"}, {text: "expect: {output: {}}"}, {text: "expect: {output: stopped}"}, {text: "expect: {output: {contains: ''}}"}, {text: "expect: {output: {contains: \"a\\nb\"}}"},
	{text: "expect: {min_conclusive: -1}"}, {text: "expect: {min_conclusive: half}"}, {text: "expect: {min_conclusive: 2.5}"},
	{text: "expect: {within: 0s}", beyond: true}, {text: "expect: {min_conclusive: 21}", beyond: true}, {text: "expect: {min_conclusive: 101%}", beyond: true}, {text: "expect: {output: {lacks: '['}}", beyond: true},

	{text: "expect: {files: [{path: out/a.json, is: absent}, {path: 'out/**', is: [present, 'format:json', 'command:jq . {}']}]}", good: true},
	{text: "expect:\n  files:\n    - path: out/a.json\n      is: format:json\n    - {path: b, format: tar.gz}\n    - {path: c, sha256: '@sums', command: 'test -s {}'}", good: true},
	{text: "expect: {files: [{path: a, is: append-only}, {path: b, is: 'append-only:length:u32be'}, {path: c, is: 'append-only:pattern:;$'}, {path: d, is: append-only:line}]}", good: true},
	{text: "expect: {files: [{path: a, is: [old-or-new, resumable, unchanged]}]}", good: true},
	{text: "target: {command: [x], workdir: inherit}\nexpect: {files: [{path: a, is: [unchanged, append-only]}, {path: '*.lock', is: absent}]}", good: true},
	{text: "expect: {files: [{path: a, is: ['sha256:" + strings.Repeat("a", 64) + "', 'sha256:" + strings.Repeat("A", 64) + "', 'sha256:@sums']}]}", good: true},
	{text: "expect: {files: []}"}, {text: "expect: {files: {path: a, is: absent}}"}, {text: "expect: {files: [a]}"}, {text: "expect: {files: [{path: a}]}"}, {text: "expect: {files: [{is: absent}]}"},
	{text: "expect: {files: [{path: '', is: absent}]}"}, {text: "expect: {files: [{path: out/, is: absent}]}"}, {text: "expect: {files: [{path: a, is: []}]}"}, {text: "expect: {files: [{path: a, is: gone}]}"},
	{text: "expect: {files: [{path: a, is: 5}]}"}, {text: "expect: {files: [{path: a, is: true}]}"}, {text: "expect: {files: [{path: a, is: [absent, 5]}]}"}, {text: "expect: {files: [{path: a, is: {format: json}}]}"},
	{text: "expect: {files: [{path: a, is: 'absent:x'}]}"}, {text: "expect: {files: [{path: a, is: format}]}"}, {text: "expect: {files: [{path: a, is: 'format:jsn'}]}"}, {text: "expect: {files: [{path: a, is: 'format:tarXgz'}]}"},
	{text: "expect: {files: [{path: a, is: 'sha256:abc'}]}"}, {text: "expect: {files: [{path: a, is: 'sha256:@'}]}"}, {text: "expect: {files: [{path: a, is: 'command: '}]}"}, {text: "expect: {files: [{path: a, is: 'append-only:length:u32'}]}"},
	{text: "expect: {files: [{path: a, is: 'append-only:page'}]}"}, {text: "expect: {files: [{path: a, is: 'append-only:pattern:('}]}", beyond: true},
	{text: "expect: {files: [{path: a, format: jsn}]}"}, {text: "expect: {files: [{path: a, format: ''}]}"}, {text: "expect: {files: [{path: a, sha256: abc}]}"}, {text: "expect: {files: [{path: a, command: ' '}]}"}, {text: "expect: {files: [{path: a, size: 3}]}"},
	{text: "expect: {files: [{path: a, is: [absent, present]}]}", beyond: true}, {text: "expect: {files: [{path: a, is: absent, format: json}]}", beyond: true}, {text: "expect: {files: [{path: a, is: ['format:json'], format: json}]}", beyond: true},
	{text: "expect: {files: [{path: a, is: absent}, {path: a, is: present}]}", beyond: true}, {text: "expect: {files: [{path: out/a, is: present}, {path: 'out/**', is: absent}]}", beyond: true},
	{text: "expect: {files: [{path: 'a[', is: absent}]}", beyond: true}, {text: "expect: {files: [{path: ../a, is: absent}]}", beyond: true}, {text: "expect: {files: [{path: ./a, is: absent}]}", beyond: true},
	{text: "target: {command: [x], workdir: inherit}\nexpect: {files: [{path: a, is: old-or-new}]}", beyond: true}, {text: "target: {command: [x], workdir: inherit}\nexpect: {files: [{path: a, is: [present, resumable]}]}", beyond: true},

	{text: "expect: {acknowledged: {output: 'committed (\\d+)', in: out/ledger.jsonl, as: '\"id\":%s,', ordered: true}}", good: true},
	{text: "expect: {acknowledged: {output: '(.*)', command: ./dump}}", good: true},
	{text: "expect: {acknowledged: {in: x}}"}, {text: "expect: {acknowledged: {output: (x)}}"}, {text: "expect: {acknowledged: {output: (x), in: a, command: b}}"}, {text: "expect: {acknowledged: {output: (x), in: ''}}"},
	{text: "expect: {acknowledged: {output: (x), in: a/}}"}, {text: "expect: {acknowledged: {output: (x), command: ' '}}"}, {text: "expect: {acknowledged: {output: (x), in: a, as: id}}"}, {text: "expect: {acknowledged: {output: (x), in: a, ordered: 1}}"}, {text: "expect: {acknowledged: true}"},
	{text: "expect: {acknowledged: {output: x, in: a}}", beyond: true}, {text: "expect: {acknowledged: {output: '((x)', in: a}}", beyond: true}, {text: "expect: {acknowledged: {output: (x), in: a, as: '%s=%s'}}", beyond: true},
	{text: "target: {command: [x], workdir: inherit}\nexpect: {acknowledged: {output: (x), in: a}}", beyond: true},

	{text: "expect: {litter: none}", good: true}, {text: "expect: {litter: allow}", good: true}, {text: "expect: {litter: {allow: ['cache/**', $TMPDIR/x, '/dev/shm/sem.*']}}", good: true}, {text: "expect: {litter: {}}", good: true}, {text: "expect: {litter: {allow: []}}", good: true},
	{text: "expect: {litter: some}"}, {text: "expect: {litter: true}"}, {text: "expect: {litter: {allow: cache}}"}, {text: "expect: {litter: {allow: ['']}}"}, {text: "expect: {litter: {allow: [a/]}}"}, {text: "expect: {litter: {forbid: [a]}}"},
	{text: "expect: {litter: {allow: ['a[']}}", beyond: true}, {text: "target: {command: [x], workdir: inherit}\nexpect: {litter: none}", beyond: true},

	{text: "expect: {restarts: true}", good: true}, {text: "expect: {restarts: false}", good: true}, {text: "expect: {restarts: {factor: 2.5, floor: 500ms}}", good: true}, {text: "expect: {restarts: {factor: 3}}", good: true}, {text: "expect: {restarts: {}}", good: true},
	{text: "expect: {restarts: yes}"}, {text: "expect: {restarts: 3}"}, {text: "expect: {restarts: {factor: 0}}"}, {text: "expect: {restarts: {factor: 0.5}}"}, {text: "expect: {restarts: {factor: '3'}}"}, {text: "expect: {restarts: {factor: 1001}}"}, {text: "expect: {restarts: {factor: .inf}}"}, {text: "expect: {restarts: {floor: 1}}"},
	{text: "expect: {restarts: {floor: 0s}}", beyond: true}, {text: "expect: {restarts: {floor: 9000h}}", beyond: true}, {text: "target: {command: [x], workdir: inherit}\nexpect: {restarts: true}", beyond: true},
	{text: "target: {command: [x], workdir: inherit}\nexpect: {restarts: false, litter: allow}", good: true},

	{text: "expect: {compare: kill, restarts: true}", good: true}, {text: "expect: {compare: kill, files: [{path: a, format: json}]}", good: true}, {text: "expect: {compare: kill, acknowledged: {output: (x), in: a}}", good: true},
	{text: "expect: {compare: term, restarts: true}"}, {text: "expect: {compare: '', restarts: true}"}, {text: "expect: {compare: [kill], restarts: true}"},
	{text: "expect: {compare: kill}", beyond: true}, {text: "expect: {compare: kill, litter: none, restarts: false}", beyond: true}, {text: "stop: {schedule: KILL}\nexpect: {compare: kill, restarts: true}", beyond: true},
	{text: "target: {command: [x], workdir: inherit}\nexpect: {compare: kill, files: [{path: a, is: present}]}", beyond: true},

	{text: "scenarios: [{name: a, target: {command: [x]}}, {name: b, target: {command: [x]}}]", good: true},
	{text: "scenarios: [{target: {command: [x]}}, {target: {command: [x]}}]", beyond: true},
	{text: "scenarios:\n- &a {name: a, target: {command: [x]}, expect: &e {exit: [killed]}}\n- {<<: *a, name: b, expect: *e}\n", good: true},
	{text: "scenarios: []"}, {text: "scenarios: {}"}, {text: "scenarios: [x]"}, {text: "scenarios: [{name: a}]"}, {text: "scenarios:"}, {text: "[]"}, {text: "other: 1"},
}
