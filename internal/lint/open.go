package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/settings"
)

// choice is a setting that the files leave open, with the values that it may get.
type choice struct {
	app      int
	part     Part
	at       Property
	file     string
	values   []string
	fallback bool // the file names a default, which is the first value
}

func (c choice) String() string {
	return fmt.Sprintf("%s:%d %s=%s", c.file, c.at.Line, c.at.Written(), strings.TrimSpace(c.at.Value))
}

// identities are settings whose placeholders are what they should have.
var identities = []string{"transactional.id", "group.id", "group.instance.id", "client.id", "bootstrap.servers"}

// choices are the open settings that bear on delivery.
func choices(apps []*Application) (all []choice) {
	for i, a := range apps {
		for _, part := range []Part{Producer, Consumer, Broker} {
			f := a.FileOf(part)
			if f == nil || a.Client != "" && a.Framework == "" && f.Path != "" && a.Line > 0 {
				continue // a scenario's, whose placeholders the harness fills in
			}
			for _, p := range f.Properties {
				if last, _ := f.Get(p.Name); last != p || !settings.Open(p.Value) || slices.Contains(identities, p.Name) {
					continue
				}
				known, ok := scenario.LookupProperty(string(part), p.Name)
				if !ok {
					continue
				}
				c := choice{app: i, part: part, at: p, file: f.Path, values: valuesOf(known)}
				if filled, open, fallback := settings.Fill(p.Value, nil); !open && fallback {
					c.fallback = true
					value := scenario.KafkasValue(a.Library, p.Name, filled, p.Written() != p.Name)
					c.values = append([]string{value}, slices.DeleteFunc(c.values, func(v string) bool { return v == value })...)
				}
				all = append(all, c)
			}
		}
	}
	return all
}

// valuesOf are values that a property may have, one of each kind, the best first.
func valuesOf(p scenario.Property) []string {
	switch {
	case p.Name == "acks":
		return []string{"all", "1", "0"}
	case p.Name == "auto.offset.reset":
		return []string{"earliest", "latest"}
	case p.Name == "isolation.level":
		return []string{"read_committed", "read_uncommitted"}
	case p.Name == "enable.auto.commit" || p.Name == "unclean.leader.election.enable":
		return []string{"false", "true"}
	case p.Type == "boolean":
		return []string{"true", "false"}
	case p.Type == "int" || p.Type == "long" || p.Type == "short":
		values := []string{p.Default}
		for _, v := range []string{"1", "3", "2147483647"} {
			if v != p.Default && p.Check(v) == nil {
				values = append(values, v)
			}
		}
		return slices.DeleteFunc(values, func(v string) bool { return v == "" })
	}
	return []string{p.Default}
}

// settled are the applications with a value for each open setting: the default that the
// file names, else the best that there is.
func settled(apps []*Application, open []choice) []*Application {
	out := slices.Clone(apps)
	for _, c := range open {
		out[c.app] = out[c.app].given(c, c.values[0])
	}
	return out
}

// given is a with a value for an open setting, in its place.
func (a *Application) given(c choice, value string) *Application {
	out := *a
	f := &File{Path: c.file, Properties: slices.Clone(a.FileOf(c.part).Properties)}
	for i, p := range f.Properties {
		if p.Name == c.at.Name && p.Line == c.at.Line {
			f.Properties[i].Value, f.Properties[i].Raw = value, p.Value
		}
	}
	switch c.part {
	case Producer:
		out.Producer = f
	case Consumer:
		out.Consumer = f
	case Broker:
		out.Broker = f
	}
	if c.at.Name == "enable.auto.commit" && out.Inferred && out.Because.Property == "" {
		out.Commit = ""
		_ = out.infer("") // no pattern is given, so nothing can be wrong with it
	}
	return &out
}

// unsettled says, for each guarantee, which open settings decide it and how.
func unsettled(apps []*Application, open []choice) map[string][]string {
	why := map[string][]string{}
	base := settled(apps, open)
	for _, c := range open {
		kept, lost := map[string][]string{}, map[string][]string{}
		for _, v := range c.values {
			tried := slices.Clone(base)
			tried[c.app] = base[c.app].given(choice{part: c.part, file: c.file, at: c.at}, v)
			for _, s := range standings(tried, lintAll(tried)) {
				switch s.State {
				case Promised:
					kept[s.Guarantee] = append(kept[s.Guarantee], v)
				case AtRisk, Forfeited:
					lost[s.Guarantee] = append(lost[s.Guarantee], v)
				}
			}
		}
		for g := range lost {
			if len(kept[g]) == 0 {
				continue
			}
			words := fmt.Sprintf("%s: kept with %s, not with %s", c, strings.Join(kept[g], ", "), strings.Join(lost[g], ", "))
			if c.fallback {
				words += fmt.Sprintf("; its default is %s, and may be overridden", c.values[0])
			}
			why[g] = append(why[g], words)
		}
	}
	return why
}
