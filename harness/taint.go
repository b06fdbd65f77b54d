package harness

import (
	"sync"

	"github.com/onceproof/onceproof/faults"
)

// taint is why a cluster cannot be lent again, as far as the run saw.
type taint struct {
	mu  sync.Mutex
	why string
}

// add keeps the first reason.
func (m *taint) add(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.why == "" {
		m.why = why
	}
}

// taintReason is what the run may have left in its cluster that cleaning does not take
// away, "" if nothing.
func (r *run) taintReason(failed error) string {
	if failed != nil {
		r.taint.add("the last run on the one before failed")
	}
	if why := faults.TaintReason(r.cfg.Scenario); why != "" {
		r.taint.add(why)
	}
	r.taint.mu.Lock()
	defer r.taint.mu.Unlock()
	return r.taint.why
}
