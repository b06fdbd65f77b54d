package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/internal/suite"
)

// TestSearchEndsWithItsBudget: what idempotence off permits is no find, and only a
// find leaves a folder.
func TestSearchEndsWithItsBudget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "brief.yaml", strings.Replace(brief, "expect: {no-duplicates: violated}\n", "", 1))
	got := onceproof(t, dir, "search", "brief.yaml", "--faults", "1", "--budget", "5s", "--seed", "3")
	if got.code != suite.ExitExpected || !strings.Contains(got.out, " faults drawn") {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
