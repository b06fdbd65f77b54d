package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// order compares a record's first appearance in the log with the sends before it.
//
// reordered-write: "Messages sent by a producer to a particular topic partition
// will be appended in the order they are sent" (Kafka documentation,
// Guarantees). A value that was sent more than once by the application, or
// whose send was never acknowledged by a broker, promises nothing.
func (w *walker) order(at place, r *record, owner *proc, f uint16) {
	j := w.j
	if f&vAcked == 0 && (j.reads == nil || f&vInvoked == 0) || f&vResent != 0 || owner.unacked {
		return
	}
	k := sender{proc: owner.id}
	if j.reads != nil {
		k.life = j.reads.life(owner.id, w.pt.id, r.inv)
	}
	last, ok := w.sent[k]
	if ok && r.val.n() < last.n {
		b := *w.pt.rows.at(last.off)
		if j.reads != nil && f&vAcked == 0 && r.txn != b.txn {
			return // of an operation of unknown outcome: it may have arrived late
		}
		j.finds.named(guarantee.ReorderedWrite, j.sendNames(r, &b), func() draft {
			before := makePlace(w.pt.id, last.off)
			d := draft{focus: []place{before, at}, client: owner.client, txn: r.txn}
			d.events = append(d.events, j.sendEvents(at, r)...)
			d.events = append(d.events, j.sendEvents(before, &b)...)
			if b.flags&r.flags&fAcked == 0 { // else the acknowledgements name the offsets
				d.events = append(d.events, j.logEvent(before, &b), j.logEvent(at, r))
			}
			d.text = fmt.Sprintf("%s sent %s before %s, and both were acknowledged, but in the log of %s it stands behind it: offset %d after %d.",
				owner.name, j.valName(r.val), j.valName(b.val), tpName(w.pt.tp), at.off(), before.off())
			d.legal = fmt.Sprintf("%s at a smaller offset than %s", j.valName(r.val), j.valName(b.val))
			return d
		})
		return
	}
	w.sent[k] = lastSent{r.val.n(), at.off()}
}

// wentBack reports a reader that was given an offset again, or an earlier one,
// though nothing moved it.
func (j *judge) wentBack(p *proc, pt *part, pos *position, s given, how stepFlags) {
	g := pollGap{t: s.t, lo: pos.last, hi: s.off, proc: p.id, tp: pt.id, line: s.line, before: pos.line, how: how}
	if how&stepUntold != 0 {
		j.reads.untold.add(g) // whether the history tells of rebalances at all shows later
		return
	}
	j.backwards(g)
}

// backwards reports a reader that was given hi after lo.
func (j *judge) backwards(g pollGap) {
	name := jepsenNames[guarantee.NonmonotonicPoll]
	if g.how&stepWithin != 0 {
		name = within(name)
	}
	j.stepped(guarantee.NonmonotonicPoll, &g, []string{name}, func() draft {
		p := j.procs[g.proc]
		at, last := makePlace(g.tp, g.hi), makePlace(g.tp, g.lo)
		d := draft{focus: []place{at}, client: p.client}
		d.events = append(d.events,
			j.event(0, p.name, g.before, last, history.OK, history.OpPoll, fmt.Sprintf("poll by %s reached %s", p.name, j.placeName(last))),
			j.event(g.t, p.name, g.line, at, history.OK, history.OpPoll, fmt.Sprintf("poll by %s returned %s", p.name, j.placeName(at))))
		d.text = fmt.Sprintf("%s was given %s after %d had been given to it, with no seek, rebalance or abort between.", p.name, j.placeName(at), g.lo)
		d.legal = fmt.Sprintf("offset %d or later", g.lo+1)
		return d
	})
}

