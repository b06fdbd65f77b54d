// Package shrink makes a scenario that violates a guarantee smaller, for as long
// as it still violates it: fewer faults, clients, partitions and properties, a
// shorter run.
//
//	scenario ──> candidates ──> runs ──> the smallest that still violates ──> scenario
//
// It is delta debugging (Zeller, Hildebrandt: Simplifying and Isolating
// Failure-Inducing Input, 2002) with a test that tolerates flaky reproduction: a
// candidate is kept when it violates in enough of a few runs.
package shrink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/internal/trials"
)

// Verdicts of one run, by guarantee.
type Verdicts map[string]string

// Config of one Shrink.
type Config struct {
	Guarantee string // that must stay violated
	Seed      uint64 // of every run
	Tries     int    // at most, of one candidate; 0 = 3
	Need      int    // violations among them that keep it; 0 = 2
	Confirm   int    // runs that measure the result; 0 = 5

	// Run runs a scenario once. An error is a run that could not be judged: it
	// counts as one that shows nothing.
	Run func(context.Context, *scenario.Scenario) (Verdicts, error)

	Over     func() bool    // no new candidate is tried once it is true; may be nil
	Progress func(Progress) // told of each candidate, when it is decided; may be nil
}

// Progress is what came of one candidate.
type Progress struct {
	What string // "without fault 2 (leader-dies)"
	Rate trials.Rate
	Kept bool
}

// Result is the smallest scenario that was found.
type Result struct {
	Scenario *scenario.Scenario
	Rate     trials.Rate // how often it violates, measured at the end
	Kept     []string    // what was taken away, in order
	Runs     int         // that it took
	Over     bool        // the budget ended before every candidate was tried
}

// ErrNotShown is returned when the scenario itself does not violate the
// guarantee often enough to begin with.
var ErrNotShown = errors.New("the scenario does not show the violation often enough to shrink it")

// Shrink returns a smaller scenario than s that still violates cfg.Guarantee, and
// expects it to. An error is ErrNotShown, or the context's.
func Shrink(ctx context.Context, s *scenario.Scenario, cfg Config) (*Result, error) {
	cfg.Tries, cfg.Need, cfg.Confirm = orElse(cfg.Tries, 3), orElse(cfg.Need, 2), orElse(cfg.Confirm, 5)
	start, err := plain(s, cfg)
	if err != nil {
		return nil, err
	}
	z := &session{cfg: cfg, best: start, refused: map[string]bool{}}
	if kept, err := z.shows(ctx, start, "the scenario as it is"); err != nil {
		return nil, err
	} else if !kept {
		return nil, fmt.Errorf("%w: %s in %v", ErrNotShown, cfg.Guarantee, z.rate)
	}
	for again := true; again && !z.over(); {
		again = false
		for _, r := range reductions {
			progressed, err := z.reduce(ctx, r)
			if err != nil {
				return nil, err
			}
			again = again || progressed
		}
	}
	return z.measured(ctx)
}

func orElse(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// plain is s without its twins, under a name of its own, with a seed.
func plain(s *scenario.Scenario, cfg Config) (*scenario.Scenario, error) {
	return edited(s, func(c *scenario.Scenario) {
		c.Metadata.Name += "-shrunk"
		c.Metadata.Labels = nil
		c.Control, c.Fixed = nil, nil
		c.Run.Seed, c.Run.HasSeed = cfg.Seed, true
		c.Expect = map[string]string{cfg.Guarantee: violated}
	})
}

const violated, holds = "violated", "holds"

// session is one Shrink under way.
type session struct {
	cfg     Config
	best    *scenario.Scenario
	refused map[string]bool // candidates that did not show it, as YAML
	kept    []string
	rate    trials.Rate // of the candidate that was tried last
	runs    int
}

func (z *session) over() bool { return z.cfg.Over != nil && z.cfg.Over() }

// reduce tries the candidates of one reduction, and of what each success leaves.
func (z *session) reduce(ctx context.Context, r reduction) (progressed bool, err error) {
	for i, all := 0, r(z.best); i < len(all) && !z.over(); {
		next, err := edited(z.best, all[i].apply)
		if err != nil || z.refused[text(next)] {
			i++ // no scenario, or one that is known to show nothing
			continue
		}
		kept, err := z.shows(ctx, next, all[i].what)
		switch {
		case err != nil:
			return progressed, err
		case kept:
			z.best, progressed = next, true
			z.kept = append(z.kept, all[i].what)
			all = r(z.best) // what stood behind the part that is gone stands here now
		default:
			z.refused[text(next)] = true
			i++
		}
	}
	return progressed, nil
}

// shows runs a candidate until it is decided whether it is kept.
func (z *session) shows(ctx context.Context, s *scenario.Scenario, what string) (bool, error) {
	z.rate = trials.Rate{}
	for z.rate.Hits < z.cfg.Need && z.cfg.Need-z.rate.Hits <= z.cfg.Tries-z.rate.Runs {
		v, err := z.run(ctx, s)
		if err != nil {
			return false, err
		}
		z.rate.Add(v[z.cfg.Guarantee] == violated)
	}
	kept := z.rate.Hits >= z.cfg.Need
	if z.cfg.Progress != nil {
		z.cfg.Progress(Progress{What: what, Rate: z.rate, Kept: kept})
	}
	return kept, nil
}

// run is one run; one that could not be judged has no verdicts.
func (z *session) run(ctx context.Context, s *scenario.Scenario) (Verdicts, error) {
	z.runs++
	v, err := z.cfg.Run(ctx, s)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil
	}
	return v, nil
}

// measured runs the smallest scenario a few times more, so that its rate is
// known, and makes no claim about a guarantee that does not hold in all of them.
func (z *session) measured(ctx context.Context) (*Result, error) {
	r := &Result{Kept: z.kept, Over: z.over()}
	expect := map[string]string{}
	for range z.cfg.Confirm {
		v, err := z.run(ctx, z.best)
		if err != nil {
			return nil, err
		}
		r.Rate.Add(v[z.cfg.Guarantee] == violated)
		for g, verdict := range v {
			if verdict != holds {
				expect[g] = scenario.Any
			}
		}
	}
	expect[z.cfg.Guarantee] = violated
	s, err := edited(z.best, func(c *scenario.Scenario) {
		c.Expect = expect
		c.Metadata.Description = fmt.Sprintf("%s is violated, in %v runs with seed %d.\n\nShrunk from %s.\n",
			z.cfg.Guarantee, r.Rate, z.cfg.Seed, c.Metadata.Name[:len(c.Metadata.Name)-len("-shrunk")])
	})
	r.Scenario, r.Runs = s, z.runs
	return r, err
}

// edited is a copy of s with a change, checked as a file would be.
func edited(s *scenario.Scenario, change func(*scenario.Scenario)) (*scenario.Scenario, error) {
	c := *s
	c.Clients, c.Faults = slices.Clone(s.Clients), slices.Clone(s.Faults)
	c.Cluster.Topics, c.Cluster.Config = slices.Clone(s.Cluster.Topics), maps.Clone(s.Cluster.Config)
	for i := range c.Clients {
		c.Clients[i].Config = maps.Clone(c.Clients[i].Config)
	}
	for i := range c.Faults {
		if on := c.Faults[i].When.On; on != nil {
			match := *on
			c.Faults[i].When.On = &match
		}
	}
	change(&c)
	return scenario.Checked(&c)
}

// text is s as a file, by which candidates are told apart.
func text(s *scenario.Scenario) string {
	yaml, err := scenario.Marshal(s)
	if err != nil {
		return "" // edited has marshalled it before
	}
	return string(yaml)
}
