package suite

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// TestPermit: an explored run does not fail for what its configuration permits.
func TestPermit(t *testing.T) {
	result := func(g guarantee.Guarantee, verdict, expected guarantee.Verdict, permitted string) checker.Result {
		return checker.Result{Guarantee: g, Verdict: verdict, Expected: expected, Applies: true, Permitted: permitted}
	}
	const line = "commit=after-each-record (s.yaml:30): a crash between processing and commit repeats the input: at least once"
	twice := result(guarantee.NoDuplicates, guarantee.Violated, guarantee.Holds, line)
	for _, c := range []struct {
		name   string
		expect map[string]string
		all    []checker.Result
		exit   int
		why    string
	}{
		{"permitted", nil, []checker.Result{twice}, ExitExpected, line},
		{"permitted, but said to hold", map[string]string{"no-duplicates": "holds"}, []checker.Result{twice}, ExitDiffers, "as it was"},
		{"another one is not permitted", nil, []checker.Result{twice, result(guarantee.NoLoss, guarantee.Violated, guarantee.Holds, "")}, ExitDiffers, "as it was"},
		{"another one holds that was to be violated", nil, []checker.Result{twice, result(guarantee.NoLoss, guarantee.Holds, guarantee.Violated, "")}, ExitDiffers, "as it was"},
		{"another one is open", nil, []checker.Result{twice, result(guarantee.NoLoss, guarantee.Unknown, guarantee.Holds, "")}, ExitUnjudged, "no-loss: unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &checker.Report{Exit: ExitDiffers, Why: "as it was", Guarantees: c.all}
			permit(&scenario.Scenario{Expect: c.expect}, r)
			if r.Exit != c.exit || !strings.Contains(r.Why, c.why) {
				t.Errorf("exit %d (%s), want %d (%s)", r.Exit, r.Why, c.exit, c.why)
			}
		})
	}
}
