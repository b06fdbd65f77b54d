package scenario

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write schema.json and the tables of docs/scenarios.md and docs/faults.md")

func TestSchemaFileIsUpToDate(t *testing.T) {
	compareFile(t, "../../scenarios/schema.json", Schema())
}

var tables = regexp.MustCompile(`(?s)<!-- table: ([a-z]+) -->\n.*?<!-- end -->`)

func TestReferenceIsUpToDate(t *testing.T) {
	const file = "../../docs/scenarios.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ref, used := Reference(), map[string]bool{}
	want := tables.ReplaceAllFunc(text, func(m []byte) []byte {
		name := string(tables.FindSubmatch(m)[1])
		used[name] = true
		if ref[name] == "" {
			t.Errorf("%s: unknown table %q", file, name)
		}
		return fmt.Appendf(nil, "<!-- table: %s -->\n%s<!-- end -->", name, ref[name])
	})
	for name := range ref {
		if !used[name] {
			t.Errorf("%s has no place for the table %q", file, name)
		}
	}
	compareFile(t, file, want)
}

// TestFaultsPageIsUpToDate: the table of docs/faults.md is the one that decides.
func TestFaultsPageIsUpToDate(t *testing.T) {
	const file = "../../docs/faults.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(tables.FindAll(text, -1)); n != 1 {
		t.Fatalf("%s has places for %d tables, want one", file, n)
	}
	compareFile(t, file, tables.ReplaceAllLiteral(text, []byte("<!-- table: faults -->\n"+FaultTable()+"<!-- end -->")))
}

// TestEachFaultSaysHowItIsProved: a row without these would leave holes in the docs.
func TestEachFaultSaysHowItIsProved(t *testing.T) {
	for _, a := range actions {
		if a.doc == "" || a.seenBy == "" || a.goneBy == "" {
			t.Errorf("%s: doc, seenBy and goneBy must say something", a.kind)
		}
	}
}

func compareFile(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not up to date (-update writes it):\n%s", file, cmp.Diff(string(got), string(want)))
	}
}

// TestTheExampleOfTheReferenceParses: the page's own example is a scenario.
func TestTheExampleOfTheReferenceParses(t *testing.T) {
	text, err := os.ReadFile("../../docs/scenarios.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example")
	}
	if _, err := Parse("example.yaml", []byte(example)); err != nil {
		t.Error(err)
	}
}

// TestSchemaTakesWhatParses: the schema refuses no scenario that Parse takes,
// neither the shipped ones nor drawn ones.
func TestSchemaTakesWhatParses(t *testing.T) {
	v := newValidator(t)
	for _, name := range Names() {
		text, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		n, bad := parseYAML(text)
		if bad != nil {
			t.Fatal(bad)
		}
		for _, wrong := range v.check(v.root, n, name) {
			t.Error(wrong)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, err := Marshal(drawScenario(t))
		if err != nil {
			t.Fatal(err)
		}
		n, bad := parseYAML(text)
		if bad != nil {
			t.Fatal(bad)
		}
		for _, wrong := range v.check(v.root, n, "drawn") {
			t.Errorf("%s\n%s", wrong, text)
		}
	})
}

// TestSchemaFindsMistakes: what an editor can be expected to mark.
func TestSchemaFindsMistakes(t *testing.T) {
	v := newValidator(t)
	for old, mistake := range map[string]string{
		"    rate:":        "    rat:",
		"brokers: 3":       "brokers: three",
		"partitions: 2":    "partitions: 0",
		"role: producer":   "role: producr",
		"no-loss: holds":   "no-loss: hold",
		"  no-loss:":       "  no-los:",
		"acks: all":        "akcs: all",
		"leader(orders/0)": "leadr(orders/0)",
		"duration: 30s":    "duration: 30",
		"request: Produce": "request: Prodcue",
		"metadata: {name":  "metadata: {nam",
	} {
		if !strings.Contains(wholeScenario, old) {
			t.Fatalf("%q is not in the scenario", old)
		}
		n, bad := parseYAML([]byte(strings.Replace(wholeScenario, old, mistake, 1)))
		if bad != nil {
			t.Fatal(bad)
		}
		if len(v.check(v.root, n, "")) == 0 {
			t.Errorf("%q instead of %q passes the schema", mistake, old)
		}
	}
}

// validator knows as much of JSON Schema as the scenario's uses.
type validator struct {
	root map[string]any
}

func newValidator(t *testing.T) validator {
	t.Helper()
	var v validator
	if err := json.Unmarshal(Schema(), &v.root); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v validator) check(s map[string]any, n *node, at string) (wrong []string) {
	fail := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	for key, want := range s {
		switch key {
		case "$schema", "$id", "$defs", "title", "description", "additionalProperties":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			wrong = append(wrong, v.check(v.root["$defs"].(map[string]any)[name].(map[string]any), n, at)...)
		case "type":
			types := []any{want}
			if l, ok := want.([]any); ok {
				types = l
			}
			is := kindOf(n)
			fits := slices.Contains(types, any(is)) || is == "integer" && slices.Contains(types, any("number"))
			if !fits {
				fail("is %s, not %v", is, types)
			}
		case "enum":
			if !slices.Contains(want.([]any), any(n.text)) {
				fail("%q is none of the %d values", n.text, len(want.([]any)))
			}
		case "pattern":
			if kindOf(n) == "string" && !regexp.MustCompile(want.(string)).MatchString(n.text) {
				fail("%q does not match %s", n.text, want)
			}
		case "minLength":
			if float64(len(n.text)) < want.(float64) {
				fail("too short")
			}
		case "minimum", "maximum":
			x, err := strconv.ParseFloat(n.text, 64)
			if kindOf(n) != "string" && err == nil && (key == "minimum" && x < want.(float64) || key == "maximum" && x > want.(float64)) {
				fail("%s is beyond the %s, %v", n.text, key, want)
			}
		case "items":
			for i, item := range n.items {
				wrong = append(wrong, v.check(want.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case "required":
			for _, r := range want.([]any) {
				if n.get(r.(string)) == nil {
					fail("has no %s", r)
				}
			}
		case "propertyNames":
			for _, e := range n.entries {
				wrong = append(wrong, v.check(want.(map[string]any), &node{kind: scalarNode, text: e.key, quoted: true}, at+"."+e.key)...)
			}
		case "properties":
		default:
			fail("the validator does not know %s", key)
		}
	}
	props, _ := s["properties"].(map[string]any)
	for _, e := range n.entries {
		if p, ok := props[e.key].(map[string]any); ok {
			wrong = append(wrong, v.check(p, e.val, at+"."+e.key)...)
			continue
		}
		switch more := s["additionalProperties"].(type) {
		case bool:
			if !more {
				fail("unknown field %s", e.key)
			}
		case map[string]any:
			wrong = append(wrong, v.check(more, e.val, at+"."+e.key)...)
		}
	}
	return wrong
}

func kindOf(n *node) string {
	switch {
	case n.kind == mappingNode:
		return "object"
	case n.kind == listNode:
		return "array"
	case n.kind == nullNode:
		return "null"
	case n.quoted:
		return "string"
	}
	return scalarType(n.text)
}
