package scenario

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	mistakesPage  = "../../docs/mistakes.md"
	mistakesBegin = "<!-- mistakes -->\n"
	mistakesEnd   = "<!-- end -->"
)

// TestMistakesPage keeps docs/mistakes.md in step with the files: a row for each.
func TestMistakesPage(t *testing.T) {
	text, err := os.ReadFile(mistakesPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), mistakesBegin)
	_, tail, closed := strings.Cut(rest, mistakesEnd)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", mistakesPage)
	}
	var b strings.Builder
	b.WriteString("| mistake | what strikes | what breaks | source | command |\n|---|---|---|---|---|\n")
	for _, file := range fullNames() {
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
			if words := s.Faults[i].Describe(); !slices.Contains(strikes, words) { // several of a kind are told once
				strikes = append(strikes, words)
			}
		}
		fmt.Fprintf(&b, "| [%s](../scenarios/%s.yaml): %s | %s | %s | %s | `onceproof run %s --control` |\n",
			name, file, cell(strings.TrimPrefix(first, "Mistake: ")), cell(strings.Join(strikes, "; ")), strings.Join(violated(s), ", "), cell(source), name)
	}
	compareFile(t, mistakesPage, []byte(head+mistakesBegin+b.String()+mistakesEnd+tail))
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
