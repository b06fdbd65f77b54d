package history

import (
	"os"
	"strings"
	"testing"
)

// TestDocs holds every example line of docs/history.md to the format.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```jsonl\n")
	if len(blocks) < 6 {
		t.Fatalf("%d blocks of examples", len(blocks)-1)
	}
	for i, block := range blocks[1:] {
		block, _, _ = strings.Cut(block, "```")
		if i == 0 {
			if n, _, err := readAll("docs/history.md", strings.NewReader(block)); err != nil || n != 7 {
				t.Errorf("the whole history: %d events, %v", n, err)
			}
			continue
		}
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			var e Event
			if err := ParseLine([]byte(line), &e); err != nil {
				t.Errorf("%s\n%v", line, err)
			}
			if got := string(MarshalLine(nil, &e)); got != line {
				t.Errorf("written by hand %s\nby the writer   %s", line, got)
			}
		}
	}
	for _, field := range fieldNames {
		if !strings.Contains(string(page), "`"+field+"`") {
			t.Errorf("field %s is not described", field)
		}
	}
	for op := range judged {
		if !strings.Contains(string(page), "`"+string(op)+"`") {
			t.Errorf("operation %s is not described", op)
		}
	}
}