// realtime compares a record with the acknowledgements of other processes'
// records before it in the log. A record that was acknowledged before another's
// send began was appended before it, so it stands before it: one pass in offset
// order is exact, with the largest invocations so far in hand. Two processes are
// kept, since one process against itself is reordered-write.
func (w *walker) realtime(at place, r *record, owner *proc) {
	if r.flags&fAcked != 0 {
		for _, l := range w.latest {
			if l.inv > r.ack && l.proc != owner.id {
				w.pt.outOfOrder(l.off, at.off())
				w.realtimeReorder(at, r, owner, l)
				break
			}
		}
	}
	own := w.began[owner.id]
	if r.flags&fAcked != 0 && own.inv > r.ack {
		w.pt.outOfOrder(own.off, at.off())
	}
	if r.inv == 0 || w.j.valueFlags(r.val)&vResent != 0 {
		return // of a value that was sent again, this record may be of either attempt
	}
	if r.inv > own.inv {
		w.began[owner.id] = latest{inv: r.inv, off: at.off()}
	}
	n := latest{inv: r.inv, off: at.off(), proc: owner.id}
	switch a := &w.latest[0]; {
	case n.inv > a.inv:
		if a.proc != n.proc {
			w.latest[1] = *a
		}
		*a = n
	case n.proc != a.proc && n.inv > w.latest[1].inv:
		w.latest[1] = n
	}
}

func (w *walker) realtimeReorder(at place, r *record, owner *proc, l latest) {
	j := w.j
	rec := *r
	j.finds.report(guarantee.RealtimeReorder, func() draft {
		before := makePlace(w.pt.id, l.off)
		b := *w.pt.rows.at(l.off)
		d := draft{focus: []place{before, at}, client: owner.client, view: j.logView(w.pt, l.off, at.off())}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		d.events = append(d.events, j.sendEvents(before, &b)...)
		d.text = fmt.Sprintf("%s was acknowledged at %s before the send of %s began at %s, yet it stands behind it: offset %d after %d.",
			j.valName(rec.val), j.clock(rec.ack), j.valName(b.val), j.clock(b.inv), at.off(), before.off())
		d.legal = fmt.Sprintf("%s at a smaller offset than %s", j.valName(rec.val), j.valName(b.val))
		return d
	})
}

// told is where a process was told that one of its sends stands.
type told struct {
	off int64
	rec record
}

// acksInOrder looks at what one process was told: of two of its sends the later
// one at the smaller offset. Where both records stand in the log so, that is
// reordered-write; here the log does not hold them both (Jepsen's
// nonmonotonic-send): the earlier one is lost, perhaps, and its offset was given
// away again, to whomever.
func (j *judge) acksInOrder(pt *part, displaced []displaced) {
	var away []told // whose offset the log gives to another record
	for _, d := range displaced {
		away = append(away, told{d.off, d.rec})
	}
	last := map[int32]told{} // by process: of the offsets before, the largest send number
	pt.rows.read(0, func(off int64, r *record) bool {
		if len(away) == 0 || away[0].off != off {
			j.ackInOrder(pt, last, told{off, *r})
			return true
		}
		here := []told{{off, *r}}
		for ; len(away) > 0 && away[0].off == off; away = away[1:] {
			here = append(here, away[0])
		}
		// The smaller number first: those at one offset are in no order.
		slices.SortStableFunc(here, func(a, b told) int { return cmp.Compare(a.rec.val, b.rec.val) })
		for _, t := range here {
			j.ackInOrder(pt, last, t)
		}
		return true
	})
}

func (j *judge) ackInOrder(pt *part, last map[int32]told, t told) {
	if t.rec.flags&fAcked == 0 || t.rec.val == 0 || j.valueFlags(t.rec.val)&vResent != 0 {
		return
	}
	p := j.procs[t.rec.val.proc()]
	b, ok := last[p.id]
	if !ok || t.rec.val.n() > b.rec.val.n() {
		last[p.id] = t
		return
	}
	if t.rec.flags&b.rec.flags&fLogged != 0 {
		return // in the log out of order
	}
	j.finds.named(guarantee.NonmonotonicSend, j.sendNames(&t.rec, &b.rec), func() draft {
		before, at := makePlace(pt.id, b.off), makePlace(pt.id, t.off)
		d := draft{focus: []place{before, at}, client: p.client}
		d.events = append(d.events, j.sendEvents(at, &t.rec)...)
		d.events = append(d.events, j.sendEvents(before, &b.rec)...)
		d.text = fmt.Sprintf("%s sent %s before %s, and was told offset %d for it, but offset %d for the later one.",
			p.name, j.valName(t.rec.val), j.valName(b.rec.val), t.off, b.off)
		d.legal = "offsets that grow in the order of the sends"
		return d
	})
}

