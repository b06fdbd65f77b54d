package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"
	"testing"
)

func TestJUnitIsValid(t *testing.T) {
	schema := loadXSD(t, "testdata/junit.xsd")
	hostile := violatedRun()
	hostile.in.Report.Scenario = "a\"b<c>&\x00\x1b]0;\xff"
	hostile.in.Report.Guarantees[0].Reason = "\x01 ]]> <![CDATA["
	all := samples()
	all["hostile"] = hostile
	for name, s := range all {
		var buf bytes.Buffer
		if err := JUnit(&buf, s.in); err != nil {
			t.Fatal(err)
		}
		if err := schema.validate(&buf); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestXSDRefuses(t *testing.T) {
	schema := loadXSD(t, "testdata/junit.xsd")
	suite := `<testsuites><testsuite name="a" tests="1" failures="0" errors="0" skipped="0" time="1.0">%s</testsuite></testsuites>`
	for _, c := range []struct{ doc, want string }{
		{`<testsuites/>`, "testsuite"},
		{`<testsuites><testsuite name="a"/></testsuites>`, "attribute"},
		{fmt.Sprintf(suite, `<testcase name="x" time="0"/>`), "classname"},
		{fmt.Sprintf(suite, `<testcase name="x" classname="y" time="soon"/>`), "soon"},
		{fmt.Sprintf(suite, `<testcase name="x" classname="y" time="0"><broken/></testcase>`), "broken"},
		{fmt.Sprintf(suite, `<testcase name="x" classname="y" time="0"/><properties/>`), "properties"},
		{fmt.Sprintf(suite, `text`), "text"},
		{strings.Replace(fmt.Sprintf(suite, ""), `tests="1"`, `tests="-1"`, 1), "-1"},
	} {
		err := schema.validate(strings.NewReader(c.doc))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one about %q", c.doc, err, c.want)
		}
	}
	if err := schema.validate(strings.NewReader(fmt.Sprintf(suite, `<properties/><testcase name="x" classname="y" time="0"><failure type="t" message="m">text</failure></testcase>`))); err != nil {
		t.Errorf("a good document is refused: %v", err)
	}
}

func TestJUnitCounts(t *testing.T) {
	for name, want := range map[string][4]int{ // tests, failures, errors, skipped
		"violated": {9, 1, 0, 3}, "passing": {9, 0, 0, 0}, "not-exercised": {9, 0, 9, 0}, "crashed": {1, 0, 1, 0},
	} {
		var buf bytes.Buffer
		if err := JUnit(&buf, samples()[name].in); err != nil {
			t.Fatal(err)
		}
		var doc junitSuites
		if err := xml.Unmarshal(buf.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		s := doc.Suites[0]
		if got := [4]int{s.Tests, s.Failures, s.Errors, s.Skipped}; got != want {
			t.Errorf("%s: tests, failures, errors, skipped = %v, want %v", name, got, want)
		}
	}
}

// xsd interprets as much of XML Schema as junit.xsd uses: global elements and
// types, sequence, choice, occurrence, mixed content, required attributes, and
// four simple types. What it does not know it refuses to load.
type xsd struct {
	elements map[string]xsdElement
	types    map[string]xsdType
}

type xsdElement struct {
	Name string   `xml:"name,attr"`
	Ref  string   `xml:"ref,attr"`
	Type string   `xml:"type,attr"`
	Min  string   `xml:"minOccurs,attr"`
	Max  string   `xml:"maxOccurs,attr"`
	Of   *xsdType `xml:"complexType"`
}

type xsdType struct {
	Name       string         `xml:"name,attr"`
	Mixed      bool           `xml:"mixed,attr"`
	Sequence   *xsdGroup      `xml:"sequence"`
	Choice     *xsdGroup      `xml:"choice"`
	Attributes []xsdAttribute `xml:"attribute"`
}

type xsdGroup struct {
	Elements []xsdElement `xml:"element"`
	Min      string       `xml:"minOccurs,attr"`
	Max      string       `xml:"maxOccurs,attr"`
}

type xsdAttribute struct {
	Name string `xml:"name,attr"`
	Type string `xml:"type,attr"`
	Use  string `xml:"use,attr"`
}

func loadXSD(t *testing.T, file string) *xsd {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Elements []xsdElement `xml:"element"`
		Types    []xsdType    `xml:"complexType"`
		Other    []struct {
			XMLName xml.Name
		} `xml:",any"`
	}
	if err := xml.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(doc.Other) > 0 || len(doc.Elements) == 0 {
		t.Fatalf("%s: uses %v, which this test cannot check", file, doc.Other)
	}
	x := &xsd{elements: map[string]xsdElement{}, types: map[string]xsdType{}}
	for _, e := range doc.Elements {
		x.elements[e.Name] = e
	}
	for _, c := range doc.Types {
		x.types[c.Name] = c
	}
	return x
}

type node struct {
	name     string
	attrs    []xml.Attr
	children []*node
	text     string
}

func (x *xsd) validate(r io.Reader) error {
	root := &node{}
	stack := []*node{root}
	dec := xml.NewDecoder(r)
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name.Local, attrs: tok.Copy().Attr}
			top.children = append(top.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
	if len(root.children) != 1 {
		return fmt.Errorf("%d root elements", len(root.children))
	}
	return x.check(root.children[0])
}

func (x *xsd) check(n *node) error {
	e, ok := x.elements[n.name]
	if !ok {
		return fmt.Errorf("no element <%s> in the schema", n.name)
	}
	t := e.Of
	if t == nil {
		if named, ok := x.types[e.Type]; ok {
			t = &named
		} else if len(n.children) > 0 || len(n.attrs) > 0 {
			return fmt.Errorf("<%s> is %s and has children or attributes", n.name, e.Type)
		} else {
			return simple(e.Type, n.text)
		}
	}
	if !t.Mixed && strings.TrimSpace(n.text) != "" {
		return fmt.Errorf("<%s> has the text %q", n.name, strings.TrimSpace(n.text))
	}
	if err := attributes(t, n); err != nil {
		return err
	}
	if err := content(t, n); err != nil {
		return fmt.Errorf("<%s>: %w", n.name, err)
	}
	for _, c := range n.children {
		if err := x.check(c); err != nil {
			return err
		}
	}
	return nil
}

func attributes(t *xsdType, n *node) error {
	declared := map[string]xsdAttribute{}
	for _, a := range t.Attributes {
		declared[a.Name] = a
	}
	seen := map[string]bool{}
	for _, a := range n.attrs {
		d, ok := declared[a.Name.Local]
		if !ok {
			return fmt.Errorf("<%s> has an undeclared attribute %s", n.name, a.Name.Local)
		}
		if err := simple(d.Type, a.Value); err != nil {
			return fmt.Errorf("<%s %s>: %w", n.name, a.Name.Local, err)
		}
		seen[a.Name.Local] = true
	}
	for _, a := range t.Attributes {
		if a.Use == "required" && !seen[a.Name] {
			return fmt.Errorf("<%s> lacks the attribute %s", n.name, a.Name)
		}
	}
	return nil
}

func content(t *xsdType, n *node) error {
	rest := n.children
	switch {
	case t.Choice != nil:
		allowed := map[string]bool{}
		for _, e := range t.Choice.Elements {
			allowed[e.Ref] = true
		}
		for len(rest) > 0 && allowed[rest[0].name] {
			rest = rest[1:]
		}
	case t.Sequence != nil:
		for _, e := range t.Sequence.Elements {
			count := 0
			for len(rest) > 0 && rest[0].name == e.Ref && (e.Max == "unbounded" || count == 0) {
				rest, count = rest[1:], count+1
			}
			if count == 0 && e.Min != "0" {
				return fmt.Errorf("lacks <%s>", e.Ref)
			}
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("<%s> is not allowed there", rest[0].name)
	}
	return nil
}

func simple(kind, value string) error {
	switch kind {
	case "xs:string":
		return nil
	case "xs:nonNegativeInteger":
		if n, ok := new(big.Int).SetString(value, 10); ok && n.Sign() >= 0 {
			return nil
		}
	case "xs:decimal":
		if _, ok := new(big.Rat).SetString(value); ok && !strings.ContainsAny(value, "eE/") {
			return nil
		}
	}
	return fmt.Errorf("%q is not a %s", value, kind)
}
