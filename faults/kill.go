package faults

import (
	"context"
	"strings"

	"github.com/onceproof/onceproof/internal/scenario"
)

// kill is SIGKILL for brokers: no controlled shutdown, no last flush. They start
// again with their data at Recover.
type kill struct{ *brokerStrike }

var _ = register(scenario.KindKill, newKill)

func newKill(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	s, err := newBrokerStrike(f, env, seed, down, false)
	if err != nil {
		return nil, err
	}
	return kill{s}, nil
}

// Effect waits until every struck broker's address refuses connections.
func (k kill) Effect(ctx context.Context) (string, error) { return k.allRefuse(ctx) }

func (s *brokerStrike) allRefuse(ctx context.Context) (string, error) {
	var seen []string
	for _, b := range s.struck {
		text, err := await(ctx, b.isRefusing)
		if err != nil {
			return "", err
		}
		seen = append(seen, text)
	}
	return strings.Join(seen, "; "), nil
}
