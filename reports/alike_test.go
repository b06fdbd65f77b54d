package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
)

// replayed is a report with one violation, two faults and a count.
func replayed(verdict guarantee.Verdict, finding checker.Finding, struck string, at time.Duration, sends int64) *checker.Report {
	return &checker.Report{
		Guarantees: []checker.Result{
			{Guarantee: guarantee.NoLoss, Verdict: guarantee.Holds},
			{Guarantee: guarantee.NoDuplicates, Verdict: verdict, Anomalies: []checker.Finding{finding}},
		},
		Faults: []checker.FaultEvidence{
			{Step: 1, Resolved: "client till/0", Injected: int64(time.Second)},
			{Step: 2, Resolved: struck, Injected: int64(at)},
		},
		Evidence: checker.Evidence{Counts: map[string]int64{"sends": sends}},
	}
}

func TestAlike(t *testing.T) {
	twice := checker.Finding{Kind: guarantee.DuplicateWrite, Count: 1, Fingerprint: "a"}
	was := replayed(guarantee.Violated, twice, "broker 1", 4*time.Second, 600)
	more := twice
	more.Count = 3
	other := checker.Finding{Kind: guarantee.DuplicateWrite, Count: 1, Fingerprint: "b"}
	for _, test := range []struct {
		name string
		is   *checker.Report
		want string
	}{
		{"the same again", replayed(guarantee.Violated, more, "broker 1", 4100*time.Millisecond, 598), `
  verdicts    2 of 2 as before
  again       duplicate-write 1 → 3
  faults      2 of 2 struck the same target, at most 100ms earlier or later
  work        sends 600 → 598
`},
		{"the same anomaly by another way", replayed(guarantee.Violated, other, "broker 2", 4*time.Second, 600), `
  verdicts    2 of 2 as before
  not again   duplicate-write
  new         duplicate-write
  faults      1 of 2 struck the same target, at most 0s earlier or later
              step 2: broker 1, then broker 2
  work        sends 600 → 600
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), Alike(was, test.is).String()); diff != "" {
				t.Errorf("likeness (-want +got):\n%s", diff)
			}
		})
	}
}
