// Package trials counts: how often something was seen in repeated runs, and what
// that says about how often it happens.
//
// A seed fixes a plan, not the interleaving of a cluster and its clients, so that
// what a run shows is shown at a rate.
package trials

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is Hits of Runs. The zero value is no run at all.
type Rate struct {
	Hits, Runs int
}

// Add counts one more run.
func (r *Rate) Add(hit bool) {
	r.Runs++
	if hit {
		r.Hits++
	}
}

// Interval is the 95 % score interval of the true share (Wilson 1927): right for
// few runs and for shares of none or all. Without a run it is 0 to 1.
func (r Rate) Interval() (low, high float64) {
	const z = 1.959963984540054 // of the normal distribution, at 97.5 %
	n := float64(r.Runs)
	if n == 0 {
		return 0, 1
	}
	p := float64(r.Hits) / n
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	spread := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, centre-spread), min(1, centre+spread)
}

// String is "4 of 5".
func (r Rate) String() string { return fmt.Sprintf("%d of %d", r.Hits, r.Runs) }

// Describe is "4 of 5 (95 % interval 38 to 96 %)".
func (r Rate) Describe() string {
	low, high := r.Interval()
	return fmt.Sprintf("%v (95 %% interval %.0f to %.0f %%)", r, 100*low, 100*high)
}

// ParseRate reads "4 of 5".
func ParseRate(s string) (Rate, error) {
	hits, runs, ok := strings.Cut(s, " of ")
	k, errK := strconv.Atoi(hits)
	n, errN := strconv.Atoi(runs)
	if !ok || errK != nil || errN != nil || k < 0 || n < 1 || k > n {
		return Rate{}, fmt.Errorf("%q is no rate, such as 4 of 5", s)
	}
	return Rate{Hits: k, Runs: n}, nil
}

// unlikely is the chance below which a difference is not taken for luck.
const unlikely = 0.05

// Below reports whether r is lower than was by more than luck: were both the same
// rate, as low a share of the hits as r's would come less than once in twenty
// times (Fisher's exact test, one-sided).
func (r Rate) Below(was Rate) bool {
	if r.Runs == 0 || was.Runs == 0 {
		return false
	}
	hits, runs := r.Hits+was.Hits, r.Runs+was.Runs
	p := 0.0
	for k := max(0, hits-was.Runs); k <= r.Hits; k++ {
		p += math.Exp(logChoose(r.Runs, k) + logChoose(was.Runs, hits-k) - logChoose(runs, hits))
	}
	return p < unlikely
}

func logChoose(n, k int) float64 {
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}
