package suite

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/scenario"
)

// TestJudgeByRate: a bug that was seen in five of five runs.
func TestJudgeByRate(t *testing.T) {
	for name, c := range map[string]struct {
		runs   string // s: seen, m: missed, b: something else broke, i: not judged
		twin   bool
		lost   bool
		differ int // outcomes that still differ
	}{
		"always seen":                   {runs: "sssss"},
		"missed by luck":                {runs: "ssssm"},
		"one run, missed":               {runs: "m", differ: 1},
		"lost":                          {runs: "smmmm", lost: true},
		"lost, others broken":           {runs: "bmmmm", lost: true, differ: 1},
		"broken":                        {runs: "ssssb", differ: 1},
		"what was not judged is no run": {runs: "siiii"},
		"a fixed twin has no rate":      {runs: "mmmmm", twin: true, differ: 5},
	} {
		bug := &scenario.Scenario{
			Metadata: scenario.Metadata{Name: "lost-ack", Bug: &scenario.Bug{Rate: "5 of 5"}},
			Fixed:    new(scenario.Control),
		}
		if c.twin {
			bug.Fixed = nil
		}
		var s Results
		for _, how := range c.runs {
			s = append(s, ran(bug, how))
		}
		err := s.judgeByRate()
		if lost := err != nil; lost != c.lost || lost && !strings.Contains(err.Error(), "lost-ack was seen in") {
			t.Errorf("%s: error %v", name, err)
		}
		differ := 0
		for _, o := range s {
			if o.Code == ExitDiffers {
				differ++
			}
		}
		if differ != c.differ {
			t.Errorf("%s: %d runs differ, want %d", name, differ, c.differ)
		}
	}
}

// ran is one run of s as a letter of the table above says.
func ran(s *scenario.Scenario, how rune) Outcome {
	loss := checker.Result{Guarantee: guarantee.NoLoss, Applies: true, Verdict: guarantee.Violated, Expected: guarantee.Violated}
	order := checker.Result{Guarantee: guarantee.Order, Applies: true, Verdict: guarantee.Holds, Expected: guarantee.Holds}
	o := Outcome{Job: Job{Scenario: s, Plan: &plan.Plan{}}, Code: ExitExpected, Report: &checker.Report{}}
	switch how {
	case 'm':
		loss.Verdict, o.Code = guarantee.Holds, ExitDiffers
	case 'b':
		order.Verdict, o.Code = guarantee.Violated, ExitDiffers
	case 'i':
		loss.Verdict, o.Code, o.Report.Infra = guarantee.NotExercised, ExitUnjudged, "no engine"
	}
	o.Report.Guarantees = []checker.Result{loss, order}
	return o
}
