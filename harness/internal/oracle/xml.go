package oracle

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// xmlDocument is one well-formed element and what may stand around it. It does not ask
// for what a schema or a DTD asks, and it cannot read a declared encoding other than
// UTF-8.
func xmlDocument(k *look, file *source) error {
	g := &guarded{source: file}
	d := xml.NewDecoder(g)
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, file.fail("its encoding %q is not read; only UTF-8 is", charset)
	}
	roots, depth := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return xmlDamage(file, d.InputOffset(), err)
		}
		g.mark = d.InputOffset()
		if depth == 0 {
			if err := outermost(file, token, d.InputOffset(), &roots); err != nil {
				return err
			}
		}
		if depth += deeper(token); depth > k.Depth {
			return file.fail("its elements are nested deeper than the limit of %d", k.Depth)
		}
	}
	if roots == 0 {
		return inText(file, Truncated, file.size, "it has no element")
	}
	return nil
}

// deeper is how a token changes the depth.
func deeper(token xml.Token) int {
	switch token.(type) {
	case xml.StartElement:
		return 1
	case xml.EndElement:
		return -1
	}
	return 0
}

// outermost refuses what may not stand beside the outermost element.
func outermost(file *source, token xml.Token, at int64, roots *int) error {
	switch t := token.(type) {
	case xml.StartElement:
		*roots++
		if *roots > 1 {
			return inText(file, TrailingGarbage, at, "a second element follows the outermost: <%s>", t.Name.Local)
		}
	case xml.CharData:
		if len(strings.TrimSpace(string(t))) > 0 {
			kind := Malformed
			if *roots > 0 {
				kind = TrailingGarbage
			}
			return inText(file, kind, max(0, at-int64(len(t))), "text stands outside of the outermost element")
		}
	}
	return nil
}

func xmlDamage(file *source, at int64, err error) error {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		return fmt.Errorf("read the document: %w", err)
	}
	if syntax.Msg == "unexpected EOF" {
		return inText(file, Truncated, file.size, "it ends within an element")
	}
	return broken(Malformed, min(at, file.size), "%s", syntax.Msg).inLine(syntax.Line)
}
