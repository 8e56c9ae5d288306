package oracle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/sigprobe/sigprobe/harness/observation"
)

func examineFormat(t testing.TB, name string, content []byte) observation.Examined {
	t.Helper()
	return ask(t, subject(t, state{before: none, file: string(content)}), "format:"+name)
}

// rewrite gives a subject's file another content.
func rewrite(t testing.TB, s Subject, content []byte) {
	t.Helper()
	if err := os.WriteFile(s.File, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSamplesAreWhole(t *testing.T) {
	for name, sample := range samples(t) {
		if e := examineFormat(t, name, sample); e.Answer != observation.Whole || e.Message != "" {
			t.Errorf("%s: %s (%s)", name, said(e), e.Message)
		}
	}
}

// TestOtherWriters has programs that nobody here wrote make the files.
func TestOtherWriters(t *testing.T) {
	content := jsonLinesOf(t, orders())
	dir := t.TempDir()
	for _, c := range []struct{ format, script string }{
		{"gzip", "gzip -c"}, {"gzip", "tee x | gzip -c; gzip -c x"}, {"gzip", "gzip -9nc"},
		{"bzip2", "bzip2 -c"}, {"bzip2", "tee x | bzip2 -c; bzip2 -c x"},
		{"xz", "xz -c"}, {"xz", "tee x | xz -c; xz -9 -C sha256 -c x"}, {"xz", "xz -0 --check=none -c"},
		{"zstd", "zstd -qc"}, {"zstd", "tee x | zstd -qc; zstd -19 -qc x"}, {"zstd", "zstd -q --no-check --long=27 -c"},
		{"tar", "cat > x; tar -cf - x x"}, {"tar", "cat > x; tar -b 1 -cf - x"}, {"tar", "tar -cf - -T /dev/null"},
		{"tar", "truncate -s 1M sparse; tar -S --format=pax -cf - sparse"},
		{"tar.gz", "cat > x; tar -czf - x x"}, {"tar.bz2", "cat > x; tar -cjf - x"},
		{"tar.xz", "cat > x; tar -cJf - x"}, {"tar.zst", "cat > x; tar --zstd -cf - x"},
	} {
		shell := exec.Command("sh", "-c", c.script)
		shell.Dir, shell.Stdin = dir, bytes.NewReader(content)
		out, err := shell.Output()
		if shell.ProcessState != nil && shell.ProcessState.ExitCode() == 127 {
			t.Logf("%s: a program is not there", c.script)
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.script, err)
		}
		if e := examineFormat(t, c.format, out); e.Answer != observation.Whole {
			t.Errorf("%s by %s: %s (%s)", c.format, c.script, said(e), e.Message)
		}
		if e := examineFormat(t, c.format, append(out, "garbage, and quite some"...)); e.Kind != TrailingGarbage {
			t.Errorf("%s by %s, with more: %s (%s)", c.format, c.script, said(e), e.Message)
		}
	}
}

func TestFormats(t *testing.T) {
	all := samples(t)
	nested := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for _, c := range []struct{ format, content, want string }{
		{"text", "", "whole"}, {"text", "a\nb\n", "whole"}, {"text", "\n", "whole"},
		{"text", "a\nb", "torn@2"}, {"text", "a\xff\n", "malformed@1"}, {"text", "a\x00b\n", "malformed@1"},
		{"text", "a\n\xc3", "truncated@2"}, {"text", "a\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "zero-filled@2"},
		{"text", strings.Repeat("x", chunk-1) + "ü\n", "whole"},
		{"text", strings.Repeat("x", chunk-1) + "\xc3\n", "malformed@" + string(itoa(chunk-1))},

		{"json", "1", "whole"}, {"json", " {\"a\": [1, null]}\n", "whole"},
		{"json", "", "empty@0"}, {"json", "  \n", "truncated@3"}, {"json", "[1, 2", "truncated@5"},
		{"json", "{\"a\": tru", "truncated@9"}, {"json", "{} {}", "trailing-garbage@3"}, {"json", "{}x", "trailing-garbage@2"},
		{"json", "{\"a\" 1}", "malformed@5"}, {"json", "[1,]", "malformed@3"}, {"json", "[\"\xff\"]", "malformed@2"},
		{"json", nested, "unknown"}, {"json", "[\"a\nb\"]", "malformed@3"},

		{"jsonl", "", "whole"}, {"jsonl", "{}\n\n[]\n", "whole"}, {"jsonl", "{}\n[1", "torn@3"}, {"jsonl", "{}\n[1]", "torn@3"},
		{"jsonl", "{}\n[1\n{}\n", "malformed@4"}, {"jsonl", "{}\n{}{}\n", "malformed@5"}, {"jsonl", "\"\xff\"\n", "malformed@0"},

		{"csv", "a,b\n1,2\n", "whole"}, {"csv", "a,b\n\"x\ny\",2\n", "whole"}, {"csv", "a,b\r\n1,2\r\n", "whole"},
		{"csv", "", "empty@0"}, {"csv", "a,b\n1,2", "torn@4"}, {"csv", "a,b\n1", "torn@4"}, {"csv", "a,b\n\"1", "torn@4"},
		{"csv", "a,b\n1\n1,2\n", "malformed@4"}, {"csv", "a,b\n1,2,3\n", "malformed@4"}, {"csv", "a,b\n1,\xff\n", "malformed@6"},

		{"xml", "<a/>", "whole"}, {"xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><a b=\"1\">t<c/></a>\n", "whole"},
		{"xml", "", "empty@0"}, {"xml", "<a><b></b>", "truncated@10"}, {"xml", "<a", "truncated@2"}, {"xml", "<?xml version=\"1.0\"?>\n", "truncated@22"},
		{"xml", "<a></b>", "malformed@7"}, {"xml", "<a/><b/>", "trailing-garbage@8"}, {"xml", "<a/>text", "trailing-garbage@4"},
		{"xml", "text<a/>", "malformed@0"}, {"xml", "<?xml version=\"1.0\" encoding=\"koi8-r\"?><a/>", "unknown"},
		{"xml", strings.Repeat("<a>", 2000), "unknown"},

		{"yaml", "a: 1\n", "whole"}, {"yaml", "a: 1\n---\nb: 2\n", "whole"}, {"yaml", "a", "whole"},
		{"yaml", "", "empty@0"}, {"yaml", "# nothing\n", "empty@0"}, {"yaml", "a: [1, 2\n", "malformed@0"}, {"yaml", "a: 1\nb: \"x\n", "malformed@5"},
		{"yaml", nested, "unknown"}, {"yaml", strings.Repeat("- ", 2000), "unknown"}, {"yaml", "a: \xff\n", "malformed@3"},

		{"gzip", string(all["jsonl"]), "malformed@10"}, {"gzip", string(all["gzip"]) + string(all["gzip"]), "whole"},
		{"zstd", string(all["zstd"]) + string(all["zstd"]), "whole"}, {"xz", string(all["xz"]) + string(all["xz"]), "whole"},
		{"tar", strings.Repeat("\x00", 1024), "whole"}, {"tar", strings.Repeat("\x00", 512), "truncated@512"},
		{"tar", string(all["tar"][:len(all["tar"])-512]), "truncated@" + string(itoa(int64(len(all["tar"])-512)))},
		{"tar", string(all["tar"][:len(all["tar"])-1024]), "truncated@" + string(itoa(int64(len(all["tar"])-1024)))},
		{"tar.gz", string(gzipOf(t, all["tar"][:len(all["tar"])-1024])), "truncated"},
		{"tar.gz", string(gzipOf(t, append(bytes.Clone(all["tar"]), "more"...))), "trailing-garbage"},
		{"tar.gz", string(all["gzip"]), "malformed"},
		{"zip", string(all["zip"][:len(all["zip"])-1]), "truncated@" + string(itoa(int64(len(all["zip"])-1)))},
		{"zip", string(all["zip"]) + "x", "trailing-garbage"}, {"zip", "PK", "truncated@2"}, {"zip", "text", "malformed@0"},
		{"png", string(all["png"]) + "x", "trailing-garbage@" + string(itoa(int64(len(all["png"]))))},
		{"jpeg", string(all["jpeg"]) + "x", "trailing-garbage"},
		{"parquet", "PAR1PAR1", "truncated@8"}, {"parquet", "PAR1\x00\x00\x00\x00PAR1", "malformed@4"}, {"parquet", "text", "malformed@0"},
		{"parquet", "PAR1\x15\x02\x00\x03\x00\x00\x00PAR1", "whole"}, {"parquet", "PAR1\x15\x02\x00\x00\x04\x00\x00\x00PAR1", "malformed@7"},
		{"parquet", "PAR1\x00\x01\x00\x00\x00PAR1", "malformed@5"}, {"parquet", "PAR1\x15\x02\x02\x00\x00\x00PAR1", "malformed@6"},
		{"parquet", "PAR1\xff\x00\x00\x00PAR1", "malformed@4"}, {"parquet", "PAR1xxxxxxxxPARE", "unknown"},
	} {
		if e := examineFormat(t, c.format, []byte(c.content)); said(e) != c.want {
			t.Errorf("%s of %.60q: %s, want %s (%s)", c.format, c.content, said(e), c.want, e.Message)
		}
	}
}

// TestOneByteIsWrong flips each byte of the formats that have checksums over all that
// counts, but for fields that carry nothing (in xz: the first byte of an LZMA chunk).
func TestOneByteIsWrong(t *testing.T) {
	all := samples(t)
	s := subject(t, state{before: none, file: none})
	for name, unseen := range map[string]int{"gzip": 9, "xz": 1, "png": 0, "zstd": 4} {
		missed := 0
		for i := range all[name] {
			wrong := bytes.Clone(all[name])
			wrong[i] ^= 0x40
			rewrite(t, s, wrong)
			if e := ask(t, s, "format:"+name); e.Answer == observation.Whole {
				missed++
				t.Logf("%s: byte %d", name, i)
			}
		}
		if missed > unseen {
			t.Errorf("%s: %d of %d wrong bytes are not seen, more than %d", name, missed, len(all[name]), unseen)
		}
	}
}

// TestLimits sees that what is too much is Undecided, never damage.
func TestLimits(t *testing.T) {
	all := samples(t)
	for name, l := range map[string]Limits{
		"gzip": {Bytes: 1500}, "tar": {Entries: 2}, "zip": {Entries: 2}, "json": {Depth: 1}, "xml": {Depth: 1},
	} {
		s := subject(t, state{before: none, file: string(all[name])})
		if e := askWithin(t, s, "format:"+name, l); e.Answer != observation.Undecided || !strings.Contains(e.Message, "limit") {
			t.Errorf("%s: %s (%s)", name, said(e), e.Message)
		}
	}
	s := subject(t, state{before: none, file: string(all["zip"])})
	if e := askWithin(t, s, "format:zip", Limits{Bytes: int64(len(all["zip"]))}); e.Answer != observation.Undecided {
		t.Errorf("zip: %s (%s)", said(e), e.Message)
	}
	long := strings.Repeat("x", longestToken+chunk+1)
	for name, content := range map[string]string{"jsonl": "\"" + long + "\"\n", "json": "\"" + long + long + "\"", "csv": "a\n\"" + long + long + "\"\n", "xml": "<a>" + long + long + "</a>"} {
		if e := examineFormat(t, name, []byte(content)); e.Answer != observation.Undecided || !strings.Contains(e.Message, "longer than the limit") {
			t.Errorf("%s: %s (%s)", name, said(e), e.Message)
		}
	}
}

// TestASmallFileOfVeryMuch sees that what unpacks to thousands of times its size is let be.
func TestASmallFileOfVeryMuch(t *testing.T) {
	zeros := make([]byte, 1<<20)
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	for n := 0; err == nil && n <= freeOfRatio; n += len(zeros) {
		_, err = w.Write(zeros)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if e := examineFormat(t, "zstd", out.Bytes()); e.Answer != observation.Undecided || !strings.Contains(e.Message, "times its size") {
		t.Errorf("%d bytes: %s (%s)", out.Len(), said(e), e.Message)
	}
}

// TestHugeClaims has files that promise far more than they have.
func TestHugeClaims(t *testing.T) {
	png := bytes.Clone(samples(t)["png"])
	binary.BigEndian.PutUint32(png[16:], 1<<30)
	binary.BigEndian.PutUint32(png[20:], 1<<30)
	if e := examineFormat(t, "png", png); e.Answer == observation.Whole {
		t.Error("a picture of 2^60 pixels is whole")
	}
	xz := bytes.Clone(samples(t)["xz"])
	xz[16] = 40 // a dictionary of 4 GiB
	if e := examineFormat(t, "xz", xz); e.Answer != observation.Undecided || !strings.Contains(e.Message, "window") {
		t.Errorf("xz: %s (%s)", said(e), e.Message)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "secret", Flags: 1})
	if err == nil {
		_, err = f.Write([]byte("x"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if e := examineFormat(t, "zip", out.Bytes()); e.Answer != observation.Undecided {
		t.Errorf("an encrypted member: %s (%s)", said(e), e.Message)
	}
}

// TestSQLiteRecovers has a writer killed in the middle of a transaction, with either kind
// of journal: what it leaves is whole with its journal, and mostly not without.
func TestSQLiteRecovers(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3")
	}
	for _, mode := range []string{"delete", "wal"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "x.db")
		script := "PRAGMA journal_mode=" + mode + "; PRAGMA cache_size=2; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE);" +
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO t SELECT i, hex(i*7919) FROM n;" +
			"CREATE TABLE loose(t REFERENCES t(id)); INSERT INTO loose VALUES(9999);" +
			"BEGIN; UPDATE t SET v = v || 'changed';\n.shell kill -9 $PPID\n"
		writer := exec.Command(program, "-batch", "-init", os.DevNull, file)
		writer.Stdin = strings.NewReader(script)
		if out, err := writer.CombinedOutput(); err == nil {
			t.Fatalf("it was not killed: %s", out)
		}
		s := Subject{Path: "x.db", File: file, Dir: dir}
		// The row that refers to none was committed last: in the log alone, where there is one.
		if e := ask(t, s, "format:sqlite"); e.Answer != observation.Whole || !strings.HasSuffix(e.Message, ": 1") {
			t.Errorf("%s: %s (%s)", mode, said(e), e.Message)
		}
		journal := file + map[string]string{"delete": "-journal", "wal": "-wal"}[mode]
		if _, err := os.Stat(journal); err != nil {
			t.Errorf("%s: the journal is not there any more: %v", mode, err)
		}
		if mode == "delete" {
			if err := os.Remove(journal); err != nil {
				t.Fatal(err)
			}
			if e := ask(t, s, "format:sqlite"); e.Answer != observation.Damaged {
				t.Errorf("without its journal: %s (%s)", said(e), e.Message)
			}
		}
	}
}

func TestSQLiteTellsOfLooseRows(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3")
	}
	s := subject(t, state{before: none, file: none})
	script := "CREATE TABLE a(id INTEGER PRIMARY KEY); CREATE TABLE b(a REFERENCES a(id)); INSERT INTO b VALUES (7), (8);"
	if out, err := exec.Command(program, s.File, script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e := ask(t, s, "format:sqlite"); e.Answer != observation.Whole || !strings.HasSuffix(e.Message, ": 2") {
		t.Errorf("%s (%s)", said(e), e.Message)
	}
}

func TestSQLiteWithoutTheProgram(t *testing.T) {
	s := subject(t, state{before: none, file: string(sqliteMagic) + strings.Repeat("x", 100)})
	t.Setenv("PATH", t.TempDir())
	if e := ask(t, s, "format:sqlite"); e.Answer != observation.Undecided || !strings.Contains(e.Message, "install") {
		t.Errorf("%s (%s)", said(e), e.Message)
	}
}
