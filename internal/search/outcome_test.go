package search

import (
	"errors"
	"testing"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/internal/scenario"
)

func TestJudged(t *testing.T) {
	result := func(v, expected guarantee.Verdict, permitted string) *checker.Report {
		return &checker.Report{Guarantees: []checker.Result{{Guarantee: guarantee.NoLoss, Verdict: v, Expected: expected, Permitted: permitted}}}
	}
	never := errors.New("a fault was never seen")
	silent := &scenario.Scenario{}
	claims := &scenario.Scenario{Expect: map[string]string{"no-loss": "holds"}}
	for _, test := range []struct {
		of     *scenario.Scenario
		report *checker.Report
		err    error
		want   Outcome
	}{
		{silent, result(guarantee.Holds, guarantee.Holds, ""), nil, AsExpected},
		{silent, result(guarantee.Holds, guarantee.Holds, ""), never, Unjudged},
		{silent, result(guarantee.Violated, guarantee.Holds, ""), nil, Unexpected},
		{silent, result(guarantee.Violated, guarantee.Holds, ""), never, Unexpected},
		{silent, result(guarantee.Violated, guarantee.Holds, "acks=1"), nil, Permitted},
		{claims, result(guarantee.Violated, guarantee.Holds, "acks=1"), nil, Unexpected},
		{silent, result(guarantee.Violated, guarantee.Violated, ""), nil, AsExpected},
	} {
		if got := Judged(test.of, test.report, test.err).Outcome; got != test.want {
			t.Errorf("%+v, %v: %q, want %q", test.report.Guarantees[0], test.err, got, test.want)
		}
	}
}
