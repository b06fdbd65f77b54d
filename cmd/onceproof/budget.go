package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/reports"
)

// pick chooses from all what o.budget buys, and says what was left out: a suite
// that ran in part must not look whole.
func pick(o runOptions, all []*scenario.Scenario) ([]*scenario.Scenario, error) {
	earlier := reports.LastRuns(o.out)
	runs := time.Duration(1)
	if o.repeat != endless {
		runs = time.Duration(max(o.repeat, 1))
	}
	if o.control {
		runs *= 2
	}
	cost := func(s *scenario.Scenario) time.Duration {
		if was := earlier[s.Metadata.Name]; was.Took > 0 {
			return was.Took * runs
		}
		v := *s
		if o.backend != "" {
			v.Cluster.Backend = o.backend
		}
		return v.Cost() * runs
	}
	var fit []*scenario.Scenario
	for _, s := range all { // what the backend cannot do is worth nothing there
		if o.backend == "" || scenario.CheckBackend(s, o.backend) == nil {
			fit = append(fit, s)
		}
	}
	c := scenario.Pick(fit, o.budget, cost, func(s *scenario.Scenario) bool { return earlier[s.Metadata.Name].Failed })
	if len(c.Picked) == 0 {
		return nil, fmt.Errorf("--budget %v: none of %d scenarios fits; the shortest takes about %v", o.budget, len(all), shortest(fit, cost).Round(time.Second))
	}
	if !o.quiet {
		fmt.Fprintf(os.Stderr, "a budget of %v buys %s (about %v)\n", o.budget, listed(c.Picked), c.Cost.Round(time.Second))
		if len(c.Left) > 0 {
			fmt.Fprintf(os.Stderr, "left out for want of time: %s\n", listed(c.Left))
		}
		if n := len(all) - len(fit); n > 0 {
			fmt.Fprintf(os.Stderr, "left out because backend %s cannot do them: %d\n", o.backend, n)
		}
	}
	return c.Picked, nil
}

func shortest(all []*scenario.Scenario, cost func(*scenario.Scenario) time.Duration) time.Duration {
	var least time.Duration
	for _, s := range all {
		if c := cost(s); least == 0 || c < least {
			least = c
		}
	}
	return least
}

func listed(all []*scenario.Scenario) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Metadata.Name)
	}
	return strings.Join(names, ", ")
}
