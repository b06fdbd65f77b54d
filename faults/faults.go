// Package faults is what strikes: one file a fault. Each is injected, proves its
// effect, recovers, and proves that it is gone.
//
//	scenarios ──> plan ──> harness ──> faults ──> cluster, proxy, clients
//
// A scheduler wraps each fault in a [Strike], which guards the order of the four
// calls and reports every step as a [Fact]:
//
//	strike, err := faults.New(step.Fault, env, step.Seed, faults.Options{Now: env.Now, Record: record})
//	_, err = strike.Inject(ctx)  // resolves the target and strikes
//	_, err = strike.Effect(ctx)  // waits for proof that it struck
//	err = strike.Recover(ctx)    // heals; always safe to call
//	_, err = strike.Gone(ctx)    // waits for proof that it is over
//
// docs/adding-a-fault.md shows how to write one.
package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/onceproof/onceproof/internal/cluster"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
	"github.com/onceproof/onceproof/worker"
)

// Env is what faults act on. One Env is shared, by pointer, by all faults of a
// run: it also holds the ledger by which overlapping faults on one target
// compose. Its exported fields must not change once a fault was made.
type Env struct {
	Cluster cluster.Cluster
	Proxy   *proxy.Proxy
	Clients []*process.Instance
	Now     func() int64 // ns of CLOCK_MONOTONIC

	ledger ledger

	// Stand-ins in tests; nil in a run.
	fakeDoor      door
	fakeInstances []instance
}

// fault is one strike. The scheduler (harness) calls Inject, Effect, Recover,
// Gone in this order, once each; Recover and Gone also when Inject or Effect
// failed. Recover may be called more than once.
// Wire faults arm a rule in Inject; their Effect is the first hit.
type fault interface {
	// Inject resolves the target and strikes. resolved names what was struck
	// ("broker 2 (leader of orders/0)").
	Inject(ctx context.Context) (resolved string, err error)
	// Effect waits until the effect is seen and says what by
	// ("127.0.0.1:41234 refused a connection").
	Effect(ctx context.Context) (seenBy string, err error)
	Recover(ctx context.Context) error
	// Gone waits until the effect is seen to be over and says what by.
	Gone(ctx context.Context) (seenBy string, err error)
}

// errNoTarget is wrapped when a target resolves to nothing; the text says what
// exists instead.
var errNoTarget = errors.New("no such target")

// maker makes a fault of one kind. An error means that f can never strike.
type maker func(f scenario.Fault, env *Env, seed uint64) (fault, error)

// makers are the faults by their kind. Each file registers its own; the table of
// internal/scenario has the same kinds (TestTableAndFaultsAgree).
var makers = map[scenario.FaultKind]maker{}

// register is called once for each kind, as the package is initialised.
func register(kind scenario.FaultKind, m maker) maker {
	if makers[kind] != nil {
		panic(fmt.Sprintf("two faults are called %s", kind))
	}
	makers[kind] = m
	return m
}

// New makes the fault that f describes, ready to strike; seed draws its random choices.
// An error means that f can never strike: a missing or impossible argument.
func New(f scenario.Fault, env *Env, seed uint64, opt Options) (*Strike, error) {
	fault, err := makeFault(f, env, seed)
	if err != nil {
		return nil, err
	}
	return wrap(f, fault, opt), nil
}

func makeFault(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	maker, ok := makers[f.Kind]
	if !ok {
		return nil, fmt.Errorf("no fault is called %q; there are: %s", f.Kind, kindNames())
	}
	fault, err := maker(f, env, seed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Kind, err)
	}
	return fault, nil
}

// instance is what faults need of a client process; *client.Instance has it.
type instance interface {
	Name() string
	Proc() string
	Start(ctx context.Context) (worker.Hello, error)
	Kill(ctx context.Context) error
	Stop(ctx context.Context) error
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

func (e *Env) instances() []instance {
	if e.fakeInstances != nil {
		return e.fakeInstances
	}
	all := make([]instance, len(e.Clients))
	for i, c := range e.Clients {
		all[i] = c
	}
	return all
}
