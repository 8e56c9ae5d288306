package scenario

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/pb33f/ordered-map/v2"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// SchemaID is the name of the schema, for `# yaml-language-server: $schema=`.
const SchemaID = "https://github.com/sigprobe/sigprobe/scenario.schema.json"

// The descriptions in the schema are the comments of the types. The source rides in
// the binary, so that they are at hand wherever it is installed and never differ.
//
//go:embed scenario.go
var source string

// Schema is the JSON Schema (draft 2020-12) of a scenario file. What it accepts and
// [Parse] refuses is what a schema cannot say: names that stand twice, expressions
// that do not compile, signals without a key.
func Schema() ([]byte, error) {
	comments, err := fieldComments(source)
	if err != nil {
		return nil, fmt.Errorf("descriptions for the schema: %w", err)
	}
	reflector := jsonschema.Reflector{
		FieldNameTag:   "yaml",
		ExpandedStruct: true,
		Mapper:         ownSchema,
		LookupComment:  func(t reflect.Type, field string) string { return comments[t.Name()+"."+field] },
	}
	schema := reflector.Reflect(File{})
	schema.ID, schema.Title = SchemaID, "sigprobe scenario file"
	amend(schema)
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema as JSON: %w", err)
	}
	return append(text, '\n'), nil
}

// fieldComments maps Type.Field, and Type. for the type itself, to its comment.
func fieldComments(source string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "scenario.go", source, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	comments := map[string]string{}
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		spec := types.Specs[0].(*ast.TypeSpec)
		comments[spec.Name.Name+"."] = prose(types.Doc)
		if fields, ok := spec.Type.(*ast.StructType); ok {
			for _, field := range fields.Fields.List {
				comments[spec.Name.Name+"."+field.Names[0].Name] = prose(field.Doc)
			}
		}
	}
	return comments, nil
}

var docLink = regexp.MustCompile(`\[([A-Za-z.]+)\]`)

// prose is a comment on one line, without the brackets of links in Go docs.
func prose(comment *ast.CommentGroup) string {
	return docLink.ReplaceAllString(strings.Join(strings.Fields(comment.Text()), " "), "$1")
}

const (
	timePattern     = `(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+`
	durationPattern = `\+?` + timePattern
	wholePattern    = `0*[1-9][0-9]*`
	codePattern     = `0*([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])`
	endingPattern   = `^(clean|signal-code|re-raised|default-action|crashed|killed|conventional|code:` + codePattern + `)$`
)

// ownSchema describes the types that have a form of their own; nil for the others.
func ownSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Duration]():
		return text(`^` + durationPattern + `$`)
	case reflect.TypeFor[Window]():
		return text(`^` + durationPattern + `(\.\.` + durationPattern + `)?$`)
	case reflect.TypeFor[Offsets]():
		return text(`^-?` + durationPattern + `(\.\.-?` + durationPattern + `)?$`)
	case reflect.TypeFor[Range]():
		return anyOf(integer(1, 0), text(`^`+wholePattern+`(\.\.`+wholePattern+`)?$`))
	case reflect.TypeFor[Quota]():
		return anyOf(integer(0, 0), text(`^([0-9]+|[0-9.]+%)$`))
	case reflect.TypeFor[Regexp]():
		return &jsonschema.Schema{Type: "string"}
	case reflect.TypeFor[Accept]():
		return text(endingPattern)
	case reflect.TypeFor[signals.Schedule]():
		return anyOf(integer(1, 15_768_000), integer(-signals.Max, -1), text(schedulePattern()))
	case reflect.TypeFor[signals.Delivery]():
		return choice("process", "group", "session", "tty")
	case reflect.TypeFor[Workdir]():
		return choice(Fresh, Inherit)
	case reflect.TypeFor[From]():
		return choice(FromReady, FromLaunch)
	case reflect.TypeFor[Side]():
		return choice(Before, Inside, After)
	case reflect.TypeFor[FileDoing]():
		return choice(Create, Close, Rename)
	case reflect.TypeFor[Which]():
		return choice(First, Second)
	case reflect.TypeFor[Count]():
		return choice(PerTree, PerProcess)
	case reflect.TypeFor[Span]():
		return anyOf(integer(1, 0), text(`^`+wholePattern+`(\.\.(`+wholePattern+`)?)?(\+`+wholePattern+`)?$`))
	case reflect.TypeFor[Leftover]():
		return choice(None, Allow)
	case reflect.TypeFor[Oracle]():
		return text(oraclePattern())
	case reflect.TypeFor[Comparison]():
		return choice(CompareKill)
	}
	return nil
}

