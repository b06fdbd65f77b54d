package jepsenkafka

// send appends one record.
func (w *world) send(t *thread, m *MicroOp) {
	for _, l := range t.producer.landing {
		if !l.done && w.r.IntN(2) == 0 {
			l.land()
		}
		l.done = true
	}
	t.producer.landing = nil
	if t.txn != nil && w.chance(w.c.Unknown/8) {
		if w.r.IntN(2) == 0 {
			w.append(m.Key, m.Value, t.txn, author{})
		}
		w.endTxn(t.txn, aborted)
		t.outcome = outcome{typ: Fail, err: "{:type :abort, :abort-ok? true, :body-error {:type :timeout}}"}
		t.stage = over
		return
	}
	if t.txn == nil && w.chance(w.c.Abort) {
		t.outcome = outcome{typ: Fail, err: ":unknown-topic-or-partition"}
		t.stage = over
		w.failed(m)
		return
	}
	if t.txn == nil && w.chance(w.c.Unknown) {
		w.sendUnknown(t, m)
		return
	}
	m.Offset, m.Acked = w.append(m.Key, m.Value, t.txn, author{t.process, t.op}), true
	w.sent(t, m)
	w.need(m, t)
}

// need remembers what the final polls must return, if the operation becomes ok.
func (w *world) need(m *MicroOp, t *thread) {
	key, at := m.Key, m.Offset
	if w.chance(w.c.NoOffset) {
		m.Offset = NoOffset
	}
	before := t.outcome.after
	t.outcome.after = func() {
		if before != nil {
			before()
		}
		w.needed[key] = max(w.needed[key], at+1)
	}
}

// sendUnknown is a send outside transactions whose acknowledgement never comes: it
// is in the log already, gets there later, or never.
func (w *world) sendUnknown(t *thread, m *MicroOp) {
	t.outcome = outcome{typ: Info, err: ":kafka-timeout", end: !w.c.KeepProcess}
	t.stage = over
	l, by := &landing{}, author{process: t.process}
	l.land = func() {
		if !l.done {
			l.done = true
			w.append(m.Key, m.Value, nil, by)
		}
	}
	switch w.r.IntN(3) {
	case 0:
		l.land()
	case 1:
		t.producer.landing = append(t.producer.landing, l)
		w.later(w.patience(), l.land)
	default:
		w.vanished[m.Key] = append(w.vanished[m.Key], m.Value)
	}
}
