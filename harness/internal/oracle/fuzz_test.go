package oracle

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// fuzzLimits make what is beyond them quick to reach.
var fuzzLimits = Limits{Bytes: 16 << 20, Entries: 100, Depth: 50, Time: 20 * time.Second}

// fuzzFormat sees that no file makes a decoder fail, run away or give an answer that is
// none. Where there is a plainer way to the answer, naive has it.
func fuzzFormat(f *testing.F, name string, naive func([]byte) bool) {
	sample := samples(f)[name]
	f.Add(sample)
	f.Add(sample[:len(sample)/2])
	f.Add(append(bytes.Clone(sample[:len(sample)/2]), make([]byte, 64)...))
	f.Add(append(bytes.Clone(sample), "more\n"...))
	f.Add([]byte{})
	s := subject(f, state{before: none, file: none})
	f.Fuzz(func(t *testing.T, content []byte) {
		rewrite(t, s, content)
		e := askWithin(t, s, "format:"+name, fuzzLimits)
		undecided := e.Answer == observation.Undecided
		if undecided && (strings.Contains(e.Message, "the decoder of") || strings.Contains(e.Message, "no answer within")) {
			t.Fatalf("%s", e.Message)
		}
		if naive != nil && !undecided && (e.Answer == observation.Whole) != naive(content) {
			t.Fatalf("%s (%s)", said(e), e.Message)
		}
	})
}

func FuzzText(f *testing.F)    { fuzzFormat(f, "text", goodText) }
func FuzzJSONL(f *testing.F)   { fuzzFormat(f, "jsonl", goodLines) }
func FuzzCSV(f *testing.F)     { fuzzFormat(f, "csv", nil) }
func FuzzJSON(f *testing.F)    { fuzzFormat(f, "json", goodJSON) }
func FuzzXML(f *testing.F)     { fuzzFormat(f, "xml", nil) }
func FuzzYAML(f *testing.F)    { fuzzFormat(f, "yaml", nil) }
func FuzzGzip(f *testing.F)    { fuzzFormat(f, "gzip", nil) }
func FuzzBzip2(f *testing.F)   { fuzzFormat(f, "bzip2", nil) }
func FuzzZstd(f *testing.F)    { fuzzFormat(f, "zstd", nil) }
func FuzzXZ(f *testing.F)      { fuzzFormat(f, "xz", nil) }
func FuzzZip(f *testing.F)     { fuzzFormat(f, "zip", nil) }
func FuzzTar(f *testing.F)     { fuzzFormat(f, "tar", nil) }
func FuzzTarGzip(f *testing.F) { fuzzFormat(f, "tar.gz", nil) }
func FuzzParquet(f *testing.F) { fuzzFormat(f, "parquet", nil) }
func FuzzPNG(f *testing.F)     { fuzzFormat(f, "png", nil) }
func FuzzJPEG(f *testing.F)    { fuzzFormat(f, "jpeg", nil) }

// FuzzSQLite starts a program for each file that might be a database.
func FuzzSQLite(f *testing.F) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		f.Skip("no sqlite3")
	}
	fuzzFormat(f, "sqlite", nil)
}

func goodText(content []byte) bool {
	return utf8.Valid(content) && !bytes.Contains(content, []byte{0}) && (len(content) == 0 || bytes.HasSuffix(content, []byte("\n")))
}

func goodJSON(content []byte) bool { return json.Valid(content) && utf8.Valid(content) }

func goodLines(content []byte) bool {
	for line := range bytes.Lines(content) {
		if !bytes.HasSuffix(line, []byte("\n")) || (len(bytes.TrimSpace(line)) > 0 && !goodJSON(line)) {
			return false
		}
	}
	return true
}

// FuzzOldOrNew holds the answers about three contents against plain comparison.
func FuzzOldOrNew(f *testing.F) {
	f.Add([]byte("AAAAAAAA"), []byte("BBBAAAAA"), []byte("BBBBBBBB"))
	f.Add([]byte("old"), []byte("old"), []byte("new"))
	f.Add([]byte(""), []byte("ne"), []byte("new"))
	f.Add([]byte("old"), []byte("ne\x00\x00\x00"), []byte("newer"))
	f.Fuzz(func(t *testing.T, before, file, reference []byte) {
		e := ask(t, subject(t, state{before: "B" + string(before), file: string(file), reference: "R" + string(reference)}), "old-or-new")
		old, new := append([]byte("B"), before...), append([]byte("R"), reference...)
		if whole := bytes.Equal(file, old) || bytes.Equal(file, new); whole != (e.Answer == observation.Whole) || e.Answer == observation.Undecided {
			t.Fatalf("%s (%s)", said(e), e.Message)
		}
		if e.Answer == observation.Whole {
			return
		}
		n := commonPrefix(file, new)
		kinds := map[string]bool{
			Empty:           len(file) == 0,
			Truncated:       n == len(file),
			TrailingGarbage: n == len(new),
			ZeroFilled:      n < len(file) && len(bytes.Trim(file[n:], "\x00")) == 0,
			Torn:            n > 0 && len(file) == len(old) && bytes.Equal(file[n:], old[min(n, len(old)):]),
			Changed:         true,
		}
		if *e.Offset != int64(n) || !kinds[e.Kind] {
			t.Fatalf("%s, and they are the same for %d bytes (%s)", said(e), n, e.Message)
		}
	})
}

