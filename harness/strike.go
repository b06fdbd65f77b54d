package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/onceproof/onceproof/faults"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
	"github.com/onceproof/onceproof/internal/plan"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// healLimit bounds the way back and its proof; a broker that starts on a loaded
// machine and catches up with its partitions takes longest.
const healLimit = 3 * time.Minute

// striker carries out the plan.
type striker struct {
	run     *run
	began   time.Time
	seen    map[int]*signal // by step: its effect was seen
	settled *signal         // every step that something triggers has struck, or cannot
}

func newStriker(r *run, began time.Time) *striker {
	s := &striker{run: r, began: began, seen: make(map[int]*signal), settled: newSignal()}
	for _, step := range r.cfg.Plan.Steps {
		s.seen[step.N] = newSignal()
	}
	return s
}

// strikeAll returns when every fault has been healed and its end proved. A fault
// that could not be injected or whose effect was never seen is recorded as that;
// the checker decides what it means. load ends when the load does: faults that
// strike then are healed, those that never struck give up.
func (s *striker) strikeAll(load, ctx context.Context) error {
	var all, triggered sync.WaitGroup
	errs := make(chan error, len(s.run.cfg.Plan.Steps))
	for _, step := range s.run.cfg.Plan.Steps {
		settled := func() {}
		if step.At < 0 {
			triggered.Add(1)
			settled = sync.OnceFunc(triggered.Done)
		}
		all.Go(func() {
			defer settled()
			if err := s.strike(load, ctx, step, settled); err != nil {
				errs <- fmt.Errorf("step %d, %s: %w", step.N, step.Text, err)
			}
		})
	}
	all.Go(func() {
		triggered.Wait()
		s.settled.fire()
	})
	all.Wait()
	close(errs)
	return <-errs
}

// strike waits for the step's moment, strikes, and heals. Its error means that
// something may still be broken.
func (s *striker) strike(load, ctx context.Context, step plan.Step, settled func()) error {
	aimed, release, err := s.await(load, step)
	defer release()
	if err != nil {
		s.never(step, err)
		return nil
	}
	strike, err := faults.New(aimed, s.run.env, step.Seed, faults.Options{
		Label: fmt.Sprintf("fault/%d", step.N),
		Now:   history.Now, Record: func(f faults.Fact) { s.record(step, f) },
		InFlight: func() map[int16]int { return s.run.proxy.InFlight(proxy.Link{Broker: -1}) },
	})
	if err != nil {
		return err
	}
	released := s.releaseWhen(load, step, strike)
	struck := s.hit(load, ctx, step, strike, release)
	if struck {
		pause(load, step.For)
	}
	settled() // the load is not prolonged for what comes after the first
	if struck {
		strike.WaitLast(load)
	}
	err = s.heal(ctx, step, strike)
	released()
	return err
}

// hit injects and waits for the effect, which it says was seen. A strike that has
// begun is carried through; only a wire fault, which waits for its request, gives up
// when the load ends.
func (s *striker) hit(load, ctx context.Context, step plan.Step, strike *faults.Strike, release func()) bool {
	_, err := strike.Inject(ctx)
	if err != nil {
		s.log(step, "could not strike: "+err.Error())
		s.run.taint.add("a fault that could not strike may have struck halfway")
		return false
	}
	waits := ctx
	if step.Fault.StrikesRequest() {
		waits = load
	}
	by, err := strike.Effect(waits)
	release() // what triggered it may go its way now
	if err != nil {
		s.log(step, "its effect was never seen: "+err.Error())
		if !step.Fault.StrikesRequest() {
			s.run.taint.add("nobody knows what a fault whose effect was never seen has left")
		}
		return false
	}
	s.run.status.faultBegan(label(step), by)
	s.seen[step.N].fire()
	return true
}

// releaseWhen lets go what fault holds once the effect of the fault that it waits
// for was seen. ended returns when that has happened, or the load is over.
func (s *striker) releaseWhen(load context.Context, step plan.Step, strike *faults.Strike) (ended func()) {
	if step.Fault.Args.Until == "" {
		return func() {}
	}
	var wg sync.WaitGroup
	for _, other := range s.run.cfg.Plan.Steps {
		if other.Fault.Name != step.Fault.Args.Until {
			continue
		}
		wg.Go(func() {
			if s.seen[other.N].wait(load) == nil {
				if strike.Release() {
					s.log(step, "what it held goes its way: "+other.Fault.Name+" was seen")
				}
			}
		})
	}
	return wg.Wait
}

func (s *striker) heal(ctx context.Context, step plan.Step, strike *faults.Strike) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), healLimit)
	defer cancel()
	if err := strike.Recover(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	if !strike.Healing() {
		return nil // nothing had been struck
	}
	by, err := strike.Gone(ctx)
	if err != nil {
		return fmt.Errorf("prove that it is over: %w", err)
	}
	s.run.status.faultEnded(label(step), by)
	return nil
}

