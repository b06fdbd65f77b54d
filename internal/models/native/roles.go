package native

import (
	"github.com/onceproof/onceproof/history"
)

// What clients do, by their role.

// main is the client's program.
func (p *process) main(t *thread) {
	t.sleep(p.w.between(millisecond, 30*millisecond))
	switch {
	case p.client.Role == producerRole && p.client.TxnID != "":
		t.produceTxns()
	case p.client.Role == producerRole:
		t.producePlain()
	default:
		t.consume()
	}
}

// close is the graceful end.
func (t *thread) close(c *consumer) {
	p := t.p
	e := history.Event{Type: history.Invoke, Op: history.OpClose, ID: p.nextID()}
	p.print(e)
	if c != nil {
		c.goodbye()
	}
	e.Type = history.OK
	p.print(e)
	t.exit(exitOK)
}

// exit ends the process.
func (t *thread) exit(how string) {
	t.p.w.after(0, func() { t.p.end(how) })
	t.park()
}

// newSend makes one record, and tells of it.
func (p *process) newSend(topic string, part int32, key string, from history.Input, txn int64) *send {
	s := &send{op: history.OpSend, id: p.nextID(), topic: topic, part: part, key: key, txn: txn}
	if !p.client.Program { // what a program writes has no value and names no input
		s.val, s.from = p.nextValue(), from
		p.w.truth.sent(s)
	}
	p.print(s.event(history.Invoke))
	return s
}

func (p *process) draw(topic string) int32 { return p.w.rng.Int32N(p.w.partitions(topic)) }

func (t *thread) producePlain() {
	p := t.p
	w := p.w
	pr := newProducer(p, "")
	p.produced = pr
	for !p.stopping && !w.quiet {
		var burst []*send
		part := p.draw(p.client.Topic)
		for range 1 + w.rng.IntN(p.client.Burst) {
			if w.chance(0.5) {
				part = p.draw(p.client.Topic)
			}
			burst = append(burst, p.newSend(p.client.Topic, part, "", history.Input{}, 0))
		}
		pr.add(burst)
		t.sleep(w.between(p.client.Pause/2, p.client.Pause*3/2))
	}
	t.flush(pr)
	t.close(nil)
}

func (t *thread) produceTxns() {
	p := t.p
	w := p.w
	pr := newProducer(p, w.txnIDOf(p))
	p.produced = pr
	if !t.start(pr) {
		return
	}
	for !p.stopping && !w.quiet {
		n := t.begin(pr)
		count := 1 + w.rng.IntN(p.client.Burst)
		for range count {
			pr.add([]*send{p.newSend(p.client.Topic, p.draw(p.client.Topic), "", history.Input{}, n)})
			if w.chance(0.3) {
				t.sleep(w.between(0, p.client.Pause))
			}
		}
		t.flush(pr)
		var o outcome
		if pr.broken != nil || w.chance(p.client.Aborts) {
			o = t.abort(pr, n, false)
		} else {
			o = t.commit(pr, n, false)
		}
		if o.fatal {
			t.exit(exitDead)
		}
		t.sleep(w.between(p.client.Pause/2, p.client.Pause*3/2))
	}
	t.close(nil)
}

// start is initTransactions of a new incarnation.
func (t *thread) start(pr *producer) bool {
	e := history.Event{Type: history.Invoke, Op: history.OpInitProducer, ID: t.p.nextID()}
	t.p.print(e)
	o := t.initTxn(pr, false)
	e.Type, e.Err = o.typ, o.err
	if o.typ == history.OK && t.p.w.cfg.TellsPID {
		e.PID, e.Epoch, e.HasPID = pr.pid, pr.epoch, true
	}
	t.p.print(e)
	if o.fatal {
		t.exit(exitDead)
	}
	return true
}

// consume is the consumer's and the processor's loop.
func (t *thread) consume() {
	p := t.p
	w := p.w
	var pr *producer
	if p.client.Output != "" {
		pr = newProducer(p, w.txnIDOf(p))
		p.produced = pr
		if pr.txnID != "" {
			t.start(pr)
		}
	}
	c := newConsumer(t)
	last := w.now
	auto := func() {
		if p.client.Commit == commitAuto {
			c.commit(c.positions())
		}
	}
	for !p.stopping {
		records := c.poll(w.cfg.PollMax, auto)
		if p.client.Commit == commitAuto && w.now-last > w.cfg.AutoCommit && len(records) == 0 {
			auto()
			last = w.now
		}
		if len(records) == 0 {
			continue
		}
		c.tellPoll(records)
		t.handle(pr, c, records)
	}
	t.close(c)
}

