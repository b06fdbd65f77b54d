package faults

import (
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindDuplicate, newDuplicate)

// newDuplicate makes a request come twice: its answer is lost, and the proxy sends
// it again in the client's name, over a new connection, as retries do. The client
// hears the second answer.
func newDuplicate(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	if f.When.On != nil {
		on := *f.When.On
		on.Phase = scenario.PhaseResponse
		f.When.On = &on
	}
	return newWireRule(f, env, seed, proxy.Duplicate)
}
