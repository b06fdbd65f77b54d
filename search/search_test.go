package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/scenarios"
)

func embedded(t *testing.T, name string) *scenarios.Scenario {
	t.Helper()
	s, err := scenarios.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	s.Cluster.Backend = "embedded"
	return s
}

// TestDrawsAreFixedByTheSeed also checks that every draw is a scenario that can run.
func TestDrawsAreFixedByTheSeed(t *testing.T) {
	draws := func(seed uint64) []string {
		z, err := New(embedded(t, "exactly-once"), seed, 3)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for range 50 {
			d, err := z.Next()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(d.Cells); n < 1 || n > 3 || n != len(d.Scenario.Faults) {
				t.Fatalf("%d cells, %d faults: want one to three, and as many of each", n, len(d.Scenario.Faults))
			}
			yaml, err := scenarios.Marshal(d.Scenario)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(yaml))
		}
		return out
	}
	if diff := cmp.Diff(draws(7), draws(7)); diff != "" {
		t.Errorf("the same seed draws otherwise:\n%s", diff)
	}
	if slices.Equal(draws(7), draws(8)) {
		t.Error("another seed draws the same")
	}
}

// TestEveryCellIsDrawn: no cell may come twice before each has come once.
func TestEveryCellIsDrawn(t *testing.T) {
	z, err := New(embedded(t, "exactly-once"), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	var drawn, of int
	for n := 0; drawn < len(z.space); n++ {
		if n > 2*len(z.space) {
			t.Fatalf("after %d plans %d of %d cells", n, drawn, of)
		}
		if _, err := z.Next(); err != nil {
			t.Fatal(err)
		}
		drawn, of = z.Coverage()
	}
}

// TestSpaceIsWhatTheScenarioCanDo: requests follow role and properties, faults the backend.
func TestSpaceIsWhatTheScenarioCanDo(t *testing.T) {
	has := func(cells []template, want string) bool {
		return slices.ContainsFunc(cells, func(x template) bool { return strings.Contains(string(x.cell), want) })
	}
	onDocker := embedded(t, "exactly-once")
	onDocker.Cluster.Backend = "docker"
	eos, recipe, docker := space(embedded(t, "exactly-once")), space(embedded(t, "guide-recipe")), space(onDocker)
	for _, test := range []struct {
		what string
		s    []template
		cell string
		want bool
	}{
		{"a transactional processor ends transactions", eos, "EndTxn response of till", true},
		{"a plain producer does not", eos, "EndTxn response of shop", false},
		{"a consumer commits offsets", eos, "drop OffsetCommit request of ledger", true},
		{"transactional offsets go another way", eos, "drop OffsetCommit request of till", false},
		{"the recipe has no transactions", recipe, "TxnOffsetCommit", false},
		{"embedded brokers have nothing to partition", eos, "partition", false},
		{"docker's have", docker, "partition leader(orders/0)", true},
		{"a broker dies", eos, "kill coordinator(group till)", true},
	} {
		if got := has(test.s, test.cell); got != test.want {
			t.Errorf("%s: cell %q %v, want %v", test.what, test.cell, got, test.want)
		}
	}
}

func TestRunStopsAtTheFirstViolation(t *testing.T) {
	var tried atomic.Int64
	s, err := Run(t.Context(), Config{
		Scenario: embedded(t, "exactly-once"), Seed: 7, Faults: 2, Parallel: 4, Over: func() bool { return tried.Load() > 10000 },
		Try: func(_ context.Context, d Draw) (Outcome, error) {
			tried.Add(1)
			if slices.ContainsFunc(d.Scenario.Faults, func(f scenarios.Fault) bool { return f.Kind == scenarios.KindHold }) {
				return Unexpected, nil
			}
			return AsExpected, nil
		},
	})
	if err != nil || s.Found == nil {
		t.Fatalf("found %v, %v; a hold is drawn sooner or later", s.Found, err)
	}
	if s.Judged != s.Plans || s.Cells == 0 {
		t.Errorf("summary %+v", s)
	}
}

func TestRunEnds(t *testing.T) {
	fine := func(context.Context, Draw) (Outcome, error) { return Unjudged, nil }
	n := 0
	s, err := Run(t.Context(), Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Try: fine, Over: func() bool { n++; return n > 5 }})
	if err != nil || s.Plans != 5 || s.Judged != 0 || s.Found != nil {
		t.Errorf("a search of five plans that cannot be judged: %+v, %v", s, err)
	}
	broken := errors.New("disk full")
	_, err = Run(t.Context(), Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Parallel: 3, Over: func() bool { return false },
		Try: func(context.Context, Draw) (Outcome, error) { return "", broken }})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want Try's", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	_, err = Run(ctx, Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Over: func() bool { return false },
		Try: func(ctx context.Context, _ Draw) (Outcome, error) { cancel(stop); return Unjudged, nil }})
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the context's", err)
	}
}