// gapsDone compares every jump of a reader with what the log holds in between.
// Control records, records of aborted transactions (under read_committed) and
// offsets that never held a record may be jumped; any other record may not.
func (j *judge) gapsDone() {
	if !j.auditDone && j.reads == nil {
		return
	}
	long := newSorter(j.pool, func(a, b pollGap) int { return cmp.Or(cmp.Compare(a.tp, b.tp), cmp.Compare(a.lo, b.lo)) })
	defer long.close()
	j.gaps.scan(func(_ int64, g *pollGap) bool {
		pt := j.parts[g.tp]
		if pt.hasWM && g.lo < pt.marks[0] {
			g.lo = pt.marks[0]
		}
		if g.hi-g.lo >= longGap {
			long.add(*g)
			return true
		}
		rc := j.procs[g.proc].rc
		for off := g.lo; off <= g.hi; off++ {
			if pt.rows.get(off).mustBeRead(rc) {
				j.skipped(pt, *g, off)
				break
			}
		}
		return true
	})
	j.longGaps(long)
	if j.reads == nil {
		return
	}
	j.reads.untold.scan(func(_ int64, g *pollGap) bool {
		j.backwards(*g)
		return true
	})
}

// longGap is how many offsets are looked through for one jump.
const longGap = 16

// longGaps looks for what was jumped in long gaps: in the order of their beginnings,
// the next record that must be read is never in front of the last one.
func (j *judge) longGaps(gaps *sorter[pollGap]) {
	type next struct {
		rows *rowCursor[record]
		off  int64 // -1: not looked for yet
		ok   bool
	}
	var ahead [2]next // for readers of all, and of committed records
	tp := int32(-1)
	gaps.sorted().each(func(g pollGap) {
		pt := j.parts[g.tp]
		if g.tp != tp {
			tp = g.tp
			for i := range ahead {
				ahead[i] = next{rows: pt.rows.cursor(), off: -1, ok: true}
			}
		}
		rc := j.procs[g.proc].rc
		n := &ahead[0]
		if rc {
			n = &ahead[1]
		}
		for n.ok && n.off < g.lo {
			var r *record
			for n.off, r, n.ok = n.rows.next(); n.ok && !r.mustBeRead(rc); {
				n.off, r, n.ok = n.rows.next()
			}
		}
		if n.ok && n.off <= g.hi {
			j.skipped(pt, g, n.off)
		}
	})
}

// stepped reports a reader's step that is wrong, or may be: a rebalance that nobody
// would tell of may explain it.
func (j *judge) stepped(kind guarantee.Anomaly, g *pollGap, names []string, build func() draft) {
	n := 1 + j.repeats(g)
	if g.how&stepUntold == 0 || j.reads.rebalancesTold {
		j.finds.into(j.finds.byKind, kind, n, names, build)
		return
	}
	j.reads.jumps += n
	j.finds.into(j.finds.open, kind, n, names, build)
}

// mustBeRead says that a reader that passes r must have been given it.
func (r *record) mustBeRead(rc bool) bool {
	if r == nil || r.flags&fLogged == 0 || r.flags&fMarker != 0 {
		return false
	}
	return !rc || r.flags&fInTxn == 0 || r.flags&fCommitted != 0
}

// visibleIn finds the first record in lo..hi that a reader must be given.
func (j *judge) visibleIn(pt *part, lo, hi int64, rc bool) (int64, bool) {
	found := int64(-1)
	pt.rows.read(lo, func(off int64, r *record) bool {
		if off <= hi && r.mustBeRead(rc) {
			found = off
		}
		return off < hi && found < 0
	})
	return found, found >= 0
}