// await returns when the step's trigger fires, with the fault aimed at what fired
// it. release, never nil, lets a request go that the trigger holds; it may be
// called more than once.
func (s *striker) await(load context.Context, step plan.Step) (aimed scenario.Fault, release func(), err error) {
	aimed, release = step.Fault, func() {}
	if step.At >= 0 { // also of a wire fault in a mix: it is armed then
		return aimed, release, s.at(load, step.At)
	}
	if len(step.After) > 0 {
		for _, n := range step.After {
			after, ok := s.seen[n]
			if !ok {
				return aimed, release, fmt.Errorf("there is no step %d to wait for", n)
			}
			if err := after.wait(load); err != nil {
				return aimed, release, fmt.Errorf("waiting for step %d: %w", n, err)
			}
		}
		return aimed, release, nil
	}
	if err := s.at(load, s.run.cfg.Plan.Warmup); err != nil {
		return aimed, release, err
	}
	if step.Fault.StrikesRequest() || step.Fault.When.On == nil {
		return aimed, release, nil // a wire fault's rule waits for its request itself
	}
	if step.Fault.When.On.Event != "" {
		return s.waitForEvent(load, step)
	}
	trigger, err := faults.NewTrigger(*step.Fault.When.On, s.run.env, step.Seed)
	if err != nil {
		return aimed, release, err
	}
	hit, err := trigger.Wait(load)
	if err != nil {
		return aimed, trigger.Release, err
	}
	s.log(step, "triggered by "+hit.Text)
	return faults.Aim(step.Fault, hit.Client), trigger.Release, nil
}

// waitForEvent waits for the event of the history that triggers the step.
func (s *striker) waitForEvent(load context.Context, step plan.Step) (aimed scenario.Fault, release func(), err error) {
	o, err := newEventTrigger(*step.Fault.When.On)
	if err != nil {
		return step.Fault, func() {}, err
	}
	s.run.rec.expect(o)
	e, err := o.wait(load)
	if err != nil {
		return step.Fault, func() {}, fmt.Errorf("no event %s: %w", step.Fault.When.On, err)
	}
	s.log(step, fmt.Sprintf("triggered by %s %s of %s", e.Op, e.Type, e.Proc))
	return faults.Aim(step.Fault, e.Proc), func() {}, nil
}

// at waits until the load has lasted so long.
func (s *striker) at(load context.Context, since time.Duration) error {
	if !pause(load, time.Until(s.began.Add(since))) {
		return context.Cause(load)
	}
	return nil
}

// never records a step whose moment did not come.
func (s *striker) never(step plan.Step, err error) {
	s.record(step, faults.Fact{
		Step: history.OpInject, Name: step.Fault.Name, Kind: step.Fault.Kind, Target: faults.TargetText(step.Fault),
		Began: history.Now(), Ended: history.Now(), Err: err,
	})
	s.log(step, "never struck: "+err.Error())
}

func (s *striker) log(step plan.Step, what string) {
	s.run.status.log(label(step) + ": " + what)
}

// label is short for the step's text, which the plan has shown with its number.
func label(step plan.Step) string {
	if step.Fault.Name != "" {
		return fmt.Sprintf("[%d] %s", step.N, step.Fault.Name)
	}
	return fmt.Sprintf("[%d] %s", step.N, step.Fault.Describe())
}

func (s *striker) record(step plan.Step, f faults.Fact) {
	e := history.Event{
		T: f.Ended, Src: history.SrcFault, Proc: fmt.Sprintf("fault/%d", step.N), Type: history.OK, Op: f.Step,
		Note: step.Text,
	}
	facts.Kind.Set(&e, string(f.Kind))
	facts.Target.Set(&e, f.Target)
	facts.Resolved.Set(&e, f.Resolved)
	facts.SeenBy.Set(&e, f.SeenBy)
	facts.Began.Set(&e, f.Began)
	if len(f.InFlight) > 0 {
		facts.InFlight.Set(&e, f.InFlight)
	}
	if len(f.Brokers) > 0 {
		facts.Brokers.Set(&e, f.Brokers)
	}
	if len(f.Clients) > 0 {
		facts.Clients.Set(&e, f.Clients)
	}
	if len(f.TxnIDs) > 0 {
		facts.TxnIDs.Set(&e, f.TxnIDs)
	}
	if f.Err != nil {
		e.Type, e.Err = history.Fail, &history.Error{Name: "failed", Text: f.Err.Error()}
	}
	s.run.rec.record(e)
}

// signal fires once.
type signal struct {
	once sync.Once
	done chan struct{}
}

func newSignal() *signal { return &signal{done: make(chan struct{})} }

func (s *signal) fire() { s.once.Do(func() { close(s.done) }) }

func (s *signal) wait(ctx context.Context) error {
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
