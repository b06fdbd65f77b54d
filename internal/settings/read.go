package settings

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Options say how a file is to be read.
type Options struct {
	Part    string            // of a plain client's file: producer, consumer or broker
	Library string            // whose names a plain client's file has
	Dialect string            // the framework; "" = found out from the keys
	Profile string            // of Spring or Quarkus
	Set     map[string]string // values for placeholders
}

// Read reads a configuration file of whatever format. Every error of the file is
// reported at once.
func Read(path string, o Options) (*Reading, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s: is not UTF-8 text", path)
	}
	r := &Reading{Path: path}
	all, env, err := r.parse(text, o)
	if err != nil {
		return nil, err
	}
	return r, r.resolve(all, env, o)
}

// parse makes settings of a file's text by its name's ending. env says that the names
// are environment variables.
func (r *Reading) parse(text []byte, o Options) (all []Property, env bool, err error) {
	base, head := filepath.Base(r.Path), bytes.TrimSpace(text)
	switch ext := strings.ToLower(filepath.Ext(base)); {
	case ext == ".yml" || ext == ".yaml":
		all, err = r.yaml(text, o)
		return all, false, err
	case ext == ".json":
		all, err = parseJSON(r.Path, text)
		return all, false, err
	case ext == ".sql":
		all, err = parseSQL(r.Path, text)
		return all, false, err
	case ext == ".env" || strings.HasPrefix(base, ".env"):
		all, err = parseEnv(r.Path, text)
		return all, true, err
	case ext == ".ini":
		all, err = parseINI(r.Path, text)
		return all, false, err
	case len(head) > 0 && (head[0] == '{' || head[0] == '['):
		return nil, false, fmt.Errorf("%s:1: is JSON by its text, and %s by its name; save it as .json", r.Path, cmpOr(ext, "properties"))
	case looksYAML(text):
		return nil, false, fmt.Errorf("%s:1: is YAML by its text, and %s by its name; save it as .yml", r.Path, cmpOr(ext, "properties"))
	}
	f, err := Parse(r.Path, text)
	if err != nil {
		return nil, false, err
	}
	if o.Profile != "" || slices.ContainsFunc(f.Properties, func(p Property) bool { return strings.HasPrefix(p.Name, "%") }) {
		f.Properties = r.quarkus(f.Properties, o)
	}
	if more, err := r.sibling(o); err != nil || len(more) > 0 {
		return append(f.Properties, more...), false, err
	}
	return f.Properties, false, nil
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// looksYAML says whether lines end in a colon with an indented line behind: no
// properties file is written so.
func looksYAML(text []byte) bool {
	lines := strings.Split(string(text), "\n")
	for i := 0; i+1 < len(lines); i++ {
		line := strings.TrimRight(lines[i], " \r")
		if strings.HasSuffix(line, ":") && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "!") && strings.HasPrefix(lines[i+1], "  ") {
			return true
		}
	}
	return false
}

// yaml merges the documents of a file that count for the profile.
func (r *Reading) yaml(text []byte, o Options) ([]Property, error) {
	docs, err := parseYAML(r.Path, text)
	if err != nil {
		return nil, err
	}
	var all []Property
	var others []string
	found := o.Profile == ""
	for _, d := range docs {
		if d.profile.Name == "" {
			all = append(all, d.settings...)
			continue
		}
		if slices.ContainsFunc(strings.Split(d.profile.Value, ","), func(p string) bool {
			p = strings.TrimSpace(p)
			return p == o.Profile && p != "" || strings.HasPrefix(p, "!") && p[1:] != o.Profile
		}) {
			found = found || strings.Contains(d.profile.Value, o.Profile)
			all = append(all, d.settings...)
			continue
		}
		others = append(others, fmt.Sprintf("%s (line %d)", d.profile.Value, d.profile.Line))
	}
	for i := range all {
		if rest, ok := strings.CutPrefix(all[i].Name, "%"); ok {
			all[i].Name = "%" + strings.Trim(rest, `"`)
		}
	}
	all = r.quarkus(all, o)
	more, err := r.sibling(o)
	switch {
	case err != nil:
		return nil, err
	case len(more) > 0:
		return append(all, more...), nil
	case !found:
		return nil, fmt.Errorf("%s: --profile %s: the file has no such profile; it has %s", r.Path, o.Profile, cmpOr(strings.Join(others, ", "), "none"))
	}
	if len(others) > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%s: without --profile, these profiles are left out: %s", r.Path, strings.Join(others, ", ")))
	}
	return all, nil
}

// quarkus takes the profile's settings ("%prod.x") over those of every profile.
func (r *Reading) quarkus(all []Property, o Options) []Property {
	profile := cmpOr(o.Profile, "prod")
	var plain, mine []Property
	left := map[string]bool{}
	for _, p := range all {
		rest, ok := strings.CutPrefix(p.Name, "%")
		if !ok {
			plain = append(plain, p)
			continue
		}
		names, key, _ := strings.Cut(rest, ".")
		if slices.Contains(strings.Split(names, ","), profile) {
			p.Name, p.Key = key, p.Name
			mine = append(mine, p)
		} else if !left[names] {
			left[names] = true
			r.Notes = append(r.Notes, fmt.Sprintf("%s:%d: the profile %s is left out; --profile %s reads it", r.Path, p.Line, names, names))
		}
	}
	return append(plain, mine...)
}