const sha256Pattern = `([0-9a-fA-F]{64}|@[\s\S]+)`

// oraclePattern is what an oracle is written as.
func oraclePattern() string {
	boundary := `(line|length:(u8|u16be|u16le|u32be|u32le|u64be|u64le)|pattern:[\s\S]+)?`
	formats := strings.ReplaceAll(strings.Join(Formats, "|"), ".", `\.`)
	return `^(unchanged|absent|present|old-or-new|resumable|append-only(:` + boundary + `)?|sha256:` + sha256Pattern +
		`|command:[\s\S]*\S[\s\S]*|format:(` + formats + `))$`
}

// schedulePattern is the grammar of start-stop-daemon over every signal's name.
func schedulePattern() string {
	names := make([]string, 0, 40)
	for _, name := range signals.Names() {
		names = append(names, eitherCase(name))
	}
	offset := `0*([0-9]|[12][0-9]|30)`
	names = append(names, eitherCase("RTMIN")+`(\+`+offset+`)?`, eitherCase("RTMAX")+`(-`+offset+`)?`)
	number := `0*([1-9]|[12][0-9]|3[014-9]|[45][0-9]|6[0-4])`
	signal := `(-?(` + eitherCase("SIG") + `)?(` + strings.Join(names, "|") + `)|-` + number + `)`
	wait := `(` + wholePattern + `|` + timePattern + `)`
	return `^(` + wait + `|` + signal + `(/(` + signal + `|` + wait + `))*(/forever)?)$`
}

// eitherCase matches a name in any case; the schema's expressions have no flag for it.
func eitherCase(name string) string {
	var b strings.Builder
	for _, letter := range name {
		if small := strings.ToLower(string(letter)); small != string(letter) {
			fmt.Fprintf(&b, "[%c%s]", letter, small)
			continue
		}
		b.WriteRune(letter)
	}
	return b.String()
}

// amend adds what the types cannot say.
func amend(schema *jsonschema.Schema) {
	field := func(of, name string) *jsonschema.Schema {
		s, ok := schema.Definitions[of].Properties.Get(name)
		if !ok {
			panic("scenario: no field " + name + " in " + of) // the types below are this package's own
		}
		return s
	}
	scenarios, _ := schema.Properties.Get("scenarios")
	scenarios.MinItems = number(1)
	ready := field("Scenario", "ready")
	ready.AnyOf, ready.Ref = []*jsonschema.Schema{{Const: "auto"}, {Ref: ready.Ref}}, ""

	field("Scenario", "name").Pattern = namePattern
	field("Scenario", "name").MaxLength = number(maxName)
	field("Target", "command").MinItems = number(1)
	field("Target", "command").Items = verbatimSchema()
	field("Target", "command").PrefixItems = []*jsonschema.Schema{both(verbatimSchema(), &jsonschema.Schema{Not: &jsonschema.Schema{Const: ""}})}
	field("Target", "files").Items.MinLength = number(1)
	field("Target", "env").AdditionalProperties = verbatimSchema()
	field("Target", "env").PropertyNames = text(`^[^=]+$`)
	bound(field("Ready", "port"), 1, 65535)
	bound(field("Random", "trials"), 1, maxTrials)
	bound(field("Output", "trials"), 1, maxTrials)
	bound(field("FileEvent", "trials"), 1, maxTrials)
	field("FileEvent", "path").MinLength = number(1)
	bound(field("Syscall", "trials"), 1, maxTrials)
	bound(field("Handlers", "trials"), 1, maxTrials)
	bound(field("Handlers", "nth"), 1, 0)
	bound(field("Sweep", "trials"), 1, maxTrials)
	field("Sweep", "side").MinItems = number(1)
	field("Ready", "http").Pattern = `^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]`
	field("Ready", "file").MinLength = number(1)
	field("Expect", "exit").MinItems = number(1)
	field("ExpectOutput", "contains").Pattern = `^[^\n]+$`
	schema.Definitions["ExpectOutput"].MinProperties = number(1)
	amendKept(field)
	schema.Definitions["ExpectFile"].AnyOf = []*jsonschema.Schema{has("is"), has("format"), has("sha256"), has("command")}
	schema.Definitions["Acknowledged"].AnyOf = []*jsonschema.Schema{has("in"), has("command")}
	schema.Definitions["LatencyBudget"].MinProperties = number(1)
	exclude(schema)
}

