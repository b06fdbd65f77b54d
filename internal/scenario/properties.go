package scenario

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// properties.tsv lists Kafka's own configuration definitions (ProducerConfig,
// ConsumerConfig, AbstractKafkaConfig and LogConfig of kafka 4.1.1): role, name,
// type, valid values, default.
//
//go:embed properties.tsv
var propertiesTSV string

// Property is one of Kafka's configuration properties.
type Property struct {
	Role    string // producer, consumer, broker, topic
	Name    string
	Type    string // boolean, int, long, short, double, string, list, class, password
	Valid   string // as Kafka's documentation writes it: "[1,...]", "[all, -1, 0, 1]"; "" = any
	Default string
}

// older are properties that 4.1 no longer has, but brokers and clients that a
// scenario may name still do, and one that is ours.
var older = []Property{
	{"producer", "onceproof.key", "string", "", "unique"}, // the workers' own: unique, none, or how many keys
	{"producer", "internal.auto.downgrade.txn.commit", "boolean", "", "false"},
	{"consumer", "auto.include.jmx.reporter", "boolean", "", "true"},
	{"producer", "auto.include.jmx.reporter", "boolean", "", "true"},
	{"broker", "inter.broker.protocol.version", "string", "", ""},
	{"broker", "log.message.format.version", "string", "", ""},
	{"broker", "log.message.timestamp.difference.max.ms", "long", "[0,...]", ""},
	{"broker", "offsets.commit.required.acks", "short", "", "-1"},
	{"topic", "message.format.version", "string", "", ""},
	{"topic", "message.timestamp.difference.max.ms", "long", "[0,...]", ""},
}

var propertyTable = sync.OnceValue(func() map[string]map[string]Property {
	table := map[string]map[string]Property{}
	add := func(p Property) {
		if table[p.Role] == nil {
			table[p.Role] = map[string]Property{}
		}
		table[p.Role][p.Name] = p
	}
	for line := range strings.Lines(propertiesTSV) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		add(Property{f[0], f[1], f[2], f[3], f[4]})
	}
	for _, p := range older {
		add(p)
	}
	return table
})

// LookupProperty finds a property by role (producer, consumer, broker, topic)
// and name.
func LookupProperty(role, name string) (Property, bool) {
	p, ok := propertyTable()[role][name]
	return p, ok
}

// PropertyNames returns the sorted names of all properties of the roles.
func PropertyNames(roles ...string) []string {
	var names []string
	for _, r := range roles {
		for n := range propertyTable()[r] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check says why value cannot be p's. A value with a placeholder passes.
func (p Property) Check(value string) error {
	if strings.Contains(value, "${") {
		return nil
	}
	switch p.Type {
	case "boolean":
		if v := strings.ToLower(value); v != "true" && v != "false" {
			return fmt.Errorf("%s is true or false, not %q", p.Name, value)
		}
	case "int", "long", "short":
		bits := map[string]int{"int": 32, "long": 64, "short": 16}[p.Type]
		v, err := strconv.ParseInt(strings.TrimSpace(value), 10, bits)
		if err != nil {
			return fmt.Errorf("%s is a whole number (%s), not %q", p.Name, p.Type, value)
		}
		return p.inRange(float64(v), value)
	case "double":
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return fmt.Errorf("%s is a number, not %q", p.Name, value)
		}
		return p.inRange(v, value)
	case "string", "list":
		return p.oneOf(value)
	}
	return nil
}

func (p Property) inRange(v float64, value string) error {
	lo, hi, ok := strings.Cut(strings.Trim(p.Valid, "[]"), ",...")
	if !ok {
		return nil
	}
	if low, err := strconv.ParseFloat(lo, 64); err == nil && v < low {
		return fmt.Errorf("%s is at least %s, not %s", p.Name, lo, value)
	}
	if high, err := strconv.ParseFloat(strings.TrimPrefix(hi, ","), 64); err == nil && v > high {
		return fmt.Errorf("%s is at most %s, not %s", p.Name, strings.TrimPrefix(hi, ","), value)
	}
	return nil
}

func (p Property) oneOf(value string) error {
	if p.Name == "auto.offset.reset" && p.Role == "consumer" { // by_duration:PT1H besides the words
		if strings.HasPrefix(value, "by_duration:") || slices.Contains([]string{"earliest", "latest", "none"}, strings.ToLower(value)) {
			return nil
		}
		return fmt.Errorf("%s has no value %q%s", p.Name, value, didYouMean(value, []string{"earliest", "latest", "none"}))
	}
	valid, folds := strings.CutPrefix(p.Valid, "(case insensitive) ")
	if !strings.HasPrefix(valid, "[") || strings.Contains(valid, "...") {
		return nil
	}
	allowed := strings.Split(strings.Trim(valid, "[]"), ", ")
	given := []string{value}
	if p.Type == "list" {
		given = strings.Split(value, ",")
	}
	for _, g := range given {
		g = strings.TrimSpace(g)
		if !slices.ContainsFunc(allowed, func(a string) bool { return a == g || folds && strings.EqualFold(a, g) }) {
			return fmt.Errorf("%s has no value %q%s", p.Name, g, didYouMean(g, allowed))
		}
	}
	return nil
}
