package jepsenkafka

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// wanted is the line of a case that says under which of Jepsen's names it must be
// found; "nothing" where it is legal.
var wanted = regexp.MustCompile(`(?m)^; want: (.+)$`)

// undecided is the line of a case that names what the history leaves open.
var undecided = regexp.MustCompile(`(?m)^; undecided: (.+)$`)

// TestCases judges small histories about which this model and the judge once
// disagreed.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.edn")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".edn"), func(t *testing.T) {
			edn, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := wanted.FindSubmatch(edn)
			if m == nil {
				t.Fatal("no line says what is wanted")
			}
			want := strings.Fields(string(m[1]))
			if want[0] == "nothing" {
				want = nil
			}
			slices.Sort(want)
			o := judge(t, edn)
			got := slices.Sorted(maps.Keys(o.jepsen))
			got = slices.DeleteFunc(got, func(name string) bool { return name == Unseen })
			if maybe := undecided.FindSubmatch(edn); maybe != nil && o.maybe[string(maybe[1])] == 0 {
				t.Errorf("onceproof cannot decide %v, want %s among it", o.maybe, maybe[1])
			}
			if !slices.Equal(got, want) || len(want) == 0 && len(o.broken()) > 0 {
				t.Errorf("onceproof says %v, want %v; %v", got, want, o.texts)
			}
		})
	}
}
