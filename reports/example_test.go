package reports_test

import (
	"fmt"
	"os"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/reports"
)

func Example() {
	report := &checker.Report{Scenario: "my-shop", Seed: 7, Backend: "docker", Guarantees: []checker.Result{
		{Guarantee: guarantee.NoLoss, Verdict: guarantee.Holds, Examined: map[string]int64{"records": 5120}},
		{Guarantee: guarantee.NoDuplicates, Verdict: guarantee.Violated, Anomalies: []checker.Finding{{Kind: guarantee.DuplicateWrite, Count: 3}}},
	}}
	if err := reports.Terminal(os.Stdout, reports.Input{Report: report}, false); err != nil {
		fmt.Println(err)
	}
	// Output:
	// Not exactly once: 3 messages were written twice.
	// my-shop · seed 7 · docker · 0 events
	//
	//   ✓ no-loss        holds     as expected     5,120 records
	//   ✗ no-duplicates  violated  expected holds  duplicate-write × 3
	//
	// ✗ duplicate-write breaks no-duplicates: 3 messages were written twice
}
