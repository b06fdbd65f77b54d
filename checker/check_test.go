package checker

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// plain is a clean run without transactions: three orders, one till, a broker killed.
func plain() *tape {
	p := newTape()
	for n := range int64(3) {
		p.send("shop/0/1", n, orders, n, nil)
	}
	p.kill()
	p.assigned("till/0/1", "till", orders)
	p.poll("till/0/1", orders, 0, v("shop/0/1", 0), v("shop/0/1", 1), v("shop/0/1", 2))
	for n := range int64(3) {
		p.process("till/0/1", n)
		p.send("till/0/1", n, receipts, n, &made{from: n})
		p.commitOffset("till/0/1", "till", n+1)
	}
	return p
}

func plainAudit(p *tape) *tape {
	p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2))
	p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
	p.offset("till", 3)
	return p.done()
}

// exact is a clean run with two transactions, the first of which aborts.
func exact() *tape {
	p := newTape()
	p.send("shop/0/1", 0, orders, 0, nil)
	p.send("shop/0/1", 1, orders, 1, nil)
	p.kill()
	p.assigned("exact/0/1", "exact", orders)
	p.poll("exact/0/1", orders, 0, v("shop/0/1", 0), v("shop/0/1", 1))
	p.begin("exact/0/1", 1)
	p.send("exact/0/1", 0, receipts, 0, &made{0, 1})
	p.end("exact/0/1", history.OpAbort, 1, history.OK)
	p.poll("exact/0/1", orders, 0, v("shop/0/1", 0), v("shop/0/1", 1))
	p.begin("exact/0/1", 2)
	p.send("exact/0/1", 1, receipts, 2, &made{0, 2})
	p.send("exact/0/1", 2, receipts, 3, &made{1, 2})
	p.stage("exact/0/1", "exact", 2, 2)
	p.end("exact/0/1", history.OpCommit, 2, history.OK)
	return p
}

func exactAudit(p *tape) *tape {
	p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
	p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("commit", 7))
	p.offset("exact", 2)
	return p.done()
}

