package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindDelay, newDelay)

// newDelay makes a delay: of the requests or responses that the trigger matches,
// or, without one, of all that passes between clients and brokers.
func newDelay(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	by := f.Args.Delay
	if by.Min < 0 || by.Max < by.Min || by.Max == 0 {
		return nil, errors.New("by how much? Want by: a duration or a range of two")
	}
	if f.StrikesRequest() {
		w, err := newWireRule(f, env, seed, proxy.Delay)
		if err != nil {
			return nil, err
		}
		w.delay = draw(by, seed)
		return w, nil
	}
	return newSlow(f, env, seed, by)
}

// draw draws one duration of a span, evenly.
func draw(s scenario.Span, seed uint64) time.Duration {
	if s.Max <= s.Min {
		return s.Min
	}
	return s.Min + time.Duration(dice(seed).Int64N(int64(s.Max-s.Min)+1))
}

// way is the direction that a link fault's latency or rate is on.
func linkWay(a scenario.FaultArgs) proxy.Way {
	switch a.Way {
	case scenario.ToBroker:
		return proxy.ToBroker
	case scenario.ToClient:
		return proxy.ToClient
	}
	return proxy.BothWays
}

// slow is latency on every chunk of bytes of the links: between the two bounds, drawn for each.
type slow struct {
	*linkStrike
	by scenario.Span
}

func newSlow(f scenario.Fault, env *Env, seed uint64, by scenario.Span) (fault, error) {
	shape := proxy.Shape{Latency: by.Min, Jitter: by.Max - by.Min, Way: linkWay(f.Args), Seed: seed}
	l, err := newLinkStrike(f, env, seed, func(d door, l proxy.Link) (func(), int, error) {
		heal, err := d.shape(l, shape)
		return heal, 0, err
	})
	if err != nil {
		return nil, err
	}
	return slow{l, by}, nil
}

// threshold parses slow round trips from quick ones. One way is late by Min to
// Max, so a round trip is late by the mean at least now and then, and on a healed
// link several in a row are not.
func (s slow) threshold() time.Duration { return (s.by.Min + s.by.Max) / 2 }

func (s slow) roundTrip(ctx context.Context, l doorLink) (time.Duration, error) {
	began := s.env.Now()
	_, err := askWithin(ctx, askWait+4*s.by.Max, l.addr, kmsg.NewPtrApiVersionsRequest())
	return time.Duration(s.env.Now() - began), err
}

// Effect waits until a round trip through each door takes that much longer.
func (s slow) Effect(ctx context.Context) (string, error) {
	return s.everyLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		took, err := s.roundTrip(ctx, l)
		if err != nil {
			return s.brokerGone(l, err)
		}
		if took < s.threshold() {
			return "", fmt.Errorf("a round trip through the door of %s took only %s", l, took)
		}
		return fmt.Sprintf("a round trip through the door of %s took %s", l, took.Round(time.Millisecond)), nil
	})
}

// Gone waits until five round trips in a row are quick again.
func (s slow) Gone(ctx context.Context) (string, error) {
	const inARow = 5
	return s.everyFreeLink(ctx, func(ctx context.Context, l doorLink) (string, error) {
		var most time.Duration
		for range inARow {
			took, err := s.roundTrip(ctx, l)
			if err != nil {
				return s.brokerGone(l, err)
			}
			if most = max(most, took); took >= s.threshold() {
				return "", fmt.Errorf("a round trip through the door of %s still took %s", l, took)
			}
		}
		return fmt.Sprintf(
			"%d round trips through the door of %s took %s at most", inARow, l, most.Round(time.Microsecond),
		), nil
	})
}
