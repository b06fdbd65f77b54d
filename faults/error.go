package faults

import (
	"errors"

	"github.com/onceproof/onceproof/harness/proxy"
	"github.com/onceproof/onceproof/scenarios"
)

// newError makes an error answer of ours. With phase request the broker never
// sees the request; with phase response it acted, and the client is told that it
// failed.
func newError(f scenarios.Fault, env *Env, seed uint64) (Fault, error) {
	w, err := newWireRule(f, env, seed, proxy.Error)
	if err != nil {
		return nil, err
	}
	if f.When.On.Request == "" {
		return nil, errors.New("which request? Each has its own shape of error: name one in on: {request: …}")
	}
	if w.code, err = errorCode(f.Args.Code); err != nil {
		return nil, err
	}
	return w, nil
}
