package search

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/onceproof/onceproof/scenarios"
)

// Searcher draws plans for one scenario. It is not safe for concurrent use.
type Searcher struct {
	scenario *scenarios.Scenario
	seed     uint64
	most     int // faults of one plan
	space    []template
	tried    map[Cell]int
	drawn    int
}

// Draw is one plan to try.
type Draw struct {
	N        int
	Scenario *scenarios.Scenario
	Cells    []Cell
}

// New returns a searcher that draws up to most faults a plan. The same scenario
// and seed give the same draws, in the same order.
func New(s *scenarios.Scenario, seed uint64, most int) (*Searcher, error) {
	if most < 1 {
		return nil, fmt.Errorf("search: %d faults a plan: at least one must strike", most)
	}
	all := space(s)
	if len(all) == 0 {
		return nil, fmt.Errorf("search: nothing can strike %s on backend %s", s.Metadata.Name, s.Cluster.Backend)
	}
	return &Searcher{scenario: s, seed: seed, most: most, space: all, tried: map[Cell]int{}}, nil
}

// Next draws a plan: each fault from the cells that were drawn least so far.
func (z *Searcher) Next() (Draw, error) {
	z.drawn++
	d := dice{seed: z.seed}.in(z.scenario.Run).of("plan", z.drawn)
	draw := Draw{N: z.drawn}
	var faults []scenarios.Fault
	for most := 1 + d.below(z.most); len(faults) < most; {
		t := z.least(d)
		z.tried[t.cell]++
		if f := t.draw(d); possible(z.scenario, f) { // else it does not fit into the run
			draw.Cells = append(draw.Cells, t.cell)
			faults = append(faults, f)
		}
	}
	var err error
	if draw.Scenario, err = with(z.scenario, faults, z.seed+uint64(z.drawn)); err != nil {
		return draw, fmt.Errorf("search: plan %d: %w", z.drawn, err)
	}
	return draw, nil
}

// Coverage says how many of the cells were drawn.
func (z *Searcher) Coverage() (drawn, of int) { return len(z.tried), len(z.space) }

// least draws one of the cells that were drawn least.
func (z *Searcher) least(d dice) template {
	fewest := z.tried[z.space[0].cell]
	for _, t := range z.space {
		fewest = min(fewest, z.tried[t.cell])
	}
	var rare []template
	for _, t := range z.space {
		if z.tried[t.cell] == fewest {
			rare = append(rare, t)
		}
	}
	return rare[d.below(len(rare))]
}

// dice draw within the times of a run.
type dice struct {
	seed         uint64
	first, until time.Duration
	rand         *rand.Rand
}

// of has draws of its own, from the seed, what they are for, and a number.
func (d dice) of(what string, n int) dice {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", d.seed, what, n)
	d.rand = rand.New(rand.NewPCG(h.Sum64(), d.seed))
	return d
}

// in bounds times to the part of a run in which a fault can strike and heal.
func (d dice) in(r scenarios.Run) dice {
	d.first, d.until = r.Warmup, r.Duration
	return d
}

func (d dice) below(n int) int { return d.rand.IntN(n) }

// nth is a request's number: the first few as likely as the next many.
func (d dice) nth() int { return 1 + d.below(1<<d.below(5)) }

// lasting is how long something lasts: 100 ms to 3.2 s, the short as likely as the long.
func (d dice) lasting() scenarios.Span {
	v := grain << d.below(6)
	return scenarios.Span{Min: v, Max: v}
}

// time is when something strikes: in the first two thirds, so that it can heal.
func (d dice) time() scenarios.Trigger {
	at := d.first
	if span := int((d.until - d.first) * 2 / 3 / grain); span > 0 {
		at += time.Duration(d.below(span)) * grain
	}
	return scenarios.Trigger{At: &at}
}
