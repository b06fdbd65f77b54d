package native

import "github.com/onceproof/onceproof/history"

// The client's half of transactions.

// outcome is how an operation ended, as the application is told.
type outcome struct {
	typ   history.Type
	err   *history.Error
	fatal bool // the library is finished
}

var done = outcome{typ: history.OK}

// unknown is an end that proves nothing.
func unknown(c code) outcome {
	e := c.asError()
	if e == nil {
		e = &history.Error{Name: "TimeoutException", Class: history.Retriable}
	}
	return outcome{history.Info, e, true}
}

// persist asks until there is an answer that is no reason to ask again; it gives up
// after limit, with code none and ok false.
func (t *thread) persist(limit int64, build func() *request) (a *answer, ok bool) {
	w := t.p.w
	for until := w.now + limit; w.now < until; {
		a := t.call(build())
		if a != nil && !retriable[a.codeOf(0)] {
			return a, true
		}
		t.sleep(w.between(10*millisecond, 100*millisecond))
	}
	return nil, false
}

// initTxn is initTransactions: bump keeps the id that the client has, and asks for
// its next epoch.
func (t *thread) initTxn(pr *producer, bump bool) outcome {
	w, id, timeout := t.p.w, pr.txnID, t.p.client.TxnTimeout
	pid, epoch := int64(-1), int16(-1)
	if bump {
		pid, epoch = pr.pid, pr.epoch
	}
	a, ok := t.persist(w.cfg.APITimeout, func() *request {
		e := history.Event{Data: map[string]any{"timeout-ms": int(timeout / millisecond)}}
		if bump {
			e.PID, e.Epoch, e.HasPID = pid, epoch, true
		}
		return &request{api: "InitProducerID", version: 5, broker: w.slotOf(id).leader, txnID: id, parts: []history.Event{e},
			handle: func(b *broker, reply func(*answer)) { w.initProducer(b, id, timeout, pid, epoch, reply) }}
	})
	if !ok {
		return unknown(none)
	}
	if a.code != none {
		return unknown(a.code)
	}
	pr.pid, pr.epoch = a.pid, a.epoch
	pr.seqs = map[history.TopicPartition]int32{}
	return done
}

// endTxn is EndTxn. What nothing was added to is not worth a request.
func (t *thread) endTxn(pr *producer, commit bool) outcome {
	w, id, v2 := t.p.w, pr.txnID, t.p.client.V2
	pid, epoch := pr.pid, pr.epoch
	marker, version := "abort", 3
	if commit {
		marker = "commit"
	}
	if v2 {
		version = 5
	}
	a, ok := t.persist(w.cfg.APITimeout, func() *request {
		return &request{api: "EndTxn", version: version, broker: w.slotOf(id).leader, txnID: id,
			parts: []history.Event{{PID: pid, Epoch: epoch, HasPID: true, Marker: marker}},
			handle: func(b *broker, reply func(*answer)) {
				w.txn(id).end(b, pid, epoch, commit, v2, reply)
			}}
	})
	switch {
	case !ok:
		return unknown(none)
	case a.code != none:
		return unknown(a.code)
	}
	if a.next {
		pr.pid, pr.epoch = a.pid, a.epoch
		pr.seqs = map[history.TopicPartition]int32{}
	}
	return done
}

// begin begins the next transaction.
func (t *thread) begin(pr *producer) int64 {
	t.p.txns++
	pr.broken = nil
	pr.added = map[history.TopicPartition]bool{}
	t.p.print(history.Event{Type: history.OK, Op: history.OpBegin, ID: t.p.nextID(), Txn: t.p.txns})
	return t.p.txns
}

// commit commits transaction n, or finds out that it must be aborted.
func (t *thread) commit(pr *producer, n int64, empty bool) outcome {
	e := history.Event{Type: history.Invoke, Op: history.OpCommit, ID: t.p.nextID(), Txn: n}
	t.p.print(e)
	o := done
	if !empty {
		o = t.endTxn(pr, true)
	}
	e.Type, e.Err = o.typ, o.err
	t.p.w.truth.ended(t.p, n, true, o.typ)
	t.p.print(e)
	return o
}

