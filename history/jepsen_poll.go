package history

import (
	"cmp"
	"slices"
)

// pollEnded hands on what a poll returned: one event a key. j.polled collects
// which keys the operation polled, and each key how far it came.
func (j *jepsen) pollEnded(p *jepsenProc, o *jepsenOp, m *jepsenMop, told *microOp, typ Type, reason *Error,
	logged bool) error {
	if told == nil || told.kind != mopPolled {
		// It returned nothing, or nobody knows what.
		j.client(p, typ, OpPoll, m.id, o.txn, 0).blame(typ, reason)
		return nil
	}
	empty := true
	for i := told.polled.from; i < told.polled.to; i++ {
		polled := &j.blk.polled[i]
		recs := j.blk.recs[polled.recs.from:polled.recs.to]
		if len(recs) == 0 {
			continue
		}
		empty = false
		if len(recs) > MaxRecords {
			return room(len(recs), 0, 0)
		}
		k, err := j.key(polled.key)
		if err != nil {
			return err
		}
		if err := j.records(p, o, m, k, recs, logged); err != nil {
			return err
		}
	}
	if empty {
		j.client(p, OK, OpPoll, m.id, o.txn, 0)
	}
	return nil
}

// records hands on one poll of one key, with the assignments that excuse jumps as
// Jepsen excuses them: of a key that was rebalanced during the operation between
// any two records; of every key between operations, if the process subscribed,
// since then rebalances go untold. An operation that tells of none at all (logged
// is false) may have been moved between two of its polls.
func (j *jepsen) records(p *jepsenProc, o *jepsenOp, m *jepsenMop, k *jepsenKey, recs []record, logged bool) error {
	n := 0
	for i := range recs {
		if r := &recs[i]; r.hasOff {
			n++
			k.next = r.off + 1
		} else if err := j.returned(p, o, m, k, recs[i:i+1], 0); err != nil { // Jepsen takes it as read, somewhere
			return err
		}
	}
	if n == 0 {
		return nil
	}
	shaken, again := k.shakenIn == j.op, k.polledIn == j.op
	if !again {
		k.polledIn = j.op
		j.polled = append(j.polled, k)
	}
	if p.mode == bySubscribe && !shaken && (!again || !logged) {
		if e := j.assignment(p, OpAssigned, k); again {
			e.Note = NoteUntold
		}
	}
	if !shaken {
		return j.returned(p, o, m, k, recs, n)
	}
	for i := range recs {
		if !recs[i].hasOff {
			continue
		}
		j.assignment(p, OpAssigned, k)
		if err := j.returned(p, o, m, k, recs[i:i+1], 1); err != nil {
			return err
		}
	}
	return nil
}

// returned hands on the n of recs that have an offset; with 0, one that has none.
func (j *jepsen) returned(p *jepsenProc, o *jepsenOp, m *jepsenMop, k *jepsenKey, recs []record, n int) error {
	e := j.client(p, OK, OpPoll, m.id, o.txn, max(n, 1))
	e.TP = k.tp
	b := j.batch
	off, key, val := b.off[len(b.off):], b.key[len(b.key):], b.val[len(b.val):]
	for i := range recs {
		r := &recs[i]
		if !r.hasOff && n > 0 {
			continue
		}
		text := j.text(r)
		v, err := j.valueOf(k, r.kind, r.n, text)
		if err != nil {
			return err
		}
		key, val = append(key, text), append(val, v)
		if n > 0 {
			off = append(off, r.off)
		}
	}
	b.off, e.Off = reserve(b.off, off)
	b.key, e.Key = reserve(b.key, key)
	b.val, e.Val = reserve(b.val, val)
	return nil
}

