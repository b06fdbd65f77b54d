package checker

import (
	"cmp"
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// outputOffset reports a committed transactional output whose input's offset is
// not committed with it. "The offset is committed as part of the transaction:
// either both … or neither" (KIP-98, sendOffsetsToTransaction).
func (j *judge) outputOffset(at place, r *record, owner *proc, g *group) {
	if r.flags&fInTxn == 0 || r.txn == 0 {
		return
	}
	x := j.txns.at(int64(r.txn - 1))
	s := j.stagedFor(x, owner.group, r.from.tp())
	in := g.input(j, r.from.tp())
	inside := s != nil && s.off > r.from.off() && !s.failed
	final := !j.auditDone || !in.hasFinal || in.final > r.from.off()
	if inside && final || x.flags&xNoOffset != 0 {
		return
	}
	x.flags |= xNoOffset
	rec, num := *r, x.num
	j.finds.report(guarantee.OutputWithoutOffset, func() draft {
		d := draft{focus: []place{at}, client: owner.client, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		if len(d.events) > 1 {
			d.events = d.events[:1]
		}
		d.events = append(d.events, j.logEvent(at, &rec))
		if !inside {
			d.text = fmt.Sprintf("Transaction %d of %s committed %s, made from %s, without the offset past that input: a failure between the two repeats or loses it.",
				num, owner.name, j.placeName(at), j.placeName(rec.from))
			if e, who, ok := j.passed(g, rec.from); ok {
				d.events = append(d.events, e)
				d.text += " The offset was committed apart, by " + who + "."
			}
		} else {
			d.events = append(d.events, j.event(0, "audit", in.finalLine, makePlace(in.tp, in.final), history.OK, history.OpOffset,
				fmt.Sprintf("the committed offset of group %s for %s is %d", g.name, tpName(j.parts[in.tp].tp), in.final)))
			d.text = fmt.Sprintf("Transaction %d of %s committed %s, made from %s, but the group's committed offset is %d: the output is there, the offset is not.",
				num, owner.name, j.placeName(at), j.placeName(rec.from), in.final)
		}
		d.legal = "output and offset in one committed transaction"
		return d
	})
}

// strayMarker reports a transaction whose records a marker decided before the
// transaction ended: more of its records follow the marker. An EndTxn that
// arrives late, or was meant for the transaction before, does that
// (KAFKA-17754); so do two live instances with one transactional.id.
func (j *judge) strayMarker(pt *part, off int64, r *record, p *producerLog) {
	x := j.txnRow(r)
	if x.flags&xStray != 0 {
		return
	}
	x.flags |= xStray
	rec, num, owner := *r, x.num, x.proc
	mark := makePlace(pt.id, p.markerAt)
	before := makePlace(pt.id, p.lastOff)
	j.finds.report(guarantee.StrayMarker, func() draft {
		at := makePlace(pt.id, off)
		m, b := *pt.rows.at(mark.off()), *pt.rows.at(before.off())
		d := draft{focus: []place{mark}, client: j.procs[owner].client, txn: rec.txn}
		d.events = append(d.events, j.logEvent(before, &b), j.logEvent(mark, &m), j.logEvent(at, &rec))
		d.text = fmt.Sprintf("A marker ended transaction %d of %s before it was over: %s and %s are records of it, and between them stands %s, %s.",
			num, j.procName(owner), j.placeName(before), j.placeName(at), j.placeName(mark), j.rowWords(&m))
		d.legal = "one marker a partition, behind all records of the transaction"
		return d
	})
}

// txnsDone compares what clients were told of their transactions with the log,
// and a transaction's partitions with each other.
func (j *judge) txnsDone() {
	for i := range j.nTxns {
		x := *j.txns.at(i)
		if j.pool.over() {
			j.pool.trim()
		}
		decided := x.committed + x.aborted
		switch {
		case x.flags&xStray != 0:
		case x.committed > 0 && (x.aborted > 0 || x.open > 0 && j.auditDone):
			j.txnFinding(guarantee.TornTransaction, int32(i), x)
		case x.committed > 0 && (x.commitInv == 0 || x.outcome == txnAbortOK):
			j.txnFinding(guarantee.GhostCommit, int32(i), x)
		case decided > 0 && x.committed == 0 && x.outcome == txnCommitOK:
			j.txnFinding(guarantee.LostCommit, int32(i), x)
		}
		if x.outcome == txnOpen || x.outcome == txnAsked || x.outcome == txnUnknown {
			j.counts["cut-short"]++
		}
	}
}

func (j *judge) txnFinding(kind guarantee.Anomaly, i int32, x txn) {
	j.finds.report(kind, func() draft {
		proc := j.procName(x.proc)
		d := draft{client: j.procs[x.proc].client, txn: i + 1}
		yes, no := j.fates(i)
		for _, at := range []place{yes, no} {
			if at != 0 {
				r := *j.parts[at.tp()].rows.at(at.off())
				d.focus = append(d.focus, at)
				d.events = append(d.events, j.logEvent(at, &r))
			}
		}
		for _, e := range j.txnFacts(i) {
			if len(d.events) < 5 && (e.Op == string(history.OpCommit) || e.Op == string(history.OpAbort)) {
				d.events = append(d.events, e)
			}
		}
		switch kind {
		case guarantee.TornTransaction:
			d.text = fmt.Sprintf("Transaction %d of %s is torn: of its records %d are committed, %d aborted and %d undecided.", x.num, proc, x.committed, x.aborted, x.open)
			d.legal = "all records of a transaction committed, or none"
		case guarantee.GhostCommit:
			d.text = fmt.Sprintf("Transaction %d of %s is committed in the log (%d records), though its client never asked for the commit: %s.", x.num, proc, x.committed, x.outcome)
			d.legal = "an aborted transaction, or an open one"
		case guarantee.LostCommit:
			d.text = fmt.Sprintf("The commit of transaction %d of %s was acknowledged at %s, but in the log its %d records are aborted.", x.num, proc, j.clock(x.end), x.aborted)
			d.legal = "committed records"
		}
		return d
	})
}

// fates finds a committed record of a transaction and one that is not.
func (j *judge) fates(i int32) (committed, other place) {
	for _, pt := range j.parts {
		pt.rows.read(0, func(off int64, r *record) bool {
			if r.txn != i+1 || r.flags&fLogged == 0 || r.flags&fInTxn == 0 {
				return true
			}
			if r.flags&fCommitted != 0 && committed == 0 {
				committed = makePlace(pt.id, off)
			} else if r.flags&fCommitted == 0 && other == 0 {
				other = makePlace(pt.id, off)
			}
			return committed == 0 || other == 0
		})
	}
	return committed, other
}

// overlaps reports a committed transaction that covers inputs which another
// committed transaction, over before this one began, covers too: its offset is
// no further. Committed input ranges of a group tile each partition (KIP-447:
// fetched offsets are stable, so that a successor begins where the last
// transaction ended).
func (j *judge) overlaps() {
	begun := newSorter(j.pool, func(a, b covering) int {
		return cmp.Or(cmp.Compare(a.register(), b.register()), cmp.Compare(a.begin, b.begin))
	})
	ended := newSorter(j.pool, func(a, b covering) int {
		return cmp.Or(cmp.Compare(a.register(), b.register()), cmp.Compare(a.end, b.end))
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		x := j.txns.at(int64(s.txn))
		if !s.failed && x.outcome == txnCommitOK && x.sends != 0 && x.aborted == 0 && x.begin != 0 {
			c := covering{*s, x.begin, x.end}
			begun.add(c)
			ended.add(c)
		}
		return true
	})
	ends := ended.sorted()
	e, more := ends.next()
	var best stagedOffset
	register := int64(-1)
	begun.sorted().each(func(c covering) {
		if c.register() != register {
			register, best = c.register(), stagedOffset{}
		}
		for ; more && (e.register() < register || e.register() == register && e.end < c.begin); e, more = ends.next() {
			if e.register() == register && (e.s.off > best.off || best.line == 0) {
				best = e.s
			}
		}
		if best.line != 0 && best.txn != c.s.txn && (c.s.off < best.off || c.s.off == best.off && j.covers(&c.s)) {
			j.overlap(best, c.s)
		}
	})
	begun.close()
	ended.close()
}

// covering is an offset in a committed transaction, and when that began and ended.
type covering struct {
	s          stagedOffset
	begin, end int64
}

func (c *covering) register() int64 { return registerKey(c.s.group, c.s.tp) }

func (j *judge) overlap(a, b stagedOffset) {
	j.finds.report(guarantee.OverlappingInput, func() draft {
		x, y := *j.txns.at(int64(a.txn)), *j.txns.at(int64(b.txn))
		d := draft{client: j.procs[y.proc].client, txn: b.txn + 1}
		for _, s := range []struct {
			s stagedOffset
			x txn
		}{{a, x}, {b, y}} {
			d.events = append(d.events,
				j.event(s.s.t, j.procName(s.x.proc), s.s.line, makePlace(s.s.tp, s.s.off), history.Info, history.OpSendOffsets,
					fmt.Sprintf("%s sent offset %d of %s into transaction %d", j.procName(s.x.proc), s.s.off, tpName(j.parts[s.s.tp].tp), s.x.num)),
				j.event(s.x.end, j.procName(s.x.proc), s.x.endLine, 0, history.OK, history.OpCommit, fmt.Sprintf("transaction %d of %s committed", s.x.num, j.procName(s.x.proc))))
		}
		d.text = fmt.Sprintf("Two committed transactions of group %s cover the same input of %s: transaction %d of %s up to offset %d, and after it transaction %d of %s up to offset %d.",
			j.groups[a.group].name, tpName(j.parts[a.tp].tp), x.num, j.procName(x.proc), a.off, y.num, j.procName(y.proc), b.off)
		d.legal = fmt.Sprintf("an offset above %d", a.off)
		return d
	})
}
