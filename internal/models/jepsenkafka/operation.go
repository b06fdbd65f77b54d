package jepsenkafka

import "slices"

// stage is where an operation stands:
//
//	invoked ──> working ──> offsets ──> deciding ──> deciding is over ──> completed
//	               └──────────── failed ──────────────────────┘
type stage int8

const (
	working  stage = iota // its micro-operations
	offsets               // its offsets go into the transaction, or to the group
	deciding              // its transaction is committed
	over                  // its outcome is known
)

// invoke starts the thread's next operation, if there is one.
func (w *world) invoke(t *thread) {
	var o *Op
	if w.final {
		o = w.finalOp(t)
	} else if w.started < w.c.Ops {
		w.started++
		o = w.draw(t)
	}
	if o == nil {
		return
	}
	o.Type, o.Process = Invoke, t.process
	t.op, t.stage, t.at, t.log, t.outcome = o, working, 0, nil, outcome{typ: OK}
	inv := *o
	inv.Micro = slices.Clone(o.Micro)
	t.invoked = w.record(inv)
	t.txn = nil
	if w.c.Txn && len(o.Micro) > 0 {
		t.txn = w.begin(t)
	}
}

// advance performs one step of the thread's operation.
func (w *world) advance(t *thread) {
	o := t.op
	if len(o.Micro) == 0 {
		w.control(t)
		return
	}
	if t.stage < deciding && w.interrupted(t) {
		t.stage = over
	}
	switch t.stage {
	case working:
		w.micro(t, &o.Micro[t.at])
		if t.at++; t.at == len(o.Micro) && t.stage == working {
			t.stage = offsets
		}
	case offsets:
		w.commitOffsets(t)
	case deciding:
		w.commit(t)
	case over:
		w.complete(t)
	}
}

// interrupted ends an operation before its commit: the transaction is aborted by
// its client or by the coordinator, and has certainly not happened. An abort
// whose answer does not come leaves it open until its timeout.
func (w *world) interrupted(t *thread) bool {
	if t.txn == nil {
		return false
	}
	switch {
	case w.chance(w.c.Abort):
		t.outcome = outcome{typ: Fail, err: "{:type :abort, :abort-ok? true, :tried-commit? false, :definite? true}"}
		if w.r.IntN(8) == 0 {
			t.outcome = outcome{
				typ: Fail, end: true,
				err: "{:type :abort, :abort-ok? false, :tried-commit? false, :definite? true}",
			}
			return true
		}
		w.endTxn(t.txn, aborted)
		return true
	case w.chance(w.c.Fence):
		w.endTxn(t.txn, aborted)
		t.outcome = outcome{typ: Fail, err: ":producer-fenced", end: true}
		return true
	}
	return false
}

// micro performs one micro-operation.
func (w *world) micro(t *thread, m *MicroOp) {
	if m.IsSend {
		w.send(t, m)
		return
	}
	c := t.consumer
	learns := w.c.RebalanceOn || w.c.Untold || w.firstPoll(t)
	if w.c.Mode == BySubscribe && c.topics != nil && learns && w.r.IntN(5) != 0 {
		log := w.coordinate(c)
		if w.c.RebalanceOn {
			t.log = append(t.log, log...)
		}
	}
	if t.txn == nil && w.chance(w.c.Abort) {
		w.pollFails(t, m)
		return
	}
	w.jump(t)
	m.Polled, m.Done = w.poll(t), true
	w.garble(t, m)
}

// pollFails is a poll outside transactions that ends with an error, before or
// after it returned something.
func (w *world) pollFails(t *thread, m *MicroOp) {
	t.outcome = outcome{typ: Fail, err: ":broker-not-available"}
	if w.r.IntN(3) == 0 {
		t.outcome = outcome{typ: Info, err: ":timeout", end: !w.c.KeepProcess}
	}
	if w.r.IntN(2) == 0 {
		m.Polled, m.Done = w.poll(t), true
	}
	t.stage = over
}

