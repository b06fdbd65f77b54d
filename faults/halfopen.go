package faults

import (
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindHalfOpen, newHalfOpen)

// newHalfOpen makes links half open: the broker sees its side end, and the client's
// stays open and silent, as behind a middlebox that forgot the connection. Heal
// resets it. It shows like a blackhole: a request stays unanswered.
func newHalfOpen(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	l, err := newLinkStrike(f, env, seed, func(d door, l proxy.Link) (func(), int, error) {
		heal, err := d.shape(l, proxy.Shape{HalfOpen: true, Seed: seed})
		return heal, 0, err
	})
	if err != nil {
		return nil, err
	}
	return blackhole{l}, nil
}
