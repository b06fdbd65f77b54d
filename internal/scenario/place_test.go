package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestPlacesAfterEverything: what stands before a mistake does not move its place.
func TestPlacesAfterEverything(t *testing.T) {
	for name, before := range map[string]string{
		"comment":         "# one\n# two\n",
		"blank lines":     "\n\n",
		"literal":         "metadata:\n  name: x\n  description: |\n    one\n\n    two\n      three\n",
		"literal, strip":  "metadata:\n  name: x\n  description: |-\n    one\n\n",
		"folded":          "metadata:\n  name: x\n  description: >\n    one\n    two\n\n    three\n",
		"double quoted":   "metadata: {name: x, description: \"one\n  two\n\n  three\"}\n",
		"single quoted":   "metadata: {name: x, description: 'one\n  two'}\n",
		"plain, two":      "metadata:\n  name: x\n  description: one\n    two\n",
		"flow over lines": "metadata: {\n  name: x,\n  description: one # why\n}\n",
		"after a value":   "kind: Scenario # {[\n",
		"list of flow":    "clients:\n  - {name: x, role: consumer,\n     input: y}\n",
		"umlauts":         "metadata: {name: x, description: äöü}\n",
	} {
		for _, eol := range []string{"\n", "\r\n"} {
			for _, c := range []struct {
				mistake string
				col     int
			}{
				{"wrong: 1\n", 1}, {"run: {duration: 1s, wrong: 1}\n", 21}, {"run:\n  wrong: 1\n", 3},
				{"run:\n\n  # why\n  wrong: 1\n", 3}, {"run: {duration: \"1s\", wrong: 1}\n", 23}, {"run: {seed: 'äöü', wrong: 1}\n", 20},
			} {
				text := before + c.mistake
				at := 1 + strings.Count(text[:strings.Index(text, "wrong")], "\n")
				want := fmt.Sprintf("%d:%d", at, c.col)
				_, err := Parse("x", []byte(strings.ReplaceAll(text, "\n", eol)))
				var all Errors
				if !errors.As(err, &all) {
					t.Fatalf("%s: %v", name, err)
				}
				found := ""
				for _, e := range all {
					if strings.Contains(e.Text, `"wrong"`) {
						found = fmt.Sprintf("%d:%d", e.Pos.Line, e.Pos.Col)
					}
				}
				if found != want {
					t.Errorf("%s, %q, ends %q: at %q, want %q", name, c.mistake, eol, found, want)
				}
			}
		}
	}
}
