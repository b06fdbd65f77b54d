package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

func (o *Online) poll(p *liveProc, e *history.Event) {
	pt := o.part(e.TP)
	if e.Type != history.OK || len(e.Off) == 0 || pt == nil {
		if e.Err != nil {
			p.moved() // data loss and offsets out of range move a consumer
		}
		return
	}
	pos := p.position(pt)
	for i, off := range e.Off {
		if off < 0 {
			return
		}
		var v history.Value
		if i < len(e.Val) {
			v = e.Val[i]
		}
		r := o.rows.at(0, pt.id, off)
		if o.foreign[pt.tp.Topic] {
			// Which send it is the offset tells, not its bytes: programs copy values.
		} else if o.agrees(pt, r, off, v, e.T, "polled") {
			o.read(p, pt, r, off, v, e.T)
		}
		o.advance(p, pt, pos, off, e.T)
	}
	o.reading(p, pt, e.T)
}

// read takes in that p was given a record.
func (o *Online) read(p *liveProc, pt *livePart, r *liveRow, off int64, v history.Value, t int64) {
	if v.Proc == "" {
		return
	}
	if r.by == nil {
		r.by = p
	} else if r.by != p {
		r.flags |= liveSure
	}
	if r.flags&liveSure != 0 {
		o.unheard(v, pt.at(off), t)
	}
	if !p.rc {
		r.flags |= liveReadRU
	} else {
		r.flags |= liveReadRC
		if r.rcT == 0 || t < r.rcT {
			r.rcT = t
		}
		switch x := r.txn; {
		case x == nil:
		case x.aborted:
			o.abortedRead(x, t, pt.at(off))
		case x.committed && t < x.commitInv:
			o.dirtyRead(x, t, pt.at(off))
		default:
			x.readAt(t, pt, off)
		}
		o.overtakes(pt, r, off, t)
	}
	if !o.asides[pt.tp.Topic] && (p.rc || o.plain(v)) {
		o.twice(pt, r, off, v, t)
		o.backwards(pt, r, off, v, t)
	}
}

// plain says that a value's process certainly uses no transactions, so that
// whatever of it is read counts.
func (o *Online) plain(v history.Value) bool {
	p := o.procs[v.Proc]
	return p != nil && !p.txnal
}

// twice looks for a value at two offsets: one send, two records. One reader alone
// may have been given a wrong record, so each place needs two witnesses.
func (o *Online) twice(pt *livePart, r *liveRow, off int64, v history.Value, t int64) {
	if r.flags&liveSure == 0 {
		return
	}
	h, at := hashed(v), makePlace(pt.id, off)
	old, ok := o.places.at[h]
	if ok && old == counted {
		return
	}
	if ok && old != at {
		o.alarm(guarantee.DuplicateWrite, t, fmt.Sprintf("%s#%d was read at %s, and at offset %d before", v.Proc, v.N, pt.at(off), old.off()))
		at = counted
	}
	o.places.put(h, at)
}

// counted is the place of a value that was told to stand at two: another reader
// of both is no second violation.
const counted place = 0

// backwards looks for two acknowledged records of one process that were read in
// the other order than they were sent.
func (o *Online) backwards(pt *livePart, r *liveRow, off int64, v history.Value, t int64) {
	if r.flags&(liveAcked|liveAgain) != liveAcked || o.procs[v.Proc] == nil {
		return
	}
	last, ok := pt.lastOf[v.Proc]
	if ok && off > last.off && v.N < last.n {
		if b := o.rows.get(0, pt.id, last.off); b != nil && b.val == hashed(history.Value{Proc: v.Proc, N: last.n}) {
			o.alarm(guarantee.ReorderedWrite, t, fmt.Sprintf("%s sent #%d before #%d, and both were acknowledged, but they stand at %s and at %d", v.Proc, v.N, last.n, pt.at(off), last.off))
		}
		return
	}
	if !ok || off > last.off {
		pt.lastOf[v.Proc] = lastSent{v.N, off}
	}
}

// advance moves a reader to off, and looks at the step.
func (o *Online) advance(p *liveProc, pt *livePart, pos *position, off, t int64) {
	switch {
	case pos.last < 0 && pos.base > off && !pos.sought:
		o.alarm(guarantee.PositionMismatch, t, fmt.Sprintf("%s took over %s at the committed offset %d, but its first poll began at %d", p.name, pt.name, pos.base, off))
	case pos.last < 0 && pos.base > off, pos.last >= 0 && off <= pos.last:
		o.alarm(guarantee.NonmonotonicPoll, t, fmt.Sprintf("%s was given %s after %d, with no seek, rebalance or abort between", p.name, pt.at(off), max(pos.last, pos.base-1)))
	case pos.last < 0 && pos.base >= 0:
		o.jumped(p, pt, pos.base, off, t, !pos.sought)
	case pos.last >= 0:
		o.jumped(p, pt, pos.last+1, off, t, false)
	}
	pos.last, pos.base, pos.sought = off, -1, false
}

// jumped looks at what lies between a reader's two records: what another one was
// given there, this one may not miss.
func (o *Online) jumped(p *liveProc, pt *livePart, lo, off, t int64, assigned bool) {
	for i := max(lo, off-8*chunkRows); i < off; i++ {
		r := o.rows.get(0, pt.id, i)
		if r == nil || r.flags&liveReadRC == 0 && (p.rc || r.flags&liveReadRU == 0) {
			continue
		}
		kind := guarantee.SkippedPoll
		if assigned {
			kind = guarantee.PositionMismatch
		} else if p.rc && r.txn != nil {
			for _, k := range []int64{lo - 1, off} {
				if n := o.rows.get(0, pt.id, k); n != nil && n.txn == r.txn {
					kind = guarantee.IntermediateRead
				}
			}
		}
		o.alarm(kind, t, fmt.Sprintf("%s was given %s, but not %d, which another reader was given", p.name, pt.at(off), i))
		return
	}
}

func (o *Online) assignment(p *liveProc, e *history.Event) {
	if e.TP.Topic == "" {
		p.moved()
		return
	}
	pt := o.part(e.TP)
	if pt == nil {
		return
	}
	pos := p.position(pt)
	pos.last = -1
	if e.Op != history.OpAssigned || pos.sought {
		pos.base, pos.sought = -1, false // as observeAssignment
	}
	if e.Op == history.OpSeek && len(e.Off) > 0 {
		pos.base, pos.sought = e.Off[0], true
	}
	if p.group != nil {
		o.owns(p, o.register(p.group, pt), e)
	}
}
