package scenario

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// entry is one field of a mapping, as it is written.
type entry struct {
	name  string
	pos   *token.Position // of the name
	value ast.Node
}

// binder finds what each alias stands for: the anchor of that name last seen before it.
type binder struct {
	anchors map[string]ast.Node
	aliases map[*ast.AliasNode]ast.Node
}

func bind(body ast.Node, anchors map[string]ast.Node, aliases map[*ast.AliasNode]ast.Node) {
	ast.Walk(binder{anchors, aliases}, body)
}

// Visit implements [ast.Visitor].
func (b binder) Visit(node ast.Node) ast.Visitor {
	switch n := node.(type) {
	case *ast.AnchorNode:
		b.anchors[n.Name.GetToken().Value] = n.Value
	case *ast.AliasNode:
		if target, ok := b.anchors[n.Value.GetToken().Value]; ok {
			b.aliases[n] = target
		}
	}
	return b
}

// plain follows anchors and aliases to the value itself. ok is false when there is
// none; that is recorded.
func (r *reader) plain(node ast.Node, path string, key *token.Position) (plain ast.Node, ok bool) {
	// An alias inside its own anchor goes round in a circle.
	for range 100 {
		switch n := node.(type) {
		case nil, *ast.NullNode:
			r.refuse(at(node, key), path, "a value is missing; write one, or leave the whole line out")
			return nil, false
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			target, found := r.aliases[n]
			if !found {
				r.refuse(at(n, key), path, "no anchor &%s comes before this; write the value itself", n.Value.GetToken().Value)
				return nil, false
			}
			node = target
		case *ast.TagNode:
			r.refuse(at(n, key), path, "the tag %s is not used here; write the value alone", n.Start.Value)
			return nil, false
		default:
			return node, true
		}
	}
	r.refuse(at(node, key), path, "the alias stands for itself; write the value")
	return nil, false
}

// entries lists the fields of a mapping: its own, then merged ones (<<) that it does
// not have itself. Fields that are written twice are refused.
func (r *reader) entries(node ast.Node, path string) []entry {
	var list []entry
	lines := map[string]int{}
	r.collect(node, path, 0, func(e entry, merged bool) {
		first, twice := lines[e.name]
		switch {
		case !twice:
			lines[e.name] = e.pos.Line
			list = append(list, e)
		case !merged:
			r.refuse(e.pos, join(path, e.name), "the field stands here a second time; it is already on line %d", first)
		}
	})
	return list
}

// maxMerges bounds merges within merges.
const maxMerges = 32

// collect calls yield for the mapping's own fields, then for the merged ones.
func (r *reader) collect(node ast.Node, path string, depth int, yield func(e entry, merged bool)) {
	var merges []*ast.MappingValueNode
	for _, pair := range pairs(node) {
		if pair.Key.IsMergeKey() {
			merges = append(merges, pair)
			continue
		}
		yield(entry{keyText(pair.Key), pair.Key.GetToken().Position, pair.Value}, depth > 0)
	}
	for _, pair := range merges {
		if r.visited++; depth >= maxMerges || r.visited > maxVisited {
			r.refuse(pair.Key.GetToken().Position, path, "merges go too deep; write the fields themselves")
			return
		}
		r.merge(pair.Value, path, depth, pair.Key.GetToken().Position, yield)
	}
}

// merge yields the fields of a mapping, or of each in a list of them.
func (r *reader) merge(node ast.Node, path string, depth int, key *token.Position, yield func(entry, bool)) {
	node, ok := r.plain(node, path, key)
	if !ok {
		return
	}
	if isMapping(node) {
		r.collect(node, path, depth+1, yield)
		return
	}
	list, isList := node.(*ast.SequenceNode)
	if !isList || depth >= maxMerges {
		r.refuse(at(node, key), path, "only mappings can be merged; write << : *anchor")
		return
	}
	for _, item := range list.Values {
		r.merge(item, path, depth+1, key, yield)
	}
}

// unsplit puts a text back together that the parser took for a mapping: within braces
// it divides the items of [localhost:8080, code:3] at the colon, which YAML 1.2 does
// not where no blank follows.
func unsplit(item ast.Node) ast.Node {
	mapping, ok := item.(*ast.MappingNode)
	if !ok || mapping.IsFlowStyle || len(mapping.Values) != 1 {
		return item
	}
	pair := mapping.Values[0]
	key, colon, value := pair.Key.GetToken(), pair.Start.Position, pair.Value.GetToken()
	_, kind := scalar(pair.Value)
	if value == nil || value.Position.Line != colon.Line || value.Position.Column != colon.Column+1 || kind == "a list" || kind == "a mapping" || kind == "something else" {
		return item
	}
	text := key.Value + ":" + value.Value
	return ast.String(token.New(text, text, key.Position))
}

func isMapping(node ast.Node) bool {
	switch node.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func pairs(node ast.Node) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func keyText(key ast.MapKeyNode) string {
	if text, ok := key.(*ast.StringNode); ok {
		return text.Value
	}
	return strings.TrimSpace(key.GetToken().Value)
}

// scalar is a node's text as it is written, and the kind of the node in words.
func scalar(node ast.Node) (text, kind string) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, "text"
	case *ast.LiteralNode:
		return n.Value.Value, "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, "a number"
	case *ast.BoolNode:
		return node.GetToken().Value, "true or false"
	case *ast.SequenceNode:
		return "", "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "", "a mapping"
	}
	return "", "something else"
}

// at is where a node stands. A mapping stands where its name does, or its first field.
func at(node ast.Node, key *token.Position) *token.Position {
	if list := pairs(node); key == nil && len(list) > 0 {
		if m, ok := node.(*ast.MappingNode); !ok || !m.IsFlowStyle {
			return list[0].Key.GetToken().Position
		}
	}
	_, missing := node.(*ast.NullNode)
	if key != nil && (node == nil || missing || isMapping(node)) {
		return key
	}
	if node == nil || node.GetToken() == nil {
		return key
	}
	return node.GetToken().Position
}
