package harness

import (
	"context"
	"fmt"

	"github.com/onceproof/onceproof/internal/network"
	"github.com/onceproof/onceproof/internal/process"
	"github.com/onceproof/onceproof/internal/scenario"
)

// World is where a run takes place. The zero World is this machine: workers are
// processes, and they meet the brokers by TCP. With a network in memory a whole run
// fits into a testing/synctest bubble, in which time is fake: the cluster is the
// embedded one, and workers run inside this process.
type World struct {
	Network network.Network         // nil = TCP
	Workers map[string]process.Main // by library; any other has no place in a World with a Network
}

// isReal says whether w is this machine, where time passes by itself.
func (w World) isReal() bool { return w.Network == nil }

// withNetwork returns the context in which connections are dialled in w.
func (w World) withNetwork(ctx context.Context) context.Context {
	if w.isReal() {
		return ctx
	}
	return network.With(ctx, w.Network)
}

// beside is the network for the harness's own clients, which no fault touches.
func (w World) beside() network.Network {
	if w.isReal() {
		return network.TCP
	}
	return network.Beside(w.Network)
}

// fits says why a scenario has no place in w.
func (w World) fits(s *scenario.Scenario) error {
	if w.isReal() {
		return nil
	}
	if s.Cluster.Backend != "embedded" {
		return fmt.Errorf("backend %q: a network in memory has the embedded cluster alone", s.Cluster.Backend)
	}
	for _, c := range s.Clients {
		if w.Workers[c.Library] == nil || len(c.Program)+len(c.Command) > 0 {
			return fmt.Errorf("client %s: there is no process in a network in memory, and its worker (%s) cannot do without", c.Name, c.Library)
		}
	}
	return nil
}
