package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/scenario"
)

// stage is how far a Strike has come.
//
//	      Inject          Effect          Recover           Gone
//	new ─────────> struck ──────> seen ───────────> healing ─────> over
//	 │ failed         │ never seen                  ↑  ↑
//	 │                └─────────> unseen ───────────┤  │
//	 └──────────────────────────> broken ───────────┘  │
//	                  struck ──────────────────────────┘ (the run ends before the proof)
//
// A Recover or Gone that fails changes nothing and may be repeated.
type stage string

const (
	newStage     stage = "new"
	struckStage  stage = "struck"
	seenStage    stage = "seen"
	unseenStage  stage = "unseen"  // the effect was never seen: the run cannot be judged (exit 3)
	brokenStage  stage = "broken"  // Inject failed, perhaps half-way
	healingStage stage = "healing" // Recover returned, the end is not proved yet
	overStage    stage = "over"
)

// The four steps, as the history names them.
const (
	stepInject  = history.OpInject
	stepEffect  = history.OpEffect
	stepRecover = history.OpRecover
	stepGone    = history.OpGone
)

// errOrder is wrapped when a step is not legal in the strike's state. Nothing
// was done then.
var errOrder = errors.New("illegal order of steps")

// Fact is one finished step, ready for the history.
type Fact struct {
	Step     history.Op // inject, effect, recover or gone
	From, To stage
	Name     string // of the fault, "" if it has none
	Kind     scenario.FaultKind
	Target   string         // as the scenario says it: "broker leader(orders/0)"
	Resolved string         // whom Inject struck: "broker 2 (leader of orders/0)"
	SeenBy   string         // what showed the effect, or its end
	Brokers  []int32        // inject: brokers that it struck, if any
	Clients  []string       // inject: client instances that it struck, if any
	TxnIDs   []string       // inject: transactional ids that it struck, if any
	InFlight map[string]int // inject: requests under way just before it, by API; nil if none, or not asked
	Began    int64          // ns of CLOCK_MONOTONIC
	Ended    int64
	Err      error // why the step failed; nil otherwise
}

// Options of a Strike.
type Options struct {
	Now func() int64 // ns of CLOCK_MONOTONIC; required
	// Record takes each step as it ends, in order, before the call returns; may
	// be nil. It must not call the Strike.
	Record func(Fact)
	// InFlight tells the requests that wait for a response, by API key: what the
	// strike meets on the wire. May be nil.
	InFlight func() map[int16]int
	// Label goes with each request that a wire fault strikes into the history.
	Label string
	// Proof bounds each wait for a proof; 0 = 15 s. Faults whose end takes longer
	// by nature (a broker's restart) and rules that wait for their request have
	// bounds of their own.
	Proof time.Duration
}

// actionBound bounds Inject and Recover: a container engine under load takes its time.
const actionBound = 90 * time.Second

// Strike guards the life of one fault. Its methods may be
// called concurrently: one step runs at a time, and a Recover ends an Inject or
// Effect that is still under way.
type Strike struct {
	fault scenario.Fault
	inner fault
	opt   Options
	turn  chan struct{} // held by the step that runs

	mu       sync.Mutex
	state    stage
	resolved string
	cancel   context.CancelFunc // of the Inject or Effect that runs
	stopping bool               // Recover was called
}

// wrap guards fault, which was made from f.
func wrap(f scenario.Fault, fault fault, opt Options) *Strike {
	if opt.Proof == 0 {
		opt.Proof = 15 * time.Second
	}
	if opt.Record == nil {
		opt.Record = func(Fact) {}
	}
	if l, ok := fault.(labeled); ok {
		l.setLabel(opt.Label)
	}
	return &Strike{fault: f, inner: fault, opt: opt, turn: make(chan struct{}, 1), state: newStage}
}

// WaitLast returns after the last of several strikes, or when ctx ends.
func (s *Strike) WaitLast(ctx context.Context) {
	if r, ok := s.inner.(repeating); ok {
		r.waitLast(ctx)
	}
}

// Release lets go what the fault keeps back, now and from now on; it reports whether
// the fault is of that kind.
func (s *Strike) Release() bool {
	h, ok := s.inner.(holding)
	if ok {
		h.release()
	}
	return ok
}

// Healing reports whether something was struck whose end is to be proved.
func (s *Strike) Healing() bool { return s.stage() == healingStage }

// stage returns how far the strike has come.
func (s *Strike) stage() stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Inject strikes. Legal once, first.
func (s *Strike) Inject(ctx context.Context) (string, error) {
	return s.step(ctx, rule{stepInject, []stage{newStage}, struckStage, brokenStage, actionBound}, s.inner.Inject)
}