func (w *world) firstPoll(t *thread) bool {
	for _, m := range t.op.Micro[:t.at] {
		if !m.IsSend {
			return false
		}
	}
	return true
}

// commitOffsets sends the polled offsets into the transaction, or commits them for
// the group if the process subscribes.
func (w *world) commitOffsets(t *thread) {
	t.stage = deciding
	off, c := polledOffsets(t.op.Micro), t.consumer
	if t.txn == nil {
		t.stage = over
		if c.topics != nil && t.op.F == Poll && (!w.current(c) || w.chance(w.c.Unknown)) {
			t.outcome.err = "[:consumer-commit \"rebalanced\"]"
		} else if c.topics != nil {
			for _, key := range c.assigned {
				if c.pos[key] != unresolved {
					w.group.committed[key] = c.pos[key]
				}
			}
		}
		return
	}
	if len(off) > 0 && c.topics != nil && !w.current(c) {
		w.endTxn(t.txn, aborted)
		t.outcome = outcome{typ: Fail, err: "{:type :abort, :abort-ok? true, :tried-commit? false, :definite? true}"}
		t.stage = over
		return
	}
	w.stage(t.txn, off)
}

// commit asks for the transaction's commit. If the answer does not come, it may
// have been committed, or is later, or is aborted at its timeout.
func (w *world) commit(t *thread) {
	t.stage = over
	x := t.txn
	if !w.chance(w.c.Unknown) {
		w.endTxn(x, committed)
		w.lose(t)
		return
	}
	t.outcome = outcome{typ: Info, err: ":kafka-timeout", end: !w.c.KeepProcess}
	if w.hang(x) {
		return
	}
	switch w.r.IntN(4) {
	case 0, 1:
		w.endTxn(x, committed)
		w.tear(t)
	case 2:
		w.later(w.patience(), func() { w.endTxn(x, committed) })
	case 3:
		w.later(w.patience(), func() { w.endTxn(x, aborted) })
	}
}

// complete records the operation's end, and rewinds the consumer or replaces the
// client if it must.
func (w *world) complete(t *thread) {
	o := *t.op
	out := t.outcome
	o.Type, o.Error, o.Rebalance, o.Invoked = out.typ, out.err, t.log, t.invoked
	o.End = out.end && out.typ != Info
	if out.typ != OK {
		if !w.stays(t) {
			t.consumer.rewind(o.Micro)
		}
	} else {
		if out.after != nil {
			out.after()
		}
		o.reads(func(key int, p Pair) {
			t.consumer.last[key] = p.Offset
		})
		if !w.final {
			o.reads(func(key int, p Pair) { w.needed[key] = max(w.needed[key], p.Offset+1) })
		}
	}
	index := w.record(o)
	for i, m := range o.Micro {
		if m.IsSend {
			w.told[at{m.Key, m.Value}] = place{index, i}
		}
	}
	t.op = nil
	if out.end {
		w.renew(t)
	}
}

// control completes an operation without micro-operations.
func (w *world) control(t *thread) {
	o := *t.op
	o.Type, o.Invoked = OK, t.invoked
	c := t.consumer
	switch o.F {
	case Crash:
		o.Type = Info
	case Debug:
		if w.r.IntN(3) == 0 {
			o.Type, o.Error = Fail, ":connection-refused"
		}
	default:
		switch w.r.IntN(100) {
		case 0:
			o.Type, o.Error = Fail, ":not-controller"
		case 1:
			o.Type, o.Error = Info, ":timeout"
		}
		if o.Type == OK && o.F == Assign {
			c.assign(o.Keys, o.Seek)
		} else if o.Type == OK {
			c.topics = nil
			for _, key := range o.Keys {
				if topic := w.topic(key); !slices.Contains(c.topics, topic) {
					c.topics = append(c.topics, topic)
				}
			}
		}
	}
	w.record(o)
	t.op = nil
	if o.Type == Info {
		w.renew(t)
	}
}
