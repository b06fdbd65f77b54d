package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// sign is a key that only one framework has.
var signs = []struct {
	dialect string
	key     *regexp.Regexp
}{
	{"spring", regexp.MustCompile(`(?i)^spring[._](kafka|cloud[._]stream)([._]|$)`)},
	{"smallrye", regexp.MustCompile(`(?i)^mp[._]messaging[._]`)},
	{"camel", regexp.MustCompile(`(?i)^camel[._](component[._])?kafka[._]`)},
	{"micronaut", regexp.MustCompile(`(?i)^(kafka[._](producers|consumers)[._]|micronaut[._])`)},
	{"mirror", regexp.MustCompile(`^clusters$|^[^.\s]+->[^.\s]+\.`)},
	{"flink", regexp.MustCompile(`(^|/)(sink\.(delivery-guarantee|semantic|transactional-id-prefix)|scan\.startup\.mode|properties\.bootstrap\.servers)$|^execution\.checkpointing\.`)},
	{"connector", regexp.MustCompile(`^(config\.)?connector\.class$`)},
	{"connect", regexp.MustCompile(`^(key\.converter|value\.converter|offset\.storage\.(topic|file\.filename)|config\.storage\.topic|status\.storage\.topic|plugin\.path|exactly\.once\.source\.support|connector\.client\.config\.override\.policy|producer\.override\..*)$`)},
	{"streams", regexp.MustCompile(`^(application\.id|processing\.guarantee|num\.stream\.threads|num\.standby\.replicas|default\.(key|value)\.serde|state\.dir)$`)},
}

// precedence are frameworks whose files may have the signs of another: a connector has
// converters as its worker does, a mirror is a Connect worker.
var precedence = map[string][]string{"mirror": {"connect", "connector", "streams"}, "connector": {"connect"}}

// detect finds the framework by its keys; "" = a plain client's file.
func (r *Reading) detect(all []Property, o Options) (string, error) {
	first := map[string]Property{}
	var seen []string
	for _, p := range all {
		for _, s := range signs {
			if _, ok := first[s.dialect]; !ok && (s.key.MatchString(p.Name) || p.Key != "" && s.key.MatchString(p.Key)) {
				first[s.dialect] = p
				seen = append(seen, s.dialect)
			}
		}
		if strings.HasPrefix(p.Key, "CONNECT_") && first["connect"].Name == "" {
			first["connect"] = p
			seen = append(seen, "connect")
		}
	}
	for _, over := range []string{"mirror", "connector"} {
		if slices.Contains(seen, over) {
			seen = slices.DeleteFunc(seen, func(d string) bool { return slices.Contains(precedence[over], d) })
		}
	}
	if slices.Contains(seen, "smallrye") || slices.Contains(seen, "spring") {
		seen = slices.DeleteFunc(seen, func(d string) bool { return d == "micronaut" && !strings.HasPrefix(first[d].Name, "kafka.") })
	}
	switch {
	case len(seen) > 1:
		a, b := seen[0], seen[1]
		return "", fmt.Errorf("%s:%d: %s is %s's, and %s in line %d is %s's: two formats in one file; split it, or say --as %s or --as %s",
			r.Path, first[b].Line, first[b].Written(), frameworks[b], first[a].Written(), first[a].Line, frameworks[a], a, b)
	case len(seen) == 1 && o.Part == "broker":
		return "", fmt.Errorf("%s:%d: %s is %s's, not a broker's; say --config %s", r.Path, first[seen[0]].Line, first[seen[0]].Written(), frameworks[seen[0]], r.Path)
	case len(seen) == 1:
		return seen[0], nil
	}
	for _, p := range all {
		if strings.HasPrefix(p.Name, "kafka.") && len(all) > 0 && strings.HasPrefix(all[0].Name, "quarkus.") {
			return "smallrye", nil
		}
	}
	return "", nil
}
