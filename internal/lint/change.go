package lint

import (
	"maps"
	"slices"
)

// With is a as it would be with changes made. a itself stays.
func (a *Application) With(changes []Change) *Application {
	out := *a
	for _, c := range changes {
		switch c.Part {
		case Producer:
			out.Producer = with(out.Producer, c)
		case Consumer:
			out.Consumer = with(out.Consumer, c)
		case Broker:
			out.Broker, out.Topic = with(out.Broker, c), without(out.Topic, c.Property)
		case Code:
			switch c.Property {
			case "commit":
				out.Commit, out.Inferred, out.Because, out.HandsOff = c.Value, false, Setting{}, false
			case "library":
				out.Library = c.Value
			default:
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
func with(f *File, c Change) *File {
	out := without(f, c.Property)
	if out != nil && c.Value != "" {
		out.Properties = append(out.Properties, Property{Name: c.Property, Value: c.Value, Line: len(f.Properties) + 1})
	}
	return out
}

func without(f *File, name string) *File {
	if f == nil {
		return nil
	}
	return &File{Path: f.Path, Properties: slices.DeleteFunc(slices.Clone(f.Properties), func(p Property) bool { return p.Name == name })}
}

// Effective is a part's file with what the framework sets besides; nil if there is none.
func (a *Application) Effective(part Part) *File {
	f := a.FileOf(part)
	for _, name := range slices.Sorted(maps.Keys(a.Defaults[part])) {
		if _, set := f.Get(name); f != nil && !set {
			f = with(f, Change{part, name, a.Defaults[part][name].Value})
		}
	}
	return f
}
