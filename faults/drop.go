package faults

import (
	"github.com/onceproof/onceproof/internal/proxy"
	"github.com/onceproof/onceproof/internal/scenario"
)

var _ = register(scenario.KindDrop, newDrop)

// newDrop makes a lost message: the request, or its response, is swallowed and
// the client's connection cut. With phase response the broker has acted and the
// client does not know.
func newDrop(f scenario.Fault, env *Env, seed uint64) (fault, error) {
	return newWireRule(f, env, seed, proxy.Drop)
}
