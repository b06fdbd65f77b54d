package main

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
		var s suite
		for _, how := range c.runs {
			s = append(s, ran(bug, how))
		}
		err := s.judgeByRate()
		if lost := err != nil; lost != c.lost || lost && !strings.Contains(err.Error(), "lost-ack was seen in") {
			t.Errorf("%s: error %v", name, err)
		}
		differ := 0
		for _, o := range s {
			if o.code == exitDiffers {
				differ++
			}
		}
		if differ != c.differ {
			t.Errorf("%s: %d runs differ, want %d", name, differ, c.differ)
		}
	}
}

// ran is one run of s as a letter of the table above says.
func ran(s *scenario.Scenario, how rune) outcome {
	loss := checker.Result{Guarantee: guarantee.NoLoss, Applies: true, Verdict: guarantee.Violated, Expected: guarantee.Violated}
	order := checker.Result{Guarantee: guarantee.Order, Applies: true, Verdict: guarantee.Holds, Expected: guarantee.Holds}
	o := outcome{job: job{scenario: s, plan: &plan.Plan{}}, code: exitExpected, report: &checker.Report{}}
	switch how {
	case 'm':
		loss.Verdict, o.code = guarantee.Holds, exitDiffers
	case 'b':
		order.Verdict, o.code = guarantee.Violated, exitDiffers
	case 'i':
		loss.Verdict, o.code, o.report.Infra = guarantee.NotExercised, exitUnjudged, "no engine"
	}
	o.report.Guarantees = []checker.Result{loss, order}
	return o
}
