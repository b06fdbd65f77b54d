package search

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
)

// Searcher draws plans for one scenario. A plan is fixed by the scenario, the seed and
// its number; what was met so far decides which number comes next. It is not safe
// for concurrent use.
type Searcher struct {
	scenario *scenario.Scenario
	seed     uint64
	most     int // faults of one plan
	can      func(scenario.Fault) error
	space    []template

	hits   map[checker.Cell]int64 // strikes, as the evidence of runs tells
	drawn  map[string]int64       // by template
	next   int                    // no number below it is left
	taken  map[int]bool           // numbers above it that were drawn
	rounds map[int][]int          // the order of the templates in each round
}

// Draw is one plan to try.
type Draw struct {
	N        int
	Scenario *scenario.Scenario
	Names    []string // what was drawn, as "drop EndTxn response of till"
}

// New returns a searcher that draws up to most faults a plan. can, which may be nil,
// is an error for a fault that must not be drawn.
func New(s *scenario.Scenario, seed uint64, most int, can func(scenario.Fault) error) (*Searcher, error) {
	if most < 1 {
		return nil, fmt.Errorf("search: %d faults a plan: at least one must strike", most)
	}
	all := space(s, can)
	if len(all) == 0 {
		return nil, fmt.Errorf("search: nothing can strike %s on backend %s", s.Metadata.Name, s.Cluster.Backend)
	}
	return &Searcher{
		scenario: s, seed: seed, most: most, can: can, space: all,
		hits: map[checker.Cell]int64{}, drawn: map[string]int64{}, next: 1, taken: map[int]bool{}, rounds: map[int][]int{},
	}, nil
}

// Met tells what a run has met.
func (z *Searcher) Met(coverage []checker.Coverage) {
	for _, c := range coverage {
		z.hits[c.Cell] += c.Strikes
	}
}

// Next draws, of the plans to come, the one whose first fault was met and drawn least.
func (z *Searcher) Next() (Draw, error) {
	best, least := z.next, int64(-1)
	for n := z.next; n < z.next+len(z.space); n++ {
		if z.taken[n] {
			continue
		}
		t := z.space[z.first(n)]
		if score := z.hits[t.cell] + z.drawn[t.name]; least < 0 || score < least {
			best, least = n, score
		}
	}
	z.taken[best] = true
	for z.taken[z.next] {
		delete(z.taken, z.next)
		z.next++
	}
	d, err := z.Plan(best)
	for _, name := range d.Names {
		z.drawn[name]++
	}
	return d, err
}

// draw is plan n, or the next.
func (z *Searcher) draw(n int) (Draw, error) {
	if n > 0 {
		return z.Plan(n)
	}
	return z.Next()
}

// first is the index of plan n's first template: every template comes first once
// before any does again.
func (z *Searcher) first(n int) int {
	round, at := (n-1)/len(z.space), (n-1)%len(z.space)
	if z.rounds[round] == nil {
		z.rounds[round] = dice{seed: z.seed}.of("round", round).rand.Perm(len(z.space))
	}
	return z.rounds[round][at]
}

// Plan draws plan n.
func (z *Searcher) Plan(n int) (Draw, error) {
	// Nearly every fault fits into the run, and to look takes longer than to draw: the
	// whole is looked at, and only where that fails each fault by itself. The dice fall
	// the same way in both.
	if draw, err := z.plan(n, z.can); err == nil {
		return draw, nil
	}
	return z.plan(n, fits(z.scenario, z.can))
}

// plan draws plan n of faults that can strike.
func (z *Searcher) plan(n int, can func(scenario.Fault) error) (Draw, error) {
	d := dice{seed: z.seed}.in(z.scenario.Run).of("plan", n)
	draw := Draw{N: n}
	var faults []scenario.Fault
	t := z.space[z.first(n)]
	for most := 1 + d.below(z.most); len(faults) < most; t = z.space[d.below(len(z.space))] {
		if f, ok := possible(t, d, can); ok { // else it does not fit into the run
			draw.Names = append(draw.Names, t.name)
			faults = append(faults, f)
			if t.needs != nil {
				faults = append(faults, t.needs(d))
			}
		}
	}
	var err error
	if draw.Scenario, err = with(z.scenario, faults, z.seed+uint64(n)); err != nil {
		return draw, fmt.Errorf("search: plan %d: %w", n, err)
	}
	return draw, nil
}

// Coverage says how many templates were drawn, of how many, and how many kinds of
// meetings runs have seen.
func (z *Searcher) Coverage() (drawn, of, met int) { return len(z.drawn), len(z.space), len(z.hits) }

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
func (d dice) in(r scenario.Run) dice {
	d.first, d.until = r.Warmup, r.Duration
	return d
}

func (d dice) below(n int) int { return d.rand.IntN(n) }

// nth is a request's number: the first few as likely as the next many.
func (d dice) nth() int { return 1 + d.below(1<<d.below(5)) }

// lasting is how long something lasts: 100 ms to 3.2 s, the short as likely as the long.
func (d dice) lasting() scenario.Span {
	v := grain << d.below(6)
	return scenario.Span{Min: v, Max: v}
}

// time is when something strikes: in the first two thirds, so that it can heal.
func (d dice) time() scenario.Trigger {
	at := d.first
	if span := int((d.until - d.first) * 2 / 3 / grain); span > 0 {
		at += time.Duration(d.below(span)) * grain
	}
	return scenario.Trigger{At: &at}
}

// leastMet is the template that was met least, those alike in an order drawn by d.
func leastMet(all []template, hits map[checker.Cell]int64, d dice) template {
	all = slices.Clone(all)
	d.rand.Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	return slices.MinFunc(all, func(a, b template) int { return int(hits[a.cell] - hits[b.cell]) })
}
