package checker

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestPassedBy: the witness of a lost input names the commit that took effect, not
// one before it that was aborted, failed, or may have happened.
func TestPassedBy(t *testing.T) {
	for name, before := range map[string]func(p *tape){
		"nothing": func(*tape) {},
		"aborted": func(p *tape) {
			p.begin("exact/0/1", 3)
			p.stage("exact/0/1", "exact", 3, 3)
			p.end("exact/0/1", history.OpAbort, 3, history.OK)
		},
		"decided against, though its client was told nothing": func(p *tape) {
			p.begin("exact/0/1", 3)
			p.send("exact/0/1", 3, receipts, 5, &made{-1, 3})
			p.stage("exact/0/1", "exact", 3, 3)
			p.end("exact/0/1", history.OpCommit, 3, history.Info)
		},
		"never ended": func(p *tape) {
			p.begin("exact/1/1", 1)
			p.stage("exact/1/1", "exact", 1, 3)
		},
		"outside of it, of unknown outcome": func(p *tape) {
			id := p.add(history.Event{Proc: "exact/0/1", Type: history.Invoke, Op: history.OpCommitOffsets, Group: "exact", TP: orders, Off: []int64{3}}).ID
			p.add(history.Event{Proc: "exact/0/1", ID: id, Type: history.Info, Op: history.OpCommitOffsets, Group: "exact", TP: orders, Off: []int64{3}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := exact()
			p.send("shop/0/1", 2, orders, 2, nil)
			before(p)
			p.begin("exact/0/1", 4)
			p.send("exact/0/1", 4, receipts, 7, &made{-1, 4})
			p.stage("exact/0/1", "exact", 4, 3)
			p.end("exact/0/1", history.OpCommit, 4, history.OK)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("commit", 7),
				out("exact/0/1", 3, -1, 7), marker("abort", 7), out("exact/0/1", 4, -1, 7), marker("commit", 7))
			p.offset("exact", 3)
			r := resultOf(p.done().judge(t), guarantee.NoLoss)
			for _, f := range r.Anomalies {
				if f.Kind == guarantee.LostInput && f.Count == 1 && strings.Contains(f.Witnesses[0].Text, "passed by transaction 4 of exact/0/1") {
					return
				}
			}
			t.Errorf("no-loss: %+v", r)
		})
	}
}
