package scenarios

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	mistakesPage  = "../docs/mistakes.md"
	mistakesBegin = "<!-- mistakes -->\n"
	mistakesEnd   = "<!-- end -->"
)

// rates is what was measured of one mistake: found n of n, and its correction
// clean. Measured by hand and kept when the page is written anew.
var rates = regexp.MustCompile(`^(\d+ of \d+, \d+ of \d+|–|no replication)$`)

// TestMistakesPage keeps docs/mistakes.md in step with the files: a row for each,
// in which only the rates are not made from it.
func TestMistakesPage(t *testing.T) {
	text, err := os.ReadFile(mistakesPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), mistakesBegin)
	table, tail, closed := strings.Cut(rest, mistakesEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", mistakesPage)
	}
	measured := measuredRates(table)
	var b strings.Builder
	b.WriteString("| mistake | what strikes | what breaks | source | embedded | docker | command |\n|---|---|---|---|---|---|---|\n")
	for _, file := range shippedFiles() {
		if !strings.HasPrefix(file, "mistakes/") {
			continue
		}
		s, err := Load(strings.TrimSuffix(file, ".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		name := s.Metadata.Name
		first, source := firstAndSource(s.Metadata.Description)
		if source == "" {
			t.Errorf("%s: the last line of its description is to be its source: `Source: KIP-98.`", file)
		}
		var strikes []string
		for i := range s.Faults {
			if words := s.Faults[i].Words(); !slices.Contains(strikes, words) { // several of a kind are told once
				strikes = append(strikes, words)
			}
		}
		embedded, docker := "–", "–"
		if m := measured[name]; len(m) == 2 {
			embedded, docker = m[0], m[1]
		}
		if s.Cluster.Backend == "docker" {
			embedded = "no replication"
		}
		for _, r := range []string{embedded, docker} {
			if !rates.MatchString(r) {
				t.Errorf("%s: %q is no rate of %s; wanted: found, and its correction clean, as `5 of 5, 5 of 5`, or – for not run", mistakesPage, r, name)
			}
		}
		fmt.Fprintf(&b, "| [%s](../scenarios/%s): %s | %s | %s | %s | %s | %s | `onceproof run %s --control` |\n",
			name, file, cell(strings.TrimPrefix(first, "Mistake: ")), cell(strings.Join(strikes, "; ")), strings.Join(violated(s), ", "), cell(source), embedded, docker, name)
	}
	compareFile(t, mistakesPage, []byte(head+mistakesBegin+b.String()+mistakesEnd+tail))
}

// measuredRates are the two columns of rates by the mistake's name.
func measuredRates(table string) map[string][]string {
	measured := map[string][]string{}
	for row := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(row), " | ")
		name, _, ok := strings.Cut(strings.TrimPrefix(cells[0], "| ["), "](")
		if ok && len(cells) == 7 {
			measured[path.Base(name)] = cells[4:6]
		}
	}
	return measured
}

func firstAndSource(description string) (first, source string) {
	lines := strings.Split(strings.TrimSpace(description), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "Source: ")
	if !ok {
		last = ""
	}
	return lines[0], last
}

func violated(s *Scenario) []string {
	var broken []string
	for g, v := range s.Expect {
		if v == "violated" {
			broken = append(broken, "`"+g+"`")
		}
	}
	slices.Sort(broken)
	return broken
}
