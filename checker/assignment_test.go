package checker

import (
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestBelatedAssignment: a member that is told late of what it was given replaces only
// who was given it before it asked. Check and the alarms of a running history agree.
func TestBelatedAssignment(t *testing.T) {
	for _, tt := range []struct {
		name    string
		asks    int  // 0: before the other is given it; 1: after; 2: never
		refused bool // so that what it was given is the answer to another question, which was not seen
		want    int64
	}{
		{"asked afterwards", 1, false, 1},
		{"asked before the other had it", 0, false, 0},
		{"asked before, but was refused then", 0, true, 1},
		{"not seen to ask", 2, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			wire := func(typ history.Type) *history.Event {
				e := p.wire("SyncGroup", 1000, typ, 1, nil)
				e.Proc, e.Group = "till/1", "till"
				return e
			}
			if tt.asks == 0 {
				wire(history.Invoke)
			}
			p.assigned("till/0/1", "till", orders)
			if tt.asks == 1 {
				wire(history.Invoke)
			}
			if tt.asks < 2 {
				if e := wire(history.OK); tt.refused {
					e.Err = &history.Error{Name: "REBALANCE_IN_PROGRESS", Code: 27}
				} else {
					e.Data["assigned"] = []any{"orders/0"}
				}
			}
			p.assigned("till/1/1", "till", orders)
			p.commitOffset("till/0/1", "till", 1)
			p.log(orders, rec("shop/0/1", 0))
			p.done()

			if got := kinds(p.judge(t))[guarantee.ZombieCommit]; got != tt.want {
				t.Errorf("%d × zombie-commit, want %d", got, tt.want)
			}
			o := NewOnline(p.h, nil)
			for i := range p.events {
				o.Observe(&p.events[i])
			}
			if got := o.Violations()[guarantee.ZombieCommit]; got != tt.want {
				t.Errorf("while it runs: %d × zombie-commit, want %d", got, tt.want)
			}
		})
	}
}
