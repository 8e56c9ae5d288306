package files

import (
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func TestLitter(t *testing.T) {
	for _, c := range []struct {
		want, kind string
		names      []string
		head       string
	}{
		{want: "socket", kind: "socket", names: []string{"control", "x.tmp"}},
		{want: "fifo", kind: "fifo", names: []string{"pipe", "x.lock"}},
		{want: "pid", kind: "file", names: []string{"daemon.pid", "pid", "pidfile", "run/x.PID"}, head: "1234\n"},
		{want: "pid", kind: "file", names: []string{"postmaster.pid"}, head: "77\n/var/lib\n"},
		{want: "pid", kind: "file", names: []string{"daemon.pid"}, head: ""},
		{want: "", kind: "file", names: []string{"daemon.pid"}, head: "PID controller gains"},
		{want: "", kind: "file", names: []string{"daemon.pid"}, head: "4194305"},
		{want: "", kind: "file", names: []string{"daemon.pid"}, head: "-1"},
		{want: "", kind: "folder", names: []string{"x.pid"}},
		{want: "lock", kind: "file", names: []string{"a/db.lock", ".lock", "LOCK", "x.lck", "LCK..ttyS0", ".~lock.a.odt#", "app.lockfile"}},
		{want: "lock", kind: "link", names: []string{"lock", ".#notes.txt"}},
		{want: "lock", kind: "folder", names: []string{"cache.lock"}},
		{want: "", kind: "file", names: []string{"Cargo.lock", "yarn.lock", "sub/poetry.lock", "package-lock.json", "Gemfile.lock"}},
		{want: "temporary", kind: "file", names: []string{
			"x.tmp", "x.TMP", "x.tmp-1a2b", "x.tmp.12", "x.tmp123", "x.temp", "out/.x.tmp", "notes~", "#notes#", "movie.part", ".x.swp",
			"tmp.AbCdEf1234", "tmpab1cd_2e", ".tmpAbC123", ".tmp-x", ".goutputstream-ABC", ".nfs0000000000000001", ".fuse_hidden0001",
		}},
		{want: "temporary", kind: "folder", names: []string{"x.tmp", "tmp.AbCdEf1234"}},
		{want: "", kind: "file", names: []string{
			"report.json", "page.template", "x.template", "template", "index.tmpl", ".tmpl", "tmpfiles.conf", "block", "clock", "pids", "attempt", "~", "a.db-wal", "a.db-journal", "temp", "x.partial.json",
		}},
		{want: "", kind: "device", names: []string{"x.tmp"}},
	} {
		for _, name := range c.names {
			if got := Litter(name, c.kind, []byte(c.head)); got != c.want {
				t.Errorf("%s %s with %q is %q, not %q", c.kind, name, c.head, got, c.want)
			}
		}
	}
}

// TestEveryLitterRuleIsAboutSomething catches a rule whose types are misspelt, or that
// asks for the content of what has none.
func TestEveryLitterRuleIsAboutSomething(t *testing.T) {
	for i, rule := range litterRules {
		for _, kind := range rule.types {
			if !slices.Contains(Types, kind) {
				t.Errorf("rule %d: no entry is a %s", i, kind)
			}
		}
		if rule.content != nil && !slices.Equal(rule.types, []string{"file"}) {
			t.Errorf("rule %d: only files have content", i)
		}
	}
}

func TestMarkLitter(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "old.pid", "1")
	before := take(t, dir, Options{Contents: true})
	write(t, dir, "old.pid", "2")
	write(t, dir, "run/new.pid", "3\n")
	write(t, dir, "gains.pid", "kp=3")
	write(t, dir, "\xff.tmp", "")
	write(t, dir, "result", "")
	must(t, unix.Mknod(path.Join(dir, "control"), unix.S_IFSOCK|0o644, 0))
	changes, _ := before.Diff(take(t, dir, Options{Contents: true}))
	MarkLitter(dir, changes)
	got := map[string]string{}
	for _, c := range changes {
		got[c.Path] = c.Litter
	}
	want := map[string]string{
		"old.pid": "", "run": "", "run/new.pid": "pid", "gains.pid": "", observation.EscapePath("\xff.tmp"): "temporary",
		"result": "", "control": "socket",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