// settle moves the positions of p: on behind an operation that was ok, back to
// where they were before one that failed. Where they are after one of unknown
// outcome nobody knows, nor after a rebalance: the group may have moved the reader
// at any time in the operation, and its offsets with it.
func (j *jepsen) settle(p *jepsenProc, typ Type) error {
	if typ == Info {
		p.adrift = true
		return nil
	}
	if p.mode == bySubscribe { // every operation of it may begin anywhere
		return nil
	}
	slices.SortFunc(j.polled, byTP)
	were := len(p.read)
	for _, k := range j.polled {
		switch at, known := p.read[k.id]; {
		case k.shakenIn == j.op:
			delete(p.read, k.id)
			j.assignment(p, OpSeek, k)
		case typ == OK:
			if p.read == nil {
				p.read = map[int32]int64{}
			}
			p.read[k.id] = k.next
		default:
			if e := j.assignment(p, OpSeek, k); known {
				e.Off = []int64{at}
			}
		}
	}
	return j.values.take(positionBytes * int64(len(p.read)-were))
}

// drift forgets where p stands: in Jepsen another process follows an operation of
// unknown outcome, and if this one goes on, its client may be another one.
func (j *jepsen) drift(p *jepsenProc) {
	p.adrift = false
	j.values.bytes -= positionBytes * int64(len(p.keys)+len(p.read))
	p.keys, p.read = nil, nil
	p.id++
	j.client(p, Info, OpSeek, p.id, 0, 0)
}

func byTP(a, b *jepsenKey) int {
	return cmp.Or(cmp.Compare(a.tp.Topic, b.tp.Topic), cmp.Compare(a.tp.Part, b.tp.Part))
}

func (j *jepsen) assignment(p *jepsenProc, op Op, k *jepsenKey) *Event {
	p.id++
	e := j.client(p, Info, op, p.id, 0, 0)
	e.TP = k.tp
	return e
}

// assign takes over the keys of an :assign or :subscribe. A key that stays keeps
// its position, unless the process goes over from one to the other: then Kafka's
// consumer forgets all of them. Of one with unknown outcome, only what is true
// either way holds afterwards.
func (j *jepsen) assign(p *jepsenProc, op *kafkaOp) error {
	come, now, err := j.assigned(op.keys)
	if err != nil {
		return err
	}
	mode := byItself
	if op.f == kindSubscribe {
		mode = bySubscribe
	}
	stays := func(id int32) bool { return p.keys[id] && now[id] && p.mode == mode && mode == byItself }
	var gone []*jepsenKey
	for id := range p.keys {
		if !now[id] {
			gone = append(gone, j.all[id])
		}
	}
	slices.SortFunc(gone, byTP)
	for _, k := range gone {
		j.assignment(p, OpRevoked, k)
	}
	were := len(p.keys) + len(p.read)
	for id := range p.read {
		if !stays(id) {
			delete(p.read, id)
		}
	}
	for _, k := range come {
		if !stays(k.id) {
			j.assignment(p, OpAssigned, k)
		}
		if op.seek && mode == byItself {
			delete(p.read, k.id)
			e := j.assignment(p, OpSeek, k)
			if e.Note = "beginning"; op.typ == opOK {
				e.Off = []int64{0}
			}
		}
	}
	p.keys = now
	if op.typ == opOK || p.mode == unassigned || mode == bySubscribe {
		p.mode = mode
	}
	return j.values.take(positionBytes * int64(len(p.keys)+len(p.read)-were))
}

// assigned are the keys of a list, each once, sorted by name.
func (j *jepsen) assigned(keys span) (come []*jepsenKey, now map[int32]bool, err error) {
	now = make(map[int32]bool, keys.to-keys.from)
	for _, n := range j.blk.keys[keys.from:keys.to] {
		k, err := j.key(n)
		if err != nil {
			return nil, nil, err
		}
		if !now[k.id] {
			now[k.id] = true
			come = append(come, k)
		}
	}
	slices.SortFunc(come, byTP)
	return come, now, nil
}

// rebalance tells the rebalances that an operation saw:
// [{:type :revoked, :keys [1 2]} …].
func (j *jepsen) rebalance(p *jepsenProc, log span) error {
	for _, entry := range j.blk.logs[log.from:log.to] {
		for _, n := range j.blk.keys[entry.keys.from:entry.keys.to] {
			k, err := j.key(n)
			if err != nil {
				return err
			}
			k.shakenIn = j.op
			j.assignment(p, entry.op, k).Note = NoteRebalanceLog
		}
	}
	return nil
}
