package scenario_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sigprobe/sigprobe/harness/observation"
	"github.com/sigprobe/sigprobe/harness/scenario"
)

const page = "../../docs/SCENARIOS.md"

var block = regexp.MustCompile("(?ms)^```([a-z ]+)\n(.*?)^```$")

// blocks are the page's code blocks of one kind.
func blocks(t *testing.T, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		if match[1] == kind {
			found = append(found, match[2])
		}
	}
	return found
}

func TestExamplesOfThePageAreGood(t *testing.T) {
	schema := compiled(t)
	examples := blocks(t, "yaml")
	if len(examples) < 7 {
		t.Fatalf("only %d examples found", len(examples))
	}
	for _, text := range examples {
		if _, err := scenario.Parse("example.yaml", []byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		if err := validate(schema, []byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

func TestRefusalOnThePageIsTheRealOne(t *testing.T) {
	refused, told := blocks(t, "yaml refused"), blocks(t, "text")
	if len(refused) != 1 || len(told) != 1 {
		t.Fatalf("%d refused examples and %d answers", len(refused), len(told))
	}
	_, err := scenario.Parse("ledger.yaml", []byte(refused[0]))
	if err == nil {
		t.Fatal("it is accepted")
	}
	if diff := cmp.Diff(strings.TrimSpace(told[0]), err.Error()); diff != "" {
		t.Errorf("-page +real:\n%s", diff)
	}
}

func TestThePageNamesEveryFieldAndEnding(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	words := fieldsOf(reflect.TypeFor[scenario.Scenario](), map[reflect.Type]bool{})
	for _, kind := range observation.Kinds {
		if kind == observation.Code {
			kind = "code:N"
		}
		words = append(words, string(kind))
	}
	if len(words) < 40 {
		t.Fatalf("only %d fields and endings found", len(words))
	}
	for _, word := range words {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("the page does not name `%s`", word)
		}
	}
}

// fieldsOf lists the names of all fields as they are written in YAML.
func fieldsOf(t reflect.Type, seen map[reflect.Type]bool) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		names = append(names, name)
		names = append(names, fieldsOf(t.Field(i).Type, seen)...)
	}
	return names
}
