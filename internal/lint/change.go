package lint

import "slices"

// With is a as it would be with changes made. a itself stays.
func (a *Application) With(changes []Change) *Application {
	out := *a
	for _, c := range changes {
		switch c.Part {
		case Producer:
			out.Producer = out.Producer.with(c)
		case Consumer:
			out.Consumer = out.Consumer.with(c)
		case Broker:
			out.Broker, out.Topic = out.Broker.with(c), out.Topic.without(c.Property)
		case Code:
			if c.Property == "commit" {
				out.Commit = c.Value
			} else {
				out.Resends = false
			}
		}
	}
	return &out
}

// Has says whether a is as c would make it.
func (a *Application) Has(c Change) bool {
	if c.Part == Code {
		return c.Property == "commit" && a.Commit == c.Value
	}
	f := a.FileOf(c.Part)
	if f == nil {
		return false
	}
	p, set := f.Get(c.Property)
	return set == (c.Value != "") && p.Value == c.Value
}

// FileOf is the properties file of a part; nil if there is none.
func (a *Application) FileOf(part Part) *File {
	return map[Part]*File{Producer: a.Producer, Consumer: a.Consumer, Broker: a.Broker}[part]
}

// with is f with c's line in it; a file that is not there stays so.
func (f *File) with(c Change) *File {
	out := f.without(c.Property)
	if out != nil && c.Value != "" {
		out.Properties = append(out.Properties, Property{c.Property, c.Value, len(f.Properties) + 1})
	}
	return out
}

func (f *File) without(name string) *File {
	if f == nil {
		return nil
	}
	return &File{f.Path, slices.DeleteFunc(slices.Clone(f.Properties), func(p Property) bool { return p.Name == name })}
}
