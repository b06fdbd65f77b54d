package checker

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/guarantee"
)

// TestModelIsClean: whatever the model does is legal, so the checker finds nothing.
func TestModelIsClean(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(drawn{rt})
		w.run(rapid.IntRange(20, 150).Draw(rt, "steps"))
		events := jitter(w.d, w.history())
		r := judgeEvents(t, w.h, events, Options{})
		for _, g := range r.Guarantees {
			for _, f := range g.Anomalies {
				rt.Errorf("%s on a legal history: %s\n%+v", f.Kind, f.Witnesses[0].Text, f.Witnesses[0].Events)
			}
		}
	})
}

// TestModelIsCleanSeeded is the same over many seeds, faster and longer.
func TestModelIsCleanSeeded(t *testing.T) {
	seen := map[string]int64{}
	for seed := range uint64(400) {
		w := newWorld(seeded{rand.New(rand.NewPCG(seed, 1))})
		w.run(400)
		r := judgeEvents(t, w.h, jitter(w.d, w.history()), Options{})
		for _, g := range r.Guarantees {
			for _, f := range g.Anomalies {
				t.Fatalf("seed %d: %s on a legal history: %s\n%+v", seed, f.Kind, f.Witnesses[0].Text, f.Witnesses[0].Events)
			}
			if g.Verdict == guarantee.Unknown {
				t.Errorf("seed %d: %s is unknown: %s", seed, g.Guarantee, g.Reason)
			}
		}
		for k, n := range r.Evidence.Counts {
			seen[k] += n
		}
	}
	// The model must reach what it is there for.
	for _, k := range []string{"aborts", "commits", "crashes", "unknown", "failed", "rebalances", "aborted-records", "handovers", "live-handovers", "epoch-bumps", "unknown-ends", "fences", "offset-fetches", "registers-searched", "second-opinions"} {
		if seen[k] == 0 {
			t.Errorf("the model never shows %s", k)
		}
	}
}