// abort aborts transaction n.
func (t *thread) abort(pr *producer, n int64, empty bool) outcome {
	e := history.Event{Type: history.Invoke, Op: history.OpAbort, ID: t.p.nextID(), Txn: n}
	t.p.print(e)
	o := done
	switch {
	case pr.broken != nil && pr.broken.Class == history.Fenced:
		o = outcome{history.Info, pr.broken, true} // somebody else has the id, and the coordinator aborts
	case !empty:
		o = t.endTxn(pr, false)
	}
	if o.typ == history.OK && pr.broken != nil && !t.p.client.V2 && !empty {
		o = t.initTxn(pr, true) // what was in flight must not land in the next transaction
	}
	e.Type, e.Err = o.typ, o.err
	t.p.print(e)
	return o
}

// sendOffsets puts the group's offsets into the transaction. false: it must be
// aborted.
func (t *thread) sendOffsets(pr *producer, c *consumer, n int64, offsets []history.Event) outcome {
	w, p := t.p.w, t.p
	var lines []history.Event
	id, token := p.nextID(), p.token()
	for _, o := range offsets {
		e := history.Event{Op: history.OpSendOffsets, ID: id, Txn: n, Group: c.group, TP: o.TP, Off: o.Off, Meta: token}
		lines = append(lines, e)
		e.Type = history.Invoke
		p.print(e)
	}
	o := t.stageOffsets(pr, c, lines)
	for _, e := range lines {
		e.Type, e.Err = o.typ, o.err
		p.print(e)
	}
	_ = w
	return o
}

func (t *thread) stageOffsets(pr *producer, c *consumer, lines []history.Event) outcome {
	w, txnID, pid, epoch, v2 := t.p.w, pr.txnID, pr.pid, pr.epoch, t.p.client.V2
	who := history.Event{Group: c.group, PID: pid, Epoch: epoch, HasPID: true}
	if !v2 {
		a, ok := t.persist(w.cfg.APITimeout, func() *request {
			return &request{api: "AddOffsetsToTxn", version: 3, broker: w.slotOf(txnID).leader, txnID: txnID, parts: []history.Event{who},
				handle: func(b *broker, reply func(*answer)) {
					w.txn(txnID).adds(b, pid, epoch, nil, c.group, func(code code) { reply(&answer{code: code}) })
				}}
		})
		if !ok {
			return unknown(none)
		}
		if a.code != none {
			return unknown(a.code)
		}
	}
	for until := w.now + w.cfg.APITimeout; w.now < until; {
		var parts []history.Event
		member, generation := c.member, c.generation
		for _, e := range lines {
			x := who
			x.TP, x.Off, x.Meta = e.TP, e.Off, e.Meta
			x.Data = map[string]any{"member": member, "generation": int(generation)}
			parts = append(parts, x)
		}
		a := t.call(&request{api: "TxnOffsetCommit", version: t.p.client.txnOffsetVersion(), broker: c.coord, txnID: txnID, parts: parts,
			handle: func(b *broker, reply func(*answer)) {
				w.offsetCommit(b, c.group, txnID, member, generation, pid, epoch, v2, parts, reply)
			}})
		switch {
		case a == nil || retriable[a.codeOf(0)]:
			c.coord = w.slotOf(c.group).leader
			t.sleep(w.between(10*millisecond, 100*millisecond))
		case a.codeOf(0) == none:
			return done
		case fencing[a.codeOf(0)] && a.codeOf(0) != fencedMemberEpoch || a.codeOf(0) == invalidTxnState || a.codeOf(0) == invalidPIDMapping:
			return unknown(a.codeOf(0))
		case a.codeOf(0) == staleMemberEpoch && generation != c.generation:
			continue // the member's epoch went on meanwhile
		default:
			c.heard(&answer{code: a.codeOf(0)})
			return outcome{history.Info, a.codeOf(0).asError(), false}
		}
	}
	return unknown(none)
}
