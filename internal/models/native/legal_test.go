package native

import (
	"path/filepath"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestLegalHistories: small legal histories that the fuzz of order and loss found, each
// called broken once.
func TestLegalHistories(t *testing.T) {
	files, err := filepath.Glob("testdata/legal/*.jsonl")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d histories, %v", len(files), err)
	}
	for _, file := range files {
		r, err := history.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		report, err := checker.Check(t.Context(), r, checker.Options{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		for _, g := range report.Guarantees {
			if g.Verdict == guarantee.Violated {
				t.Errorf("%s: %s is called violated: %s", file, g.Guarantee, g.Reason)
			}
		}
	}
}
