package checker

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// Committed offsets are a register for each group and partition: a commit
// writes it, a fetch reads it, and a transaction's offsets are written when it
// commits. A write may take effect at any time between its invocation and its
// end; one of unknown outcome at any time after its invocation, or never.

// write is one commit of an offset.
type write struct {
	off      int64
	inv, end int64 // end is forever for what may still take effect
	sure     bool
	op       offsetOp // line 0 for a transaction's
	txn      int32    // + 1
}

const forever = 1<<63 - 1

// register is what was done to a group's offset for one partition.
type register struct {
	group, tp int32
	n, txns   int64          // commits, and those in transactions
	byInv     *sorter[write] // all of them
	byEnd     *sorter[write] // those that certainly happened
	fetches   *sorter[offsetOp]
}

func (j *judge) newRegister(key int64) *register {
	return &register{
		group: int32(key >> 32), tp: int32(key & 0xffffffff),
		byInv:   newSorter(j.pool, func(a, b write) int { return cmp.Compare(a.inv, b.inv) }),
		byEnd:   newSorter(j.pool, func(a, b write) int { return cmp.Compare(a.end, b.end) }),
		fetches: newSorter(j.pool, func(a, b offsetOp) int { return cmp.Compare(a.began(), b.began()) }),
	}
}

func (r *register) write(w write) {
	r.n++
	if w.txn != 0 {
		r.txns++
	}
	r.byInv.add(w)
	if w.sure && w.inv != 0 {
		r.byEnd.add(w)
	}
}

func (r *register) close() {
	r.byInv.close()
	r.byEnd.close()
	r.fetches.close()
}

// offsetsDone judges every register, one after the other.
func (j *judge) offsetsDone() {
	all := newSorter(j.pool, func(a, b registerOp) int { return cmp.Compare(a.register, b.register) })
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		op := registerOp{register: registerKey(c.group, c.tp), commit: *c}
		switch c.kind {
		case opFetch:
		case opCommitted:
			op.write = write{off: c.off, inv: c.inv, end: c.end, sure: true, op: *c}
		default:
			op.write = write{off: c.off, inv: c.inv, end: forever, op: *c}
		}
		all.add(op)
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		x := j.txns.at(int64(s.txn))
		if !x.notApplied(s) {
			all.add(registerOp{register: registerKey(s.group, s.tp), write: write{off: s.off, inv: x.commitInv, end: j.markersDone(x), sure: x.outcome == txnCommitOK, txn: s.txn + 1,
				op: offsetOp{off: s.off, inv: x.commitInv, end: x.end, proc: x.proc, line: s.line, group: s.group, tp: s.tp}}})
		}
		return true
	})
	var r *register
	done := func() {
		if r != nil {
			j.register(r)
			r.close()
		}
	}
	all.sorted().each(func(op registerOp) {
		if r == nil || r.key() != op.register {
			done()
			r = j.newRegister(op.register)
		}
		if op.commit.kind == opFetch {
			r.fetches.add(op.commit)
		} else {
			r.write(op.write)
		}
	})
	done()
	all.close()
}

// registerOp is one operation of a register: a fetch, or a write.
type registerOp struct {
	register int64
	commit   offsetOp
	write    write
}

func (r *register) key() int64 { return registerKey(r.group, r.tp) }

// markersDone is when a committed transaction's markers were certainly written.
// They are written after the answer; but before a producer's next transaction
// ends, the coordinator has seen to the last one (CONCURRENT_TRANSACTIONS until
// then). Forever if nothing tells.
func (j *judge) markersDone(x *txn) int64 {
	if x.outcome != txnCommitOK {
		return forever
	}
	i, ok := j.procs[x.proc].txn(x.num + 1)
	if !ok {
		return forever
	}
	if n := j.txns.at(int64(i)); n.outcome == txnCommitOK || n.outcome == txnAbortOK {
		return n.end
	}
	return forever
}

func registerKey(group, tp int32) int64 { return int64(group)<<32 | int64(tp) }

func (j *judge) register(r *register) {
	if r.n == 0 {
		return // its commits are not told
	}
	j.regressions(r)
	before := j.finds.count(guarantee.NonlinearizableOffset)
	met := j.fetchesOf(r)
	j.searchRegister(r, met <= 1, j.finds.count(guarantee.NonlinearizableOffset) > before)
	in := j.groups[r.group].inputs[r.tp]
	if in == nil || !j.auditDone {
		return
	}
	j.finalOffset(r, in)
}

