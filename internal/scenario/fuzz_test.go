package scenario

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse: no input panics, and every mistake has a place within the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(wholeScenario))
	for _, n := range Names() {
		text, err := Source(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{
		"", "{", "a: [", "? [a]\n: b", "a: &x 1\nb: *x", "<<: {a: 1}", "!!binary x", "- - - -", "\"\\x", "a: |\n b", "kind:\n- x",
		"faults: [{drop: , on: }]", "faults:\n- at: 1s\n  kill:\n", "clients: [{name: x, role: producer, config: {a: [b]}}]", "\xff",
		"control: {clients: {x: {commit: }}}", strings.Repeat("[", 100), strings.Repeat("- ", 300), "a:\n" + strings.Repeat(" ", 300) + "- b",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("f.yaml", text)
		if err == nil {
			out, err := Marshal(s)
			if err != nil {
				t.Fatalf("parsed, but cannot be written: %v", err)
			}
			if _, err := Parse("g.yaml", out); err != nil {
				t.Fatalf("written, but cannot be read: %v\n%s", err, out)
			}
			return
		}
		var all Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("error is a %T: %v", err, err)
		}
		last := 1 + strings.Count(newlines(text), "\n")
		for _, e := range all {
			if e.File != "f.yaml" || e.Text == "" || e.Pos.Line < 1 || e.Pos.Col < 1 || e.Pos.Line > last {
				t.Errorf("an error without a place in a file of %d lines: %+v", last, *e)
			}
		}
	})
}
