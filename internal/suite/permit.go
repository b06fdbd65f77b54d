package suite

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/search"
)

// permit shows as permitted what the configuration of s permits, in a run whose faults
// were moved: they may meet an operation that the scenario's own faults never meet, and
// its expectations are about those. A guarantee that `expect` says to hold must hold
// all the same.
func permit(s *scenario.Scenario, r *checker.Report) {
	if r.Exit != ExitDiffers || search.Judged(s, r, nil).Outcome != search.Permitted {
		return
	}
	var permitted, open []string
	for _, g := range r.Guarantees {
		switch {
		case g.Expected == scenario.Any || g.Verdict == g.Expected:
		case g.Verdict == guarantee.Violated:
			permitted = append(permitted, fmt.Sprintf("%s: violated, as the configuration permits (%s)", g.Guarantee, g.Permitted))
		case g.Verdict == guarantee.Holds:
			return // it was to be violated
		case g.Applies || s.Expect[string(g.Guarantee)] != "":
			open = append(open, fmt.Sprintf("%s: %s, expected %s", g.Guarantee, g.Verdict, g.Expected))
		}
	}
	r.Exit, r.Why = ExitExpected, strings.Join(permitted, "; ")
	if len(open) > 0 {
		r.Exit, r.Why = ExitUnjudged, strings.Join(append(open, permitted...), "; ")
	}
}
