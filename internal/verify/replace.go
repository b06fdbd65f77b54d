package verify

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/internal/lint"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Replaced is a line of the user's files that a run cannot use as it is.
type Replaced struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Property string `json:"property"`
	Was      string `json:"was"` // never a credential
	Now      string `json:"now"` // "" = left out
	Why      string `json:"why"`
}

func (r Replaced) String() string {
	now := "left out"
	if r.Now != "" {
		now = r.Now
	}
	return fmt.Sprintf("%s:%d: %s=%s: %s, %s", r.File, r.Line, r.Property, r.Was, now, r.Why)
}

// swap is what becomes of a kind of property in a run.
type swap struct {
	matches func(name string, p scenario.Property, value string) bool
	why     string
}

func named(names ...string) func(string, scenario.Property, string) bool {
	return func(name string, _ scenario.Property, _ string) bool { return slices.Contains(names, name) }
}

func begins(prefixes ...string) func(string, scenario.Property, string) bool {
	return func(name string, _ scenario.Property, _ string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
}

// foreign is a class that is none of Kafka's own.
func foreign(_ string, p scenario.Property, value string) bool {
	return strings.Contains(value, ".") && !strings.HasPrefix(value, "org.apache.kafka.") && (p.Type == "class" || p.Type == "list")
}

// swaps are tried in order; the first that matches counts. What none matches
// stays as it is.
var swaps = []swap{
	{named("bootstrap.servers", "client.dns.lookup", "bootstrap.controllers"), "the run has a cluster of its own"},
	{begins("security.", "sasl.", "ssl."), "the run's cluster asks for no credentials"},
	{named("key.serializer", "value.serializer", "key.deserializer", "value.deserializer"), "the worker writes and reads bytes"},
	{named("interceptor.classes", "metric.reporters", "config.providers", "enable.metrics.push", "auto.include.jmx.reporter"), "it is not part of the run"},
	{func(name string, p scenario.Property, value string) bool {
		return p.Name == "" || strings.HasPrefix(name, "config.providers.")
	}, "Kafka's own client has no such property"},
	{foreign, "the class is not part of the run"},
	{named("client.rack"), "the run's brokers stand in no racks"},
}

// taken is a properties file as a run uses it.
type taken struct {
	path     string
	config   map[string]string
	lines    map[string]int
	replaced []Replaced
}

// take goes through a file line by line. A value that is not written out and
// cannot be replaced is an error: nobody knows what it would be.
func take(f *lint.File, part lint.Part, instances int) (taken, error) {
	t := taken{config: map[string]string{}, lines: map[string]int{}}
	if f == nil {
		return t, nil
	}
	t.path = f.Path
	for _, p := range f.Properties {
		if last, _ := f.Get(p.Name); last.Line != p.Line {
			continue // another line counts
		}
		value := strings.TrimSpace(p.Value)
		known, _ := scenario.LookupProperty(string(part), p.Name)
		now, why, dropped := value, "", false
		if i := slices.IndexFunc(swaps, func(s swap) bool { return s.matches(p.Name, known, value) }); i >= 0 {
			why, dropped = swaps[i].why, true
		} else if slices.Contains([]string{"transactional.id", "group.instance.id", "client.id"}, p.Name) {
			now, why = identity(p.Name, value, instances)
		} else if strings.Contains(value, "${") {
			return t, fmt.Errorf("%s:%d: %s=%s: the value is not known here; write it out", f.Path, p.Line, p.Name, value)
		}
		if dropped {
			now = ""
		} else {
			t.config[p.Name], t.lines[p.Name] = now, p.Line
		}
		if now != value {
			t.replaced = append(t.replaced, Replaced{f.Path, p.Line, p.Name, shown(p.Name, known, value), now, why})
		}
	}
	return t, nil
}

// identity is a name that each instance has for itself, in the harness's words:
// random values differ at each start, what else is left open differs between
// instances and stays.
func identity(name, value string, instances int) (now, why string) {
	before, rest, open := strings.Cut(value, "${")
	switch {
	case open && ours(value):
		return value, ""
	case open:
		inner, after, _ := strings.Cut(rest, "}")
		if random := strings.ToLower(inner); strings.Contains(random, "random") || strings.Contains(random, "uuid") {
			return before + "${random}" + after, "it differs at each start"
		}
		return before + "${instance}" + after, "it stays the same for one instance"
	case name == "group.instance.id" && instances > 1:
		return value + "-${instance}", "two members of a group cannot have the same"
	}
	return value, ""
}

// ours says whether all that a value leaves open is what the harness fills in.
func ours(value string) bool {
	for _, name := range []string{"client", "instance", "incarnation", "random"} {
		value = strings.ReplaceAll(value, "${"+name+"}", "")
	}
	return !strings.Contains(value, "${")
}

// shown is a value that may be printed.
func shown(name string, p scenario.Property, value string) string {
	for _, word := range []string{"password", "secret", "jaas", "credential", "token", "user.info", "key"} {
		if strings.Contains(strings.ToLower(name), word) && !strings.HasSuffix(name, "serializer") || p.Type == "password" {
			return "(hidden)"
		}
	}
	return userinfo.ReplaceAllString(value, "://(hidden)@")
}

// userinfo is a name and password within an address.
var userinfo = regexp.MustCompile(`://[^/@]+@`)
