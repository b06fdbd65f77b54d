package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. A configuration is written by hand; what is larger or deeper is a
// mistake or an attack, and the YAML parser recurses.
const (
	maxBytes = 1 << 20
	maxDepth = 64
)

// document is one YAML document as settings with dotted names, and the profile that
// it is for ("" = every one).
type document struct {
	settings []Property
	profile  Property
}

// parseYAML reads YAML, or JSON, as dotted names: {a: {b: [x, y]}} is a.b=x,y.
func parseYAML(path string, text []byte) (docs []document, err error) {
	if err := tooMuch(path, text); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil { // the parser is fed whatever a file has
			err = fmt.Errorf("%s: is not YAML that can be read: %v", path, p)
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s%s", path, yamlError(err))
	}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		w := walker{path: path}
		w.walk("", d.Body, 0)
		if err := errors.Join(w.errs...); err != nil {
			return nil, err
		}
		doc := document{settings: w.out}
		for _, p := range w.out {
			if n := squash(p.Name); n == "springconfigactivateonprofile" || n == "springprofiles" {
				doc.profile = p
			}
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

func tooMuch(path string, text []byte) error {
	if len(text) > maxBytes {
		return fmt.Errorf("%s: has %d bytes; a configuration has %d at most", path, len(text), maxBytes)
	}
	depth := 0
	for _, c := range text {
		switch c {
		case '{', '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("%s: more than %d brackets are open at once", path, maxDepth)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// yamlError is the first line of the parser's error with its place: ":3:5: …".
func yamlError(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	if place, rest, ok := strings.Cut(strings.TrimPrefix(line, "["), "] "); ok {
		return ":" + place + ": " + rest
	}
	return ": " + line
}

type walker struct {
	path string
	out  []Property
	errs []error
}

func (w *walker) add(name, value string, at *token.Token) {
	w.out = append(w.out, Property{Name: name, Value: value, Line: at.Position.Line, Column: at.Position.Column})
}

func (w *walker) walk(name string, n ast.Node, depth int) {
	if depth > maxDepth {
		w.errs = append(w.errs, fmt.Errorf("%s:%d: is nested too deep", w.path, n.GetToken().Position.Line))
		return
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			w.pair(name, v, depth)
		}
	case *ast.MappingValueNode:
		w.pair(name, n, depth)
	case *ast.SequenceNode:
		w.list(name, n, depth)
	case *ast.AnchorNode:
		w.walk(name, n.Value, depth+1)
	case *ast.TagNode:
		w.walk(name, n.Value, depth+1)
	case *ast.AliasNode:
		w.errs = append(w.errs, fmt.Errorf("%s:%d: %s: an alias is not followed here; write the value out", w.path, n.GetToken().Position.Line, name))
	case *ast.NullNode:
		w.add(name, "", n.GetToken())
	case *ast.LiteralNode:
		w.add(name, n.Value.Value, n.GetToken())
	case ast.ScalarNode:
		w.add(name, fmt.Sprint(scalar(n)), n.GetToken())
	}
}

// scalar is the text of a value: what Kafka is given, whatever YAML takes it for.
func scalar(n ast.ScalarNode) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.GetToken().Value
}

func (w *walker) pair(name string, v *ast.MappingValueNode, depth int) {
	key := strings.NewReplacer("[", ".", "]", "").Replace(v.Key.GetToken().Value)
	key = strings.TrimPrefix(key, ".")
	if name != "" {
		key = name + "." + key
	}
	before := len(w.out)
	w.walk(key, v.Value, depth+1)
	at := v.Key.GetToken().Position
	if len(w.out) == before+1 && w.out[before].Name == key {
		w.out[before].Line, w.out[before].Column = at.Line, at.Column
	}
}

// list is a list of values as one, and a list of mappings as name.0.x.
func (w *walker) list(name string, n *ast.SequenceNode, depth int) {
	var values []string
	for i, v := range n.Values {
		if s, ok := v.(ast.ScalarNode); ok {
			values = append(values, scalar(s))
			continue
		}
		w.walk(name+"."+strconv.Itoa(i), v, depth+1)
	}
	if len(values) > 0 || len(n.Values) == 0 {
		w.add(name, strings.Join(values, ","), n.GetToken())
	}
}

// parseJSON checks text as JSON before it is read: YAML would take more.
func parseJSON(path string, text []byte) ([]Property, error) {
	if err := tooMuch(path, text); err != nil {
		return nil, err
	}
	var any json.RawMessage
	if err := json.Unmarshal(text, &any); err != nil {
		at := int64(len(text))
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = max(0, syntax.Offset-1)
		}
		line, column := 1+bytes.Count(text[:at], []byte("\n")), at-int64(bytes.LastIndexByte(text[:at], '\n'))
		rest := strings.TrimSpace(string(text[at:]))
		if strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "#") {
			return nil, fmt.Errorf("%s:%d:%d: a comment; JSON has none, take it out", path, line, column)
		}
		return nil, fmt.Errorf("%s:%d:%d: %w", path, line, column, err)
	}
	docs, err := parseYAML(path, text)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return docs[0].settings, nil
}

// parseEnv reads lines NAME=VALUE, as docker and systemd do: `export` before a name and
// quotes around a value do not count, `#` begins a comment.
func parseEnv(path string, text []byte) ([]Property, error) {
	var out []Property
	var errs []error
	for i, line := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		trimmed = strings.TrimSpace(strings.TrimPrefix(trimmed, "export "))
		name, value, ok := strings.Cut(trimmed, "=")
		if !ok || strings.ContainsAny(name, " \t") {
			errs = append(errs, fmt.Errorf("%s:%d:1: %q is no NAME=VALUE", path, i+1, Mask(name, name)))
			continue
		}
		out = append(out, Property{Name: name, Value: unquote(value), Line: i + 1, Column: 1 + strings.Index(line, name)})
	}
	return out, errors.Join(errs...)
}

func unquote(v string) string {
	v = strings.TrimSpace(v)
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

// parseINI reads lines name=value below [sections]; a section other than default goes
// before its names. `#` and `;` begin comments.
func parseINI(path string, text []byte) ([]Property, error) {
	var out []Property
	var errs []error
	section := ""
	for i, line := range strings.Split(string(text), "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			section = strings.ToLower(strings.Trim(trimmed, "[] ")) + "."
			if section == "default." || section == "global." || section == "topic." {
				section = ""
			}
		default:
			at := strings.IndexAny(trimmed, "=:")
			if at < 1 {
				errs = append(errs, fmt.Errorf("%s:%d:1: %q is no name=value", path, i+1, trimmed))
				continue
			}
			name := strings.TrimSpace(trimmed[:at])
			out = append(out, Property{Name: section + name, Value: unquote(trimmed[at+1:]), Line: i + 1, Column: 1 + strings.Index(line, name)})
		}
	}
	return out, errors.Join(errs...)
}
