package reports

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

// docs/RECORD_FORMAT.md is written by hand and held against the types: each type that
// stands in a file of the store has a section with exactly its fields. The scenarios
// have a reference of their own.
func TestRecordFormatNamesEveryField(t *testing.T) {
	page, err := os.ReadFile("../docs/RECORD_FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string][]string{}
	for _, root := range []any{RunInfo{}, Finished{}, harness.Trial{}, Summary{}, Failure{}, Shrunk{}, Baseline{}, Entry{}} {
		collectFields(reflect.TypeOf(root), types)
	}
	if len(types) < 30 {
		t.Fatalf("only %d types were found: the walk over them is broken", len(types))
	}
	for name, fields := range types {
		documented := documentedFields(string(page), name)
		if diff := cmp.Diff(fields, documented); diff != "" {
			t.Errorf("docs/RECORD_FORMAT.md, section %s: fields that are (-) and that are named (+):\n%s", name, diff)
		}
	}
}

// documentedFields lists what stands in the first column of a section's table.
func documentedFields(page, section string) []string {
	_, rest, _ := strings.Cut(page, "\n### "+section+"\n")
	text, _, _ := strings.Cut(rest, "\n#")
	var fields []string
	for _, row := range fieldRow.FindAllStringSubmatch(text, -1) {
		fields = append(fields, row[1])
	}
	slices.Sort(fields)
	return fields
}

var fieldRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	scenarioType  = reflect.TypeFor[scenario.Scenario]()
)

// collectFields notes the JSON names of a type and of those below it. What writes
// itself as text has none; what is embedded has a section of its own.
func collectFields(typ reflect.Type, types map[string][]string) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collectFields(typ.Elem(), types)
		return
	}
	if typ.Kind() != reflect.Struct || types[typ.String()] != nil || typ == scenarioType || typ.Implements(textMarshaler) {
		return
	}
	names := []string{}
	types[typ.String()] = names
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		collectFields(field.Type, types)
	}
	slices.Sort(names)
	types[typ.String()] = names
}
