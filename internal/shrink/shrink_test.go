package shrink

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/internal/scenario"
)

func shipped(t *testing.T, name string) *scenario.Scenario {
	t.Helper()
	s, err := scenario.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// needs is a world in which a violation needs these faults, clients and
// properties ("client.property"), and a run of at least so many seconds.
type needs struct {
	faults, clients, properties []string
	seconds                     float64
}

func (n needs) met(s *scenario.Scenario) bool {
	fault := func(name string) bool {
		return slices.ContainsFunc(s.Faults, func(f scenario.Fault) bool { return f.Name == name })
	}
	client := func(name string) *scenario.Client {
		if i := slices.IndexFunc(s.Clients, func(c scenario.Client) bool { return c.Name == name }); i >= 0 {
			return &s.Clients[i]
		}
		return nil
	}
	for _, f := range n.faults {
		if !fault(f) {
			return false
		}
	}
	for _, c := range n.clients {
		if client(c) == nil {
			return false
		}
	}
	for _, p := range n.properties {
		name, property, _ := strings.Cut(p, ".")
		if c := client(name); c == nil || c.Config[property] == "" {
			return false
		}
	}
	return s.Run.Duration.Seconds() >= n.seconds
}

// world runs scenarios where needs decides, with a chance of seeing it.
func world(n needs, chance float64) func(context.Context, *scenario.Scenario) (Verdicts, error) {
	luck := rand.New(rand.NewPCG(1, 2))
	return func(_ context.Context, s *scenario.Scenario) (Verdicts, error) {
		v := Verdicts{"no-duplicates": holds, "no-loss": holds, "isolation": "not-exercised"}
		if n.met(s) && luck.Float64() < chance {
			v["no-duplicates"] = violated
		}
		return v, nil
	}
}

func TestShrinkLeavesWhatIsNeeded(t *testing.T) {
	n := needs{
		faults: []string{"lost-acknowledgement"}, clients: []string{"shop"}, properties: []string{"shop.enable.idempotence"},
		seconds: 3,
	}
	r, err := Shrink(t.Context(), shipped(t, "guide-recipe"), Config{Guarantee: "no-duplicates", Seed: 7, Run: world(n, 1)})
	if err != nil {
		t.Fatal(err)
	}
	want := `apiVersion: onceproof/v1
kind: Scenario
metadata:
  name: guide-recipe-shrunk
  description: |
    no-duplicates is violated, in 5 of 5 runs with seed 7.

    Shrunk from guide-recipe.
cluster:
  backend: embedded
  brokers: 1
  topics: [{name: orders, partitions: 1, replicas: 1}]
clients:
  - name: shop
    role: producer
    library: franz-go
    count: 1
    rate: 40/s
    topic: orders
    config: {enable.idempotence: false}
    unsupported: warn
run: {duration: 3.8s, warmup: 300ms, drain: 30s, seed: 7}
faults:
  - name: lost-acknowledgement
    on: {request: Produce, client: shop, nth: 1, phase: response}
    drop: {}
expect: {isolation: any, no-duplicates: violated}
`
	if diff := cmp.Diff(want, text(r.Scenario)); diff != "" {
		t.Errorf("shrunk to (-want +got):\n%s", diff)
	}
}

// TestShrinkIsMinimal goes through all that a violation can need of four faults:
// nothing else may be left.
func TestShrinkIsMinimal(t *testing.T) {
	s := shipped(t, "guide-recipe")
	for subset := range 1 << len(s.Faults) {
		n := needs{clients: []string{"shop", "till"}}
		for i, f := range s.Faults {
			if subset&(1<<i) != 0 {
				n.faults = append(n.faults, f.Name)
			}
		}
		r, err := Shrink(t.Context(), s, Config{Guarantee: "no-duplicates", Seed: 7, Run: world(n, 1)})
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, f := range r.Scenario.Faults {
			left = append(left, f.Name)
		}
		if !slices.Equal(left, n.faults) {
			t.Errorf("left %v, needed %v", left, n.faults)
		}
		if r.Rate.Hits != r.Rate.Runs {
			t.Errorf("rate %v of what always shows", r.Rate)
		}
	}
}

// TestShrinkToleratesFlakes shows the violation in some of the runs only: what is
// needed must stay, and most of the rest must go.
func TestShrinkToleratesFlakes(t *testing.T) {
	n := needs{faults: []string{"lost-acknowledgement"}, clients: []string{"shop"}}
	r, err := Shrink(t.Context(), shipped(t, "guide-recipe"), Config{Guarantee: "no-duplicates", Tries: 9, Need: 4, Confirm: 40, Run: world(n, 0.7)})
	if err != nil {
		t.Fatal(err)
	}
	if !n.met(r.Scenario) {
		t.Errorf("what the violation needs is gone: %s", text(r.Scenario))
	}
	if len(r.Scenario.Faults) > 1 || len(r.Scenario.Clients) > 1 {
		t.Errorf("%d faults and %d clients are left, want one each", len(r.Scenario.Faults), len(r.Scenario.Clients))
	}
	if low, high := r.Rate.Interval(); low > 0.7 || high < 0.7 {
		t.Errorf("rate %s does not cover the true 70 %%", r.Rate.Describe())
	}
}

func TestShrinkOfWhatIsNotShown(t *testing.T) {
	s := shipped(t, "guide-recipe")
	never := needs{clients: []string{"nobody"}}
	if _, err := Shrink(t.Context(), s, Config{Guarantee: "no-duplicates", Run: world(never, 1)}); !errors.Is(err, ErrNotShown) {
		t.Errorf("error %v, want ErrNotShown", err)
	}
	broken := errors.New("no engine")
	unjudged := func(context.Context, *scenario.Scenario) (Verdicts, error) { return nil, broken }
	if _, err := Shrink(t.Context(), s, Config{Guarantee: "no-duplicates", Run: unjudged}); !errors.Is(err, ErrNotShown) {
		t.Errorf("error %v, want ErrNotShown: a run that could not be judged shows nothing", err)
	}
}

func TestShrinkEndsWithItsBudget(t *testing.T) {
	n := needs{clients: []string{"shop"}}
	run, runs := world(n, 1), 0
	r, err := Shrink(t.Context(), shipped(t, "guide-recipe"), Config{
		Guarantee: "no-duplicates", Confirm: 1, Over: func() bool { return runs >= 4 },
		Run: func(ctx context.Context, s *scenario.Scenario) (Verdicts, error) {
			runs++
			return run(ctx, s)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Over || len(r.Kept) == 0 || runs > 6 {
		t.Errorf("over %v after %d runs with %v: want what fits into the budget, and no more", r.Over, runs, r.Kept)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	_, err = Shrink(ctx, shipped(t, "guide-recipe"), Config{Guarantee: "no-duplicates", Run: func(ctx context.Context, s *scenario.Scenario) (Verdicts, error) {
		cancel(stop)
		return run(ctx, s)
	}})
	if !errors.Is(err, stop) {
		t.Errorf("error %v of an interrupted shrink", err)
	}
}
