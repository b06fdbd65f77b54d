package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

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

// offsetsDone judges every register, some at a time.
func (j *judge) offsetsDone() {
	counts := map[int64]int64{}
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		counts[registerKey(c.group, c.tp)]++
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		counts[registerKey(s.group, s.tp)]++
		return true
	})
	for _, batch := range batches(counts, batchRows) {
		j.registers(batch)
	}
}

func (j *judge) registers(batch map[int64]int64) {
	writes := map[int64][]write{}
	fetches := map[int64][]offsetOp{}
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		k := registerKey(c.group, c.tp)
		n, wanted := batch[k]
		switch {
		case !wanted:
		case c.kind == opFetch:
			fetches[k] = append(fetches[k], *c)
		case c.kind == opCommitted:
			put(writes, k, n, write{off: c.off, inv: c.inv, end: c.end, sure: true, op: *c})
		default:
			put(writes, k, n, write{off: c.off, inv: c.inv, end: forever, op: *c})
		}
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		k := registerKey(s.group, s.tp)
		n, wanted := batch[k]
		if !wanted {
			return true
		}
		x := j.txns.at(int64(s.txn))
		if x.notApplied(s) {
			return true
		}
		put(writes, k, n, write{off: s.off, inv: x.commitInv, end: j.markersDone(x), sure: x.outcome == txnCommitOK, txn: s.txn + 1,
			op: offsetOp{off: s.off, inv: x.commitInv, end: x.end, proc: x.proc, line: s.line, group: s.group, tp: s.tp}})
		return true
	})
	for _, k := range slices.Sorted(maps.Keys(writes)) {
		j.register(int32(k>>32), int32(k&0xffffffff), writes[k], fetches[k])
	}
}

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

func (j *judge) register(group, tp int32, ws []write, fetches []offsetOp) {
	slices.SortStableFunc(ws, func(a, b write) int { return cmp.Compare(a.inv, b.inv) })
	j.regressions(tp, ws)
	before := j.finds.count(NonlinearizableOffset)
	j.fetchesOf(ws, fetches)
	j.searchRegister(group, tp, ws, fetches, j.finds.count(NonlinearizableOffset) > before)
	in := j.groups[group].inputs[tp]
	if in == nil || !j.auditDone {
		return
	}
	j.finalOffset(group, in, ws)
}

// regressions reports an acknowledged commit that was invoked after another one
// had been acknowledged, and is lower, without its process having moved back
// there. A group's position only moves forward, unless someone seeks.
func (j *judge) regressions(tp int32, ws []write) {
	byEnd := make([]write, 0, len(ws))
	for _, w := range ws {
		if w.sure && w.txn == 0 && w.inv != 0 {
			byEnd = append(byEnd, w)
		}
	}
	byInv := slices.Clone(byEnd)
	slices.SortStableFunc(byEnd, func(a, b write) int { return cmp.Compare(a.end, b.end) })
	next := 0
	var best write
	for _, w := range byInv {
		for ; next < len(byEnd) && byEnd[next].end < w.inv; next++ {
			if byEnd[next].off > best.off || best.op.line == 0 {
				best = byEnd[next]
			}
		}
		if best.op.line == 0 || w.off >= best.off || j.soughtBack(w, best) {
			continue
		}
		a, b := best, w
		j.finds.report(OffsetRegression, func() draft {
			d := draft{client: j.procs[b.op.proc].client}
			d.events = append(d.events, j.commitEvent(a), j.commitEvent(b))
			d.text = fmt.Sprintf("The committed offset of group %s for %s went back: %s committed %d, and after that was acknowledged, %s committed %d.",
				j.groups[b.op.group].name, tpName(j.parts[tp].tp), j.procName(a.op.proc), a.off, j.procName(b.op.proc), b.off)
			d.legal = fmt.Sprintf("offset %d or more", a.off)
			return d
		})
		best = w // what follows is compared with where the group now stands
	}
}

