package suite

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/reports"
)

// pick chooses from all what o.budget buys, and says what was left out: a suite
// that ran in part must not look whole. named are those that the user asked for by
// their own names: they come first.
func pick(o Options, all []*scenario.Scenario, named map[*scenario.Scenario]bool) ([]*scenario.Scenario, error) {
	earlier := reports.LastRuns(o.Out)
	runs := time.Duration(1)
	if o.Repeat != Endless {
		runs = time.Duration(max(o.Repeat, 1))
	}
	if o.Control {
		runs *= 2
	}
	cost := func(s *scenario.Scenario) time.Duration {
		if was := earlier[s.Metadata.Name]; was.Took > 0 {
			return was.Took * runs
		}
		v := *s
		if o.Backend != "" {
			v.Cluster.Backend = o.Backend
		}
		return v.Cost() * runs
	}
	var fit []*scenario.Scenario
	for _, s := range all { // what the backend cannot do is worth nothing there
		if o.Backend == "" || scenario.CheckBackend(s, o.Backend) == nil {
			fit = append(fit, s)
		}
	}
	c := scenario.Pick(fit, o.Budget, cost, func(s *scenario.Scenario) bool { return named[s] || earlier[s.Metadata.Name].Failed })
	if len(c.Picked) == 0 {
		return nil, fmt.Errorf("--budget %v: none of %d scenarios fits; the Shortest takes about %v", o.Budget, len(all), Shortest(fit, cost).Round(time.Second))
	}
	if !o.Quiet {
		fmt.Fprintf(os.Stderr, "a budget of %v buys %s (about %v)\n", o.Budget, Listed(c.Picked), c.Cost.Round(time.Second))
		if n := len(all) - len(fit); n > 0 {
			fmt.Fprintf(os.Stderr, "left out because backend %s cannot do them: %d\n", o.Backend, n)
		}
	}
	if len(c.Left) > 0 { // whoever asked for quiet asked for no progress, not for a part that looks whole
		fmt.Fprintf(os.Stderr, "left out for want of time: %s\n", Listed(c.Left))
	}
	return c.Picked, nil
}

// Shortest returns the least cost of all.
func Shortest(all []*scenario.Scenario, cost func(*scenario.Scenario) time.Duration) time.Duration {
	var least time.Duration
	for _, s := range all {
		if c := cost(s); least == 0 || c < least {
			least = c
		}
	}
	return least
}

// Listed returns the names of all, separated by commas.
func Listed(all []*scenario.Scenario) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Metadata.Name)
	}
	return strings.Join(names, ", ")
}
