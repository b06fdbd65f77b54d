package settings

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// keys.tsv has every documented key of each framework and library at the version that
// its first lines name, and what becomes of the key: "producer acks" names the property
// of Kafka's that it sets, "fact x" what of the framework's own it sets, "- reason" why
// it has no bearing on delivery, "@ owner" whose it is. `*` stands for one part of a
// name, at the end for all that follows. tools/keys makes it.
//
//go:embed keys.tsv
var keysTSV string

// row is one key of a dialect.
type row struct {
	key     string
	becomes becomes
}

// becomes says what a key sets.
type becomes struct {
	kind string // a part, or fact, or "-" or "@"
	rest string // the property; the reason; the owner
}

// table is a dialect's keys.
type table struct {
	source   string
	exact    map[string]becomes
	squashed map[string]row // without separators, lower case
	patterns []row          // with a `*`, the most telling first
}

var tables = sync.OnceValue(func() map[string]*table {
	all := map[string]*table{}
	for line := range strings.Lines(keysTSV) {
		cells := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if cells[0] == "#" {
			all[cells[1]] = &table{source: cells[2], exact: map[string]becomes{}, squashed: map[string]row{}}
			continue
		}
		t := all[cells[0]]
		kind, rest, _ := strings.Cut(cells[2], " ")
		r := row{cells[1], becomes{kind, rest}}
		if strings.Contains(r.key, "*") {
			t.patterns = append(t.patterns, r)
			continue
		}
		t.exact[r.key] = r.becomes
		t.squashed[squash(r.key)] = r
	}
	for _, t := range all {
		slices.SortStableFunc(t.patterns, func(a, b row) int { return telling(b.key) - telling(a.key) })
	}
	return all
})

// telling is how much of a pattern is written out.
func telling(pattern string) int { return len(pattern) - 2*strings.Count(pattern, "*") }

// squash is a name without what relaxed binding does not look at.
func squash(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "-", "", "_", "").Replace(name))
}

// binding says how exactly a name must be written.
type binding int

const (
	exactly binding = iota
	relaxed         // case, dashes and underscores do not count: Spring, Micronaut, Camel
	fromEnv         // an environment variable: underscores are dots or dashes
)

// match is what a dialect's table says of a name: stars are the parts that stand for
// its `*`, the last one all that follows.
type match struct {
	becomes becomes
	stars   []string
}

func (t *table) find(name string, how binding) (match, bool) {
	if b, ok := t.exact[name]; ok {
		return match{becomes: b}, true
	}
	if how != exactly {
		if r, ok := t.squashed[squash(name)]; ok {
			return match{becomes: r.becomes}, true
		}
	}
	for _, r := range t.patterns {
		if stars, ok := wild(r.key, name, how); ok {
			return match{r.becomes, stars}, true
		}
	}
	return match{}, false
}

// wild matches a name against a pattern part by part.
func wild(pattern, name string, how binding) (stars []string, ok bool) {
	fold := func(s string) string {
		switch how {
		case relaxed:
			return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s))
		case fromEnv:
			return strings.ToLower(strings.NewReplacer("-", ".", "_", ".").Replace(s))
		}
		return s
	}
	if how == fromEnv {
		pattern, name = fold(pattern), fold(name)
	}
	want, got := strings.Split(pattern, "."), strings.Split(name, ".")
	for i, w := range want {
		switch {
		case i >= len(got):
			return nil, false
		case w == "*" && i == len(want)-1:
			return append(stars, strings.Join(got[i:], ".")), true
		case w == "*":
			stars = append(stars, got[i])
		case fold(w) != fold(got[i]):
			return nil, false
		}
	}
	return stars, len(want) == len(got)
}

// Dialects are the frameworks and libraries whose keys are known, with the source of
// the list, in the order of the table.
func Dialects() (names []string, source map[string]string) {
	source = map[string]string{}
	for line := range strings.Lines(keysTSV) {
		cells := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if cells[0] != "#" {
			break
		}
		names = append(names, cells[1])
		source[cells[1]] = cells[2]
	}
	return names, source
}

// Documented are the documented keys of a dialect.
func Documented(dialect string) []string {
	var all []string
	for line := range strings.Lines(keysTSV) {
		if name, rest, _ := strings.Cut(line, "\t"); name == dialect {
			key, _, _ := strings.Cut(rest, "\t")
			all = append(all, key)
		}
	}
	return all
}

// Fates counts what became of the documented keys of a dialect.
func Fates(dialect string) map[Fate]int {
	n := map[Fate]int{}
	for _, key := range Documented(dialect) {
		m, ok := tables()[dialect].find(key, exactly)
		switch {
		case !ok || m.becomes.rest == "":
			n[Unknown]++
		case m.becomes.kind == "-":
			n[NoBearing]++
		case m.becomes.kind == "@":
			n[Elsewhere]++
		default:
			n[Used]++
		}
	}
	return n
}
