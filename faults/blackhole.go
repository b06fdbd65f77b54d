package faults

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindBlackhole, newBlackhole)

// newBlackhole makes a silence: the request, or response, that the trigger matches
// is swallowed; or, without one, all bytes of the links. Connections stay open, so
// that a client notices by its own time-outs only.
func newBlackhole(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.StrikesRequest() {
		return newWireRule(f, env, seed, proxy.Blackhole)
	}
	l, err := newLinkStrike(f, env, seed, func(d door, l proxy.Link) (func(), int, error) {
		heal, err := d.shape(l, proxy.Shape{
			BlackholeUp: f.Args.Way != scenario.ToClient, BlackholeDown: f.Args.Way != scenario.ToBroker, Seed: seed,
		})
		return heal, 0, err
	})
	if err != nil {
		return nil, err
	}
	return blackhole{l}, nil
}

type blackhole struct{ *linkStrike }

// Effect waits until a request through each door stays unanswered for a second.
func (b blackhole) Effect(ctx context.Context) (string, error) {
	return b.everyLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		switch err := answers(ctx, l.addr); {
		case err == nil:
			return "", fmt.Errorf("the door of %s still passes answers", l)
		case ctx.Err() == nil && isSilent(err):
			return fmt.Sprintf("the door of %s passed no answer for %s", l, askWait), nil
		default:
			return b.brokerGone(l, err)
		}
	})
}

// Gone waits until a request through each door is answered.
func (b blackhole) Gone(ctx context.Context) (string, error) {
	return b.everyFreeLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		if err := answers(ctx, l.addr); err != nil {
			return b.brokerGone(l, err)
		}
		return fmt.Sprintf("the door of %s passed an answer", l), nil
	})
}