// FuzzAppendOnly holds the walk over records against a plainer one.
func FuzzAppendOnly(f *testing.F) {
	f.Add([]byte("a\n"), []byte("b\nc"), uint8(0))
	f.Add([]byte("\x01a"), []byte("\x02bc\x00"), uint8(1))
	f.Add([]byte("\x00\x01a"), []byte("\x00\x02bc\x00\x00"), uint8(2))
	f.Add([]byte("a;;"), []byte("b;;"), uint8(8))
	f.Fuzz(func(t *testing.T, before, added []byte, which uint8) {
		boundaries := []string{"line", "length:u8", "length:u16be", "length:u16le", "length:u32be", "length:u32le", "length:u64be", "length:u64le", "pattern:;;|[0-9]+!"}
		text := boundaries[int(which)%len(boundaries)]
		b, err := scenario.ParseBoundary(text)
		if err != nil {
			t.Fatal(err)
		}
		s := subject(t, state{before: string(before), file: string(before) + string(added)})
		e := ask(t, s, "append-only:"+text)
		if (e.Answer == observation.Whole) != wholeRecords(b, added) || e.Answer == observation.Undecided {
			t.Fatalf("%s behind %d bytes: %s (%s)", text, len(before), said(e), e.Message)
		}
		if len(before) > 0 && len(added) > 0 {
			rewrite(t, s, append(bytes.Clone(before[:len(before)-1]), before[len(before)-1]^1))
			if e := ask(t, s, "append-only:"+text); e.Kind != NotAPrefix || *e.Offset != int64(len(before)-1) {
				t.Fatalf("the last byte is another one: %s (%s)", said(e), e.Message)
			}
		}
	})
}

// wholeRecords says that bytes are whole records.
func wholeRecords(b scenario.Boundary, raw []byte) bool {
	switch {
	case len(raw) == 0:
		return true
	case b.Kind == "line":
		return bytes.HasSuffix(raw, []byte("\n"))
	case b.Kind == "pattern":
		return b.Pattern.Match(raw)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b.Big {
		order = binary.BigEndian
	}
	for len(raw) > 0 {
		if len(raw) < b.Bytes || len(bytes.Trim(raw, "\x00")) == 0 {
			return false
		}
		n := map[int]func() uint64{
			1: func() uint64 { return uint64(raw[0]) },
			2: func() uint64 { return uint64(order.Uint16(raw)) },
			4: func() uint64 { return uint64(order.Uint32(raw)) },
			8: func() uint64 { return order.Uint64(raw) },
		}[b.Bytes]()
		if raw = raw[b.Bytes:]; n > uint64(len(raw)) {
			return false
		}
		raw = raw[n:]
	}
	return true
}

// FuzzPathInCommand has the shell itself say which argument a path becomes, within each
// kind of quotes.
func FuzzPathInCommand(f *testing.F) {
	f.Add("it's", uint8(0))
	f.Add("$(touch x) `touch y` \" ' \\ * ; rm -rf {}", uint8(1))
	f.Add("-n", uint8(2))
	f.Fuzz(func(t *testing.T, name string, quotes uint8) {
		if name == "" || len(name) > 200 || strings.ContainsAny(name, "/\x00") {
			t.Skip("no name of a file")
		}
		script := []string{`printf '%s.' {}`, `printf '%s.' "{}"`, `printf '%s.' '{}'`, `printf '%s.' ''{}""`, `printf '%s.' "a\"b" > /dev/null; printf '%s.' {}`}[int(quotes)%5]
		path := filepath.Join("/none", name)
		out, err := exec.Command("sh", "-c", withPath(script), "sh", path).Output()
		if err != nil || string(out) != path+"." {
			t.Fatalf("%q gives %q, %v; want %q", withPath(script), out, err, path)
		}
	})
}

// FuzzManifest sees that what is read from a line of a manifest is in the line.
func FuzzManifest(f *testing.F) {
	hash := strings.Repeat("0f", 32)
	f.Add([]byte(hash + "  name"))
	f.Add([]byte(`\` + hash + ` *a\nb`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, name, good := manifestLine(line)
		if good && (len(got) != 64 || name == "" || !bytes.Contains(line, []byte(got))) {
			t.Fatalf("%q, %q", got, name)
		}
		if good && line[0] != '\\' && !bytes.Contains(line, []byte(name)) {
			t.Fatalf("the name %q", name)
		}
	})
}
