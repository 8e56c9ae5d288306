package oracle

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// order is a row of the samples: text, numbers, a nested value.
type order struct {
	ID    int      `json:"id" yaml:"id" xml:"id,attr"`
	Name  string   `json:"name" yaml:"name" xml:"name"`
	Price float64  `json:"price" yaml:"price" xml:"price"`
	Tags  []string `json:"tags" yaml:"tags" xml:"tag"`
}

func orders() []order {
	var list []order
	for i := range 24 {
		list = append(list, order{i, fmt.Sprintf("part no. %d, größe %c", i*7919%1000, 'A'+rune(i)), float64(i*i) / 4, []string{"new", strings.Repeat("z", i%5+1)}})
	}
	return list
}

// samples are a good file of each format, the same at every call, by writers that have
// nothing to do with the decoders where there are such. Those whose writer is not on
// this machine are left out.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	must := func(raw []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	list := orders()
	lines := jsonLinesOf(t, list)
	tarred := tarOf(t, lines)
	all := map[string][]byte{
		"text":  []byte(strings.Repeat("größer, länger, weiter\n", 40)),
		"jsonl": lines,
		"csv":   csvOf(t, list),
		"json":  must(json.MarshalIndent(list, "", " ")),
		"xml": must(xml.MarshalIndent(struct {
			XMLName xml.Name `xml:"orders"`
			Order   []order  `xml:"order"`
		}{Order: list}, "", " ")),
		"yaml":    must(yaml.Marshal(list)),
		"gzip":    gzipOf(t, lines),
		"zstd":    zstdOf(t, lines),
		"xz":      xzOf(t, lines),
		"zip":     zipOf(t, lines),
		"tar":     tarred,
		"tar.gz":  gzipOf(t, tarred),
		"tar.zst": zstdOf(t, tarred),
		"tar.xz":  xzOf(t, tarred),
		"png":     pictureOf(t, png.Encode),
		"jpeg":    pictureOf(t, func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }),
		"parquet": parquetSample(t),
	}
	if packed := piped(t, lines, "bzip2"); packed != nil {
		all["bzip2"], all["tar.bz2"] = packed, piped(t, tarred, "bzip2")
	}
	if database := databaseOf(t); database != nil {
		all["sqlite"] = database
	}
	return all
}

func jsonLinesOf(t testing.TB, list []order) []byte {
	var out bytes.Buffer
	for _, o := range list {
		if err := json.NewEncoder(&out).Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func csvOf(t testing.TB, list []order) []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write([]string{"id", "name", "price"}) //nolint:errcheck // Error tells
	for _, o := range list {
		w.Write([]string{fmt.Sprint(o.ID), o.Name, fmt.Sprint(o.Price)}) //nolint:errcheck // likewise
	}
	w.Flush()
	if err := w.Error(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// through writes content through a packing writer.
func through(t testing.TB, w io.WriteCloser, out *bytes.Buffer, content []byte) []byte {
	t.Helper()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gzipOf(t testing.TB, content []byte) []byte {
	var out bytes.Buffer
	return through(t, gzip.NewWriter(&out), &out, content)
}

func zstdOf(t testing.TB, content []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return through(t, w, &out, content)
}

func xzOf(t testing.TB, content []byte) []byte {
	var out bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 64 << 10}.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	return through(t, w, &out, content)
}

func zipOf(t testing.TB, content []byte) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i, method := range []uint16{zip.Deflate, zip.Store, zip.Deflate} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("orders-%d.jsonl", i), Method: method})
		if err == nil {
			_, err = f.Write(content[:len(content)/(i+1)])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, content []byte) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := range 3 {
		body := content[:len(content)/(i+1)]
		err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("orders-%d.jsonl", i), Mode: 0o644, Size: int64(len(body))})
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pictureOf(t testing.TB, encode func(io.Writer, image.Image) error) []byte {
	m := image.NewRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			m.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 7), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// piped sends content through a program; nil where there is none.
func piped(t testing.TB, content []byte, program string, args ...string) []byte {
	path, err := exec.LookPath(program)
	if err != nil {
		return nil
	}
	filter := exec.Command(path, args...)
	filter.Stdin = bytes.NewReader(content)
	out, err := filter.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// databaseOf is a database by sqlite3; nil where there is none.
func databaseOf(t testing.TB) []byte {
	path, err := exec.LookPath("sqlite3")
	if err != nil {
		return nil
	}
	file := filepath.Join(t.TempDir(), "x.db")
	script := "PRAGMA page_size=512; CREATE TABLE orders(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price REAL); BEGIN;"
	for _, o := range orders() {
		script += fmt.Sprintf("INSERT INTO orders VALUES(%d, '%s', %v);", o.ID, o.Name, o.Price)
	}
	if out, err := exec.Command(path, "-batch", "-init", os.DevNull, file, script+"COMMIT;").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// parquetSample is what parquet-go v0.32.0 wrote. It is kept, since that library is none
// that is needed elsewhere (docs/adr/0012).
func parquetSample(t testing.TB) []byte {
	raw, err := os.ReadFile("testdata/orders.parquet")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
