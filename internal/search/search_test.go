package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/checker"
	"github.com/onceproof/onceproof/internal/scenario"
)

func embedded(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	s.Cluster.Backend = "embedded"
	return s
}

// TestDrawsAreFixedByTheSeed also checks that every draw is a scenario that can run.
func TestDrawsAreFixedByTheSeed(t *testing.T) {
	draws := func(seed uint64) []string {
		z, err := New(embedded(t, "exactly-once"), seed, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for range 20 {
			d, err := z.Next()
			if err != nil {
				t.Fatal(err)
			}
			if n := len(d.Names); n < 1 || n > 3 || n > len(d.Scenario.Faults) {
				t.Fatalf("%d cells, %d faults: want one to three, and as many faults at least", n, len(d.Scenario.Faults))
			}
			yaml, err := scenario.Marshal(d.Scenario)
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
	z, err := New(embedded(t, "exactly-once"), 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var drawn, of int
	for n := 0; drawn < len(z.space); n++ {
		if n > len(z.space) {
			t.Fatalf("after %d plans %d of %d", n, drawn, of)
		}
		if _, err := z.Next(); err != nil {
			t.Fatal(err)
		}
		drawn, of, _ = z.Coverage()
	}
}

// TestSpaceIsWhatTheScenarioCanDo: requests follow role and properties, faults the backend.
func TestSpaceIsWhatTheScenarioCanDo(t *testing.T) {
	has := func(cells []template, want string) bool {
		return slices.ContainsFunc(cells, func(x template) bool { return strings.Contains(x.name, want) })
	}
	onDocker := embedded(t, "exactly-once")
	onDocker.Cluster.Backend = "docker"
	eos, recipe, docker := space(embedded(t, "exactly-once"), nil), space(embedded(t, "guide-recipe"), nil), space(onDocker, nil)
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
		{"at a moment of a transaction", eos, "kill leader(receipts/0) at EndTxn request of till", true},
		{"which the recipe does not have", recipe, " at EndTxn", false},
	} {
		if got := has(test.s, test.cell); got != test.want {
			t.Errorf("%s: cell %q %v, want %v", test.what, test.cell, got, test.want)
		}
	}
}

// TestWhatWasMetComesLater: a search of a scenario whose transactions' ends were met
// often draws everything else first, and a plan's number alone fixes it.
func TestWhatWasMetComesLater(t *testing.T) {
	s := embedded(t, "exactly-once")
	z, err := New(s, 7, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := 0
	for _, x := range z.space {
		if x.cell.Phase == checker.PhaseEnded {
			ended++
			z.Met([]checker.Coverage{{Cell: x.cell, Strikes: 1000}})
		}
	}
	if ended == 0 || ended == len(z.space) {
		t.Fatalf("%d of %d are at the end of a transaction", ended, len(z.space))
	}
	other, err := New(s, 7, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		d, err := z.Next()
		if err != nil {
			t.Fatal(err)
		}
		if x := z.space[z.first(d.N)]; x.cell.Phase == checker.PhaseEnded {
			t.Fatalf("plan %d begins with %s before all others were drawn", d.N, x.name)
		}
		again, err := other.Plan(d.N)
		if diff := cmp.Diff(d.Names, again.Names); err != nil || diff != "" {
			t.Fatalf("plan %d is drawn otherwise: %v\n%s", d.N, err, diff)
		}
	}
}

// TestRunOfOnePlan: who finds the only plan taken does not end it.
func TestRunOfOnePlan(t *testing.T) { synctest.Test(t, runOfOnePlan) }

func runOfOnePlan(t *testing.T) {
	var tried []int
	s, err := Run(t.Context(), Config{Scenario: embedded(t, "exactly-once"), Seed: 7, Plan: 41, Faults: 2, Parallel: 2,
		Over: func() bool { return false },
		Try: func(ctx context.Context, d Draw) (Result, error) {
			tried = append(tried, d.N)
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
			return Result{Outcome: AsExpected}, ctx.Err()
		}})
	if err != nil || s.Plans != 1 || !slices.Equal(tried, []int{41}) {
		t.Errorf("tried %v, %+v, %v; want plan 41 alone", tried, s, err)
	}
}

func TestRunStopsAtTheFirstViolation(t *testing.T) {
	var tried atomic.Int64
	s, err := Run(t.Context(), Config{
		Scenario: embedded(t, "exactly-once"), Seed: 7, Faults: 2, Parallel: 4, Over: func() bool { return tried.Load() > 10000 },
		Try: func(_ context.Context, d Draw) (Result, error) {
			tried.Add(1)
			if slices.ContainsFunc(d.Scenario.Faults, func(f scenario.Fault) bool { return f.Kind == scenario.KindHold }) {
				return Result{Outcome: Unexpected}, nil
			}
			return Result{Outcome: AsExpected}, nil
		},
	})
	if err != nil || s.Found == nil {
		t.Fatalf("found %v, %v; a hold is drawn sooner or later", s.Found, err)
	}
	if s.Judged != s.Plans || s.Drawn == 0 {
		t.Errorf("summary %+v", s)
	}
}

func TestRunEnds(t *testing.T) {
	fine := func(context.Context, Draw) (Result, error) { return Result{Outcome: Unjudged}, nil }
	n := 0
	s, err := Run(t.Context(), Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Try: fine, Over: func() bool { n++; return n > 5 }})
	if err != nil || s.Plans != 5 || s.Judged != 0 || s.Found != nil {
		t.Errorf("a search of five plans that cannot be judged: %+v, %v", s, err)
	}
	broken := errors.New("disk full")
	_, err = Run(t.Context(), Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Parallel: 3, Over: func() bool { return false },
		Try: func(context.Context, Draw) (Result, error) { return Result{}, broken }})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want Try's", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	_, err = Run(ctx, Config{Scenario: embedded(t, "exactly-once"), Faults: 1, Over: func() bool { return false },
		Try: func(ctx context.Context, _ Draw) (Result, error) { cancel(stop); return Result{Outcome: Unjudged}, nil }})
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the context's", err)
	}
}
