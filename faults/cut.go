package faults

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindCut, newCut)

// newCut makes a cut: of the connection that carries the request that the trigger
// matches, or, without one, of every connection of the links, which are refused
// until Recover.
func newCut(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.StrikesRequest() {
		return newWireRule(f, env, seed, proxy.Cut)
	}
	l, err := newLinkStrike(f, env, seed, door.refuse)
	if err != nil {
		return nil, err
	}
	return cut{l}, nil
}

type cut struct{ *linkStrike }

// Effect waits until every struck door refuses a connection.
func (c cut) Effect(ctx context.Context) (string, error) {
	seen, err := c.everyLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		switch err := dial(ctx, l.addr); {
		case err == nil:
			return "", fmt.Errorf("the door of %s still accepts connections", l)
		case isRefused(err):
			return fmt.Sprintf("the door of %s refused a connection", l), nil
		default:
			return "", err
		}
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d connections were cut; %s", c.linkStrike.cut, seen), nil
}

// Gone waits until every door accepts connections again.
func (c cut) Gone(ctx context.Context) (string, error) {
	return c.everyFreeLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		if err := dial(ctx, l.addr); err != nil {
			return "", fmt.Errorf("the door of %s: %w", l, err)
		}
		return fmt.Sprintf("the door of %s accepted a connection", l), nil
	})
}
