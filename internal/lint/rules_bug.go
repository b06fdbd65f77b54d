package lint

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// bugs.tsv says which application meets which bug of its library: the shipped scenario
// that shows it, the library, its first version with the bug ("" = all before), the
// first without ("" = none yet), and what the application does that meets it.
//
//go:embed bugs.tsv
var bugsTSV string

// bug is a bug of a library's version.
type bug struct{ name, library, first, fixed, when string }

var bugs = sync.OnceValue(func() []bug {
	var all []bug
	for _, line := range strings.Split(strings.TrimSpace(bugsTSV), "\n")[1:] {
		f := strings.Split(line, "\t")
		all = append(all, bug{f[0], f[1], f[2], f[3], f[4]})
	}
	return all
})

var bugRules = []Rule{{
	ID: "known-bug", Property: "library", Severity: Warning,
	Promise: "a bug of the library's version breaks it, whatever is configured",
	Fix:     "a version without the bug, or another library",
	Why: "The corpus of bugs has scenarios that this version of the library fails. What a configuration promises, the library has to keep. " +
		"Without a version (--library NAME@VERSION) the newest that was tried counts.",
	Sources: []Source{{"the corpus of bugs", "https://github.com/onceproof/onceproof/blob/main/docs/bugs.md"}},
	Breaks:  []string{"no-loss", "agreement"}, Scenario: "kafkajs-sequence-reused",
	check: knownBugs,
}}

func knownBugs(a *Application) (hits []hit) {
	for _, b := range bugs() {
		if !b.in(a.Library) || !b.meets(a) {
			continue
		}
		s, err := scenario.Load(b.name)
		if err != nil {
			continue // a test says so
		}
		first, _, _ := strings.Cut(s.Metadata.Description, "\n")
		h := hit{
			at:       Setting{Property: "library", Value: a.Library, File: a.place()},
			promise:  strings.TrimSuffix(strings.TrimPrefix(first, "Bug: "), ".") + " (affected: " + s.Metadata.Bug.Affected + ")",
			scenario: b.name,
		}
		for _, g := range scenario.Guarantees {
			if s.Expect[g] == string(guarantee.Violated) {
				h.breaks = append(h.breaks, g)
			}
		}
		other := "franz-go"
		if name, _ := scenario.SplitVersion(a.Library); b.fixed != "" {
			other = name + "@" + b.fixed
			h.fix = other + ", or newer"
		}
		h.changes = []Change{{Code, "library", other}}
		hits = append(hits, h)
	}
	return hits
}

// place is a file of the application.
func (a *Application) place() string {
	for _, f := range []*File{a.Producer, a.Consumer, a.Broker} {
		if f != nil {
			return f.Path
		}
	}
	return ""
}

// in says whether a library, "name" or "name@version", has the bug.
func (b bug) in(library string) bool {
	name, version := scenario.SplitVersion(library)
	if name != b.library && !(b.library == "librdkafka" && scenario.Column(library) == b.library) {
		return false
	}
	if version == "" {
		return b.fixed == "" // the newest
	}
	v := numbers(version)
	return (b.first == "" || slices.Compare(v, numbers(b.first)) >= 0) && (b.fixed == "" || slices.Compare(v, numbers(b.fixed)) < 0)
}

// meets says whether what an application does meets the bug.
func (b bug) meets(a *Application) bool {
	idempotent, _ := a.idempotence()
	switch b.when {
	case "reads":
		return a.reads()
	case "reads-transactions":
		return a.reads() && a.Reads != Plain
	case "reads-committed":
		return a.reads() && a.Reads != Plain && a.consumer("isolation.level").is("read_committed")
	case "commits":
		return a.reads() && slices.Contains([]string{guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitBefore}, a.Commit)
	case "transaction":
		return a.Commit == guarantee.CommitTxn
	case "idempotent":
		return a.writes() && idempotent
	case "sends":
		return a.writes()
	case "sends-plainly":
		return a.writes() && !idempotent
	}
	panic(fmt.Sprintf("bugs.tsv: %s: nothing is called %q", b.name, b.when))
}

// numbers are the parts of a version; what is no number is 0.
func numbers(version string) []int {
	v := make([]int, 3)
	for i, part := range strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3) {
		v[i], _ = strconv.Atoi(part)
	}
	return v
}
