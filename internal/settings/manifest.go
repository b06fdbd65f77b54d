package settings

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Manifest reads what a Kubernetes or compose manifest gives its programs: the
// environment of each container or service, and the files in its ConfigMaps. Each is
// one reading, named after where it stands.
func Manifest(path string, o Options) (all []*Reading, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
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
	m := manifest{path: path, o: o}
	for _, d := range file.Docs {
		if d.Body != nil {
			m.walk("", d.Body)
		}
	}
	if len(m.all) == 0 && len(m.errs) == 0 {
		return nil, fmt.Errorf("%s: no container, service or ConfigMap in it says anything about Kafka; a client's own file is read by --producer, --consumer or --config", path)
	}
	return m.all, errors.Join(m.errs...)
}

type manifest struct {
	path string
	o    Options
	all  []*Reading
	errs []error
}

func (m *manifest) walk(name string, n ast.Node) {
	if n, ok := n.(*ast.SequenceNode); ok {
		for i, v := range n.Values {
			m.walk(name+"."+strconv.Itoa(i), v)
		}
		return
	}
	for _, p := range pairs(n) {
		key := p.Key.GetToken().Value
		switch key {
		case "env", "environment":
			m.environment(cmpOr(nameOf(n), name), p.Value)
		case "data", "stringData":
			m.files(p.Value)
		default:
			m.walk(key, p.Value)
		}
	}
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func get(n ast.Node, key string) ast.Node {
	for _, p := range pairs(n) {
		if p.Key.GetToken().Value == key {
			return p.Value
		}
	}
	return nil
}

func text(n ast.Node) string {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.Value
	case ast.ScalarNode:
		return scalar(n)
	}
	return ""
}

func nameOf(n ast.Node) string { return text(get(n, "name")) }

// environment reads a list of {name, value}, a list of NAME=VALUE, or a mapping.
func (m *manifest) environment(name string, n ast.Node) {
	var all []Property
	at := func(n ast.Node, key, value string) {
		pos := n.GetToken().Position
		all = append(all, Property{Name: key, Value: value, Line: pos.Line, Column: pos.Column})
	}
	if list, ok := n.(*ast.SequenceNode); ok {
		for _, v := range list.Values {
			if s, ok := v.(ast.ScalarNode); ok {
				key, value, _ := strings.Cut(scalar(s), "=")
				at(v, key, value)
				continue
			}
			value := text(get(v, "value"))
			if get(v, "valueFrom") != nil {
				value = "${" + nameOf(v) + "}" // from a secret, a map or the pod: not known here
			}
			if node := get(v, "name"); node != nil {
				at(node, text(node), value)
			}
		}
	}
	for _, p := range pairs(n) {
		at(p.Key, p.Key.GetToken().Value, text(p.Value))
	}
	if !slices.ContainsFunc(all, func(p Property) bool { return kafkas(p.Name) }) {
		return
	}
	r := &Reading{Path: m.path}
	if name != "" {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: the environment of %s", m.path, name))
	}
	m.errs = append(m.errs, r.resolve(all, true, m.o))
	m.all = append(m.all, r)
}

// kafkas says whether a variable is about Kafka.
func kafkas(name string) bool {
	for _, prefix := range []string{"KAFKA_", "SPRING_KAFKA_", "SPRING_CLOUD_STREAM_", "CONNECT_", "MP_MESSAGING_", "CAMEL_COMPONENT_KAFKA_"} {
		if strings.HasPrefix(strings.ToUpper(name), prefix) {
			return true
		}
	}
	return false
}

// files reads the files of a ConfigMap, whose lines are counted in the manifest; keys
// that are no file are variables.
func (m *manifest) files(n ast.Node) {
	var vars []Property
	for _, p := range pairs(n) {
		key := p.Key.GetToken().Value
		if !strings.Contains(key, ".") {
			pos := p.Key.GetToken().Position
			vars = append(vars, Property{Name: key, Value: text(p.Value), Line: pos.Line, Column: pos.Column})
			continue
		}
		r := &Reading{Path: m.path + "/" + key}
		props, env, err := r.parse([]byte(text(p.Value)), m.o)
		if err != nil {
			m.errs = append(m.errs, err)
			continue
		}
		r.Path = m.path
		for i := range props {
			props[i].Line += p.Key.GetToken().Position.Line
		}
		if dialect, _ := r.detect(props, m.o); dialect == "" && !slices.ContainsFunc(props, func(p Property) bool { return Matters(p.Name) }) {
			continue
		}
		m.errs = append(m.errs, r.resolve(props, env, m.o))
		m.all = append(m.all, r)
	}
	if slices.ContainsFunc(vars, func(p Property) bool { return kafkas(p.Name) }) {
		r := &Reading{Path: m.path}
		m.errs = append(m.errs, r.resolve(vars, true, m.o))
		m.all = append(m.all, r)
	}
}
