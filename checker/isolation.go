package checker

import (
	"cmp"
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// abortedRead reports a record of an aborted transaction that a consumer was
// given (Adya's G1a). Under read_committed "the consumer will return only
// committed transactional messages" (KIP-98). A consumer under
// read_uncommitted was promised nothing; the verdict says so.
func (j *judge) abortedRead(at place, r *record) {
	readers := r.flags & fReaders
	if readers == 0 {
		return
	}
	rec := *r
	j.finds.report(guarantee.AbortedRead, func() draft {
		d := draft{focus: []place{at}, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		who := j.readWords(at, readers, &d)
		d.events = append(d.events, j.logEvent(at, &rec))
		if e, ok := j.markerBehind(at, rec.pid); ok {
			d.events = append(d.events, e)
		}
		d.text = fmt.Sprintf("%s returned %s at %s, a record of a transaction that was aborted.", who, j.valName(rec.val), j.placeName(at))
		d.legal = "no record of an aborted transaction"
		return d
	})
}

// readWords adds the event of one reader and names it; a client that reads
// committed comes before the audit, and that before one that reads all.
func (j *judge) readWords(at place, readers uint16, d *draft) string {
	if readers&fReadRC != 0 {
		if e, ok := j.reader(at, true); ok {
			d.events = append(d.events, e)
			d.client, _ = splitProc(e.Proc)
			return e.Proc + " (read_committed)"
		}
	}
	for i, lib := range j.libs {
		if readers&(fVis0<<i) != 0 {
			d.events = append(d.events, j.event(0, "audit", 0, at, history.OK, history.OpVisible, fmt.Sprintf("the audit's reader %s (read_committed) returned %s", lib, j.placeName(at))))
			return "The audit's reader " + lib + " (read_committed)"
		}
	}
	if e, ok := j.reader(at, false); ok {
		d.events = append(d.events, e)
		d.client, _ = splitProc(e.Proc)
		return e.Proc + " (read_uncommitted)"
	}
	return "A consumer"
}

// markerBehind finds the marker that decided a record.
func (j *judge) markerBehind(at place, pid int32) (WitnessEvent, bool) {
	var e WitnessEvent
	found := false
	if pid == 0 {
		return e, false
	}
	j.parts[at.tp()].rows.read(at.off()+1, func(off int64, r *record) bool {
		if r.flags&fMarker != 0 && r.pid != 0 && j.pidList[r.pid-1].pid == j.pidList[pid-1].pid {
			e, found = j.logEvent(makePlace(at.tp(), off), r), true
			e.Op = string(history.OpMarker)
			return false
		}
		return true
	})
	return e, found
}

// failedYetThere reports a send that its library called failed, with an error
// that leaves no doubt, and whose record was read all the same: Jepsen's
// aborted read.
func (j *judge) failedYetThere(at place, r *record, f uint16) {
	if f&vFailed == 0 || f&(vAcked|vUnknown|vResent) != 0 {
		return
	}
	readers := r.flags & fReaders
	if readers == 0 {
		return
	}
	rec := *r
	j.finds.report(guarantee.AbortedRead, func() draft {
		d := draft{focus: []place{at}, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		who := j.readWords(at, readers, &d)
		d.client = j.procs[rec.val.proc()].client
		d.events = append(d.events, j.logEvent(at, &rec))
		d.text = fmt.Sprintf("%s returned %s at %s, whose send had failed with an error that says it never happened.", who, j.valName(rec.val), j.placeName(at))
		d.legal = "no record of a send that failed for certain"
		return d
	})
}

// phantom reports a record that no worker ever sent. A process that died may
// have lost its last lines, so what follows the last send that it told of is not
// judged; nor is anything of a history whose end is cut off.
func (j *judge) phantom(at place, r *record, owner *proc, f uint16) {
	if f&vInvoked != 0 || j.cutOff || owner.crashed && r.val.n() > owner.maxSent || !owner.anySend && owner.info != nil && owner.crashed {
		return
	}
	rec := *r
	j.finds.report(guarantee.PhantomRead, func() draft {
		d := draft{focus: []place{at}, client: owner.client}
		if rec.flags&fLogged != 0 {
			d.events = append(d.events, j.logEvent(at, &rec))
		}
		if e, ok := j.reader(at, false); ok {
			d.events = append(d.events, e)
		}
		d.text = fmt.Sprintf("%s stands at %s, but nobody sent it.", j.valName(rec.val), j.placeName(at))
		d.legal = "only records that a send was invoked for"
		return d
	})
}

// controlRead reports a control record that an application was given: "control
// messages … are not exposed to the user" (KIP-98). Where it was given a worker's
// value, two values were seen at one offset, and that is reported.
func (j *judge) controlRead(at place, r *record) {
	readers := r.flags & fReaders
	if readers == 0 || r.flags&fClash != 0 {
		return
	}
	rec := *r
	j.finds.report(guarantee.PhantomRead, func() draft {
		d := draft{focus: []place{at}}
		who := j.readWords(at, readers, &d)
		d.events = append(d.events, j.logEvent(at, &rec))
		d.text = fmt.Sprintf("%s returned %s as a record; the log holds %s there, which no application is to see.", who, j.placeName(at), j.rowWords(&rec))
		d.legal = "records only; control records move the position on, and nothing else"
		return d
	})
}

// aboveLSO reports a record that a consumer under read_committed was given
// though it lies at or above the last stable offset, which never moves back:
// "the consumer only reads up to the last stable offset" (KIP-98).
func (j *judge) aboveLSO(at place, r *record) {
	rec := *r
	j.finds.report(guarantee.ReadAboveLSO, func() draft {
		pt := j.parts[at.tp()]
		d := draft{focus: []place{at}, txn: rec.txn}
		if e, ok := j.reader(at, true); ok {
			d.events = append(d.events, e)
			d.client, _ = splitProc(e.Proc)
		}
		d.events = append(d.events, j.logEvent(at, &rec),
			j.event(0, "audit", pt.wmLine, makePlace(pt.id, pt.marks[1]), history.OK, history.OpWatermarks, fmt.Sprintf("the last stable offset of %s was still %d after the end", tpName(pt.tp), pt.marks[1])))
		d.text = fmt.Sprintf("A consumer under read_committed was given %s, though the last stable offset of %s was at most %d.", j.placeName(at), tpName(pt.tp), pt.marks[1])
		d.legal = "records below the last stable offset only"
		return d
	})
}

// readsDone judges reads against what the history said later.
func (j *judge) readsDone() {
	j.earlyDone()
	j.stableDone()
	j.leaksDone()
	j.gapsDone()
}

// earlyDone reports records that read_committed returned before their
// transaction's commit was invoked. Without such a read there is no cycle of
// write-read edges either: each edge goes forward in time.
func (j *judge) earlyDone() {
	j.early.scan(func(_ int64, e *earlyRead) bool {
		pt := j.parts[e.tp]
		r := pt.rows.get(e.off)
		if r == nil || e.val != 0 && r.val != e.val || r.txn == 0 || r.flags&fAborted != 0 || pt.hasWM && e.off >= pt.marks[1] {
			return true
		}
		x := j.txns.at(int64(r.txn - 1))
		if x.commitInv != 0 && x.commitInv <= e.t || x.commitInv == 0 && r.flags&fLogged != 0 && r.flags&fCommitted != 0 {
			return true
		}
		rec, read, t := *r, *e, *x
		j.finds.report(guarantee.DirtyRead, func() draft {
			at := makePlace(read.tp, read.off)
			p := j.procs[read.proc]
			d := draft{focus: []place{at}, client: p.client, txn: rec.txn}
			d.events = append(d.events, j.event(read.t, p.name, read.line, at, history.OK, history.OpPoll, fmt.Sprintf("poll by %s (read_committed) returned %s", p.name, j.placeName(at))))
			when := "never"
			if t.commitInv != 0 {
				when = "only at " + j.clock(t.commitInv)
				d.events = append(d.events, j.event(t.commitInv, j.procName(t.proc), t.invLine, 0, history.Invoke, history.OpCommit, fmt.Sprintf("commit of transaction %d asked", t.num)))
			}
			d.text = fmt.Sprintf("%s (read_committed) was given %s (%s) at %s; the commit of its transaction was asked %s.", p.name, j.placeName(at), j.valName(rec.val), j.clock(read.t), when)
			d.legal = "records of transactions whose commit was asked before the read ended"
			return d
		})
		return true
	})
}

// stableDone reports reads past the first record of a transaction that was
// certainly open: its commit was asked only after the read ended, and was
// successful, so that nothing else can have ended it before. What lies behind
// that record was appended after it, so the last stable offset was no higher
// than it when the read took place, buffered or not.
func (j *judge) stableDone() {
	type span struct{ from, to int64 } // of opens: a partition's stand together, in offset order
	opens := map[int32]span{}
	j.opens.scan(func(i int64, o *firstOpen) bool {
		s, ok := opens[o.tp]
		if !ok {
			s.from = i
		}
		s.to = i + 1
		opens[o.tp] = s
		return true
	})
	reads := newSorter(j.pool, func(a, b pollLine) int { return cmp.Or(cmp.Compare(a.tp, b.tp), cmp.Compare(a.hi, b.hi)) })
	defer reads.close()
	j.polls.scan(func(_ int64, p *pollLine) bool {
		if _, ok := opens[p.tp]; ok && j.procs[p.proc].rc {
			reads.add(*p)
		}
		return true
	})
	var last firstOpen // of the transactions so far, the one whose commit was asked last
	var asked int64
	tp := int32(-1)
	reads.sorted().each(func(p pollLine) {
		s := opens[p.tp]
		if p.tp != tp {
			tp, asked = p.tp, 0
		}
		for ; s.from < s.to; s.from++ {
			o := *j.opens.rows.get(s.from)
			if o.off >= p.hi {
				break
			}
			if x := j.txns.get(int64(o.txn)); x.outcome == txnCommitOK && x.commitInv > asked {
				last, asked = o, x.commitInv
			}
		}
		opens[p.tp] = s
		if asked > p.t {
			j.unstableRead(tp, last, p)
		}
	})
}

func (j *judge) unstableRead(tp int32, o firstOpen, read pollLine) {
	off := int64(-1)
	var rec record
	j.parts[tp].rows.read(max(read.lo, o.off+1), func(i int64, r *record) bool {
		if r.flags&fReadRC != 0 {
			off, rec = i, *r
		}
		return off < 0 && i < read.hi
	})
	if off < 0 || off > read.hi || rec.txn == o.txn+1 || rec.flags&fAborted != 0 {
		return // dirty-read or aborted-read says it better
	}
	x := *j.txns.at(int64(o.txn))
	j.finds.report(guarantee.ReadAboveLSO, func() draft {
		at, first := makePlace(tp, off), makePlace(tp, o.off)
		c := j.procs[read.proc]
		d := draft{focus: []place{first, at}, client: c.client, txn: o.txn + 1}
		head := *j.parts[tp].rows.at(o.off)
		d.events = append(d.events,
			j.logEvent(first, &head),
			j.event(read.t, c.name, read.line, at, history.OK, history.OpPoll, fmt.Sprintf("poll by %s (read_committed) returned %s", c.name, j.placeName(at))),
			j.event(x.commitInv, j.procName(x.proc), x.invLine, 0, history.Invoke, history.OpCommit, fmt.Sprintf("commit of transaction %d asked", x.num)))
		d.text = fmt.Sprintf("%s (read_committed) was given %s (%s) at %s, while transaction %d of %s, open since %s, was not ended before %s.",
			c.name, j.placeName(at), j.valName(rec.val), j.clock(read.t), x.num, j.procName(x.proc), j.placeName(first), j.clock(x.commitInv))
		d.legal = fmt.Sprintf("offsets below %d only", o.off)
		return d
	})
}
