package scenario_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/sigprobe/sigprobe/harness/scenario"
)

// compiled is the schema, as an editor would use it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := scenario.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(scenario.SchemaID, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(scenario.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// validate holds the YAML text against the schema.
func validate(schema *jsonschema.Schema, text []byte) error {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		return err
	}
	return schema.Validate(instance)
}

func TestSchemaAndParserAgree(t *testing.T) {
	schema := compiled(t)
	for _, d := range documents {
		t.Run(d.text, func(t *testing.T) {
			_, parsed := scenario.Parse("x.yaml", []byte(d.file()))
			validated := validate(schema, []byte(d.file()))
			if (parsed == nil) != d.good {
				t.Errorf("Parse: %v", parsed)
			}
			if want := d.good || d.beyond; (validated == nil) != want {
				t.Errorf("schema: %v", validated)
			}
		})
	}
}

func TestSchemaTakesWhatIsWritten(t *testing.T) {
	schema := compiled(t)
	rapid.Check(t, func(t *rapid.T) {
		s := goodScenarios().Draw(t, "scenario")
		text, err := scenario.Marshal([]scenario.Scenario{s.WithDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(schema, text); err != nil {
			t.Fatalf("%s\n%v", text, err)
		}
	})
}

// TestEveryFieldIsDescribed also sees that the comments still ride in the binary.
func TestEveryFieldIsDescribed(t *testing.T) {
	text, err := scenario.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs map[string]struct {
			AdditionalProperties any                       `json:"additionalProperties"`
			Properties           map[string]map[string]any `json:"properties"`
		} `json:"$defs"`
		AdditionalProperties any `json:"additionalProperties"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.AdditionalProperties != false || len(schema.Defs) < 8 {
		t.Errorf("additionalProperties is %v, %d definitions", schema.AdditionalProperties, len(schema.Defs))
	}
	for name, def := range schema.Defs {
		if def.AdditionalProperties != false {
			t.Errorf("%s takes unknown fields", name)
		}
		for field, property := range def.Properties {
			description, _ := property["description"].(string)
			grouped := property["$ref"] != nil || property["anyOf"] != nil // described where it is defined
			if len(description) < 10 && !grouped {
				t.Errorf("%s.%s has no description", name, field)
			}
			if strings.ContainsAny(description, "[\n") && !regexp.MustCompile(`\[\w+`).MatchString(description) {
				t.Errorf("%s.%s: %q is no prose", name, field, description)
			}
		}
	}
}