func TestAnomalies(t *testing.T) {
	tests := []struct {
		name string
		tape func() *tape
		want map[guarantee.Anomaly]int64
		text string // a part of the first witness's words
	}{
		{"clean", func() *tape { return plainAudit(plain()) }, nil, ""},
		{"clean transactions", func() *tape { return exactAudit(exact()) }, nil, ""},
		{"lost-write", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			return plainAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 1}, "shop/0/1#3 was acknowledged at orders/0@3"},
		{"lost-write without offset", func() *tape {
			p := plain()
			id := p.invoke("shop/0/1", 3, orders, nil)
			p.add(history.Event{Proc: "shop/0/1", ID: id, Type: history.OK, Op: history.OpSend, TP: orders})
			return plainAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 1}, "the log of orders/0"},
		{"an unknown send may be absent", func() *tape {
			p := plain()
			p.unsure("shop/0/1", 3, orders, history.Info, nil)
			return plainAudit(p)
		}, nil, ""},
		{"duplicate-write", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 4, nil)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 3), rec("shop/0/1", 3))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateWrite: 1}, "at orders/0@3 and again at orders/0@4"},
		{"lost-input", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			p.poll("till/0/1", orders, 3, v("shop/0/1", 3))
			p.commitOffset("till/0/1", "till", 4)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 3))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 4)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.LostInput: 1}, "orders/0@3 (shop/0/1#3) was passed by till/0/1, which committed offset 4"},
		{"set aside is not lost", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			p.poll("till/0/1", orders, 3, v("shop/0/1", 3))
			retry := tpOf("retry", 0)
			id := p.add(history.Event{Proc: "till/0/1", Type: history.Invoke, Op: history.OpSetAside, TP: tpOf("retry", -1), Val: []history.Value{v("till/0/1", 3)}, From: []history.Input{{TP: orders, Off: 3}}}).ID
			p.add(history.Event{Proc: "till/0/1", ID: id, Type: history.OK, Op: history.OpSetAside, TP: retry, Off: []int64{0}, Val: []history.Value{v("till/0/1", 3)}})
			p.commitOffset("till/0/1", "till", 4)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 3))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.log(retry, out("till/0/1", 3, 3, 0))
			p.offset("till", 4)
			return p.done()
		}, nil, ""},
		{"duplicate effect", func() *tape {
			p := plain()
			p.crash("till/0/1")
			p.process("till/1/1", 2)
			p.assigned("till/1/1", "till", orders)
			return plainAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateOutput: 1}, "processed by till/0/1"},
		{"duplicate output, of which the killed process told nothing", func() *tape {
			p := plain()
			p.crash("till/0/1")
			p.send("shop/0/1", 3, orders, 3, nil)
			p.assigned("till/1/1", "till", orders)
			p.process("till/1/1", 3)
			p.send("till/1/1", 0, receipts, 4, &made{from: 3})
			p.commitOffset("till/1/1", "till", 4)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 3))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0), out("till/0/1", 3, 3, 0), out("till/1/1", 0, 3, 0))
			p.offset("till", 4)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateOutput: 1}, "group till made receipts/0@3 (till/0/1#"},
		{"duplicate-output", func() *tape {
			p := exact()
			p.begin("exact/1/1", 1)
			p.send("exact/1/1", 0, receipts, 5, &made{1, 1})
			p.stage("exact/1/1", "exact", 1, 2)
			p.end("exact/1/1", history.OpCommit, 1, history.OK)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("commit", 7),
				out("exact/1/1", 0, 1, 8), marker("commit", 8))
			p.offset("exact", 2)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.DuplicateOutput: 1, guarantee.OverlappingInput: 1}, "roup exact"},
		{"reordered-write", func() *tape {
			p := newTape()
			a := p.invoke("shop/0/1", 0, orders, nil)
			b := p.invoke("shop/0/1", 1, orders, nil)
			p.ack("shop/0/1", a, 0, orders, 1)
			p.ack("shop/0/1", b, 1, orders, 0)
			p.kill()
			p.log(orders, rec("shop/0/1", 1), rec("shop/0/1", 0))
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.ReorderedWrite: 1}, "offset 1 after 0"},
		{"an offset given away again is told out of order, too", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 4, nil)
			p.send("shop/0/1", 4, orders, 3, nil)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 4))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 1, guarantee.NonmonotonicSend: 1}, "shop/0/1#3"},
		{"an offset given away again, and all behind it lost", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			p.send("shop/0/1", 4, orders, 4, nil)
			p.send("shop/0/1", 5, orders, 3, nil)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 5))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 2, guarantee.InconsistentOffset: 1, guarantee.NonmonotonicSend: 1}, "shop/0/1#"},
		{"… all of it", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			p.send("shop/0/1", 4, orders, 4, nil)
			p.send("shop/0/1", 5, orders, 3, nil)
			p.send("shop/0/1", 6, orders, 4, nil)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), rec("shop/0/1", 5), rec("shop/0/1", 6))
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.LostWrite: 2, guarantee.InconsistentOffset: 2, guarantee.NonmonotonicSend: 1}, "shop/0/1#"},
		{"acks=0 promises no order", func() *tape {
			p := newTape()
			p.h.Clients[0].Config["acks"] = "0"
			for n := range int64(2) {
				id := p.invoke("shop/0/1", n, orders, nil)
				p.add(history.Event{Proc: "shop/0/1", ID: id, Type: history.OK, Op: history.OpSend, TP: orders})
			}
			p.kill()
			p.log(orders, rec("shop/0/1", 1), rec("shop/0/1", 0))
			return p.done()
		}, nil, ""},
		{"aborted-read", func() *tape {
			p := exact()
			p.poll("audience/0/1", receipts, 0, v("exact/0/1", 0))
			return exactAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.AbortedRead: 1}, "audience/0/1 (read_committed) returned exact/0/1#0 at receipts/0@0"},
		{"inconsistent-offset", func() *tape {
			p := plain()
			p.poll("till/1/1", orders, 1, v("shop/0/1", 2))
			return plainAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.InconsistentOffset: 1}, "at orders/0@1, shop/0/1#1 was acknowledged and shop/0/1#2 was polled"},
		{"a control record that a reader was given", func() *tape {
			p := exact()
			p.poll("audience/0/1", receipts, 1, history.Value{}, v("exact/0/1", 1), v("exact/0/1", 2), history.Value{})
			return exactAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.PhantomRead: 2}, "the log holds an abort marker of producer 7 epoch 0 there"},
		{"… whose poll is heard of after the audit", func() *tape {
			p := exactAudit(exact())
			p.poll("audience/0/1", receipts, 1, history.Value{})
			return p
		}, map[guarantee.Anomaly]int64{guarantee.PhantomRead: 1}, "audience/0/1 (read_committed) returned receipts/0@1 as a record"},
		{"another program's record, polled and in the log", func() *tape {
			p := plain()
			p.poll("till/0/1", orders, 3, history.Value{})
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2), entry{from: -1})
			p.log(receipts, out("till/0/1", 0, 0, 0), out("till/0/1", 1, 1, 0), out("till/0/1", 2, 2, 0))
			p.offset("till", 3)
			return p.done()
		}, nil, ""},
		{"another program's record, polled and not in the log", func() *tape {
			p := plain()
			p.poll("till/0/1", orders, 3, history.Value{})
			return plainAudit(p)
		}, map[guarantee.Anomaly]int64{guarantee.TruncatedLog: 1}, "a record of unknown origin was returned to a consumer from orders/0@3"},
		{"another program's record, where the log holds a worker's", func() *tape {
			p := newTape()
			id := p.invoke("shop/0/1", 0, orders, nil)
			p.poll("till/0/1", orders, 0, history.Value{})
			p.ack("shop/0/1", id, 0, orders, 0)
			p.kill()
			p.log(orders, rec("shop/0/1", 0))
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.InconsistentOffset: 1}, "at orders/0@0, a record of unknown origin was read earlier and shop/0/1#0 was acknowledged"},
		{"… and nobody was told of it", func() *tape {
			p := newTape()
			p.unsure("shop/0/1", 0, orders, history.Info, nil)
			p.poll("till/0/1", orders, 0, history.Value{})
			p.kill()
			p.log(orders, rec("shop/0/1", 0))
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.InconsistentOffset: 1}, "a record of unknown origin was read earlier and shop/0/1#0 was in the log"},
		{"output-without-offset", func() *tape {
			p := newTape()
			p.send("shop/0/1", 0, orders, 0, nil)
			p.assigned("exact/0/1", "exact", orders)
			p.poll("exact/0/1", orders, 0, v("shop/0/1", 0))
			p.begin("exact/0/1", 1)
			p.send("exact/0/1", 0, receipts, 0, &made{0, 1})
			p.end("exact/0/1", history.OpCommit, 1, history.OK)
			p.commitOffset("exact/0/1", "exact", 1)
			p.log(orders, rec("shop/0/1", 0))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("commit", 7))
			p.offset("exact", 1)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.OutputWithoutOffset: 1}, "committed apart, by exact/0/1"},
		{"offset-without-output", func() *tape {
			p := exact()
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("abort", 7))
			p.offset("exact", 2)
			return p.done()
		}, map[guarantee.Anomaly]int64{guarantee.OffsetWithoutOutput: 2, guarantee.LostInput: 2, guarantee.LostCommit: 1}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.tape().judge(t)
			want := tt.want
			if want == nil {
				want = map[guarantee.Anomaly]int64{}
			}
			if diff := cmp.Diff(want, kinds(r)); diff != "" {
				t.Errorf("anomalies (-want +got):\n%s", diff)
			}
			if tt.text == "" {
				return
			}
			for _, g := range r.Guarantees {
				for _, f := range g.Anomalies {
					if !strings.Contains(f.Witnesses[0].Text, tt.text) {
						t.Errorf("%s: witness says %q, want %q in it", f.Kind, f.Witnesses[0].Text, tt.text)
					}
					if n := len(f.Witnesses[0].Events); n == 0 || n > 5 {
						t.Errorf("%s: witness has %d events, want 1 to 5", f.Kind, n)
					}
					if f.Fingerprint == "" {
						t.Errorf("%s: no fingerprint", f.Kind)
					}
				}
			}
		})
	}
}