// regressions reports an acknowledged commit that was invoked after another one
// had been acknowledged, and is lower, without its process having moved back
// there. A group's position only moves forward, unless someone seeks.
func (j *judge) regressions(r *register) {
	ended := r.byEnd.sorted()
	e, more := ended.next()
	var best write
	r.byInv.sorted().each(func(w write) {
		if !w.sure || w.txn != 0 || w.inv == 0 {
			return
		}
		for ; more && e.end < w.inv; e, more = ended.next() {
			if e.txn == 0 && (e.off > best.off || best.op.line == 0) {
				best = e
			}
		}
		if best.op.line == 0 || w.off >= best.off || j.soughtBack(w, best) {
			return
		}
		a, b := best, w
		j.finds.report(guarantee.OffsetRegression, func() draft {
			d := draft{client: j.procs[b.op.proc].client}
			d.events = append(d.events, j.commitEvent(a), j.commitEvent(b))
			d.text = fmt.Sprintf("The committed offset of group %s for %s went back: %s committed %d, and after that was acknowledged, %s committed %d.",
				j.groups[b.op.group].name, tpName(j.parts[r.tp].tp), j.procName(a.op.proc), a.off, j.procName(b.op.proc), b.off)
			d.legal = fmt.Sprintf("offset %d or more", a.off)
			return d
		})
		best = w // what follows is compared with where the group now stands
	})
}

func (j *judge) soughtBack(w, best write) bool {
	s := j.seeks[registerKey(w.op.group, w.op.tp)]
	return s != nil && s.back(best.inv, w.end, w.off)
}

func (j *judge) commitEvent(w write) WitnessEvent {
	proc := j.procName(w.op.proc)
	if w.txn != 0 {
		x := j.txns.at(int64(w.txn - 1))
		return j.event(w.op.end, proc, w.op.line, makePlace(w.op.tp, w.off), history.OK, history.OpSendOffsets,
			fmt.Sprintf("transaction %d of %s with offset %d of %s: %s", x.num, proc, w.off, tpName(j.parts[w.op.tp].tp), x.outcome))
	}
	text := fmt.Sprintf("%s committed offset %d of %s", proc, w.off, tpName(j.parts[w.op.tp].tp))
	typ := history.OK
	if !w.sure {
		text, typ = text+", outcome unknown", history.Info
	}
	return j.event(w.op.end, proc, w.op.line, makePlace(w.op.tp, w.off), typ, history.OpCommitOffsets, text)
}

// fetched is a fetch and what the commits say of it.
type fetched struct {
	offsetOp
	over    int64 // the last invocation of a commit that certainly ended before the fetch began; 0 = none
	written bool  // some commit has its value
	legal   bool
}

// began is when an operation was invoked; where that is not known, its end stands
// for it.
func (o *offsetOp) began() int64 { return cmp.Or(o.inv, o.end) }

// fetchesOf reports a fetch whose value no order of the commits explains: each
// commit of that value was overwritten before the fetch began, or came after it.
// For a register this is necessary; internal/linear searches for the rest. met is how
// many fetches met a commit under way, or one of unknown outcome: either value is
// right for each of them, but perhaps not for both. Any other fetch has one right
// value, and the rules know it.
func (j *judge) fetchesOf(r *register) (met int) {
	all := r.fetches.sorted()
	for {
		var some []fetched // some at a time, however many there are
		for len(some) < batchRows {
			f, ok := all.next()
			if !ok {
				break
			}
			some = append(some, fetched{offsetOp: f})
		}
		if len(some) == 0 {
			return met
		}
		met += j.someFetches(r, some)
	}
}

// someFetches judges fetches, which are in the order of their beginnings.
func (j *judge) someFetches(r *register, some []fetched) (met int) {
	ended := r.byEnd.sorted()
	e, more := ended.next()
	over := int64(0)
	byOff := map[int64][]int{}
	for i := range some {
		f := &some[i]
		for ; more && e.end < f.began(); e, more = ended.next() {
			over = max(over, e.inv)
		}
		f.over = over
		byOff[f.off] = append(byOff[f.off], i)
	}
	byEnd := make([]int, len(some))
	for i := range byEnd {
		byEnd[i] = i
	}
	slices.SortFunc(byEnd, func(a, b int) int { return cmp.Compare(some[a].end, some[b].end) })
	last := int64(0) // the largest end of the commits so far, in the order of their invocations
	underWay := func(until int64) {
		for ; len(byEnd) > 0 && some[byEnd[0]].end < until; byEnd = byEnd[1:] {
			if last >= some[byEnd[0]].began() {
				met++
			}
		}
	}
	r.byInv.sorted().each(func(w write) {
		underWay(w.inv)
		last = max(last, w.end)
		for _, i := range byOff[w.off] {
			f := &some[i]
			f.written = true
			f.legal = f.legal || w.inv <= f.end && f.over <= w.end
		}
	})
	underWay(forever)
	for i := range some {
		f := &some[i]
		if !f.legal && (f.written || f.over > 0) { // else it is the value from before the run
			j.unexplained(r, f.offsetOp)
		}
	}
	return met
}