func (j *judge) skipped(pt *part, g pollGap, off int64) {
	p := j.procs[g.proc]
	at := makePlace(pt.id, off)
	r := *pt.rows.at(off)
	kind, name := guarantee.SkippedPoll, jepsenNames[guarantee.SkippedPoll]
	if g.how&stepWithin != 0 {
		name = within(name)
	}
	if g.how&stepAssigned != 0 {
		kind = guarantee.PositionMismatch
	} else if p.rc && j.sameTxn(pt, &r, g.lo-1, g.hi+1) {
		kind = guarantee.IntermediateRead
	}
	var names []string
	if kind == guarantee.SkippedPoll && g.how&stepFirst == 0 { // of a first poll Jepsen makes nothing
		names = []string{name}
	}
	j.stepped(kind, &g, names, func() draft {
		d := draft{focus: []place{at}, client: p.client, txn: r.txn}
		first, op := fmt.Sprintf("%s was at the beginning of %s", p.name, tpName(pt.tp)), history.OpSeek
		if g.lo > 0 {
			first, op = fmt.Sprintf("poll by %s reached %s", p.name, j.placeName(makePlace(pt.id, g.lo-1))), history.OpPoll
		}
		if g.how&stepAssigned != 0 {
			first, op = fmt.Sprintf("the committed offset of %s for %s was %d", p.name, tpName(pt.tp), g.lo), history.OpFetchOffsets
		}
		d.events = append(d.events,
			j.event(0, p.name, g.before, 0, history.OK, op, first),
			j.event(g.t, p.name, g.line, makePlace(pt.id, g.hi+1), history.OK, history.OpPoll, fmt.Sprintf("the next poll by %s returned %s", p.name, j.placeName(makePlace(pt.id, g.hi+1)))),
			j.logEvent(at, &r))
		switch kind {
		case guarantee.PositionMismatch:
			d.text = fmt.Sprintf("%s took over %s at the committed offset %d, but its first poll began at %d: %s (%s) was never given to it.", p.name, tpName(pt.tp), g.lo, g.hi+1, j.placeName(at), j.valName(r.val))
			d.legal = "the first poll after an assignment begins at the committed offset"
		case guarantee.IntermediateRead:
			d.text = fmt.Sprintf("%s (read_committed) was given a part of a transaction in %s, but not %s (%s), with no seek, rebalance or abort between.", p.name, tpName(pt.tp), j.placeName(at), j.valName(r.val))
			d.legal = "all records of a committed transaction in a partition, or none yet"
		default:
			d.text = fmt.Sprintf("%s read %s from its beginning, but was given %d first, and not %s (%s), with no other seek, rebalance or abort.", p.name, tpName(pt.tp), g.hi+1, j.placeName(at), j.valName(r.val))
			if g.lo > 0 {
				d.text = fmt.Sprintf("%s was given %d and then %d of %s, but not %s (%s) between them, with no seek, rebalance or abort.", p.name, g.lo-1, g.hi+1, tpName(pt.tp), j.placeName(at), j.valName(r.val))
			}
			d.legal = fmt.Sprintf("%s before %d", j.placeName(at), g.hi+1)
		}
		return d
	})
}

// sameTxn says whether r's transaction has a record at one of the offsets.
func (j *judge) sameTxn(pt *part, r *record, offs ...int64) bool {
	if r.flags&fInTxn == 0 || r.txn == 0 {
		return false
	}
	for _, o := range offs {
		if n := pt.rows.get(o); n != nil && n.flags&fInTxn != 0 && n.txn == r.txn {
			return true
		}
	}
	return false
}

// readersDone compares what the audit's readers got with what was there to get.
func (j *judge) readersDone(pt *part) {
	if !pt.hasWM || pt.vis == 0 {
		return
	}
	lso := pt.marks[1]
	pt.rows.read(pt.marks[0], func(off int64, r *record) bool {
		if off >= lso {
			return false
		}
		if r.flags&fLogged == 0 || r.flags&fMarker != 0 || r.flags&fInTxn != 0 && r.flags&fCommitted == 0 {
			return true
		}
		for i, lib := range j.libs {
			if bit := fVis0 << i; pt.vis&bit == 0 || r.flags&bit != 0 || r.flags&fClash != 0 {
				continue
			}
			rec := *r
			at := makePlace(pt.id, off)
			j.finds.report(guarantee.SkippedPoll, func() draft {
				d := draft{focus: []place{at}, txn: rec.txn}
				d.events = append(d.events, j.sendEvents(at, &rec)...)
				d.events = append(d.events, j.logEvent(at, &rec),
					j.event(0, "audit", 0, at, history.OK, history.OpVisible, fmt.Sprintf("the audit's reader %s (read_committed) read the whole of %s and was not given %s", lib, tpName(pt.tp), j.placeName(at))))
				d.text = fmt.Sprintf("The audit's reader %s was not given %s (%s), which is in the log below the last stable offset %d.", lib, j.placeName(at), j.valName(rec.val), lso)
				d.legal = "every committed record below the last stable offset"
				return d
			})
		}
		return true
	})
}
