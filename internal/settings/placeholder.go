package settings

import (
	"regexp"
	"strings"
)

// placeholder is a part of a value that is filled in later: ${X}, ${X:default} of
// Spring and Quarkus, ${X:-default} of shells, $(X) of Kubernetes, {{X}} of Camel and
// Helm, @X@ of Maven's filters, #{…} of Spring's expressions.
var placeholder = regexp.MustCompile(`\$\{([^}:]*)(?::(-?)([^}]*))?\}|\$\(([A-Za-z0-9_.]+)\)|\{\{[^}]*\}\}|#\{[^}]*\}|@[A-Za-z0-9_.-]+@`)

// Open says whether a value leaves anything open.
func Open(value string) bool { return placeholder.MatchString(value) }

// OpenNames are the names of what a value leaves open, and that have one.
func OpenNames(value string) (names []string) {
	for _, m := range placeholder.FindAllStringSubmatch(value, -1) {
		if name := m[1] + m[4]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Fill puts values in for what a value leaves open, else the defaults that it names.
// What has neither stays; open says whether anything does, and fallback whether a
// default was taken.
func Fill(value string, values map[string]string) (filled string, open, fallback bool) {
	filled = placeholder.ReplaceAllStringFunc(value, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		if v, ok := values[m[1]+m[4]]; ok && m[1]+m[4] != "" {
			return v
		}
		if m[1] != "" && strings.HasPrefix(s[2+len(m[1]):], ":") && !Open(m[3]) {
			fallback = true
			return m[3]
		}
		open = true
		return s
	})
	return filled, open, fallback
}
