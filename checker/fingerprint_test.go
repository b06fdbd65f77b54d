package checker

import (
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestFingerprint: the same finding is recognised in another run, whatever its
// time, its offsets and the broker that the fault met; another configuration or
// another fault is another finding.
func TestFingerprint(t *testing.T) {
	type run struct {
		before         int64 // records ahead of the one that is written twice
		acks, target   string
		fault, library string
	}
	print := func(r run) string {
		p := newTape()
		p.h.Clients[0].Config = map[string]string{"acks": r.acks, "client.id": "c" + r.target}
		p.h.Clients[0].Library = r.library
		var log []entry
		for n := range r.before {
			p.send("shop/0/1", n, orders, n, nil)
			log = append(log, rec("shop/0/1", n))
		}
		strike := func(op history.Op) {
			p.add(history.Event{Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: op, Data: map[string]any{"kind": r.fault, "target": r.target}})
		}
		strike(history.OpInject)
		strike(history.OpEffect)
		p.send("shop/0/1", r.before, orders, r.before, nil)
		strike(history.OpGone)
		p.log(orders, append(log, rec("shop/0/1", r.before), rec("shop/0/1", r.before))...)
		res := resultOf(p.done().judge(t), guarantee.NoDuplicates)
		if len(res.Anomalies) != 1 || res.Anomalies[0].Kind != guarantee.DuplicateWrite {
			t.Fatalf("%v: %v", r, res.Anomalies)
		}
		return res.Anomalies[0].Fingerprint
	}
	base := run{0, "all", "leader(orders/0)", "kill", "franz-go"}
	first := print(base)
	for _, c := range []struct {
		name string
		run  run
		same bool
	}{
		{"again", base, true},
		{"later, at another offset", run{7, "all", "leader(orders/0)", "kill", "franz-go"}, true},
		{"the leader of another partition", run{0, "all", "leader(orders/3)", "kill", "franz-go"}, true},
		{"a follower", run{0, "all", "follower(orders/0)", "kill", "franz-go"}, false},
		{"another fault", run{0, "all", "leader(orders/0)", "pause", "franz-go"}, false},
		{"another property", run{0, "1", "leader(orders/0)", "kill", "franz-go"}, false},
		{"another library", run{0, "all", "leader(orders/0)", "kill", "java"}, false},
	} {
		if got := print(c.run); (got == first) != c.same {
			t.Errorf("%s: fingerprint %s, the first one was %s; want same: %v", c.name, got, first, c.same)
		}
	}
}
