package lineage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Path says where a text stands in a record:
//
//	key                      the whole key; also value
//	header.NAME              the whole header
//	value.$.order.lines[*].id  a place in JSON; [*] is every element, [2] the third
//	value ~ ^paid:(\S+)      what the expression's first group matches; the whole match without one
//	value[4:12]              bytes 4 to 11; either end may be left out
//
// `.$`, `~` and `[…]` may follow key, value and header.NAME alike.
type Path struct {
	text   string
	part   string // "key", "value" or "header"
	header string
	json   []step
	re     *regexp.Regexp
	slice  bool
	lo, hi int // of slice; hi -1 is the end
}

// step is one step down in JSON: a field, an element, or every element.
type step struct {
	field string
	index int // -1 with field ""; -2 is every element
}

const everyElement = -2

// Message is a record's key, value and headers.
type Message struct {
	Key, Value []byte
	Headers    []Header
}

// Header is one header of a record.
type Header struct {
	Name  string
	Value []byte
}

// ParsePath reads a Path.
func ParsePath(s string) (Path, error) {
	p := Path{text: s}
	rest := ""
	switch {
	case strings.HasPrefix(s, "key"):
		p.part, rest = "key", s[len("key"):]
	case strings.HasPrefix(s, "value"):
		p.part, rest = "value", s[len("value"):]
	case strings.HasPrefix(s, "header."):
		p.part, rest = "header", s[len("header."):]
		end := len(rest)
		for _, mark := range []string{".$", " ~ ", "["} {
			if i := strings.Index(rest, mark); i >= 0 {
				end = min(end, i)
			}
		}
		p.header, rest = rest[:end], rest[end:]
		if p.header == "" {
			return p, fmt.Errorf("%q names no header; want header.NAME", s)
		}
	default:
		return p, fmt.Errorf("%q is no place in a record; it begins with key, value or header.NAME, such as value.$.orderId", s)
	}
	return p, p.parseRest(rest)
}

func (p *Path) parseRest(rest string) (err error) {
	switch {
	case rest == "":
	case strings.HasPrefix(rest, ".$"):
		p.json, err = parseSteps(rest[len(".$"):])
		if err == nil && len(p.json) == 0 {
			err = fmt.Errorf("%q: nothing follows the $; want a field, such as $.orderId", p.text)
		}
	case strings.HasPrefix(rest, " ~ "):
		p.re, err = regexp.Compile(strings.TrimSpace(rest[len(" ~ "):]))
	case strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]"):
		err = p.parseSlice(rest[1 : len(rest)-1])
	default:
		err = fmt.Errorf("%q: after %s, want nothing, .$. and a field, ~ and an expression, or [from:to]", p.text, p.part)
	}
	return err
}

func (p *Path) parseSlice(s string) error {
	lo, hi, ok := strings.Cut(s, ":")
	p.slice, p.lo, p.hi = true, 0, -1
	var err1, err2 error
	if lo != "" {
		p.lo, err1 = strconv.Atoi(lo)
	}
	if hi != "" {
		p.hi, err2 = strconv.Atoi(hi)
	}
	if !ok || err1 != nil || err2 != nil || p.lo < 0 || hi != "" && p.hi <= p.lo {
		return fmt.Errorf("%q: [%s] is no range of bytes, such as [4:12]", p.text, s)
	}
	return nil
}

func parseSteps(s string) ([]step, error) {
	var steps []step
	for s != "" {
		switch {
		case strings.HasPrefix(s, "."):
			end := strings.IndexAny(s[1:], ".[")
			if end < 0 {
				end = len(s) - 1
			}
			field := s[1 : 1+end]
			if field == "" {
				return nil, fmt.Errorf("%q: a field without a name", s)
			}
			steps, s = append(steps, step{field: field, index: -1}), s[1+end:]
		case strings.HasPrefix(s, "["):
			in, after, ok := strings.Cut(s[1:], "]")
			n, err := strconv.Atoi(in)
			if in == "*" {
				n, err = everyElement, nil
			}
			if !ok || err != nil || n < 0 && n != everyElement {
				return nil, fmt.Errorf("%q: want [n] or [*]", s)
			}
			steps, s = append(steps, step{index: n}), after
		default:
			return nil, fmt.Errorf("%q: want a field (.name) or an element ([n])", s)
		}
	}
	return steps, nil
}

// String returns the text that p was parsed from.
func (p Path) String() string { return p.text }

// IsZero says whether p is no path at all.
func (p Path) IsZero() bool { return p.text == "" }

// Texts are what stands in m at p: none where nothing does, several for [*].
func (p Path) Texts(m Message) []string {
	var all []string
	for _, b := range p.parts(m) {
		switch {
		case p.json != nil:
			all = append(all, p.inJSON(b)...)
		case p.re != nil:
			if g := p.re.FindSubmatch(b); len(g) > 1 {
				all = append(all, string(g[1]))
			} else if len(g) == 1 {
				all = append(all, string(g[0]))
			}
		case p.slice:
			hi := p.hi
			if hi < 0 {
				hi = len(b)
			}
			if hi <= len(b) && p.lo < hi {
				all = append(all, string(b[p.lo:hi]))
			}
		case len(b) > 0:
			all = append(all, string(b))
		}
	}
	return all
}

func (p Path) parts(m Message) [][]byte {
	switch p.part {
	case "key":
		return [][]byte{m.Key}
	case "value":
		return [][]byte{m.Value}
	}
	var all [][]byte
	for _, h := range m.Headers {
		if h.Name == p.header {
			all = append(all, h.Value)
		}
	}
	return all
}

func (p Path) inJSON(b []byte) []string {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return descend(v, p.json)
}

func descend(v any, steps []step) []string {
	if len(steps) == 0 {
		switch x := v.(type) {
		case nil, map[string]any, []any:
			return nil
		case string:
			return []string{x}
		default:
			return []string{fmt.Sprint(x)}
		}
	}
	s := steps[0]
	switch x := v.(type) {
	case map[string]any:
		if s.field != "" {
			return descend(x[s.field], steps[1:])
		}
	case []any:
		if s.index == everyElement {
			var all []string
			for _, e := range x {
				all = append(all, descend(e, steps[1:])...)
			}
			return all
		}
		if s.field == "" && s.index < len(x) {
			return descend(x[s.index], steps[1:])
		}
	}
	return nil
}
