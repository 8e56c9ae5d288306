package scenario

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/sigprobe/sigprobe/harness/signals"
)

// reader fills scenarios from a tree of YAML. It does not stop at the first problem,
// which is why it walks the tree itself.
type reader struct {
	file      string
	scenarios []Scenario
	bare      []Scenario // as they are written, without defaults
	problems  []Problem
	given     map[string]*token.Position // where the value of each path stands
	wrong     []string                   // paths that have a problem already
	aliases   map[*ast.AliasNode]ast.Node
	visited   int // nodes, aliases counted each time
}

// maxVisited bounds what aliases and merges can blow a small file up to.
const maxVisited = 200_000

// refuse records a problem at a position; nil means the start of the file.
func (r *reader) refuse(pos *token.Position, path, format string, args ...any) {
	p := Problem{File: r.file, Line: 1, Column: 1, Path: short(path), Message: fmt.Sprintf(format, args...)}
	if pos != nil {
		p.Line, p.Column = pos.Line, pos.Column
	}
	r.problems = append(r.problems, p)
	if path != "" {
		r.wrong = append(r.wrong, path)
	}
}

// combinations are the fields whose own problem is what is written inside them, right
// or wrong.
var combinations = []string{"ready", "strike", "strike.random", "target.files"}

// place gives the problems of scenario i their position. One that only follows from a
// problem already known, of the same field or of one around or inside it, is dropped.
func (r *reader) place(i int, problems []Problem) {
	known := len(r.wrong)
	for _, p := range problems {
		path := fmt.Sprintf("scenarios[%d]", i)
		if p.Path != "" {
			path += "." + p.Path
		}
		follows := func(wrong string) bool {
			return within(path, wrong) || within(wrong, path) && !slices.Contains(combinations, p.Path)
		}
		if !slices.ContainsFunc(r.wrong[:known], follows) {
			r.refuse(r.where(path), path, "%s", p.Message)
		}
	}
}

