package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/search"
)

// TestSearchEndsWithItsBudget: what idempotence off permits is no find, and only a
// find leaves a folder.
func TestSearchEndsWithItsBudget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "brief.yaml", strings.Replace(brief, "expect: {no-duplicates: violated}\n", "", 1))
	got := onceproof(t, dir, "search", "brief.yaml", "--faults", "1", "--budget", "5s", "--seed", "3")
	if got.code != exitExpected || !strings.Contains(got.out, " cells tried\n") {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "runs", "*")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestOutcomeOf(t *testing.T) {
	result := func(v, expected checker.Verdict, permitted string) *checker.Report {
		return &checker.Report{Guarantees: []checker.Result{{Guarantee: checker.NoLoss, Verdict: v, Expected: expected, Permitted: permitted}}}
	}
	never := errors.New("a fault was never seen")
	for _, test := range []struct {
		report *checker.Report
		err    error
		want   search.Outcome
	}{
		{result(checker.Holds, checker.Holds, ""), nil, search.AsExpected},
		{result(checker.Holds, checker.Holds, ""), never, search.Unjudged},
		{result(checker.Violated, checker.Holds, ""), nil, search.Unexpected},
		{result(checker.Violated, checker.Holds, ""), never, search.Unexpected},
		{result(checker.Violated, checker.Holds, "acks=1"), nil, search.Permitted},
		{result(checker.Violated, checker.Violated, ""), nil, search.AsExpected},
	} {
		if got := outcomeOf(test.report, test.err); got != test.want {
			t.Errorf("%+v, %v: %q, want %q", test.report.Guarantees[0], test.err, got, test.want)
		}
	}
}
