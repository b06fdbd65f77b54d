package harness

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/deduce"
	"github.com/onceproof/onceproof/internal/scenario"
)

// programs makes the deducer of a run's programs, nil if there are none.
func programs(r *run) *deduce.Deducer {
	var names []string
	for _, c := range r.cfg.Scenario.Clients {
		for i := range c.Count {
			if len(c.Program) > 0 {
				names = append(names, fmt.Sprintf("%s/%d", c.Name, i))
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return deduce.New(func(name string, e history.Event) {
		for _, m := range r.fleet.members {
			if m.Name() == name {
				m.Witnessed(&e)
			}
		}
		r.rec.record(e)
	}, names)
}

// witness takes what the proxy saw.
func (r *run) witness(e history.Event) {
	r.rec.record(e)
	if r.deducer != nil {
		r.deducer.Wire(e)
	}
}

// recordOf takes what is known of a client's process, and, from a worker, what it
// tells.
func (r *run) recordOf(c scenario.Client, name string) func(history.Event) {
	if len(c.Program) == 0 {
		return r.rec.record
	}
	return func(e history.Event) {
		if e.Op == history.OpExit {
			r.deducer.Process(name, e)
		}
		r.rec.record(e)
		if e.Op == history.OpSpawn {
			r.deducer.Process(name, e)
		}
	}
}