// within says whether a path is the other one or a part of it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// where is the position of the path, or of the nearest one around it that is written.
func (r *reader) where(path string) *token.Position {
	for path != "" {
		if pos := r.given[path]; pos != nil {
			return pos
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return nil
}

// short is a path within its scenario: without scenarios[3] in front.
func short(path string) string {
	if _, rest, ok := strings.Cut(path, "]."); ok && strings.HasPrefix(path, "scenarios[") {
		return rest
	}
	return path
}

// document reads the whole file.
func (r *reader) document(body ast.Node, file *File) {
	bind(body, map[string]ast.Node{}, r.aliases)
	r.value(body, reflect.ValueOf(file).Elem(), "", nil)
	if len(file.Scenarios) == 0 && len(r.problems) == 0 {
		r.refuse(r.where("scenarios"), "", "the file has no scenarios; write a list of them under scenarios:")
	}
}

// value reads one value; key is where its name stands, nil for items of a list.
func (r *reader) value(node ast.Node, into reflect.Value, path string, key *token.Position) {
	if r.visited++; r.visited > maxVisited {
		if r.visited == maxVisited+1 {
			r.refuse(key, path, "aliases make the file too large; write fewer of them")
		}
		return
	}
	node, ok := r.plain(node, path, key)
	if !ok {
		return
	}
	r.given[path] = at(node, key)
	if problem := r.read(node, into, path); problem != "" {
		r.refuse(at(node, nil), path, "%s", problem)
	}
}

// read is value for a node without anchors. What is wrong with the value itself is
// returned; problems inside it are recorded.
func (r *reader) read(node ast.Node, into reflect.Value, path string) string {
	switch to := into.Addr().Interface().(type) {
	case *Ready:
		if text, ok := node.(*ast.StringNode); ok {
			return readAuto(text.Value)
		}
	case *[]Accept:
		return r.accepts(node, to, path)
	case *[]Oracle:
		if isText(node) {
			*to = make([]Oracle, 1)
			return readText(node, &(*to)[0])
		}
	case **Litter:
		if isText(node) {
			return readLitter(node, to)
		}
	case **Restarts:
		if truth, ok := node.(*ast.BoolNode); ok {
			*to = map[bool]*Restarts{true: {}}[truth.Value]
			return ""
		}
	case encoding.TextUnmarshaler:
		return readText(node, to)
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		return r.read(node, into.Elem(), path)
	case reflect.Struct:
		return r.fields(node, into, path)
	case reflect.Slice:
		return r.list(node, into, path)
	case reflect.Map:
		return r.dictionary(node, into, path)
	}
	return readScalar(node, into, path)
}

func readAuto(text string) string {
	if text == "auto" {
		return ""
	}
	return fmt.Sprintf("%q is no readiness; write auto, or a condition such as {output: ready}", text)
}

func isText(node ast.Node) bool {
	_, kind := scalar(node)
	return kind == "text"
}

// readLitter reads the words that stand for the strictest litter and for none at all.
func readLitter(node ast.Node, into **Litter) string {
	switch text, _ := scalar(node); text {
	case "none":
		*into = &Litter{}
	case "allow":
	default:
		return fmt.Sprintf("%q is no answer; write none, allow, or what may be left as in {allow: ['cache/*']}", text)
	}
	return ""
}

// readText reads what has a form of its own. Plain numbers are taken where the form
// has them, and shown to the others, which say what is missing.
func readText(node ast.Node, into encoding.TextUnmarshaler) string {
	text, kind := scalar(node)
	_, isRegexp := into.(*Regexp)
	_, isDelivery := into.(*signals.Delivery)
	if kind == "text" || kind == "a number" && !isRegexp && !isDelivery {
		if err := into.UnmarshalText([]byte(text)); err != nil {
			return err.Error()
		}
		return ""
	}
	return mismatch(kind, "text", "put it in quotes")
}

// readScalar reads texts, whole numbers and truth values.
func readScalar(node ast.Node, into reflect.Value, path string) string {
	text, kind := scalar(node)
	switch into.Kind() {
	case reflect.String:
		if kind != "text" && !(verbatim(path) && (kind == "a number" || kind == "true or false")) {
			return mismatch(kind, "text", textRemedy(text, kind, path))
		}
		into.SetString(text)
	case reflect.Int:
		return readInt(node, into)
	case reflect.Float64:
		return readFloat(node, into)
	case reflect.Bool:
		truth, ok := node.(*ast.BoolNode)
		if !ok {
			return mismatch(kind, "true or false", "write true or false")
		}
		into.SetBool(truth.Value)
	}
	return ""
}

func textRemedy(text, kind, path string) string {
	if kind == "a number" && strings.HasPrefix(short(path), "expect.exit[") {
		return "write code:" + text
	}
	return "put it in quotes"
}

// verbatim says whether numbers and truth values are taken as they are written:
// arguments and environment are texts whatever they look like.
func verbatim(path string) bool {
	path = short(path)
	return strings.HasPrefix(path, "target.command[") || strings.HasPrefix(path, "target.env.")
}

func readInt(node ast.Node, into reflect.Value) string {
	number, ok := node.(*ast.IntegerNode)
	if !ok {
		_, kind := scalar(node)
		return mismatch(kind, "a whole number", "write one such as 20, without quotes")
	}
	// The parser gives an int64 or, for what is larger, a uint64.
	switch n := reflect.ValueOf(number.Value); {
	case n.CanInt() && !into.OverflowInt(n.Int()):
		into.SetInt(n.Int())
	case n.CanUint() && n.Uint() < 1<<31:
		into.SetInt(int64(n.Uint()))
	default:
		return fmt.Sprintf("%s is too large; write a smaller number", number.Token.Value)
	}
	return ""
}

func readFloat(node ast.Node, into reflect.Value) string {
	text, kind := scalar(node)
	number, err := strconv.ParseFloat(text, 64)
	if kind != "a number" || err != nil {
		return mismatch(kind, "a number", "write one such as 2.5, without quotes")
	}
	into.SetFloat(number)
	return ""
}

// accepts reads the list of endings, in which `conventional` stands for several.
func (r *reader) accepts(node ast.Node, into *[]Accept, path string) string {
	var items []string
	if problem := r.list(node, reflect.ValueOf(&items).Elem(), path); problem != "" {
		return problem
	}
	for i, item := range items {
		accepts, err := ParseAccepts([]string{item})
		itemPath := fmt.Sprintf("%s[%d]", path, i)
		if err != nil && !slices.Contains(r.wrong, itemPath) {
			r.refuse(r.where(itemPath), itemPath, "%v", err)
		}
		*into = append(*into, accepts...)
	}
	return ""
}

func (r *reader) list(node ast.Node, into reflect.Value, path string) string {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		text, kind := scalar(node)
		remedy := "write one, an item a line, each after a dash"
		if kind == "text" && into.Type().Elem().Kind() != reflect.Struct && text != "" {
			remedy = "write [" + strings.Join(strings.Fields(text), ", ") + "]"
		}
		return mismatch(kind, "a list", remedy)
	}
	items := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		r.value(unsplit(item), items.Index(i), fmt.Sprintf("%s[%d]", path, i), nil)
	}
	into.Set(items)
	return ""
}

