package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
)

// observeSend joins the ends of one send. An acknowledgement with an offset
// goes into the row of that offset; anything else is an attempt, until the
// audit's log tells where the record is, or that it is nowhere.
func (j *judge) observeSend(p *proc, e *history.Event, line uint32) error {
	if e.Type == history.Invoke {
		return j.sendInvoked(p, e, line)
	}
	q, ok := p.pend[e.ID]
	if !ok || q.op != history.OpSend && q.op != history.OpSetAside {
		// The invocation was lost with a torn line, or the worker sends only ends.
		if len(e.Val) == 0 {
			return nil
		}
		if err := j.sendInvoked(p, e, line); err != nil {
			return err
		}
		q = p.pend[e.ID]
	}
	tp := q.tp
	if e.TP.Topic != "" && e.TP.Part >= 0 {
		var err error
		if tp, err = j.tp(e.TP); err != nil {
			return err
		}
	}
	n := 1 + len(q.more)
	if len(e.Off) > n {
		return fmt.Errorf("send %d of %s: %d offsets for %d records", e.ID, p.name, len(e.Off), n)
	}
	for i := range n {
		b := batched{q.val, q.from}
		if i > 0 {
			b = q.more[i-1]
		}
		off := int64(-1)
		if i < len(e.Off) {
			off = e.Off[i]
		}
		if err := j.sendEnded(p, e, line, &q, b, tp, off); err != nil {
			return err
		}
	}
	return nil
}

func (j *judge) sendInvoked(p *proc, e *history.Event, line uint32) error {
	q := pending{op: e.Op, t: e.T, line: line, tp: -1}
	if e.Type != history.Invoke {
		q.t = 0
	}
	if e.TP.Topic != "" && e.TP.Part >= 0 {
		tp, err := j.tp(e.TP)
		if err != nil {
			return err
		}
		q.tp = tp
		if p.info != nil && p.info.Program {
			j.parts[tp].mixed = true
		}
	}
	if e.Txn != 0 {
		q.txn = j.txnOf(p, e.Txn) + 1
		j.txns.at(int64(q.txn - 1)).sends += int32(len(e.Val))
	}
	for i := range e.Val {
		v, err := j.val(e.Val[i])
		if err != nil {
			return err
		}
		var from place
		if i < len(e.From) {
			if from, err = j.placeOf(e.From[i]); err != nil {
				return err
			}
		}
		if i == 0 {
			q.val, q.from = v, from
		} else {
			q.more = append(q.more, batched{v, from})
		}
		j.hot.sends++
		j.after.invoked(e.T)
		if v == 0 {
			continue
		}
		owner := j.procs[v.proc()]
		f := owner.values.at(v.n())
		if *f&vInvoked != 0 {
			*f |= vResent
		}
		*f |= vInvoked
		if j.reads != nil {
			j.sentIn(v, q.txn)
		}
		owner.maxSent = max(owner.maxSent, v.n())
		owner.anySend = true
		if from != 0 && e.Op == history.OpSend {
			in := j.input(p, from)
			in.attempts++
			if in.txn == 0 || q.txn != 0 {
				in.txn = q.txn
			}
		}
	}
	p.pend[e.ID] = q
	return nil
}

func (j *judge) sendEnded(p *proc, e *history.Event, line uint32, q *pending, b batched, tp int32, off int64) error {
	outcome := e.Type
	if outcome == history.Fail && !certain(e) {
		outcome = history.Info
	}
	var f *uint16
	if b.val != 0 {
		f = j.procs[b.val.proc()].values.at(b.val.n())
	} else {
		f = new(uint16)
	}
	switch outcome {
	case history.OK:
		*f |= vAcked
		j.hot.acked++
		j.lastAck = max(j.lastAck, e.T)
		j.after.acked++
		if off >= 0 && tp >= 0 {
			if off > maxOff {
				return fmt.Errorf("offset %d out of range", off)
			}
			j.acked(tp, off, record{val: b.val, from: b.from, inv: q.t, ack: e.T, invLine: q.line, ackLine: line, txn: q.txn, flags: fAcked})
			return nil
		}
	case history.Fail:
		*f |= vFailed
		j.hot.failed++
	default:
		*f |= vUnknown
		j.hot.unknown++
	}
	if b.val == 0 {
		return nil
	}
	j.attempted(b.val, attempt{inv: q.t, end: e.T, invLine: q.line, endLine: line, tp: tp, txn: q.txn, from: b.from, outcome: attemptOf(outcome), err: j.errName(e.Err)})
	return nil
}

// acked writes an acknowledgement into the row of its offset.
func (j *judge) acked(tp int32, off int64, rec record) {
	if j.reads != nil && j.reads.hold(tp, off, rec) {
		return
	}
	j.ackedRow(tp, off, rec)
}

func (j *judge) ackedRow(tp int32, off int64, rec record) {
	pt := j.parts[tp]
	pt.end = max(pt.end, off+1)
	row := pt.rows.at(off)
	if j.reads != nil && rec.val != 0 {
		j.see(row, sighting{val: rec.val, at: makePlace(tp, off), t: rec.ack, line: rec.ackLine, proc: rec.val.proc(), acked: true})
	}
	if pt.differs(row, rec.val) || row.flags&fMarker != 0 {
		j.clash(pt, off, row, seenAs{val: rec.val, how: "acknowledged", t: rec.ack, line: rec.ackLine, proc: rec.val.proc()})
		j.displaced.add(displaced{off: off, rec: rec, tp: tp})
		return
	}
	rec.logLine, rec.pid, rec.jump = row.logLine, row.pid, row.jump
	rec.flags |= row.flags
	if rec.from == 0 {
		rec.from = row.from
	}
	*row = rec
}

// unfinished turns what a dead process left behind into unknown outcomes.
func (j *judge) unfinished(p *proc, t int64, line uint32) {
	for id, q := range p.pend {
		j.unknownEnd(p, q, t, line)
		delete(p.pend, id)
	}
}

func (j *judge) unknownEnd(p *proc, q pending, t int64, line uint32) {
	switch q.op {
	case history.OpSend, history.OpSetAside:
		e := history.Event{T: t, Type: history.Info}
		for i := range 1 + len(q.more) {
			b := batched{q.val, q.from}
			if i > 0 {
				b = q.more[i-1]
			}
			_ = j.sendEnded(p, &e, line, &q, b, q.tp, -1) // fails only for offsets
		}
	case history.OpCommitOffsets:
		j.unknownCommits(p, q, t)
	case history.OpCommit, history.OpAbort:
		if q.txn != 0 {
			x := j.txns.at(int64(q.txn - 1))
			if x.outcome == txnAsked {
				x.outcome = txnUnknown
			}
		}
	}
}
