// Package faults is what strikes: one file a fault. Each is injected, proves its
// effect, recovers, and proves that it is gone.
//
//	      Inject        Effect seen       Recover         Gone seen
//	new ─────────> struck ────────> seen ────────> healing ───────> over
//	                 │ never seen: the run cannot be judged (exit 3)
package faults

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/onceproof/onceproof/harness/client"
	"github.com/onceproof/onceproof/harness/cluster"
	"github.com/onceproof/onceproof/harness/proxy"
	"github.com/onceproof/onceproof/scenarios"
)

// Env is what faults act on. It is shared by all faults of a run.
type Env struct {
	Cluster cluster.Cluster
	Proxy   *proxy.Proxy
	Clients []*client.Instance
	Admin   *kadm.Client // reaches the brokers directly, not through the proxy
	Now     func() int64 // ns of CLOCK_MONOTONIC
}

// Fault is one strike. The scheduler (harness) calls Inject, Effect, Recover,
// Gone in this order, once each; Recover and Gone also when Effect failed.
// Wire faults arm a rule in Inject; their Effect is the first hit.
type Fault interface {
	// Inject resolves the target and strikes. resolved names what was struck
	// ("broker 2, leader of orders/0").
	Inject(ctx context.Context) (resolved string, err error)
	// Effect waits until the effect is seen and says what by
	// ("127.0.0.1:41234 refused a connection").
	Effect(ctx context.Context) (seenBy string, err error)
	Recover(ctx context.Context) error
	// Gone waits until the effect is seen to be over and says what by.
	Gone(ctx context.Context) (seenBy string, err error)
}

// ErrNoTarget is wrapped when a target resolves to nothing; the text says what
// exists instead.
var ErrNoTarget = errors.New("no such target")

// New makes the fault that f describes; seed draws its random choices.
func New(f scenarios.Fault, env *Env, seed uint64) (Fault, error) {
	return nil, errors.New("faults: not built yet")
}