// sibling reads application-PROFILE.yml beside application.yml, as Spring does.
func (r *Reading) sibling(o Options) ([]Property, error) {
	ext := filepath.Ext(r.Path)
	base := strings.TrimSuffix(filepath.Base(r.Path), ext)
	if o.Profile == "" || base != "application" {
		return nil, nil
	}
	path := filepath.Join(filepath.Dir(r.Path), base+"-"+o.Profile+ext)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	r.Notes = append(r.Notes, fmt.Sprintf("%s: %s counts over it", r.Path, filepath.Base(path)))
	if ext == ".properties" {
		f, err := Parse(path, text)
		if err != nil {
			return nil, err
		}
		return f.Properties, nil
	}
	docs, err := parseYAML(path, text)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return docs[0].settings, nil
}

// resolve settles the fate of each key.
func (r *Reading) resolve(all []Property, env bool, o Options) error {
	how := exactly
	if env {
		how = fromEnv
		if brokers(all) {
			o.Part = "broker"
		}
		all = r.environment(all, o)
	}
	var err error
	if r.Dialect = o.Dialect; r.Dialect == "" {
		if r.Dialect, err = r.detect(all, o); err != nil {
			return err
		}
	} else if _, ok := family[r.Dialect]; !ok {
		return fmt.Errorf("--as %s: no framework is named so; there are spring, smallrye, micronaut, camel, streams, connect, connector, mirror, flink", r.Dialect)
	}
	if how == exactly && (r.Dialect == "spring" || r.Dialect == "micronaut" || r.Dialect == "camel") {
		how = relaxed
	}
	v := resolver{r: r, part: o.Part, library: o.Library, how: how}
	if r.Dialect == "mirror" {
		for _, p := range all { // the other keys are read by them
			if p.Name == "clusters" {
				r.client("").Facts["clusters"] = p
			}
		}
	}
	all = unwrap(r.Dialect, all)
	for _, p := range all {
		p.Value = fillGiven(p.Value, o.Set)
		switch {
		case env && !kafkas(p.Written()):
			v.done(p, "", Elsewhere, "the environment: its name says nothing of Kafka")
		case r.Dialect == "":
			v.plain(p)
		default:
			v.key(p)
		}
	}
	r.Keys = sorted(r.Keys)
	return nil
}

// fillGiven puts values in for placeholders; what is not given stays, with its default.
func fillGiven(value string, set map[string]string) string {
	for _, name := range OpenNames(value) {
		if _, ok := set[name]; ok {
			filled, _, _ := Fill(value, set)
			return filled
		}
	}
	return value
}

// unwrap takes the wrapping off a connector's JSON: {"name": …, "config": {…}}.
func unwrap(dialect string, all []Property) []Property {
	if dialect != "connector" {
		return all
	}
	out := slices.Clone(all)
	for i := range out {
		if rest, ok := strings.CutPrefix(out[i].Name, "config."); ok && rest != "action.reload" && !strings.HasPrefix(rest, "providers") {
			out[i].Name = rest
		}
	}
	return out
}

// environment gives variables the names that their prefix stands for, and leaves out
// what is none of Kafka's.
func (r *Reading) environment(all []Property, o Options) []Property {
	var out []Property
	broker := o.Part == "broker"
	for _, p := range all {
		p.Key = p.Name
		upper := strings.ToUpper(p.Name)
		if strings.HasPrefix(upper, "CONNECT_") || strings.HasPrefix(upper, "KAFKA_") && (broker || o.Dialect == "" && !strings.HasPrefix(upper, "KAFKA_PRODUCERS_") && !strings.HasPrefix(upper, "KAFKA_CONSUMERS_")) {
			rest := p.Name[strings.IndexByte(p.Name, '_')+1:]
			rest = strings.TrimPrefix(rest, "CFG_") // Bitnami's images
			p.Name = dotted(rest)
		}
		out = append(out, p)
	}
	return out
}

// brokers says whether an environment is a broker's.
func brokers(all []Property) bool {
	return slices.ContainsFunc(all, func(p Property) bool {
		return slices.Contains([]string{"KAFKA_PROCESS_ROLES", "KAFKA_NODE_ID", "KAFKA_BROKER_ID", "KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS", "KAFKA_CFG_NODE_ID", "KAFKA_CFG_PROCESS_ROLES"}, p.Name)
	})
}

// dotted is the property that the images of Kafka make of a variable: one underscore
// is a dot, two are an underscore, three a dash.
func dotted(name string) string {
	const dash, under = "\x00", "\x01"
	name = strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(name), "___", dash), "__", under)
	return strings.NewReplacer("_", ".", dash, "-", under, "_").Replace(name)
}
