package checker

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestPendingOffset: while a transaction that holds an offset is open, the
// coordinator tells no committed offset (KIP-447). That is no loss of an offset;
// the group stands still, and the witness says why.
func TestPendingOffset(t *testing.T) {
	for name, lost := range map[string]bool{"UNSTABLE_OFFSET_COMMIT": false, "": true} {
		p := tell(t, []string{
			"a send 0 orders@0", "a send 1 orders@1",
			"x poll orders 0:a#0", "x begin 1", "x send 0 receipts@0 from 0 txn 1", "x offset 1 txn 1", "x commit 1",
			"x begin 2", "x send 1 receipts@2 from 1 txn 2", "x offset 2 txn 2", "x dies",
			"fault", "phase drain", "wait 60s", "phase drain-timeout",
			"log orders: a#0 a#1", "log receipts: x#0<0!7 commit!7 x#1<1!7",
		})
		if name != "" {
			p.add(history.Event{
				Src: history.SrcAudit, Proc: "audit", Type: history.Info, Op: history.OpOffset, Group: "exact", TP: orders,
				Err: &history.Error{Name: name, Code: unstableOffset},
			})
		}
		r := p.judge(t)
		if got := kinds(r)[guarantee.OffsetLost] > 0; got != lost {
			t.Errorf("audit told %q: offset-lost %v, want %v", name, got, lost)
		}
		if lost {
			continue
		}
		stuck := resultOf(r, guarantee.Progress)
		if stuck.Verdict != guarantee.Violated || !strings.Contains(stuck.Anomalies[0].Witnesses[0].Text, "orders/0@1") {
			t.Errorf("progress: %+v", stuck)
		}
	}
}
