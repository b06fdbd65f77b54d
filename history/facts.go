package history

import (
	"fmt"
	"strconv"
)

// data reads the facts of an event: whole numbers become int64, other numbers
// float64, arrays []any, objects map[string]any.
func (p *parser) data() (map[string]any, error) {
	if p.space(); p.i < len(p.b) && p.b[p.i] != '{' {
		return nil, fmt.Errorf("found %s; want an object", p.found())
	}
	v, err := p.any(0)
	m, _ := v.(map[string]any)
	return m, err
}

func (p *parser) any(depth int) (any, error) {
	if p.space(); p.i >= len(p.b) {
		return nil, errCut
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels of brackets", maxDepth)
	}
	switch c := p.b[p.i]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		b, err := p.string()
		if err != nil {
			return nil, err
		}
		return p.intern.fact(b), nil
	case c == 't' || c == 'f':
		return p.bool()
	case c == 'n':
		ok, err := p.word("null")
		if !ok && err == nil {
			err = fmt.Errorf("found %s; want null", p.found())
		}
		return nil, err
	}
	return p.anyNumber()
}

func (p *parser) object(depth int) (map[string]any, error) {
	p.i++
	m := make(map[string]any)
	for first := true; ; first = false {
		more, err := p.more('}', first)
		if err != nil || !more {
			return m, err
		}
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.open(':'); err != nil {
			return nil, err
		}
		if m[name], err = p.any(depth + 1); err != nil {
			return nil, err
		}
	}
}

func (p *parser) array(depth int) ([]any, error) {
	p.i++
	a := []any{}
	for first := true; ; first = false {
		more, err := p.more(']', first)
		if err != nil || !more {
			return a, err
		}
		v, err := p.any(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
}

func (p *parser) anyNumber() (any, error) {
	from := p.i
	for p.i < len(p.b) {
		c := p.b[p.i]
		if c-'0' > 9 && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.i++
	}
	text := p.b[from:p.i]
	if p.i == len(p.b) {
		return nil, errCut
	}
	if len(text) == 0 {
		return nil, fmt.Errorf("found %s; want a value", p.found())
	}
	if n, size, ok := number(text); ok && size == len(text) {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, fmt.Errorf("%.40q is no number of 64 bits", text)
	}
	return f, nil
}
