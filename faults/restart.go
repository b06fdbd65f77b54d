package faults

import (
	"context"

	"github.com/onceproof/onceproof/internal/scenario"
)

// restart is a stop that is healed at once: Inject stops, Recover starts. A
// scheduler lets no time pass between the proof and Recover (its For is zero).
type restart struct{ *brokerStrike }

var _ = register(scenario.KindRestart, newRestart)

func newRestart(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Client != "" {
		return newStopClient(f, env, seed)
	}
	s, err := newBrokerStrike(f, env, seed, down, true)
	if err != nil {
		return nil, err
	}
	return restart{s}, nil
}

// Effect waits until every struck broker's address refuses connections; Gone,
// until it answers again.
func (r restart) Effect(ctx context.Context) (string, error) { return r.allRefuse(ctx) }