func (j *judge) soughtBack(w, best write) bool {
	for _, s := range j.seeks {
		if s.tp == w.op.tp && s.group == w.op.group && s.t >= best.inv && s.t <= w.end && s.off <= w.off {
			return true
		}
	}
	return false
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

// fetchesOf reports a fetch whose value no order of the commits explains: each
// commit of that value was overwritten before the fetch began, or came after it.
// For a register this is necessary; checker/linear searches for the rest.
func (j *judge) fetchesOf(ws []write, fetches []offsetOp) {
	if len(fetches) == 0 {
		return
	}
	byOff := map[int64][]write{}
	for _, w := range ws {
		byOff[w.off] = append(byOff[w.off], w)
	}
	over := newOverwrites(ws)
	for _, f := range fetches {
		inv := f.inv
		if inv == 0 {
			inv = f.end // a fetch without an invocation: judged by its end alone
		}
		legal := len(byOff[f.off]) == 0 && !over.before(0, inv) // the value from before the run
		for _, w := range byOff[f.off] {
			if w.inv <= f.end && !over.before(w.end, inv) {
				legal = true
				break
			}
		}
		if legal {
			continue
		}
		f := f
		j.finds.report(NonlinearizableOffset, func() draft {
			d := draft{client: j.procs[f.proc].client}
			var last write
			for _, w := range ws {
				if w.sure && w.txn == 0 && w.end < f.end && w.end >= last.end {
					last = w
				}
			}
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
}

// overwrites answers whether a sure commit lies wholly between two times.
type overwrites struct {
	inv   []int64 // ascending
	first []int64 // smallest end of those invoked at or after inv[i]
}

func newOverwrites(ws []write) overwrites {
	var o overwrites
	var ends []int64
	for _, w := range ws { // in order of invocation
		if w.sure && w.inv != 0 {
			o.inv = append(o.inv, w.inv)
			ends = append(ends, w.end)
		}
	}
	o.first = make([]int64, len(ends))
	least := int64(forever)
	for i := len(ends) - 1; i >= 0; i-- {
		least = min(least, ends[i])
		o.first[i] = least
	}
	return o
}

// before says that some sure commit was invoked after from and ended before to.
func (o overwrites) before(from, to int64) bool {
	i, _ := slices.BinarySearch(o.inv, from+1)
	if from == forever || i == len(o.inv) {
		return false
	}
	return o.first[i] < to
}

// finalOffset compares the audit's committed offset with the commits. After heal
// and drain nothing is under way, so a committed transaction's offsets are there.
func (j *judge) finalOffset(group int32, in *inputPart, ws []write) {
	var top write
	for _, w := range ws {
		if w.sure && (w.off > top.off || top.op.line == 0) {
			top = w
		}
	}
	if top.op.line == 0 || in.pending || !in.hasFinal && !j.audited(group) {
		return
	}
	if in.hasFinal && in.final >= top.off {
		return
	}
	if in.hasFinal {
		// Lower than the highest commit: legal only if some commit wrote it, and
		// none that was certainly later stands against it.
		for _, w := range ws {
			if w.off == in.final && !laterCommit(ws, w) {
				return // a regression, reported as such
			}
		}
	}
	// A transaction's offsets that were not applied are output-without-offset.
	if top.txn != 0 && in.hasFinal {
		return
	}
	t := top
	j.finds.report(OffsetLost, func() draft {
		d := draft{client: j.procs[t.op.proc].client, txn: t.txn}
		d.events = append(d.events, j.commitEvent(t))
		now := "none"
		if in.hasFinal {
			now = fmt.Sprint(in.final)
		}
		d.events = append(d.events, j.event(0, "audit", in.finalLine, 0, history.OK, history.OpOffset,
			fmt.Sprintf("the committed offset of group %s for %s after the end: %s", j.groups[group].name, tpName(j.parts[in.tp].tp), now)))
		d.text = fmt.Sprintf("%s committed offset %d of %s at %s and was told so; after the end the committed offset of group %s is %s.",
			j.procName(t.op.proc), t.off, tpName(j.parts[in.tp].tp), j.clock(t.op.end), j.groups[group].name, now)
		d.legal = fmt.Sprintf("%d", t.off)
		return d
	})
}

func laterCommit(ws []write, w write) bool {
	for _, v := range ws {
		if v.sure && v.txn == 0 && w.end != forever && v.inv > w.end && v.off != w.off {
			return true
		}
	}
	return false
}

// audited says that the audit asked for this group's offsets.
func (j *judge) audited(group int32) bool {
	g := j.groups[group]
	for _, in := range g.inputs {
		if in.hasFinal {
			return true
		}
	}
	for _, c := range j.header.Clients {
		if c.Config["group.id"] == g.name {
			return true
		}
	}
	return false
}