func (r *reader) dictionary(node ast.Node, into reflect.Value, path string) string {
	if !isMapping(node) {
		_, kind := scalar(node)
		return mismatch(kind, "a mapping", "write {NAME: value}")
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, e := range r.entries(node, path) {
		value := reflect.New(into.Type().Elem()).Elem()
		r.value(e.value, value, path+"."+e.name, e.pos)
		into.SetMapIndex(reflect.ValueOf(e.name), value)
	}
	return ""
}

func (r *reader) fields(node ast.Node, into reflect.Value, path string) string {
	names := fieldNames(into.Type())
	if !isMapping(node) {
		_, kind := scalar(node)
		return mismatch(kind, "a mapping", "write its fields below it: "+strings.Join(names, ", "))
	}
	for _, e := range r.entries(node, path) {
		field := slices.Index(names, e.name)
		if field < 0 {
			r.unknown(e, names, path)
			continue
		}
		inner := join(path, e.name)
		r.value(e.value, into.Field(field), inner, e.pos)
		r.refuseZero(into.Field(field), inner)
	}
	return ""
}

// unknown refuses a field. Where it is a misspelling, the one that was meant is not
// called missing as well.
func (r *reader) unknown(e entry, names []string, path string) {
	near, ok := nearest(e.name, names)
	if ok {
		r.refuse(e.pos, path, "unknown field %q; did you mean %s?", e.name, near)
	} else {
		r.refuse(e.pos, path, "unknown field %q; write one of %s", e.name, strings.Join(names, ", "))
	}
	// The fields around it may be right all the same.
	r.wrong = slices.DeleteFunc(r.wrong, func(w string) bool { return w == path })
	if ok {
		r.wrong = append(r.wrong, join(path, near))
	}
}

// refuseZero refuses a value that is written but would count as left out.
func (r *reader) refuseZero(value reflect.Value, path string) {
	empty := value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
	remedy, refused := zeros[index.ReplaceAllString(short(path), "[]")]
	if empty && refused && !slices.ContainsFunc(r.wrong, func(w string) bool { return within(w, path) }) {
		r.refuse(r.where(path), path, "%s", remedy)
	}
}

// index is the number of an item in a path.
var index = regexp.MustCompile(`\[\d+\]`)

// zeros are the fields whose zero value means their default, and what to write in its place.
// [] stands for any item of a list.
var zeros = map[string]string{
	"name":                   `"" is no name; write one, or leave it out for the base name of the command`,
	"target.workdir":         `"" is no work folder; write fresh or inherit`,
	"ready.port":             "0 is no port; write one from 1 to 65535",
	"ready.http":             `"" is no URL; write one such as http://127.0.0.1:8080/health`,
	"ready.file":             `"" is no path; write one, relative to the work folder`,
	"ready.timeout":          "0s leaves no time to become ready; write more, or leave it out for 30s",
	"stop.limit":             "0s ends the wait before it starts; write more, or leave it out for 5m",
	"strike.random.trials":   "0 trials prove nothing; write 1 or more, or leave it out for 20",
	"strike.random.from":     `"" is no event; write ready or launch`,
	"strike.random.within":   "0s leaves nothing to draw from; write more, or window: 0s..0s to strike at once",
	"strike.output.trials":   "0 trials prove nothing; write 1 or more, or leave it out for 20",
	"strike.file.trials":     "0 trials prove nothing; write 1 or more, or leave it out for 20",
	"strike.file.event":      `"" is nothing that happens; write create, close or rename`,
	"strike.syscall.trials":  "0 trials prove nothing; write 1 or more, or leave it out for 20",
	"strike.syscall.side":    `"" is no side; write before, inside or after`,
	"strike.syscall.count":   `"" is no way to count; write tree or process`,
	"strike.sweep.side":      "no side is struck; write one such as [before], or leave it out for that",
	"strike.sweep.count":     `"" is no way to count; write tree or process`,
	"strike.sweep.trials":    "0 trials prove nothing; write 1 or more, or leave it out for no bound",
	"strike.sweep.budget":    "0s leaves no time for a shot; write more, or leave it out for no bound",
	"expect.exit":            "no ending is accepted; write one such as [clean], or leave it out for that",
	"expect.within":          "0s cannot be kept; write more, or leave it out for what the schedule gives",
	"expect.survivors":       `"" is neither none nor allow; write one of them`,
	"expect.ports":           `"" is neither none nor allow; write one of them`,
	"expect.output.contains": `"" is in every line; write the text to look for`,

	"expect.files":                "no file is named; write a path and what it is, or leave files out",
	"expect.files[].is":           "no oracle is named; write one such as present, or leave is out beside a short form",
	"expect.files[].format":       `"" is no format; write one such as json, or leave it out`,
	"expect.files[].sha256":       `"" is no SHA-256; write its 64 hexadecimal digits, or leave it out`,
	"expect.files[].command":      `"" is no command; write one such as jq . {}, or leave it out`,
	"expect.acknowledged.in":      `"" is no file; write its path, relative to the work folder`,
	"expect.acknowledged.command": `"" is no command; write one that prints the records`,
	"expect.acknowledged.as":      `"" is in every line; write what a record looks like, with %s for its id`,
	"expect.restarts.factor":      "0 leaves no time to start; write 1 or more, or leave it out for 3",
	"expect.restarts.floor":       "0s would count as left out, which is 1s; write more, 1ns for no floor",
	"expect.compare":              `"" is nothing to compare with; write kill, or leave it out`,
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return names
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func mismatch(kind, want, remedy string) string {
	return fmt.Sprintf("%s stands where %s is wanted; %s", kind, want, remedy)
}
