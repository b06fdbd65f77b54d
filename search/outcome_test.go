package search

import (
	"errors"
	"testing"

	"github.com/onceproof/onceproof/checker"
)

func TestJudged(t *testing.T) {
	result := func(v, expected checker.Verdict, permitted string) *checker.Report {
		return &checker.Report{Guarantees: []checker.Result{{Guarantee: checker.NoLoss, Verdict: v, Expected: expected, Permitted: permitted}}}
	}
	never := errors.New("a fault was never seen")
	for _, test := range []struct {
		report *checker.Report
		err    error
		want   Outcome
	}{
		{result(checker.Holds, checker.Holds, ""), nil, AsExpected},
		{result(checker.Holds, checker.Holds, ""), never, Unjudged},
		{result(checker.Violated, checker.Holds, ""), nil, Unexpected},
		{result(checker.Violated, checker.Holds, ""), never, Unexpected},
		{result(checker.Violated, checker.Holds, "acks=1"), nil, Permitted},
		{result(checker.Violated, checker.Violated, ""), nil, AsExpected},
	} {
		if got := Judged(test.report, test.err).Outcome; got != test.want {
			t.Errorf("%+v, %v: %q, want %q", test.report.Guarantees[0], test.err, got, test.want)
		}
	}
}
