package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxText bounds a scenario file, in bytes.
const maxText = 1 << 20

// Load reads a scenario file. Defaults are filled in, and a relative command with a
// slash and relative files are made absolute: they count from the file's folder.
//
// A file that cannot be read is an error of the operating system; anything wrong in
// it is a [*Problems] with all that is wrong, missing commands and files included.
func Load(path string) ([]Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scenario file: %w", err)
	}
	return read(path, text).resolve(filepath.Dir(path)).result()
}

// LoadBare is Load without the defaults: what the file leaves out stays zero, so that
// something else, such as the flags of a command line, can be laid over it before
// [Scenario.WithDefaults] fills in what depends on it.
func LoadBare(path string) ([]Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scenario file: %w", err)
	}
	r := read(path, text)
	r.scenarios = r.bare
	return r.resolve(filepath.Dir(path)).result()
}

// resolve holds the scenarios against this machine.
func (r *reader) resolve(dir string) *reader {
	for i := range r.scenarios {
		resolved, problems := Resolve(r.scenarios[i], dir)
		r.scenarios[i] = resolved
		r.place(i, problems)
	}
	return r
}

// Parse reads scenarios from the text of a file, whose name stands in the problems.
// It touches no file: paths are left as they are written. Defaults are filled in. The
// error is a [*Problems] with all that is wrong.
func Parse(name string, text []byte) ([]Scenario, error) { return read(name, text).result() }

// read does all of [Parse]; the reader is kept to place further problems.
func read(name string, text []byte) *reader {
	r := &reader{file: name, given: map[string]*token.Position{}, aliases: map[*ast.AliasNode]ast.Node{}}
	body := r.syntax(text)
	if body == nil {
		return r
	}
	var file File
	r.document(body, &file)
	names := make([]Scenario, len(file.Scenarios))
	for i, s := range file.Scenarios {
		r.place(i, Check(s))
		names[i] = s.WithDefaults()
	}
	for i, problem := range repeated(names) {
		r.place(i, []Problem{problem})
	}
	r.scenarios, r.bare = names, file.Scenarios
	return r
}

func (r *reader) result() ([]Scenario, error) {
	if err := Refusal(r.problems); err != nil {
		return nil, err
	}
	return r.scenarios, nil
}

// syntax turns the text into a tree; nil after a problem.
func (r *reader) syntax(text []byte) (body ast.Node) {
	switch {
	case len(text) > maxText:
		r.refuse(nil, "", "the file is larger than %d bytes; divide it", maxText)
		return nil
	case !utf8.Valid(text):
		r.refuse(nil, "", "the file is no UTF-8 text; save it as UTF-8")
		return nil
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	file, err := parseYAML(text)
	if err != nil {
		r.refuseSyntax(err)
		return nil
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.refuse(at(doc.Body, nil), "", "a second document begins here; write all scenarios in one list")
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		r.refuse(nil, "", "the file has no scenarios; write a list of them under scenarios:")
	}
	return body
}

// parseYAML is the parser with its panics turned into errors: what a person typed
// must never end the program.
func parseYAML(text []byte) (file *ast.File, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the YAML parser failed on it: %v", cause)
		}
	}()
	// Repeated fields are refused later, all of them and with the first one's line.
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}

func (r *reader) refuseSyntax(err error) {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		r.refuse(located.GetToken().Position, "", "%s; mend the YAML here or right before", located.GetMessage())
		return
	}
	r.refuse(nil, "", "%v; mend the YAML", err)
}
