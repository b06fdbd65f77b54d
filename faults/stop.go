package faults

import (
	"context"

	"github.com/onceproof/onceproof/internal/scenario"
)

// stop is SIGTERM for brokers: a controlled shutdown, which hands leadership
// over first. They start again at Recover.
type stop struct{ *brokerStrike }

var _ = register(scenario.KindStop, newStop)

func newStop(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.Args.Client != "" {
		return newStopClient(f, env, seed)
	}
	s, err := newBrokerStrike(f, env, seed, down, true)
	if err != nil {
		return nil, err
	}
	return stop{s}, nil
}

// Effect waits until every struck broker's address refuses connections.
func (s stop) Effect(ctx context.Context) (string, error) { return s.allRefuse(ctx) }
