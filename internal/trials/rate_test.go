package trials

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestInterval(t *testing.T) {
	// Values of the score interval as R's prop.test(correct=FALSE) gives them.
	for _, test := range []struct {
		rate      Rate
		low, high float64
	}{
		{Rate{0, 0}, 0, 1},
		{Rate{0, 5}, 0, 0.4345},
		{Rate{5, 5}, 0.5655, 1},
		{Rate{4, 5}, 0.3755, 0.9638},
		{Rate{10, 20}, 0.2993, 0.7007},
	} {
		low, high := test.rate.Interval()
		if math.Abs(low-test.low) > 1e-4 || math.Abs(high-test.high) > 1e-4 {
			t.Errorf("%v: interval %.4f to %.4f, want %.4f to %.4f", test.rate, low, high, test.low, test.high)
		}
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct {
		is, was Rate
		below   bool
	}{
		{Rate{0, 5}, Rate{5, 5}, true},
		{Rate{1, 5}, Rate{5, 5}, true},  // p = 5/210
		{Rate{2, 5}, Rate{5, 5}, false}, // p = 10/120: luck may do it
		{Rate{5, 5}, Rate{5, 5}, false},
		{Rate{5, 5}, Rate{1, 5}, false},
		{Rate{0, 1}, Rate{5, 5}, false}, // one run says little
		{Rate{0, 1}, Rate{20, 20}, true},
		{Rate{0, 0}, Rate{5, 5}, false},
		{Rate{3, 10}, Rate{9, 10}, true},
	} {
		if got := test.is.Below(test.was); got != test.below {
			t.Errorf("%v below %v: %v, want %v", test.is, test.was, got, test.below)
		}
	}
}

func TestParseRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1000).Draw(t, "runs")
		want := Rate{Hits: rapid.IntRange(0, n).Draw(t, "hits"), Runs: n}
		if got, err := ParseRate(want.String()); err != nil || got != want {
			t.Fatalf("%q is read as %v, %v", want.String(), got, err)
		}
	})
	for _, bad := range []string{"", "4", "4/5", "6 of 5", "-1 of 5", "0 of 0", "a of b"} {
		if r, err := ParseRate(bad); err == nil {
			t.Errorf("%q is read as %v", bad, r)
		}
	}
}
