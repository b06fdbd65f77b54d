package jepsenkafka

import (
	"slices"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
)

// TestPlants breaks one rule of Kafka once in each history: it must be found under
// Jepsen's name, and nothing must be found that Jepsen would not find too.
func TestPlants(t *testing.T) {
	for _, p := range Plants {
		for _, mode := range p.Modes {
			t.Run(p.Name+"/"+string(mode), func(t *testing.T) { testPlant(t, p, mode) })
		}
	}
}

// tally counts what became of a plant's histories.
type tally struct {
	histories, entries, tries       int
	found, undecided, missed, extra int
	exact                           int
}

func testPlant(t *testing.T, p Plant, mode Mode) {
	var n tally
	for i := range max(6, *cases/4) {
		h, seed := plantedCase(t, p, mode, uint64(i), &n.tries)
		n.histories++
		n.entries += len(h.Ops)
		o, want := judge(t, h.EDN(style(seed))), Violations(h)
		if p.found(o) {
			n.found++
		} else if p.undecided(o, h) {
			n.undecided++
		} else if n.missed++; n.missed <= 2 {
			save(t, smallest(t, h, func(o opinion, s *History) bool {
				return !p.found(o) && !p.undecided(o, s) && p.Shows(s)
			}), "missed", seed)
			t.Errorf("seed %d: %s (%s%s) is not found; Jepsen says %v, onceproof %v %v, undecided %v; %v",
				seed, p.Name, p.Jepsen, p.Ours, want, o.jepsen, o.kinds, o.maybe, o.texts)
		}
		for name := range o.jepsen {
			if want[name] == 0 && !Right(h, name) {
				if n.extra++; n.extra <= 2 {
					save(t, smallest(t, h, func(o opinion, s *History) bool {
						return o.jepsen[name] > 0 && Violations(s)[name] == 0 && !Right(s, name)
					}), "extra-"+name, seed)
					t.Errorf("seed %d: onceproof says %s, Jepsen does not: %v; %v", seed, name, want, o.texts)
				}
			}
		}
		if o.says(want) {
			n.exact++
		}
	}
	t.Logf("%-66s %-9s %-21s found %4d of %d, undecided %4d, wrong names %d, all names %4d; %d entries, %d tries",
		p.Name, mode, p.Jepsen+p.Ours, n.found, n.histories, n.undecided, n.extra, n.exact, n.entries, n.tries)
}

// says says whether onceproof gives all of Jepsen's names.
func (o opinion) says(want map[string]int) bool {
	for name := range want {
		if o.jepsen[name] == 0 && o.maybe[name] == 0 {
			return false
		}
	}
	return true
}

// plantedCase draws workloads until one has an occasion for the plant and shows it.
func plantedCase(t *testing.T, p Plant, mode Mode, i uint64, tries *int) (h *History, seed uint64) {
	t.Helper()
	size := Size{5, 300}
	if i%20 == 19 {
		size = Size{300, 3000}
	}
	for try := range uint64(3000) {
		*tries++
		seed = *from + i*3001 + try
		h, done := p.PlantIn(Draw(seed, mode, size))
		if done && p.Shows(h) {
			return h, seed
		}
	}
	t.Fatal("no workload has an occasion for it")
	return nil, 0
}

// found says whether the plant is found under the name that it must have.
func (p Plant) found(o opinion) bool {
	if p.Name == plantTornUntold && o.kinds[LostWrite] > 0 {
		return true // of the part that is missing
	}
	if p.Ours != "" {
		return o.kinds[p.Ours] > 0
	}
	return o.jepsen[p.Jepsen] > 0
}

// undecided says whether the judge names the plant among what it cannot decide,
// where that is the truth: what nobody read may be on its way still, unless
// something that certainly stands behind it was read; and where no operation tells
// of rebalances, one may have come between two polls of one operation.
func (p Plant) undecided(o opinion, h *History) bool {
	switch p.Name {
	case plantTornUntold:
		return o.maybe[LostWrite] > 0 && o.verdicts[guarantee.NoLoss] == guarantee.Unknown
	case plantIntBackward, plantIntSkipPolls:
		untold := !slices.ContainsFunc(h.Ops, func(o Op) bool { return len(o.Rebalance) > 0 })
		return h.Config.Mode == BySubscribe && untold && o.maybe[p.Jepsen] > 0 &&
			o.verdicts[guarantee.Order] == guarantee.Unknown
	}
	return p.Jepsen == Unseen && o.maybe[Unseen] > 0 && o.verdicts[guarantee.NoLoss] == guarantee.Unknown
}

// smallest is the history made as small as it can be while it is still doubted. It
// takes its time, for whoever keeps it.
func smallest(t *testing.T, h *History, doubted func(opinion, *History) bool) *History {
	if *keep == "" {
		return h
	}
	return shrink(h, func(s *History) bool {
		return Violations(s)[NoWriter] == 0 && doubted(judge(t, s.EDN(Style{Types: true})), s)
	})
}
