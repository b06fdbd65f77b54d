package checker

import (
	"testing"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// tape writes histories for tests, one short line a fact. Time moves on by a
// millisecond with every event.
type tape struct {
	h      history.Header
	events []history.Event
	now    int64
	ids    map[string]int64
	open   map[history.Value]int64 // operations of sends begun by a story
}

const ms = int64(1e6)

func newTape() *tape {
	return &tape{
		h: history.Header{
			Format: "onceproof-history/1", Scenario: "test", StartT: 1,
			Clients: []history.ClientInfo{
				{Name: "shop", Role: "producer", Library: "franz-go", Count: 2, Topic: "orders",
					Config: map[string]string{"acks": "all"}, Lines: map[string]string{"acks": "s.yaml:20"}},
				{Name: "till", Role: "processor", Library: "franz-go", Count: 2, Input: "orders", Output: "receipts", Aside: "retry", Commit: "after-each-record",
					Config: map[string]string{"group.id": "till", "isolation.level": "read_uncommitted", "auto.offset.reset": "earliest"},
					Lines:  map[string]string{"isolation.level": "s.yaml:30"}},
				{Name: "exact", Role: "processor", Library: "franz-go", Count: 2, Input: "orders", Output: "receipts", Commit: "transaction",
					Config: map[string]string{"group.id": "exact", "isolation.level": "read_committed", "transactional.id": "exact-${instance}", "auto.offset.reset": "earliest"}},
				{Name: "audience", Role: "consumer", Library: "franz-go", Count: 1, Input: "receipts",
					Config: map[string]string{"isolation.level": "read_committed"}},
			},
		},
		now: 1, ids: map[string]int64{},
	}
}

func tpOf(topic string, part int32) history.TopicPartition {
	return history.TopicPartition{Topic: topic, Part: part}
}

var (
	orders   = tpOf("orders", 0)
	receipts = tpOf("receipts", 0)
)

func (p *tape) add(e history.Event) *history.Event {
	p.now += ms
	if e.T == 0 {
		e.T = p.now
	}
	if e.Src == "" {
		e.Src = history.SrcClient
	}
	if e.Src == history.SrcClient && e.ID == 0 {
		p.ids[e.Proc]++
		e.ID = p.ids[e.Proc]
	}
	p.events = append(p.events, e)
	return &p.events[len(p.events)-1]
}

// made says what an output was made from, and in which transaction.
type made struct {
	from int64 // offset in orders
	txn  int64
}

func (p *tape) invoke(proc string, n int64, tp history.TopicPartition, m *made) int64 {
	e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Val: []history.Value{{Proc: proc, N: n}}}
	if m != nil {
		e.Txn = m.txn
		if m.from >= 0 {
			e.From = []history.Input{{TP: orders, Off: m.from}}
		}
	}
	return p.add(e).ID
}

func (p *tape) ack(proc string, id, n int64, tp history.TopicPartition, off int64) {
	p.add(history.Event{Proc: proc, ID: id, Type: history.OK, Op: history.OpSend, TP: tp, Val: []history.Value{{Proc: proc, N: n}}, Off: []int64{off}})
}

func (p *tape) send(proc string, n int64, tp history.TopicPartition, off int64, m *made) {
	p.ack(proc, p.invoke(proc, n, tp, m), n, tp, off)
}

func (p *tape) unsure(proc string, n int64, tp history.TopicPartition, typ history.Type, err *history.Error) {
	id := p.invoke(proc, n, tp, nil)
	p.add(history.Event{Proc: proc, ID: id, Type: typ, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Val: []history.Value{{Proc: proc, N: n}}, Err: err})
}

func (p *tape) assigned(proc, group string, tp history.TopicPartition) {
	p.add(history.Event{Proc: proc, Type: history.Info, Op: history.OpAssigned, Group: group, TP: tp})
}

func (p *tape) poll(proc string, tp history.TopicPartition, off int64, vals ...history.Value) {
	e := history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll, TP: tp, Val: vals}
	for i := range vals {
		e.Off = append(e.Off, off+int64(i))
	}
	p.add(e)
}

func (p *tape) process(proc string, off int64) {
	p.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpProcess, From: []history.Input{{TP: orders, Off: off}}})
}

func (p *tape) commitOffset(proc, group string, off int64) {
	id := p.add(history.Event{Proc: proc, Type: history.Invoke, Op: history.OpCommitOffsets, Group: group, TP: orders, Off: []int64{off}}).ID
	p.add(history.Event{Proc: proc, ID: id, Type: history.OK, Op: history.OpCommitOffsets, Group: group, TP: orders, Off: []int64{off}})
}

func (p *tape) begin(proc string, txn int64) {
	p.add(history.Event{Proc: proc, Type: history.OK, Op: history.OpBegin, Txn: txn})
}

func (p *tape) stage(proc, group string, txn, off int64) {
	id := p.add(history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSendOffsets, Group: group, Txn: txn, TP: orders, Off: []int64{off}}).ID
	p.add(history.Event{Proc: proc, ID: id, Type: history.OK, Op: history.OpSendOffsets, Group: group, Txn: txn, TP: orders, Off: []int64{off}})
}

func (p *tape) end(proc string, op history.Op, txn int64, typ history.Type) {
	id := p.add(history.Event{Proc: proc, Type: history.Invoke, Op: op, Txn: txn}).ID
	p.add(history.Event{Proc: proc, ID: id, Type: typ, Op: op, Txn: txn})
}

