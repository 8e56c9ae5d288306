package oracle

import (
	"bytes"
	"errors"
	"io"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// largestYAML is the size up to which a file is read as YAML, in bytes: its syntax tree
// is held in memory.
const largestYAML = 4 << 20

// yamlDocuments is YAML of UTF-8, one document or several, with at least one value. It
// is the weakest of the formats: most places are good places to end. Ask format:text
// too, which wants the end of the last line.
func yamlDocuments(k *look, file *source) error {
	if err := validUTF8(file); err != nil {
		return err
	}
	if file.size > largestYAML {
		return file.fail("its %d bytes are more than the %d up to which YAML is read", file.size, largestYAML)
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if deepestYAML(raw) > k.Depth {
		return file.fail("its values may be nested deeper than the limit of %d", k.Depth)
	}
	tree, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return yamlDamage(file, raw, err)
	}
	for _, document := range tree.Docs {
		if document.Body != nil {
			return nil
		}
	}
	return inText(file, Empty, 0, "it has no value")
}

// deepestYAML is a bound for how deep values are nested, from above: brackets that are
// open at once, and on a line the indentation and the marks that open a value. The
// parser calls itself for each level, and its stack cannot be mended when it is full.
func deepestYAML(raw []byte) int {
	open, deepest := 0, 0
	for line := range bytes.Lines(raw) {
		marks := 0
		for i, b := range line {
			switch {
			case b == '[' || b == '{':
				open++
			case b == ']' || b == '}':
				open = max(0, open-1)
			case bytes.IndexByte([]byte("-?:!&"), b) >= 0 && opensValue(line[i+1:], b):
				marks++
			}
			deepest = max(deepest, open+marks)
		}
		indent := len(line) - len(bytes.TrimLeft(line, " "))
		deepest = max(deepest, open+indent+marks)
	}
	return deepest
}

// opensValue says that a mark counts with what follows it: those of a list, a key and a
// value with white space, a tag and an anchor always.
func opensValue(rest []byte, mark byte) bool {
	if mark == '!' || mark == '&' {
		return true
	}
	return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\n' || rest[0] == '\r'
}

func yamlDamage(file *source, raw []byte, err error) error {
	var syntax yaml.Error
	if !errors.As(err, &syntax) || syntax.GetToken() == nil || syntax.GetToken().Position == nil {
		return inText(file, Malformed, 0, "%s", err)
	}
	line := syntax.GetToken().Position.Line
	return broken(Malformed, startOfLine(raw, line), "%s", syntax.GetMessage()).inLine(line)
}

// startOfLine is the place of a line, from 1.
func startOfLine(raw []byte, line int) int64 {
	at := 0
	for range line - 1 {
		i := bytes.IndexByte(raw[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return int64(at)
}