func TestVerdictsAndExit(t *testing.T) {
	noFault := func() *tape {
		p := newTape()
		p.send("shop/0/1", 0, orders, 0, nil)
		p.log(orders, rec("shop/0/1", 0))
		return p.done()
	}
	tests := []struct {
		name   string
		tape   func() *tape
		expect map[string]string
		exit   int
		why    string
		g      guarantee.Guarantee
		want   guarantee.Verdict
	}{
		{"as expected", func() *tape { return plainAudit(plain()) }, nil, 0, "as expected", guarantee.NoLoss, guarantee.Holds},
		{"no transactions: isolation does not apply", func() *tape { return plainAudit(plain()) }, nil, 0, "as expected", guarantee.Isolation, guarantee.NotExercised},
		{"… unless expect names it", func() *tape { return plainAudit(plain()) }, map[string]string{"isolation": "holds"}, 3, "does not apply", guarantee.Isolation, guarantee.NotExercised},
		{"nothing disturbed", noFault, nil, 3, "no fault", guarantee.NoLoss, guarantee.NotExercised},
		{"expected violation", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			return plainAudit(p)
		}, map[string]string{"no-loss": "violated"}, 0, "as expected", guarantee.NoLoss, guarantee.Violated},
		{"unexpected violation", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			return plainAudit(p)
		}, nil, 1, "no-loss: violated, expected holds (1 × lost-write)", guarantee.NoLoss, guarantee.Violated},
		{"expected violation that did not come", func() *tape { return plainAudit(plain()) }, map[string]string{"no-loss": "violated"}, 1, "no-loss: holds, expected violated", guarantee.NoLoss, guarantee.Holds},
		{"any verdict will do", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			return plainAudit(p)
		}, map[string]string{"no-loss": "any"}, 0, "as expected", guarantee.NoLoss, guarantee.Violated},
		{"no audit", plain, nil, 3, "audit is missing", guarantee.NoLoss, guarantee.Unknown},
		{"fault never seen", func() *tape {
			p := plain()
			p.add(history.Event{Src: history.SrcFault, Proc: "fault/4", Type: history.OK, Op: history.OpInject, Data: map[string]any{"kind": "drop", "target": "Produce of shop"}})
			return plainAudit(p)
		}, nil, 3, "fault 4 (drop Produce of shop) was never seen", guarantee.NoLoss, guarantee.Holds},
		{"a fault that was never seen explains a violation that did not come", func() *tape {
			p := plain()
			p.add(history.Event{Src: history.SrcFault, Proc: "fault/4", Type: history.OK, Op: history.OpInject, Data: map[string]any{"kind": "drop", "target": "Produce of shop"}})
			return plainAudit(p)
		}, map[string]string{"no-loss": "violated"}, 3, "never seen", guarantee.NoLoss, guarantee.Holds},
		{"… but not one that did", func() *tape {
			p := plain()
			p.send("shop/0/1", 3, orders, 3, nil)
			p.add(history.Event{Src: history.SrcFault, Proc: "fault/4", Type: history.OK, Op: history.OpInject, Data: map[string]any{"kind": "drop", "target": "Produce of shop"}})
			return plainAudit(p)
		}, nil, 1, "lost-write", guarantee.NoLoss, guarantee.Violated},
		{"a group that committed nothing: no input of it was examined", func() *tape {
			p := newTape()
			p.send("shop/0/1", 0, orders, 0, nil)
			p.kill()
			p.poll("till/0/1", orders, 0, v("shop/0/1", 0))
			p.process("till/0/1", 0)
			p.log(orders, rec("shop/0/1", 0))
			return p.done()
		}, nil, 3, "no input of group till was examined: it committed no offset behind one", guarantee.NoLoss, guarantee.NotExercised},
		{"a group that processed nothing", func() *tape {
			p := newTape()
			p.send("shop/0/1", 0, orders, 0, nil)
			p.kill()
			p.assigned("till/0/1", "till", orders)
			p.log(orders, rec("shop/0/1", 0))
			return p.done()
		}, nil, 3, "no input of group till was examined: it processed nothing", guarantee.NoDuplicates, guarantee.NotExercised},
		{"… because there was nothing", func() *tape {
			p := newTape()
			p.kill()
			p.assigned("till/0/1", "till", orders)
			p.log(orders)
			return p.done()
		}, nil, 0, "as expected", guarantee.NoDuplicates, guarantee.Holds},
		{"an offset that an open transaction holds, and none before it", func() *tape {
			p := newTape()
			p.send("shop/0/1", 0, orders, 0, nil)
			p.kill()
			p.begin("exact/0/1", 1)
			p.send("exact/0/1", 0, receipts, 0, &made{0, 1})
			p.stage("exact/0/1", "exact", 1, 1)
			p.log(orders, rec("shop/0/1", 0))
			p.log(receipts, out("exact/0/1", 0, 0, 7))
			return p.untold("exact").done()
		}, nil, 3, "the committed offset of group exact for orders/0 is not told", guarantee.NoLoss, guarantee.Unknown},
		{"… one before it: what that passed is judged", func() *tape {
			p := exact()
			p.begin("exact/0/1", 3)
			p.stage("exact/0/1", "exact", 3, 3)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("commit", 7))
			return p.untold("exact").done()
		}, nil, 0, "as expected", guarantee.NoLoss, guarantee.Holds},
		{"… and found lost", func() *tape {
			p := exact()
			p.send("shop/0/1", 2, orders, 2, nil)
			p.begin("exact/0/1", 3)
			p.send("exact/0/1", 3, receipts, 5, &made{-1, 3})
			p.stage("exact/0/1", "exact", 3, 3)
			p.end("exact/0/1", history.OpCommit, 3, history.OK)
			p.begin("exact/0/1", 4)
			p.stage("exact/0/1", "exact", 4, 4)
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1), rec("shop/0/1", 2))
			p.log(receipts, out("exact/0/1", 0, 0, 7), marker("abort", 7), out("exact/0/1", 1, 0, 7), out("exact/0/1", 2, 1, 7), marker("commit", 7),
				out("exact/0/1", 3, -1, 7), marker("commit", 7))
			return p.untold("exact").done()
		}, nil, 1, "1 × lost-input", guarantee.NoLoss, guarantee.Violated},
		{"audit incomplete", func() *tape {
			p := plain()
			p.log(orders, rec("shop/0/1", 0))
			p.add(history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.Fail, Op: history.OpAuditDone, Err: &history.Error{Name: "audit incomplete", Text: "receipts/0: no leader"}})
			return p
		}, nil, 3, "receipts/0: no leader", guarantee.NoLoss, guarantee.Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.tape()
			p.h.Expect = tt.expect
			r := p.judge(t)
			if r.Exit != tt.exit || !strings.Contains(r.Why, tt.why) {
				t.Errorf("exit %d %q, want %d with %q", r.Exit, r.Why, tt.exit, tt.why)
			}
			if got := resultOf(r, tt.g); got.Verdict != tt.want {
				t.Errorf("%s: %s (%s), want %s", tt.g, got.Verdict, got.Reason, tt.want)
			}
			if len(r.Guarantees) != len(guarantee.All) {
				t.Errorf("%d guarantees listed, want %d", len(r.Guarantees), len(guarantee.All))
			}
		})
	}
}

