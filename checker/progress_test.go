package checker

import (
	"strings"
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// TestNeverCommitted: a group that is to read what waits for it, and in the whole
// run never commits anything, stands still: whether its transactions all abort, its
// polls all fail, or nobody ever hears from it. Where it had no time to, that is unknown;
// where it had nothing to read, or commits without telling, it holds.
func TestNeverCommitted(t *testing.T) {
	polls := func(p *tape) { p.poll("exact/0/1", orders, 0, v("shop/0/1", 0)) }
	fails := func(p *tape) {
		p.add(history.Event{Proc: "exact/0/1", Type: history.Info, Op: history.OpPoll, Group: "exact", Err: &history.Error{Name: "IllegalStateError"}})
	}
	silent := func(p *tape) {
		p.add(history.Event{Src: history.SrcHarness, Proc: "exact/0/1", Type: history.Info, Op: history.OpSpawn})
	}
	tests := []struct {
		name   string
		does   func(*tape) // before the drain, and in it
		set    func(map[string]string)
		log    []entry
		final  bool // the audit finds a committed offset
		drain  int64
		want   guarantee.Verdict
		reason string
	}{
		{"polls and aborts", polls, nil, []entry{rec("shop/0/1", 0)}, false, 60, guarantee.Violated, ""},
		{"only errors", fails, nil, []entry{rec("shop/0/1", 0)}, false, 60, guarantee.Violated, ""},
		{"never heard from", silent, nil, []entry{rec("shop/0/1", 0)}, false, 60, guarantee.Violated, ""},
		{"no time", fails, nil, []entry{rec("shop/0/1", 0)}, false, 20, guarantee.Unknown, "group exact committed nothing in the whole run, though orders/0@0 waits for it"},
		{"no input", fails, nil, nil, false, 60, guarantee.Holds, ""},
		{"only what an open transaction holds back", fails, nil, []entry{out("exact/7/1", 0, -1, 9)}, false, 60, guarantee.Holds, ""},
		{"a short session", fails, func(c map[string]string) { c["session.timeout.ms"] = "6000" }, []entry{rec("shop/0/1", 0)}, false, 20, guarantee.Violated, ""},
		{"no group", polls, func(c map[string]string) { delete(c, "group.id") }, []entry{rec("shop/0/1", 0)}, false, 60, guarantee.Holds, ""},
		{"begins at the end of the log", fails, func(c map[string]string) { c["auto.offset.reset"] = "latest" }, []entry{rec("shop/0/1", 0)}, false, 60, guarantee.Holds, ""},
		{"commits that are not told of", polls, nil, []entry{rec("shop/0/1", 0), rec("shop/0/1", 1)}, true, 60, guarantee.Holds, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			c := &p.h.Clients[2]
			p.h.Clients = []history.ClientInfo{p.h.Clients[0], *c}
			if tt.set != nil {
				tt.set(c.Config)
			}
			for n := range tt.log {
				p.send("shop/0/1", int64(n), orders, int64(n), nil)
			}
			p.kill()
			tt.does(p)
			p.phase("drain")
			p.now += tt.drain * 1e9
			tt.does(p)
			p.phase("drain-timeout")
			p.log(orders, tt.log...)
			if tt.final {
				p.offset("exact", 1)
			}
			r := resultOf(p.done().judge(t), guarantee.Progress)
			if r.Verdict != tt.want || !strings.Contains(r.Reason, tt.reason) {
				t.Errorf("%s (%s), want %s with %q", r.Verdict, r.Reason, tt.want, tt.reason)
			}
			if tt.want == guarantee.Violated && r.Anomalies[0].Kind != guarantee.StuckConsumer {
				t.Errorf("found %s", r.Anomalies[0].Kind)
			}
		})
	}
}

// TestACommitThatAFaultTook: a reader whose last commit a fault took has nothing more to
// do; the record does not wait for it. It does wait where the commit was not to cover it,
// where no fault was on, where the reader never tried, and where it reads there no more.
func TestACommitThatAFaultTook(t *testing.T) {
	for _, tt := range []struct {
		name      string
		covers    int64 // what the unanswered commit was to be; 0 = there was none
		afterward bool  // once the fault was over
		then      func(*tape)
		want      guarantee.Verdict
	}{
		{"covers all", 2, false, func(*tape) {}, guarantee.Holds},
		{"covers less", 1, false, func(*tape) {}, guarantee.Violated},
		{"after the fault", 2, true, func(*tape) {}, guarantee.Violated},
		{"none", 0, false, func(*tape) {}, guarantee.Violated},
		{"and died", 2, false, func(p *tape) { p.crash("till/0/1") }, guarantee.Violated},
		{"and gave the partition to another", 2, false, func(p *tape) { p.assigned("till/1/1", "till", orders) }, guarantee.Violated},
		{"and is given it again", 2, false, func(p *tape) { p.assigned("till/0/1", "till", orders) }, guarantee.Holds},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newTape()
			p.send("shop/0/1", 0, orders, 0, nil)
			p.send("shop/0/1", 1, orders, 1, nil)
			p.commitOffset("till/0/1", "till", 1)
			if tt.afterward {
				p.kill()
			}
			if tt.covers > 0 {
				p.add(history.Event{Proc: "till/0/1", ID: 90, Type: history.Invoke, Op: history.OpCommitOffsets, Group: "till", TP: orders, Off: []int64{tt.covers}})
				p.add(history.Event{Proc: "till/0/1", ID: 90, Type: history.Info, Op: history.OpCommitOffsets, Group: "till", TP: orders, Off: []int64{tt.covers}})
			}
			if !tt.afterward {
				p.kill()
			}
			tt.then(p)
			p.phase("drain")
			p.now += 60e9
			p.phase("drain-timeout")
			p.log(orders, rec("shop/0/1", 0), rec("shop/0/1", 1))
			p.offset("till", 1)
			if r := resultOf(p.done().judge(t), guarantee.Progress); r.Verdict != tt.want {
				t.Errorf("%s (%s), want %s", r.Verdict, r.Reason, tt.want)
			}
		})
	}
}
