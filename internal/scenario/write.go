package scenario

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Marshal writes s, defaults included, as a scenario file that parses back to s.
func Marshal(s *Scenario) ([]byte, error) {
	n := scenarioRecord.encode(s)
	if n == nil {
		return nil, fmt.Errorf("marshal scenario: it is empty")
	}
	var b strings.Builder
	if err := writeBlock(&b, n, 0); err != nil {
		return nil, fmt.Errorf("marshal scenario %q: %w", s.Metadata.Name, err)
	}
	return []byte(b.String()), nil
}

// lineWidth is up to where a mapping or list is written on one line.
const lineWidth = 100

func writeBlock(b *strings.Builder, n *node, indent int) error {
	pad := strings.Repeat("  ", indent)
	for i, e := range n.entries {
		if i > 0 || b.Len() == 0 || strings.HasSuffix(b.String(), "\n") {
			b.WriteString(pad)
		}
		b.WriteString(plainOrQuoted(e.key) + ":")
		if err := writeUnder(b, e.val, indent); err != nil {
			return err
		}
	}
	for _, item := range n.items {
		b.WriteString(pad + "-")
		if flow := flowText(item); fits(item, flow, indent) {
			b.WriteString(" " + flow + "\n")
			continue
		}
		if item.kind != mappingNode {
			return fmt.Errorf("a list item of %d bytes has no place on a line", len(flowText(item)))
		}
		b.WriteString(" ")
		if err := writeBlock(b, item, indent+1); err != nil {
			return err
		}
	}
	return nil
}

// writeUnder writes the value of a key that has just been written.
func writeUnder(b *strings.Builder, n *node, indent int) error {
	if n.kind == scalarNode {
		b.WriteString(" " + scalarText(n, indent) + "\n")
		return nil
	}
	flow := flowText(n)
	if (indent > 0 || len(n.entries)+len(n.items) == 0 || n.kind == mappingNode && len(flow) < 60) && fits(n, flow, indent) {
		b.WriteString(" " + flow + "\n")
		return nil
	}
	b.WriteString("\n")
	return writeBlock(b, n, indent+1)
}

// fits reports whether n may stand on one line; scalars and lists of lists
// always do.
func fits(n *node, flow string, indent int) bool {
	if n.kind == scalarNode || len(n.entries)+len(n.items) == 0 {
		return true
	}
	if n.kind == listNode && n.items[0].kind != mappingNode {
		return true
	}
	return len(flow)+2*indent < lineWidth && !strings.Contains(flow, `\n`)
}

func flowText(n *node) string {
	switch n.kind {
	case mappingNode:
		parts := make([]string, len(n.entries))
		for i, e := range n.entries {
			parts[i] = plainOrQuoted(e.key) + ": " + flowText(e.val)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case listNode:
		parts := make([]string, len(n.items))
		for i, item := range n.items {
			parts[i] = flowText(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return n.scalar()
}

// scalar is n on one line: in quotes if it is text that looks like something else.
func (n *node) scalar() string {
	if n.quoted && scalarType(n.text) != "string" {
		return quoted(n.text)
	}
	return plainOrQuoted(n.text)
}

// scalarType is what YAML's core schema takes a plain scalar for.
func scalarType(s string) string {
	switch strings.ToLower(s) {
	case "", "null", "~":
		return "null"
	case "true", "false":
		return "boolean"
	}
	if _, err := strconv.ParseInt(s, 0, 64); err == nil {
		return "integer"
	}
	if _, err := strconv.ParseUint(s, 0, 64); err == nil {
		return "integer"
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil || numberish.MatchString(s) {
		return "number"
	}
	return "string"
}

// numberish is what some YAML reader or other takes for a number.
var numberish = regexp.MustCompile(`^[-+]?[0-9][0-9_.,eExXoObB]*$`)

// scalarText is n after its key: a text of several lines as a literal block.
func scalarText(n *node, indent int) string {
	if !blockable.MatchString(n.text) {
		return n.scalar()
	}
	pad := strings.Repeat("  ", indent+1)
	body, mark := n.text, "|-"
	if strings.HasSuffix(body, "\n") {
		body, mark = strings.TrimSuffix(body, "\n"), "|"
	}
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = pad + l
		}
	}
	return mark + "\n" + strings.Join(lines, "\n")
}

// blockable is a text of several lines that a literal block keeps exactly:
// the first begins with a word, none ends with a blank.
var blockable = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?(\n{1,2}[ -~]*[!-~])+\n?$`)

// plain is what needs no quotes anywhere in YAML, flow mappings included.
var plain = regexp.MustCompile(`^[A-Za-z0-9_/$%(][A-Za-z0-9_./@%()$+-]*( [A-Za-z0-9_./@%()$+-]+)*$`)

func plainOrQuoted(s string) string {
	if plain.MatchString(s) && !isYAMLWord(s) && s[0] != '%' {
		return s
	}
	return quoted(s)
}

// isYAMLWord reports whether unquoted s would not be read as the same text.
func isYAMLWord(s string) bool {
	switch strings.ToLower(s) {
	case "null", "~":
		return true
	}
	return false
}

// quoted is s as a JSON string, which YAML reads alike.
func quoted(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// jsonText is n as JSON.
func jsonText(n *node) []byte {
	switch n.kind {
	case mappingNode:
		out := []byte{'{'}
		for i, e := range n.entries {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(append(out, quoted(e.key)...), ':'), jsonText(e.val)...)
		}
		return append(out, '}')
	case listNode:
		out := []byte{'['}
		for i, item := range n.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, jsonText(item)...)
		}
		return append(out, ']')
	}
	return []byte(quoted(n.text))
}

// MarshalJSON writes f as the scenario file does, every value as a string.
func (f Fault) MarshalJSON() ([]byte, error) {
	n := faultRecord.encode(&f)
	if n == nil {
		return []byte("{}"), nil
	}
	return jsonText(n), nil
}

// UnmarshalJSON reads what MarshalJSON wrote; JSON is YAML.
func (f *Fault) UnmarshalJSON(text []byte) error {
	n, bad := parseYAML(text)
	if bad != nil {
		bad.File = "fault"
		return bad
	}
	d := newDecoder()
	var out Fault
	faultRecord.decode(d, n, &out)
	for _, e := range d.errs {
		e.File = "fault"
	}
	if err := d.errs.sorted(); err != nil {
		return err
	}
	out.Pos = Pos{}
	*f = out
	return nil
}

// Checked is s as its file would be read: for a scenario that a program has changed.
// The error says what a file would be refused for, or what its backend cannot do.
func Checked(s *Scenario) (*Scenario, error) {
	yaml, err := Marshal(s)
	if err != nil {
		return nil, err
	}
	parsed, err := Parse(s.File, yaml)
	if err != nil {
		return nil, err
	}
	if err := CheckBackend(parsed, parsed.Cluster.Backend); err != nil {
		return nil, err
	}
	return parsed, nil
}