// TestCheckFile reads the same history from a file's bytes, with line numbers.
func TestCheckFile(t *testing.T) {
	p := plain()
	p.send("shop/0/1", 3, orders, 3, nil)
	plainAudit(p)
	var buf bytes.Buffer
	w, err := history.NewWriter(&buf, p.h)
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.events {
		if err := w.Append(&p.events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := history.NewReader("test", &buf)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Check(context.Background(), r, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p.judge(t), rep); diff != "" {
		t.Errorf("from events and from a file (-events +file):\n%s", diff)
	}
}

// TestStoppedEarly: a run that was stopped at a violation is judged, though some of
// its faults did not strike any more; one that failed before was not proved.
func TestStoppedEarly(t *testing.T) {
	for _, c := range []struct {
		name   string
		before bool
		exit   int
	}{{"a fault that came too late", false, 0}, {"a fault that failed before", true, 3}} {
		p := newTape()
		p.h.Expect = map[string]string{"no-duplicates": "violated"}
		p.send("shop/0/1", 0, orders, 0, nil)
		p.kill()
		phase := history.Event{Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase, Note: history.PhaseStopped}
		late := history.Event{Src: history.SrcFault, Proc: "fault/2", Type: history.Fail, Op: history.OpInject, Err: &history.Error{Name: "failed", Text: "the load is over"}}
		if c.before {
			phase, late = late, phase
		}
		p.add(phase)
		p.add(late)
		p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 0))
		if r := p.done().judge(t); r.Exit != c.exit {
			t.Errorf("%s: exit %d (%s), want %d", c.name, r.Exit, r.Why, c.exit)
		}
	}
}
