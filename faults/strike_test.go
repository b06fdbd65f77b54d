package faults

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/onceproof/onceproof/internal/scenario"
)

// scripted is a fault that does what the test says.
type scripted struct {
	fail  map[Step]error
	calls []Step
	block Step          // waits for its context to end in this step …
	waits chan struct{} // … and closes this, if it is not nil
}

func (s *scripted) do(ctx context.Context, step Step) (string, error) {
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

func (s *scripted) Inject(ctx context.Context) (string, error) { return s.do(ctx, StepInject) }
func (s *scripted) Effect(ctx context.Context) (string, error) { return s.do(ctx, StepEffect) }
func (s *scripted) Gone(ctx context.Context) (string, error)   { return s.do(ctx, StepGone) }
func (s *scripted) Recover(ctx context.Context) error {
	_, err := s.do(ctx, StepRecover)
	return err
}

// ticks is a clock that moves by one at each look.
func ticks() func() int64 {
	var now atomic.Int64
	return func() int64 { return now.Add(1) }
}

func take(t interface{ Helper() }, s *Strike, step Step) error {
	t.Helper()
	ctx := context.Background()
	var err error
	switch step {
	case StepInject:
		_, err = s.Inject(ctx)
	case StepEffect:
		_, err = s.Effect(ctx)
	case StepRecover:
		err = s.Recover(ctx)
	case StepGone:
		_, err = s.Gone(ctx)
	}
	return err
}

func TestStrikeReportsEachStep(t *testing.T) {
	f := scenario.Fault{Kind: scenario.KindKill, Name: "first", Args: scenario.FaultArgs{Broker: "leader(orders/0)"}}
	var facts []Fact
	s := NewStrike(f, &scripted{}, Options{
		Now: ticks(), Record: func(f Fact) { facts = append(facts, f) },
		InFlight: func() map[int16]int { return map[int16]int{0: 2, 26: 1, 1: 0} },
	})
	for _, step := range []Step{StepInject, StepEffect, StepRecover, StepGone} {
		if err := take(t, s, step); err != nil {
			t.Fatal(err)
		}
	}
	fact := func(step Step, from, to State, seenBy string, began int64) Fact {
		return Fact{
			Step: step, From: from, To: to, Name: "first", Kind: scenario.KindKill,
			Target: "broker leader(orders/0)", Resolved: "by inject", SeenBy: seenBy, Began: began, Ended: began + 1,
		}
	}
	inject := fact(StepInject, StateNew, Struck, "", 1)
	inject.InFlight = map[string]int{"Produce": 2, "EndTxn": 1}
	want := []Fact{
		inject,
		fact(StepEffect, Struck, Seen, "by effect", 3),
		fact(StepRecover, Seen, Healing, "", 5),
		fact(StepGone, Healing, Over, "by gone", 7),
	}
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestStrikeGuardsTheOrder lets steps come in any order, failing at random, and
// compares the strike with a table of what each state allows.
func TestStrikeGuardsTheOrder(t *testing.T) {
	type key struct {
		from State
		step Step
	}
	ok := map[key]State{
		{StateNew, StepInject}: Struck, {Struck, StepEffect}: Seen, {Healing, StepGone}: Over,
		{Struck, StepRecover}: Healing, {Seen, StepRecover}: Healing, {Unseen, StepRecover}: Healing, {Broken, StepRecover}: Healing,
	}
	failed := map[key]State{{StateNew, StepInject}: Broken, {Struck, StepEffect}: Unseen}
	boom := errors.New("boom")

	rapid.Check(t, func(t *rapid.T) {
		inner := &scripted{fail: map[Step]error{}}
		var facts []Fact
		s := NewStrike(scenario.Fault{Kind: scenario.KindKill}, inner, Options{Now: ticks(), Record: func(f Fact) { facts = append(facts, f) }})
		state := StateNew
		recoverFailed := false
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]Step{StepInject, StepEffect, StepRecover, StepGone}), 1, 12).Draw(t, "steps") {
			fails := rapid.Bool().Draw(t, "fails")
			inner.fail[step] = nil
			if fails {
				inner.fail[step] = boom
			}
			calls, told := len(inner.calls), len(facts)
			next, legal := ok[key{state, step}]
			if recoverFailed && step == StepEffect {
				legal = false // healing has begun
			}
			err := take(t, s, step)
			switch {
			case !legal && step == StepRecover:
				if err != nil {
					t.Fatalf("recover in state %s: %v; it must always be safe", state, err)
				}
			case !legal:
				if !errors.Is(err, ErrOrder) {
					t.Fatalf("%s in state %s: error %v, want ErrOrder", step, state, err)
				}
			case fails:
				if !errors.Is(err, boom) {
					t.Fatalf("%s in state %s: error %v, want the fault's own", step, state, err)
				}
				if step == StepRecover {
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
				t.Fatalf("%s in state %s: %d calls and %d facts, want one of each", step, state, len(inner.calls)-calls, len(facts)-told)
			}
			if got := facts[told]; got.From != state || got.To != next || (got.Err != nil) != fails {
				t.Fatalf("%s: fact %s -> %s (%v), want %s -> %s", step, got.From, got.To, got.Err, state, next)
			}
			if state = next; s.State() != state {
				t.Fatalf("after %s: state %s, want %s", step, s.State(), state)
			}
		}
	})
}

func TestStrikeBoundsAProof(t *testing.T) {
	inner := &scripted{block: StepEffect}
	s := NewStrike(scenario.Fault{Kind: scenario.KindKill}, inner, Options{Now: ticks(), Proof: 20 * time.Millisecond})
	if err := take(t, s, StepInject); err != nil {
		t.Fatal(err)
	}
	if err := take(t, s, StepEffect); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an effect that never shows: error %v, want the deadline's", err)
	}
	if s.State() != Unseen {
		t.Errorf("state %s, want %s", s.State(), Unseen)
	}
}

// waiting is a fault whose effect may take any time.
type waiting struct{ scripted }

func (*waiting) patience() (effect, gone time.Duration) { return -1, 0 }

// TestRecoverEndsAWait: a run that ends heals a rule that still waits for its request.
func TestRecoverEndsAWait(t *testing.T) {
	inner := &waiting{scripted{block: StepEffect, waits: make(chan struct{})}}
	s := NewStrike(scenario.Fault{Kind: scenario.KindDrop}, inner, Options{Now: ticks(), Proof: time.Nanosecond})
	if err := take(t, s, StepInject); err != nil {
		t.Fatal(err)
	}
	waited := make(chan error)
	go func() { waited <- take(t, s, StepEffect) }()
	<-inner.waits
	if err := take(t, s, StepRecover); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait ended with %v, want context.Canceled", err)
	}
	if s.State() != Healing {
		t.Errorf("state %s, want %s", s.State(), Healing)
	}
}
