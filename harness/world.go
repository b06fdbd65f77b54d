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

func (w World) here() bool { return w.Network == nil }

// enter returns the context of what happens in w.
func (w World) enter(ctx context.Context) context.Context {
	if w.here() {
		return ctx
	}
	return network.With(ctx, w.Network)
}

// beside is the network for the harness's own clients, which no fault touches.
func (w World) beside() network.Network {
	if w.here() {
		return network.TCP
	}
	return network.Beside(w.Network)
}

// fits says why a scenario has no place in w.
func (w World) fits(s *scenario.Scenario) error {
	if w.here() {
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
