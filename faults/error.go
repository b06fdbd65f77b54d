package faults

import (
	"errors"
	"fmt"

	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindError, newError)

// newError makes an error answer of ours. With phase request the broker never
// sees the request; with phase response it acted, and the client is told that it
// failed.
func newError(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	w, err := newWireRule(f, env, seed, proxy.Error)
	if err != nil {
		return nil, err
	}
	if f.When.On.Request == "" {
		return nil, errors.New("which request? Each has its own shape of error: name one in on: {request: …}")
	}
	var ok bool
	if w.code, ok = scenario.ErrorCode(f.Args.Code); !ok {
		return nil, fmt.Errorf("no error of Kafka is called %q; an example is NOT_LEADER_OR_FOLLOWER", f.Args.Code)
	}
	return w, nil
}
