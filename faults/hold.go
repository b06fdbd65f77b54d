package faults

import (
	"errors"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindHold, newHold)

// newHold makes a late request: the client's side is cut, and the request
// reaches the broker some time later, perhaps after its own retry. It is what
// a packet in a slow router does to an EndTxn (KAFKA-17754).
func newHold(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	w, err := newWireRule(f, env, seed, proxy.Hold)
	if err != nil {
		return nil, err
	}
	if f.When.On.Phase == "response" {
		return nil, errors.New("phase response: only requests can be held; use drop or delay for a response")
	}
	if w.delay = draw(f.Args.Delay, seed); w.delay <= 0 {
		return nil, errors.New("for how long? Want by: a duration")
	}
	w.redial = f.Args.Over == scenario.NewConnection
	return w, nil
}
