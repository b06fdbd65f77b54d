package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/suite"
)

// TestShrinkWritesARegressionTest shrinks a run with a fault that does
// not matter, and runs what is left.
func TestShrinkWritesARegressionTest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wide := strings.Replace(brief, "faults:\n", "faults:\n  - {name: idle, at: 1500ms, cut: {client: other}, for: 100ms}\n", 1)
	wide = strings.Replace(wide, "run:", "  - {name: other, role: producer, rate: 10/s, topic: orders, config: {acks: all}}\nrun:", 1)
	write(t, dir, "wide.yaml", wide)
	if got := onceproof(t, dir, "run", "wide.yaml"); got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	runs, _ := filepath.Glob(filepath.Join(dir, "runs", "brief-7-*"))
	got := onceproof(t, dir, "shrink", runs[0], "--tries", "1", "--need", "1", "--confirm", "1", "--budget", "25s", "-o", "small.yaml")
	if got.code != suite.ExitExpected {
		t.Fatalf("exit %d\n%s\n%s", got.code, got.out, got.stderr)
	}
	if !strings.Contains(got.out, "  ✓ without idle ") {
		t.Errorf("shrink does not leave out the idle fault:\n%s", got.out)
	}
	if again := onceproof(t, dir, "run", "small.yaml"); again.code != suite.ExitExpected {
		t.Errorf("the shrunk scenario ends with %d\n%s\n%s", again.code, again.out, again.stderr)
	}
}

func TestGuaranteeToKeep(t *testing.T) {
	report := func(rs ...checker.Result) *checker.Report { return &checker.Report{Guarantees: rs} }
	loss := checker.Result{Guarantee: guarantee.NoLoss, Applies: true, Verdict: guarantee.Violated, Expected: guarantee.Violated}
	twice := checker.Result{Guarantee: guarantee.NoDuplicates, Applies: true, Verdict: guarantee.Violated, Expected: guarantee.Holds}
	order := checker.Result{Guarantee: guarantee.Order, Applies: true, Verdict: guarantee.Holds, Expected: guarantee.Holds}
	for _, test := range []struct {
		report *checker.Report
		wanted string
		want   guarantee.Guarantee
		says   string
	}{
		{report(loss, twice, order), "", guarantee.NoDuplicates, ""}, // what was not expected comes first
		{report(loss, order), "", guarantee.NoLoss, ""},
		{report(loss, twice, order), "no-loss", guarantee.NoLoss, ""},
		{report(loss, twice, order), "order", "", "holds there, not violated"},
		{report(loss, twice, order), "ordre", "", "no such guarantee"},
		{report(order), "", "", "nothing to shrink"},
	} {
		got, err := guaranteeToKeep(test.report, test.wanted)
		if got != test.want || test.says == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("of %v, %q: %q, %v; want %q, %q", test.report.Guarantees, test.wanted, got, err, test.want, test.says)
		}
	}
}
