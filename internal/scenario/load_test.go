package scenario

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/scenarios"
)

// TestShippedScenarios: each has a twin that shows that the checker can tell
// them apart, a description that list can show, and the name of its file.
func TestShippedScenarios(t *testing.T) {
	seen := map[string]string{}
	for _, file := range fullNames() {
		s, err := Load(file)
		if err != nil {
			t.Error(err)
			continue
		}
		name := s.Metadata.Name
		if want := path.Base(file); name != want {
			t.Errorf("%s names itself %q", file, name)
		}
		if seen[name] != "" {
			t.Errorf("%s and %s have the same name", file, seen[name])
		}
		seen[name] = file
		mistake, bug := strings.HasPrefix(file, "mistakes/"), strings.HasPrefix(file, "bugs/")
		if mended := mistake || bug; mended != (s.Fixed != nil) || mended == (s.Control != nil) {
			t.Errorf("%s: a mistake and a bug have a fixed twin, every other scenario a control", file)
		}
		if bug != (s.Metadata.Bug != nil) {
			t.Errorf("%s: a scenario of bugs/, and no other, says which bug it is", file)
		}
		first, _, _ := strings.Cut(s.Metadata.Description, "\n")
		if first == "" || len(first) > 120 || !strings.HasSuffix(first, ".") {
			t.Errorf("%s: the first line of its description is to be one sentence of at most 120 letters: %q", file, first)
		}
		if mistake != strings.HasPrefix(first, "Mistake: ") {
			t.Errorf("%s: a mistake's description begins with it: %q", file, first)
		}
		if bug != strings.HasPrefix(first, "Bug: ") {
			t.Errorf("%s: a bug's description begins with it: %q", file, first)
		}
		if s.Run.Duration.Seconds() > 40 && !slices.Contains(s.Metadata.Labels, "slow") {
			t.Errorf("%s runs for %v", file, s.Run.Duration)
		}
		for _, f := range s.Faults {
			if f.Name == "" {
				t.Errorf("%s: %s has no name", file, f.Describe())
			}
		}
	}
}

func TestMatching(t *testing.T) {
	for pattern, want := range map[string]int{"mistakes/a*s-*": 2, "guide-*": 1, "exactly-once": 1, "./some.yaml": 1} {
		names, err := Matching(pattern)
		if err != nil || len(names) != want {
			t.Errorf("%s: %v, %v; want %d", pattern, names, err, want)
		}
		for _, n := range names {
			if _, err := Load(n); err != nil && pattern != "./some.yaml" {
				t.Error(err)
			}
		}
	}
	for _, pattern := range []string{"mistake/*", "["} {
		if names, err := Matching(pattern); err == nil {
			t.Errorf("%s: %v", pattern, names)
		}
	}
}

func TestFilesAreWhatIsShipped(t *testing.T) {
	text, err := fs.ReadFile(scenarios.Files, "shipped/guide-recipe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	source, err := Source("guide-recipe")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(source) {
		t.Error("Files and Source differ")
	}
	if _, err := Source("guide-recip"); err == nil || !strings.Contains(err.Error(), "guide-recipe") {
		t.Errorf("Source of a misspelt name: %v", err)
	}
}