func (p *tape) phase(note string) {
	p.add(history.Event{Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase, Note: note})
}

func (p *tape) crash(proc string) {
	p.add(history.Event{Src: history.SrcHarness, Proc: proc, Type: history.Info, Op: history.OpExit, Note: "SIGKILL"})
}

func (p *tape) kill() {
	for _, op := range []history.Op{history.OpInject, history.OpEffect, history.OpRecover, history.OpGone} {
		p.add(history.Event{Src: history.SrcFault, Proc: "fault/1", Type: history.OK, Op: op,
			Data: map[string]any{"kind": "kill", "target": "leader(orders/0)", "resolved": "broker 2 (leader of orders/0)", "by": "127.0.0.1:9 refused a connection"}})
		if op == history.OpEffect {
			p.invoke("shop/1/1", int64(len(p.events)), orders, nil) // met by the fault, never answered
		}
	}
}

// entry is one offset of a log in the audit.
type entry struct {
	val    history.Value
	from   int64 // in orders, -1 if not made from anything
	pid    int64 // 0 = not transactional
	marker string
	epoch  int16
	hole   bool
}

func v(proc string, n int64) history.Value { return history.Value{Proc: proc, N: n} }

func rec(proc string, n int64) entry { return entry{val: v(proc, n), from: -1} }
func out(proc string, n, from, pid int64) entry {
	return entry{val: v(proc, n), from: from, pid: pid}
}
func marker(kind string, pid int64) entry { return entry{marker: kind, pid: pid} }

// log is the audit of one partition; both readers return what they should.
func (p *tape) log(tp history.TopicPartition, entries ...entry) {
	fate := make([]string, len(entries))
	for i, e := range entries {
		if e.marker != "" {
			for k := range i {
				if entries[k].pid == e.pid && entries[k].marker == "" && fate[k] == "" {
					fate[k] = e.marker
				}
			}
		}
	}
	audit := func(op history.Op) history.Event {
		return history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: op, TP: tp}
	}
	n := int64(len(entries))
	w := audit(history.OpWatermarks)
	lso := n
	for i, e := range entries {
		if e.pid != 0 && e.marker == "" && fate[i] == "" {
			lso = min(lso, int64(i))
		}
	}
	w.Off = []int64{0, lso, n}
	p.add(w)
	for i, en := range entries {
		if en.hole {
			continue
		}
		p.add(en.logged(audit(history.OpLog), i))
	}
	for _, lib := range []string{"franz-go", "sarama"} {
		for i, en := range entries {
			if en.hole || en.marker != "" || en.pid != 0 && fate[i] != "commit" {
				continue
			}
			e := audit(history.OpVisible)
			e.Off, e.Val, e.Note = []int64{int64(i)}, []history.Value{en.val}, lib
			p.add(e)
		}
	}
}

func (p *tape) offset(group string, off int64) {
	p.add(history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: history.OpOffset, Group: group, TP: orders, Off: []int64{off}})
}

// untold is the audit's question for a group's offset, refused since an open
// transaction holds one.
func (p *tape) untold(group string) *tape {
	p.add(history.Event{
		Src: history.SrcAudit, Proc: "audit", Type: history.Info, Op: history.OpOffset, Group: group, TP: orders,
		Err: &history.Error{Name: "UNSTABLE_OFFSET_COMMIT", Code: unstableOffset},
	})
	return p
}

func (p *tape) done() *tape {
	p.add(history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: history.OpAuditDone})
	return p
}

func (p *tape) judge(t *testing.T) *Report {
	t.Helper()
	return judgeEvents(t, p.h, p.events, Options{})
}

func judgeEvents(t testing.TB, h history.Header, events []history.Event, opt Options) *Report {
	t.Helper()
	return judgeWith(t, h, events, opt, func(*judge) {})
}

func judgeWith(t testing.TB, h history.Header, events []history.Event, opt Options, set func(*judge)) *Report {
	t.Helper()
	j := newJudge(h, opt)
	set(j)
	defer func() {
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}()
	for i := range events {
		if err := j.observe(&events[i], int64(i)+2); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	j.finish()
	if j.pool.err != nil {
		t.Fatal(j.pool.err)
	}
	return j.verdicts()
}

// kinds are the anomalies of a report with their counts.
func kinds(r *Report) map[guarantee.Anomaly]int64 {
	m := map[guarantee.Anomaly]int64{}
	for _, g := range r.Guarantees {
		for _, f := range g.Anomalies {
			m[f.Kind] = f.Count
		}
	}
	return m
}

func resultOf(r *Report, g guarantee.Guarantee) Result {
	for _, x := range r.Guarantees {
		if x.Guarantee == g {
			return x
		}
	}
	return Result{}
}

// logged is e, an event of the audit, as it tells of the entry at off.
func (en *entry) logged(e history.Event, off int) history.Event {
	e.Off = []int64{int64(off)}
	if en.pid != 0 {
		e.PID, e.Epoch, e.HasPID, e.InTxn = en.pid, en.epoch, true, true
	}
	if en.marker != "" {
		e.Op, e.Marker, e.InTxn = history.OpMarker, en.marker, false
		return e
	}
	e.Val = []history.Value{en.val}
	if en.from >= 0 {
		e.From = []history.Input{{TP: orders, Off: en.from}}
	}
	return e
}
