package scenario

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// node is a YAML value with its place: all that the tables in this package
// know about YAML.
type node struct {
	kind    nodeKind
	pos     Pos
	text    string  // of a scalar
	quoted  bool    // a scalar in quotes, or a block: always a string
	entries []entry // of a mapping, in file order
	items   []*node // of a list
}

type entry struct {
	key string
	pos Pos
	val *node
}

type nodeKind string

const (
	scalarNode  nodeKind = "a value"
	mappingNode nodeKind = "a mapping"
	listNode    nodeKind = "a list"
	nullNode    nodeKind = "nothing"
)

// get returns the value of key, nil if there is none.
func (n *node) get(key string) *node {
	for _, e := range n.entries {
		if e.key == key {
			return e.val
		}
	}
	return nil
}

// Limits of a file. A scenario is written by hand; what is larger or deeper is
// a mistake or an attack, and the YAML parser below recurses.
const (
	maxBytes = 64 << 10
	maxDepth = 32
	maxItems = 500 // of one list
)

// parseYAML reads one document. Errors carry a place and no file.
func parseYAML(text []byte) (n *node, err *Error) {
	defer func() {
		if last := 1 + strings.Count(newlines(text), "\n"); err != nil && err.Pos.Line > last {
			err.Pos = Pos{last, 1} // the library counts past the end of a broken file
		}
	}()
	defer func() {
		if p := recover(); p != nil { // goccy/go-yaml is fed hostile input here
			n, err = nil, &Error{Pos: Pos{1, 1}, Text: fmt.Sprintf("cannot be read as YAML: %v", p)}
		}
	}()
	if len(text) > maxBytes {
		return nil, &Error{Pos: Pos{1, 1}, Text: fmt.Sprintf("the file has %d bytes; a scenario has at most %d", len(text), maxBytes)}
	}
	if !utf8.Valid(text) {
		return nil, &Error{Pos: Pos{1, 1}, Text: "the file is not UTF-8 text"}
	}
	plain := newlines(text)
	if i := strings.IndexByte(plain, '\t'); i >= 0 {
		indent := plain[strings.LastIndexByte(plain[:i], '\n')+1 : i]
		if strings.TrimSpace(indent) == "" {
			return nil, &Error{Pos: Pos{1 + strings.Count(plain[:i], "\n"), len(indent) + 1},
				Text: "a tab; YAML is indented with spaces"}
		}
	}
	tokens := lexer.Tokenize(plain)
	if deep := tooDeep(tokens); deep != nil {
		return nil, &Error{Pos: place(deep), Text: fmt.Sprintf("nested deeper than %d levels", maxDepth)}
	}
	file, perr := parser.Parse(tokens, 0)
	if perr != nil {
		var y yaml.Error
		if errors.As(perr, &y) && y.GetToken() != nil {
			return nil, &Error{Pos: place(y.GetToken()), Text: "not valid YAML: " + y.GetMessage()}
		}
		return nil, &Error{Pos: Pos{1, 1}, Text: "not valid YAML: " + firstLine(perr.Error())}
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc == nil || doc.Body == nil {
			continue
		}
		if body != nil {
			return nil, &Error{Pos: startOf(doc.Body), Text: "a second document; one file holds one scenario"}
		}
		body = doc.Body
	}
	if body == nil {
		return nil, &Error{Pos: Pos{1, 1}, Text: "the file is empty; `onceproof init` writes a scenario to start from"}
	}
	return convert(body)
}

// tooDeep returns the token at which nesting passes the limit: flow brackets,
// or block columns, which grow by at least one a level.
func tooDeep(tokens token.Tokens) *token.Token {
	flow := 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow <= 0 && t.Position != nil && t.Position.Column > 8*maxDepth && t.Type != token.MappingValueType {
				return t
			}
		}
		if flow > maxDepth {
			return t
		}
	}
	return nil
}

// convert turns goccy's tree into ours.
func convert(n ast.Node) (*node, *Error) {
	pos := startOf(n)
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{kind: nullNode, pos: pos}, nil
	case *ast.StringNode:
		quoted := n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType
		return &node{kind: scalarNode, pos: pos, text: n.Value, quoted: quoted}, nil
	case *ast.LiteralNode:
		return &node{kind: scalarNode, pos: pos, text: n.Value.Value, quoted: true}, nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: scalarNode, pos: pos, text: n.GetToken().Value}, nil
	case *ast.SequenceNode:
		out := &node{kind: listNode, pos: pos}
		for _, v := range n.Values {
			item, err := convertValue(v, pos)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
		return out, nil
	case ast.MapNode:
		out := &node{kind: mappingNode, pos: pos}
		for it := n.MapRange(); it.Next(); {
			key, err := convert(it.Key())
			if err != nil {
				return nil, err
			}
			if key.kind != scalarNode {
				return nil, &Error{Pos: key.pos, Text: "a field's name must be a plain word"}
			}
			val, err := convertValue(it.Value(), key.pos)
			if err != nil {
				return nil, err
			}
			if out.get(key.text) != nil {
				return nil, &Error{Pos: key.pos, Text: fmt.Sprintf("field %q is given twice", key.text)}
			}
			out.entries = append(out.entries, entry{key.text, key.pos, val})
		}
		return out, nil
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return nil, &Error{Pos: pos, Text: "anchors, aliases and tags are not read in a scenario; write the value out"}
	}
	return nil, &Error{Pos: pos, Text: fmt.Sprintf("unexpected YAML %s", strings.ToLower(n.Type().YAMLName()))}
}

func convertValue(n ast.Node, parent Pos) (*node, *Error) {
	if n == nil {
		return &node{kind: nullNode, pos: parent}, nil
	}
	return convert(n)
}

// startOf is where a reader sees n begin.
func startOf(n ast.Node) Pos {
	switch n := n.(type) {
	case *ast.MappingNode:
		if n.IsFlowStyle && n.Start != nil {
			return place(n.Start)
		}
		if len(n.Values) > 0 {
			return startOf(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return startOf(n.Key)
	}
	return place(n.GetToken())
}

func place(t *token.Token) Pos {
	if t == nil || t.Position == nil {
		return Pos{1, 1}
	}
	return Pos{max(1, t.Position.Line), max(1, t.Position.Column)}
}

// newlines is text with \n where YAML sees the end of a line: \n, \r\n or \r.
// The library would count some of them twice.
func newlines(text []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
