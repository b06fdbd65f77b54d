package franzgo

import (
	"fmt"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/worker"
)

func TestProducerSendsAndStops(t *testing.T) {
	addrs := newCluster(t, "orders")
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: addrs, Topic: "orders", Max: 300,
		Config: map[string]string{"linger.ms": "0"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d, want 0; stderr: %s", code, r.stderr.String())
	}
	acked := r.find(is(history.OpSend, history.OK))
	seen := map[int64]bool{}
	for _, e := range acked {
		if len(e.Off) != 1 || seen[e.Off[0]] || e.TP.Part != 0 {
			t.Fatalf("acknowledgement of %v: partition %v, offset %v", e.Val, e.TP, e.Off)
		}
		seen[e.Off[0]] = true
	}
	if len(acked) != 300 || len(r.find(is(history.OpClose, history.OK))) != 1 {
		t.Fatalf("%d acknowledged, want 300 and a close", len(acked))
	}
}

func TestProcessorPatterns(t *testing.T) {
	for _, pattern := range []string{
		guarantee.CommitAuto, guarantee.CommitBefore, guarantee.CommitEach, guarantee.CommitBatch, guarantee.CommitTxn, guarantee.CommitTxnOutside,
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			addrs := newCluster(t, "orders", "receipts")
			shop := start(t, worker.Spec{
				Role: guarantee.Producer, Bootstrap: addrs, Topic: "orders", Max: 50, Proc: "shop/0/1",
				Config: map[string]string{"linger.ms": "0"},
			})
			if code := shop.wait(); code != 0 {
				t.Fatalf("producer: exit code %d: %s", code, shop.stderr.String())
			}
			cfg := map[string]string{"group.id": "till", "linger.ms": "0", "auto.commit.interval.ms": "100"}
			if pattern == guarantee.CommitTxn || pattern == guarantee.CommitTxnOutside {
				cfg["transactional.id"] = "till"
			}
			till := start(t, worker.Spec{
				Role: guarantee.Processor, Bootstrap: addrs, Input: "orders", Output: "receipts", Commit: pattern,
				Proc: "till/0/1", Config: cfg, Strict: true,
			})
			till.await(50, is(history.OpSend, history.OK))
			if code := till.stop(); code != 0 {
				t.Fatalf("processor: exit code %d: %s", code, till.stderr.String())
			}
			op := history.OpCommitOffsets
			if pattern == guarantee.CommitTxn {
				op = history.OpSendOffsets
			}
			commits := till.find(is(op, history.OK))
			if len(commits) == 0 {
				t.Fatalf("no %s", op)
			}
			if last := commits[len(commits)-1]; last.Off[0] != 50 || last.Meta == "" || last.Group != "till" {
				t.Errorf("last commit at %v with token %q of group %q, want 50", last.Off, last.Meta, last.Group)
			}
			if pattern == guarantee.CommitEach && len(commits) != 50 {
				t.Errorf("%d commits, want one for each of 50 records", len(commits))
			}
			from := map[string]int{}
			for _, e := range till.find(is(history.OpSend, history.OK)) {
				from[e.From[0].String()]++
			}
			for i := range 50 {
				if n := from[fmt.Sprintf("orders/0@%d", i)]; n != 1 {
					t.Errorf("%d outputs of orders/0@%d, want 1", n, i)
				}
			}
		})
	}
}

func TestTransactionalProducer(t *testing.T) {
	addrs := newCluster(t, "orders")
	r := start(t, worker.Spec{
		Role: guarantee.Producer, Bootstrap: addrs, Topic: "orders", Max: 40, Transaction: 10,
		Config: map[string]string{"transactional.id": "shop", "linger.ms": "0"},
	})
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d; stderr: %s", code, r.stderr.String())
	}
	if n := len(r.find(is(history.OpCommit, history.OK))); n != 4 {
		t.Errorf("%d commits, want 4", n)
	}
	if e := r.find(is(history.OpInitProducer, history.OK)); len(e) != 1 || !e[0].HasPID {
		t.Errorf("init-producer: %+v", e)
	}
}
