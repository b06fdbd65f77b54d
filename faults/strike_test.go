package faults

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

// scripted is a fault that does what the test says.
type scripted struct {
	fail  map[history.Op]error
	calls []history.Op
	block history.Op    // waits for its context to end in this step …
	waits chan struct{} // … and closes this, if it is not nil
}

func (s *scripted) do(ctx context.Context, step history.Op) (string, error) {
	s.calls = append(s.calls, step)
	if s.block == step {
		if s.waits != nil {
			close(s.waits)
		}
		<-ctx.Done()
		return "", ctx.Err()
	}
	return "by " + string(step), s.fail[step]
}

func (s *scripted) Inject(ctx context.Context) (string, error) { return s.do(ctx, stepInject) }
func (s *scripted) Effect(ctx context.Context) (string, error) { return s.do(ctx, stepEffect) }
func (s *scripted) Gone(ctx context.Context) (string, error)   { return s.do(ctx, stepGone) }
func (s *scripted) Recover(ctx context.Context) error {
	_, err := s.do(ctx, stepRecover)
	return err
}

// ticks is a clock that moves by one at each look.
func ticks() func() int64 {
	var now atomic.Int64
	return func() int64 { return now.Add(1) }
}

func take(t interface{ Helper() }, s *Strike, step history.Op) error {
	t.Helper()
	ctx := context.Background()
	var err error
	switch step {
	case stepInject:
		_, err = s.Inject(ctx)
	case stepEffect:
		_, err = s.Effect(ctx)
	case stepRecover:
		err = s.Recover(ctx)
	case stepGone:
		_, err = s.Gone(ctx)
	}
	return err
}

func TestStrikeReportsEachStep(t *testing.T) {
	f := scenario.Fault{Kind: scenario.KindKill, Name: "first", Args: scenario.FaultArgs{Broker: "leader(orders/0)"}}
	var facts []Fact
	s := wrap(f, &scripted{}, Options{
		Now: ticks(), Record: func(f Fact) { facts = append(facts, f) },
		InFlight: func() map[int16]int { return map[int16]int{0: 2, 26: 1, 1: 0} },
	})
	for _, step := range []history.Op{stepInject, stepEffect, stepRecover, stepGone} {
		if err := take(t, s, step); err != nil {
			t.Fatal(err)
		}
	}
	fact := func(step history.Op, from, to stage, seenBy string, began int64) Fact {
		return Fact{
			Step: step, From: from, To: to, Name: "first", Kind: scenario.KindKill,
			Target: "broker leader(orders/0)", Resolved: "by inject", SeenBy: seenBy, Began: began, Ended: began + 1,
		}
	}
	inject := fact(stepInject, newStage, struckStage, "", 1)
	inject.InFlight = map[string]int{"Produce": 2, "EndTxn": 1}
	want := []Fact{
		inject,
		fact(stepEffect, struckStage, seenStage, "by effect", 3),
		fact(stepRecover, seenStage, healingStage, "", 5),
		fact(stepGone, healingStage, overStage, "by gone", 7),
	}
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestStrikeGuardsTheOrder lets steps come in any order, failing at random, and
// compares the strike with a table of what each state allows.
func TestStrikeGuardsTheOrder(t *testing.T) {
	type key struct {
		from stage
		step history.Op
	}
	ok := map[key]stage{
		{newStage, stepInject}: struckStage, {struckStage, stepEffect}: seenStage, {healingStage, stepGone}: overStage,
		{struckStage, stepRecover}: healingStage, {seenStage, stepRecover}: healingStage, {unseenStage, stepRecover}: healingStage, {brokenStage, stepRecover}: healingStage,
	}
	failed := map[key]stage{{newStage, stepInject}: brokenStage, {struckStage, stepEffect}: unseenStage}
	boom := errors.New("boom")

	rapid.Check(t, func(t *rapid.T) {
		inner := &scripted{fail: map[history.Op]error{}}
		var facts []Fact
		s := wrap(
			scenario.Fault{Kind: scenario.KindKill}, inner,
			Options{Now: ticks(), Record: func(f Fact) { facts = append(facts, f) }},
		)
		state := newStage
		recoverFailed := false
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]history.Op{stepInject, stepEffect, stepRecover, stepGone}), 1, 12).Draw(t, "steps") {
			fails := rapid.Bool().Draw(t, "fails")
			inner.fail[step] = nil
			if fails {
				inner.fail[step] = boom
			}
			calls, told := len(inner.calls), len(facts)
			next, legal := ok[key{state, step}]
			if recoverFailed && step == stepEffect {
				legal = false // healing has begun
			}
			err := take(t, s, step)
			switch {
			case !legal && step == stepRecover:
				if err != nil {
					t.Fatalf("recover in state %s: %v; it must always be safe", state, err)
				}
			case !legal:
				if !errors.Is(err, errOrder) {
					t.Fatalf("%s in state %s: error %v, want ErrOrder", step, state, err)
				}
			case fails:
				if !errors.Is(err, boom) {
					t.Fatalf("%s in state %s: error %v, want the fault's own", step, state, err)
				}
				if step == stepRecover {
					recoverFailed = true
				}
				next = state
				if f, moves := failed[key{state, step}]; moves {
					next = f
				}
			case err != nil:
				t.Fatalf("%s in state %s: %v", step, state, err)
			}
			if !legal {
				if len(inner.calls) != calls || len(facts) != told {
					t.Fatalf("%s in state %s reached the fault, or was reported", step, state)
				}
				continue
			}
			if len(inner.calls) != calls+1 || len(facts) != told+1 {
				t.Fatalf(
					"%s in state %s: %d calls and %d facts, want one of each", step, state, len(inner.calls)-calls,
					len(facts)-told,
				)
			}
			if got := facts[told]; got.From != state || got.To != next || (got.Err != nil) != fails {
				t.Fatalf("%s: fact %s -> %s (%v), want %s -> %s", step, got.From, got.To, got.Err, state, next)
			}
			if state = next; s.stage() != state {
				t.Fatalf("after %s: state %s, want %s", step, s.stage(), state)
			}
		}
	})
}

func TestStrikeBoundsAProof(t *testing.T) {
	inner := &scripted{block: stepEffect}
	s := wrap(scenario.Fault{Kind: scenario.KindKill}, inner, Options{Now: ticks(), Proof: 20 * time.Millisecond})
	if err := take(t, s, stepInject); err != nil {
		t.Fatal(err)
	}
	if err := take(t, s, stepEffect); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an effect that never shows: error %v, want the deadline's", err)
	}
	if s.stage() != unseenStage {
		t.Errorf("state %s, want %s", s.stage(), unseenStage)
	}
}

// waiting is a fault whose effect may take any time.
type waiting struct{ scripted }

func (*waiting) patience() (effect, gone time.Duration) { return -1, 0 }

// TestRecoverEndsAWait: a run that ends heals a rule that still waits for its request.
func TestRecoverEndsAWait(t *testing.T) {
	inner := &waiting{scripted{block: stepEffect, waits: make(chan struct{})}}
	s := wrap(scenario.Fault{Kind: scenario.KindDrop}, inner, Options{Now: ticks(), Proof: time.Nanosecond})
	if err := take(t, s, stepInject); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() { waited <- take(t, s, stepEffect) }()
	<-inner.waits
	if err := take(t, s, stepRecover); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v, want context.Canceled", err)
	}
	if s.stage() != healingStage {
		t.Errorf("state %s, want %s", s.stage(), healingStage)
	}
}
