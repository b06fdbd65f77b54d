package history

import "fmt"

// err reads an error as a library told it.
func (p *parser) err() (*Error, error) {
	if err := p.open('{'); err != nil {
		return nil, err
	}
	e := &Error{}
	for first := true; ; first = false {
		more, err := p.more('}', first)
		if err != nil {
			return nil, err
		}
		if !more {
			return e, nil
		}
		name, err := p.field()
		if err != nil {
			return nil, err
		}
		switch string(name) {
		case "name":
			e.Name, err = p.name()
		case "class":
			e.Class, err = p.class()
		case "code":
			e.Code, err = p.int16()
		case "text":
			e.Text, err = p.text()
		default:
			err = fmt.Errorf("unknown field %.40q in \"err\"; want name, class, code, text", name)
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) class() (Class, error) {
	b, err := p.string()
	if err != nil {
		return "", err
	}
	switch c := Class(p.intern.name(b)); c {
	case "", Retriable, Abortable, Fatal, Fenced:
		return c, nil
	}
	return "", fmt.Errorf("class %.40q; want retriable, abortable, fatal or fenced", b)
}