// Effect waits for the proof. Legal once, after Inject succeeded.
func (s *Strike) Effect(ctx context.Context) (string, error) {
	bound, _ := s.bounds()
	return s.step(ctx, rule{stepEffect, []stage{struckStage}, seenStage, unseenStage, bound}, s.inner.Effect)
}

// Recover heals, whatever happened before. It does nothing when nothing was
// struck or when it has succeeded already; when it failed it may be repeated.
func (s *Strike) Recover(ctx context.Context) error {
	s.mu.Lock()
	if s.state == newStage && s.cancel == nil {
		s.mu.Unlock()
		return nil
	}
	s.stopping = true
	if s.cancel != nil {
		s.cancel()
	}
	s.mu.Unlock()
	_, err := s.step(
		ctx,
		rule{stepRecover, []stage{struckStage, seenStage, unseenStage, brokenStage}, healingStage, "", actionBound},
		func(ctx context.Context) (string, error) { return "", s.inner.Recover(ctx) },
	)
	if errors.Is(err, errOrder) {
		return nil // healed already, or the Inject that it ended had not begun
	}
	return err
}

// Gone waits until the effect is over. Legal after Recover succeeded, until it
// succeeds itself.
func (s *Strike) Gone(ctx context.Context) (string, error) {
	_, bound := s.bounds()
	return s.step(ctx, rule{stepGone, []stage{healingStage}, overStage, "", bound}, s.inner.Gone)
}

func (s *Strike) bounds() (effect, gone time.Duration) {
	if p, ok := s.inner.(patient); ok {
		effect, gone = p.patience()
	}
	if effect == 0 {
		effect = s.opt.Proof
	}
	if gone == 0 {
		gone = s.opt.Proof
	}
	return effect, gone
}

// rule says from which states a step is legal and where it leads; failed "" = it stays.
type rule struct {
	step   history.Op
	from   []stage
	ok     stage
	failed stage
	bound  time.Duration // negative = none but the caller's context
}

func (s *Strike) step(ctx context.Context, r rule, do func(context.Context) (string, error)) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("%s of %s: %w", r.step, label(s.fault), context.Cause(ctx))
	}
	defer func() { <-s.turn }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, err := s.enter(r, cancel)
	if err != nil {
		return "", err
	}
	if r.bound > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.bound)
		defer stop()
	}

	var met map[string]int
	if r.step == stepInject {
		met = s.met()
	}
	began := s.opt.Now()
	text, err := do(ctx)
	if err != nil {
		err = fmt.Errorf("%s of %s: %w", r.step, label(s.fault), err)
	}
	f := s.leave(r, from, text, err, began)
	f.InFlight = met
	s.opt.Record(f)
	return text, err
}

// met is what is under way on the wire.
func (s *Strike) met() map[string]int {
	if s.opt.InFlight == nil {
		return nil
	}
	var met map[string]int
	for key, n := range s.opt.InFlight() {
		if n > 0 {
			if met == nil {
				met = map[string]int{}
			}
			met[kmsg.NameForKey(key)] += n
		}
	}
	return met
}

// enter checks that r is legal now.
func (s *Strike) enter(r rule, cancel context.CancelFunc) (stage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	early := r.step == stepInject || r.step == stepEffect
	if !slices.Contains(r.from, s.state) || early && s.stopping {
		return "", fmt.Errorf("%s of %s in state %s: %w", r.step, label(s.fault), s.state, errOrder)
	}
	if early {
		s.cancel = cancel
	}
	return s.state, nil
}

// leave takes the transition and returns it as a fact.
func (s *Strike) leave(r rule, from stage, text string, err error, began int64) Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = nil
	to := r.ok
	if err != nil {
		to = r.failed
		if to == "" {
			to = from
		}
	}
	s.state = to
	f := Fact{
		Step: r.step, From: from, To: to,
		Name: s.fault.Name, Kind: s.fault.Kind, Target: TargetText(s.fault),
		Began: began, Ended: s.opt.Now(), Err: err,
	}
	if r.step == stepInject {
		s.resolved = text
		if v, ok := s.inner.(targeted); ok && err == nil {
			f.Brokers, f.Clients = v.victims()
		}
		if v, ok := s.inner.(fencer); ok && err == nil {
			f.TxnIDs = v.fenced()
		}
	} else {
		f.SeenBy = text
	}
	f.Resolved = s.resolved
	return f
}
