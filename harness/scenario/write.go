package scenario

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Marshal writes scenarios as a file that [Parse] reads back. Fields that are left
// out stay so; fill in defaults first to write them too. Only a text that is not
// UTF-8 cannot be written.
//
// The YAML is laid out here, and not by the library that reads it: its encoder leaves
// some texts without the quotes they need, a tab alone for one.
func Marshal(scenarios []Scenario) ([]byte, error) {
	lines := []string{"scenarios:"}
	for _, s := range scenarios {
		item, err := mapping(reflect.ValueOf(s))
		if err != nil {
			return nil, fmt.Errorf("scenario %q as YAML: %w", s.Name, err)
		}
		for i, line := range item {
			lines = append(lines, indentItem(i)+line)
		}
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}

func indentItem(line int) string {
	if line == 0 {
		return "  - "
	}
	return "    "
}

// mapping writes the fields of a struct that are not left out, a line each or more.
func mapping(v reflect.Value) ([]string, error) {
	var lines []string
	for i := range v.NumField() {
		name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		field := v.Field(i)
		if options == "omitempty" && left(field) {
			continue
		}
		written, err := named(name, field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		lines = append(lines, written...)
	}
	return lines, nil
}

// left says whether a field is left out.
func left(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// named writes one field: on its line, or below it.
func named(name string, v reflect.Value) ([]string, error) {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if _, isText := v.Interface().(encoding.TextMarshaler); !isText {
		switch v.Kind() {
		case reflect.Struct:
			return below(name)(mapping(v))
		case reflect.Map:
			return below(name)(dictionary(v))
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Struct && !hasText(v.Type().Elem()) {
				return below(name)(items(v))
			}
			return flow(name, v)
		}
	}
	text, err := inline(v)
	return []string{name + ": " + text}, err
}

// below puts lines under a name.
func below(name string) func([]string, error) ([]string, error) {
	return func(inner []string, err error) ([]string, error) {
		if len(inner) == 0 {
			return []string{name + ": {}"}, err
		}
		lines := []string{name + ":"}
		for _, line := range inner {
			lines = append(lines, "  "+line)
		}
		return lines, err
	}
}

func dictionary(v reflect.Value) ([]string, error) {
	values, ok := v.Interface().(map[string]string)
	if !ok {
		return nil, fmt.Errorf("a %s has no form in YAML", v.Type())
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, err := quote(name)
		if err != nil {
			return nil, err
		}
		value, err := quote(values[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		lines = append(lines, key+": "+value)
	}
	return lines, nil
}

func hasText(t reflect.Type) bool { return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) }

// items writes a list of structs, each with its fields below each other.
func items(v reflect.Value) ([]string, error) {
	var lines []string
	for i := range v.Len() {
		item, err := mapping(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		for n, line := range item {
			lines = append(lines, indentItem(n)[2:]+line)
		}
	}
	return lines, nil
}

// flow writes a list on one line.
func flow(name string, v reflect.Value) ([]string, error) {
	items := make([]string, v.Len())
	for i := range items {
		text, err := inline(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		items[i] = text
	}
	return []string{name + ": [" + strings.Join(items, ", ") + "]"}, nil
}

// inline writes a scalar.
func inline(v reflect.Value) (string, error) {
	if marshaler, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := marshaler.MarshalText()
		if err != nil {
			return "", err
		}
		if ownForm.Match(text) {
			return string(text), nil
		}
		if _, isRegexp := v.Interface().(Regexp); !isRegexp && wholeNumber.Match(text) {
			return string(text), nil
		}
		return quote(string(text))
	}
	switch v.Kind() {
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.String:
		return quote(v.String())
	}
	return "", fmt.Errorf("a %s has no form in YAML", v.Type())
}

var (
	// ownForm are times and shares, which YAML takes for nothing but texts.
	ownForm     = regexp.MustCompile(`^(([0-9.]+(ns|µs|ms|s|m|h))+(\.\.([0-9.]+(ns|µs|ms|s|m|h))+)?|[0-9.]+%)$`)
	wholeNumber = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})$`)
	// plain are texts that need no quotes anywhere, but for the words of YAML itself.
	plain      = regexp.MustCompile(`^(\./|\.\./|/|--?)?[A-Za-z_][A-Za-z0-9_./+@%=-]*$`)
	reserved   = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null"}
	errNotUTF8 = fmt.Errorf("it is no UTF-8 text, which YAML cannot hold")
)

// quote writes a text so that nothing but a text can be read from it: in double
// quotes, as in JSON, where it is not plainly one.
func quote(text string) (string, error) {
	switch {
	case !utf8.ValidString(text):
		return "", errNotUTF8
	case plain.MatchString(text) && !slices.Contains(reserved, strings.ToLower(text)):
		return text, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSuffix(b.String(), "\n"), err
}
