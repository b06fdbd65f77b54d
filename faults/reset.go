package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

// reset cuts every connection of the links once. Who was cut may connect again at
// once: what was in flight is lost, and nothing else.
type reset struct{ *linkStrike }

var _ = register(scenario.KindReset, newReset)

func newReset(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	l, err := newLinkStrike(f, env, seed, resetOnce)
	if err != nil {
		return nil, err
	}
	return reset{l}, nil
}

func resetOnce(d door, l proxy.Link) (heal func(), cut int, err error) {
	heal, cut, err = d.refuse(l)
	if err != nil {
		return nil, 0, err
	}
	heal()
	return func() {}, cut, nil
}

// Effect reports what Inject did; if there was no connection, it waits for the
// first and resets that.
func (r reset) Effect(ctx context.Context) (string, error) {
	return await(ctx, func(context.Context) (string, error) {
		for i := 0; r.cut == 0 && i < len(r.struck); i++ {
			_, cut, err := resetOnce(r.env.door(), r.struck[i])
			if err != nil {
				return "", finalError{err}
			}
			r.cut += cut
		}
		if r.cut == 0 {
			return "", errors.New("no connection was open")
		}
		return fmt.Sprintf("%d connections were reset", r.cut), nil
	})
}

// Gone waits until every door accepts connections.
func (r reset) Gone(ctx context.Context) (string, error) { return cut(r).Gone(ctx) }