// tellPoll prints what a poll returned, a line for each partition.
func (c *consumer) tellPoll(records []record) {
	id := c.p.nextID()
	for at := 0; at < len(records); {
		e := history.Event{Type: history.OK, Op: history.OpPoll, ID: id, TP: records[at].tp}
		lined := false
		for ; at < len(records) && records[at].tp == e.TP; at++ {
			e.Off, e.Val, e.From = append(e.Off, records[at].off), append(e.Val, records[at].val), append(e.From, records[at].from)
			lined = lined || records[at].from != history.Input{}
		}
		if !lined {
			e.From = nil
		}
		c.p.print(e)
	}
}

// handle works on the records of one poll and commits, as the pattern says.
func (t *thread) handle(pr *producer, c *consumer, records []record) {
	switch t.p.client.Commit {
	case commitTxn:
		t.transact(pr, c, records)
	case commitOutside:
		t.outside(pr, c, records)
	case commitBefore:
		if o := c.commit(offsetsOf(records)); o.typ == history.OK { // else somebody else may do them
			t.work(pr, records, 0)
		}
	case commitEach:
		for i := range records {
			t.work(pr, records[i:i+1], 0)
			if o := c.commit(offsetsOf(records[i : i+1])); o.typ != history.OK && c.lost {
				return
			}
		}
	case commitBatch:
		t.work(pr, records, 0)
		if t.p.w.cfg.PositionCommits {
			c.commit(c.positionsOf(records))
			return
		}
		c.commit(offsetsOf(records))
	case commitAuto:
		t.work(pr, records, 0)
	}
}

// work is the application's work on each record, and its output.
func (t *thread) work(pr *producer, records []record, txn int64) {
	p := t.p
	w := p.w
	for _, r := range records {
		if w.cfg.Work > 0 {
			t.sleep(w.between(0, w.cfg.Work))
		}
		in := history.Input{TP: r.tp, Off: r.off}
		e := history.Event{Type: history.OK, Op: history.OpProcess, ID: p.nextID(), Txn: txn, From: []history.Input{in}}
		if r.val != (history.Value{}) {
			e.Val = []history.Value{r.val}
		}
		p.print(e)
		if pr != nil {
			pr.add([]*send{p.newSend(p.client.Output, p.draw(p.client.Output), r.key, in, txn)})
		}
	}
	if pr != nil {
		t.flush(pr)
	}
	p.flush()
}

// transact is one transaction a poll, with its offsets.
func (t *thread) transact(pr *producer, c *consumer, records []record) {
	n := t.begin(pr)
	t.work(pr, records, n)
	o := outcome{typ: history.Fail}
	if pr.broken == nil {
		offsets := offsetsOf(records)
		if t.p.w.cfg.PositionCommits {
			offsets = c.positionsOf(records)
		}
		o = t.sendOffsets(pr, c, n, offsets)
	}
	if o.fatal {
		t.abort(pr, n, false)
		t.exit(exitDead)
	}
	if o.typ == history.OK {
		o = t.commit(pr, n, false)
	} else {
		o = t.abort(pr, n, t.nothingAdded(pr))
		t.rewind(c, records, o)
	}
	if o.fatal {
		t.exit(exitDead)
	}
}

// nothingAdded says that the coordinator knows of nothing to end.
func (t *thread) nothingAdded(pr *producer) bool {
	return !t.p.client.V2 && len(pr.added) == 0
}

// rewind goes back to the committed offsets, since what was aborted must come again.
func (t *thread) rewind(c *consumer, records []record, o outcome) {
	if o.fatal {
		return
	}
	for _, e := range offsetsOf(records) {
		off, _, ok := c.committed(e.TP)
		if !ok {
			// Not this member's any more, or about to be taken: the position is found anew.
			c.moved[e.TP] = true
			delete(c.pos, e.TP)
			delete(c.read, e.TP)
			delete(c.buffer, e.TP)
			continue
		}
		if off < 0 {
			off = c.p.w.parts[e.TP].base
		}
		c.seek(e.TP, off)
	}
}

// outside is a transaction whose offsets are committed apart from it.
func (t *thread) outside(pr *producer, c *consumer, records []record) {
	for {
		n := t.begin(pr)
		t.work(pr, records, n)
		var o outcome
		if pr.broken != nil {
			o = t.abort(pr, n, t.nothingAdded(pr))
		} else if o = t.commit(pr, n, false); o.typ == history.OK {
			break
		}
		if o.fatal {
			t.exit(exitDead)
		}
	}
	c.commit(offsetsOf(records))
}
