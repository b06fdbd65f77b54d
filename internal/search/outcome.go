package search

import (
	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Outcome is what came of one plan.
type Outcome string

const (
	AsExpected Outcome = "as expected"
	Unjudged   Outcome = "could not be judged" // such as a request that never came
	Permitted  Outcome = "permitted"           // violated, as a line of the configuration allows
	Unexpected Outcome = "violated"            // a guarantee that should hold
)

// Result is an outcome and what the plan's faults met, if anything was judged.
type Result struct {
	Outcome Outcome
	Met     []checker.Coverage
}

// exitUnjudged is Report.Exit of a run that could not be judged.
const exitUnjudged = 3

// Judged is the result of a run of s, of which runErr says why it could not be judged. A
// violation is one even where a fault never met its request, and the run counts as not
// judged. What a line of the configuration permits is no find, unless s says in so many
// words that the guarantee holds.
func Judged(s *scenario.Scenario, r *checker.Report, runErr error) Result {
	result := Result{Outcome: AsExpected, Met: r.Evidence.Coverage}
	permitted := false
	for _, g := range r.Guarantees {
		if g.Verdict != guarantee.Violated || g.Expected == guarantee.Violated || g.Expected == scenario.Any {
			continue
		}
		if g.Permitted == "" || s.Expect[string(g.Guarantee)] == string(guarantee.Holds) {
			result.Outcome = Unexpected
			return result
		}
		permitted = true
	}
	switch {
	case permitted:
		result.Outcome = Permitted
	case runErr != nil || r.Exit == exitUnjudged:
		result.Outcome = Unjudged
	}
	return result
}
