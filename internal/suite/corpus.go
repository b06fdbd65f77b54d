package suite

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/trials"
)

// judgeByRate judges a real bug that ran more than once by how often it was
// seen: a run that does not show it is as expected, unless it is seen less often
// than when it was measured by more than luck. Its error names the bugs that are.
func (s Results) judgeByRate() error {
	runs := map[string][]*Outcome{}
	var names []string
	for i := range s {
		o := &s[i]
		if !isBug(o.Job.Scenario) || o.Report == nil || o.Report.Infra != "" {
			continue
		}
		if runs[o.Job.Name()] == nil {
			names = append(names, o.Job.Name())
		}
		runs[o.Job.Name()] = append(runs[o.Job.Name()], o)
	}
	var lost []string
	for _, name := range names {
		was, err := trials.ParseRate(runs[name][0].Job.Scenario.Metadata.Bug.Rate)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if is := seenIn(runs[name]); is.Below(was) {
			lost = append(lost, fmt.Sprintf("%s was seen in %v runs, in %v when it was measured", name, is, was))
		}
	}
	if len(lost) > 0 {
		return WithExit(ExitDiffers, fmt.Errorf("the harness lost a bug: %s", strings.Join(lost, "; ")))
	}
	return nil
}

// isBug says whether s reproduces a real bug; its fixed twin does not.
func isBug(s *scenario.Scenario) bool { return s.Metadata.Bug != nil && s.Fixed != nil }

// seenIn counts in how many runs everything that is expected was violated. Of
// several, those in which it only was not are as expected.
func seenIn(runs []*Outcome) (rate trials.Rate) {
	for _, o := range runs {
		missed, other := compareExpected(o.Report)
		rate.Add(!missed)
		if missed && !other && o.Code == ExitDiffers && len(runs) > 1 {
			o.Code, o.Why = ExitExpected, "not seen this time"
		}
	}
	return rate
}

// compareExpected says whether a violation that is expected is missing, and
// whether there is one that is not expected.
func compareExpected(r *checker.Report) (missed, other bool) {
	for _, g := range r.Guarantees {
		switch {
		case g.Expected == guarantee.Violated && g.Verdict != guarantee.Violated:
			missed = true
		case g.Surprises():
			other = true
		}
	}
	return missed, other
}