// amendKept adds what the types of files, records and restarts cannot say.
func amendKept(field func(of, name string) *jsonschema.Schema) {
	or := func(s *jsonschema.Schema, others ...*jsonschema.Schema) {
		s.AnyOf, s.Ref = append(others, &jsonschema.Schema{Ref: s.Ref}), ""
	}
	or(field("Expect", "litter"), choice(None, Allow))
	or(field("Expect", "restarts"), &jsonschema.Schema{Type: "boolean"})
	field("Expect", "files").MinItems = number(1)

	is := field("ExpectFile", "is")
	is.AnyOf = []*jsonschema.Schema{is.Items, {Type: "array", Items: is.Items, MinItems: number(1)}}
	is.Type, is.Items = "", nil
	field("ExpectFile", "path").Pattern = pathPattern
	field("ExpectFile", "format").Enum = asAny(Formats)
	field("ExpectFile", "sha256").Pattern = `^` + sha256Pattern + `$`
	field("ExpectFile", "command").Pattern = `\S`
	field("Acknowledged", "in").Pattern = pathPattern
	field("Acknowledged", "command").Pattern = `\S`
	field("Acknowledged", "as").Pattern = `%s`
	field("Litter", "allow").Items.Pattern = pathPattern
	bound(field("Restarts", "factor"), 1, maxFactor)
}

// pathPattern is a pattern for files that names no folder.
const pathPattern = `[^/]$`

func asAny[T any](list []T) []any {
	all := make([]any, len(list))
	for i, item := range list {
		all[i] = item
	}
	return all
}

// exclude forbids what excludes each other.
func exclude(schema *jsonschema.Schema) {
	conditions := []*jsonschema.Schema{has("output"), has("port"), has("http"), has("file"), hasValue("notify", true), has("after")}
	schema.Definitions["Ready"].Not = anyOf(pairsOf(conditions)...)
	triggers := []*jsonschema.Schema{has("random"), has("output"), has("file"), has("syscall"), has("handlers"), has("sweep")}
	schema.Definitions["Strike"].Not = anyOf(pairsOf(triggers)...)
	schema.Definitions["Stopping"].Not = both(has("window"), has("call"))
	schema.Definitions["Stopping"].MinProperties = number(1)
	schema.Definitions["Acknowledged"].Not = both(has("in"), has("command"))
	schema.Definitions["Random"].Not = both(has("within"), has("window"))
	filled := &jsonschema.Schema{Required: []string{"files"}, Properties: properties("files", &jsonschema.Schema{MinItems: number(1)})}
	schema.Definitions["Target"].Not = both(filled, hasValue("workdir", "inherit"))
}

func has(field string) *jsonschema.Schema {
	return &jsonschema.Schema{Required: []string{field}}
}

func hasValue(field string, value any) *jsonschema.Schema {
	s := has(field)
	s.Properties = properties(field, &jsonschema.Schema{Const: value})
	return s
}

func properties(name string, s *jsonschema.Schema) *orderedmap.OrderedMap[string, *jsonschema.Schema] {
	p := jsonschema.NewProperties()
	p.Set(name, s)
	return p
}

func both(a, b *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AllOf: []*jsonschema.Schema{a, b}}
}

func pairsOf(list []*jsonschema.Schema) []*jsonschema.Schema {
	var all []*jsonschema.Schema
	for i, a := range list {
		for _, b := range list[i+1:] {
			all = append(all, both(a, b))
		}
	}
	return all
}

func text(pattern string) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: pattern}
}

func choice[T ~string](choices ...T) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, c := range choices {
		s.Enum = append(s.Enum, string(c))
	}
	return s
}

func anyOf(choices ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: choices}
}

// integer is a whole number from least to most; most 0 means no bound.
func integer(least, most int) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "integer"}
	bound(s, least, most)
	return s
}

func bound(s *jsonschema.Schema, least, most int) {
	s.Minimum = json.Number(fmt.Sprint(least))
	if most != 0 {
		s.Maximum = json.Number(fmt.Sprint(most))
	}
}

// verbatimSchema takes what an argument or a variable may be written as.
func verbatimSchema() *jsonschema.Schema {
	return anyOf(&jsonschema.Schema{Type: "string"}, &jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"})
}

func number(n uint64) *uint64 { return &n }
