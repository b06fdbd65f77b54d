package harness

import (
	"sync"

	"github.com/onceproof/onceproof/faults"
)

// mark is why a cluster cannot be lent again, as far as the run saw.
type mark struct {
	mu  sync.Mutex
	why string
}

// leave notes the first reason.
func (m *mark) leave(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.why == "" {
		m.why = why
	}
}

// leaves is what the run may have left in its cluster that cleaning does not take
// away, "" if nothing.
func (r *run) leaves(failed error) string {
	if failed != nil {
		r.mark.leave("the last run on the one before failed")
	}
	if why := faults.Leaves(r.cfg.Scenario); why != "" {
		r.mark.leave(why)
	}
	r.mark.mu.Lock()
	defer r.mark.mu.Unlock()
	return r.mark.why
}