func (j *judge) unexplained(r *register, f offsetOp) {
	j.finds.report(guarantee.NonlinearizableOffset, func() draft {
		d := draft{client: j.procs[f.proc].client}
		var last write
		r.byInv.sorted().each(func(w write) {
			if w.sure && w.txn == 0 && w.end < f.end && w.end >= last.end {
				last = w
			}
		})
		if last.op.line != 0 {
			d.events = append(d.events, j.commitEvent(last))
		}
		d.events = append(d.events, j.event(f.end, j.procName(f.proc), f.line, makePlace(f.tp, f.off), history.OK, history.OpFetchOffsets,
			fmt.Sprintf("%s was told that the committed offset of %s is %d", j.procName(f.proc), tpName(j.parts[f.tp].tp), f.off)))
		d.text = fmt.Sprintf("%s was told at %s that the committed offset of group %s for %s is %d, which no order of the commits explains.",
			j.procName(f.proc), j.clock(f.end), j.groups[f.group].name, tpName(j.parts[f.tp].tp), f.off)
		if last.op.line != 0 {
			d.legal = fmt.Sprintf("%d, committed and acknowledged before", last.off)
		}
		return d
	})
}

// finalOffset compares the audit's committed offset with the commits. After heal
// and drain nothing is under way, so a committed transaction's offsets are there.
func (j *judge) finalOffset(r *register, in *inputPart) {
	var top write
	other := int64(0) // the last invocation of a commit of another offset than the final one
	r.byInv.sorted().each(func(w write) {
		if w.sure && (w.off > top.off || top.op.line == 0) {
			top = w
		}
		if w.sure && w.txn == 0 && w.off != in.final {
			other = max(other, w.inv)
		}
	})
	if top.op.line == 0 || in.pending || !in.hasFinal && !j.audited(r.group) {
		return
	}
	if in.hasFinal && in.final >= top.off {
		return
	}
	if in.hasFinal {
		// Lower than the highest commit: legal only if some commit wrote it, and
		// none that was certainly later stands against it.
		written := false
		r.byInv.sorted().each(func(w write) {
			written = written || w.off == in.final && (w.end == forever || other <= w.end)
		})
		if written {
			return // a regression, reported as such
		}
	}
	// A transaction's offsets that were not applied are output-without-offset.
	if top.txn != 0 && in.hasFinal {
		return
	}
	t := top
	j.finds.report(guarantee.OffsetLost, func() draft {
		d := draft{client: j.procs[t.op.proc].client, txn: t.txn}
		d.events = append(d.events, j.commitEvent(t))
		now := "none"
		if in.hasFinal {
			now = fmt.Sprint(in.final)
		}
		d.events = append(d.events, j.event(0, "audit", in.finalLine, 0, history.OK, history.OpOffset,
			fmt.Sprintf("the committed offset of group %s for %s after the end: %s", j.groups[r.group].name, tpName(j.parts[in.tp].tp), now)))
		d.text = fmt.Sprintf("%s committed offset %d of %s at %s and was told so; after the end the committed offset of group %s is %s.",
			j.procName(t.op.proc), t.off, tpName(j.parts[in.tp].tp), j.clock(t.op.end), j.groups[r.group].name, now)
		d.legal = fmt.Sprintf("%d", t.off)
		return d
	})
}

// audited says that the audit asked for this group's offsets.
func (j *judge) audited(group int32) bool {
	g := j.groups[group]
	if !g.asked {
		g.asked = true
		for _, in := range g.inputs {
			g.audited = g.audited || in.hasFinal
		}
		for _, c := range j.header.Clients {
			g.audited = g.audited || c.Config["group.id"] == g.name
		}
	}
	return g.audited
}
