package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// losses compares what was acknowledged or read in a partition with its final log.
//
// lost-write: "a message is considered committed when all in-sync replicas have
// applied it … committed messages will not be lost" (Kafka documentation,
// Guarantees). truncated-log: the same for a record that some reader was given.
func (j *judge) losses(pt *part, away []displaced) {
	if j.unaudited(pt) || pt.compacted {
		return
	}
	var start int64
	if pt.hasWM {
		start = pt.marks[0] // retention took what was before
	}
	pt.rows.read(start, func(off int64, r *record) bool {
		if r.flags&fLogged != 0 || r.flags == 0 {
			return true
		}
		at := makePlace(pt.id, off)
		switch {
		case r.flags&fAcked != 0:
			j.lostWrite(at, r)
		case (r.val != 0 || r.flags&fForeign != 0) && r.flags&(fReadRC|fReadRU) != 0 && r.flags&fClash == 0:
			j.truncated(at, r)
		}
		return true
	})
	for _, d := range away {
		if d.off >= start {
			d.rec.flags |= fClash // the clash is reported already
			j.lostWrite(makePlace(d.tp, d.off), &d.rec)
		}
	}
}

// unaudited says that the audit did not read a partition, though it read others: nothing
// is known of its log.
func (j *judge) unaudited(pt *part) bool {
	return !pt.hasWM && pt.logged == 0 && slices.ContainsFunc(j.parts, func(o *part) bool { return o.hasWM })
}

func (j *judge) valueFlags(v value) uint16 {
	if v == 0 {
		return 0
	}
	if f := j.procs[v.proc()].values.get(v.n()); f != nil {
		return *f
	}
	return 0
}

// mustExist says whether an acknowledged send's record must be in the log: not
// if it belongs to a transaction that is not certainly committed.
func (j *judge) mustExist(txnRow int32) bool {
	if txnRow == 0 {
		return true
	}
	x := j.txns.at(int64(txnRow - 1))
	return x.outcome == txnCommitOK || x.committed > 0
}

func (j *judge) lostWrite(at place, r *record) {
	f := j.valueFlags(r.val)
	if f&(vLogged|vAside) != 0 {
		if r.flags&fClash == 0 && f&vResent == 0 {
			j.misplaced(at, r)
		}
		return
	}
	if r.val == 0 || !j.mustExist(r.txn) {
		return
	}
	rec := *r
	j.finds.report(guarantee.LostWrite, func() draft {
		pt := j.parts[at.tp()]
		d := draft{focus: []place{at}, client: j.procs[rec.val.proc()].client, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		d.events = append(d.events, j.endEvent(pt))
		d.text = fmt.Sprintf("%s was acknowledged at %s at %s; the log of %s, read whole after the end, does not hold it (the log ends at %d).",
			j.valName(rec.val), j.placeName(at), j.clock(rec.ack), tpName(pt.tp), pt.logEnd)
		d.legal = fmt.Sprintf("%s at %s", j.valName(rec.val), j.placeName(at))
		return d
	})
}

// misplaced reports an acknowledgement for an offset that stayed empty while
// the record stands elsewhere: the acknowledgement and the log disagree.
func (j *judge) misplaced(at place, r *record) {
	rec := *r
	j.finds.report(guarantee.InconsistentOffset, func() draft {
		where, found := j.copyOf(rec.val)
		d := draft{focus: []place{at, where}, client: j.procs[rec.val.proc()].client}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		if where != 0 {
			d.events = append(d.events, j.logEvent(where, &found))
		}
		d.text = fmt.Sprintf("%s was acknowledged at %s, where the log holds nothing; its record stands at %s.", j.valName(rec.val), j.placeName(at), j.placeName(where))
		d.legal = "the record at the offset that the acknowledgement names"
		return d
	})
}

// copyOf finds some non-aborted record of v.
func (j *judge) copyOf(v value) (place, record) {
	for _, pt := range j.parts {
		var at place
		var rec record
		pt.rows.read(0, func(off int64, r *record) bool {
			if r.val == v && r.flags&fLogged != 0 && r.flags&fAborted == 0 {
				at, rec = makePlace(pt.id, off), *r
				return false
			}
			return true
		})
		if at != 0 {
			return at, rec
		}
	}
	return 0, record{}
}

func (j *judge) truncated(at place, r *record) {
	if r.val != 0 {
		f := j.valueFlags(r.val)
		if f&vInvoked == 0 {
			j.phantom(at, r, j.procs[r.val.proc()], 0)
			return
		}
		if f&(vLogged|vAborted|vAside) != 0 {
			return
		}
	}
	rec := *r
	j.finds.report(guarantee.TruncatedLog, func() draft {
		pt := j.parts[at.tp()]
		d := draft{focus: []place{at}}
		if rec.val != 0 {
			d.client = j.procs[rec.val.proc()].client
		}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		if e, ok := j.reader(at, false); ok {
			d.events = append(d.events, e)
		}
		d.events = append(d.events, j.endEvent(pt))
		d.text = fmt.Sprintf("%s was returned to a consumer from %s; the final log of %s does not hold it (the log ends at %d).",
			j.valName(rec.val), j.placeName(at), tpName(pt.tp), pt.logEnd)
		d.legal = "a record that was returned to a consumer stays in the log"
		return d
	})
}

// endEvent is the audit's word on where a log ends.
func (j *judge) endEvent(pt *part) WitnessEvent {
	end := pt.logEnd
	if pt.hasWM {
		end = pt.marks[2]
	}
	return j.event(0, "audit", pt.wmLine, 0, history.OK, history.OpWatermarks,
		fmt.Sprintf("the log of %s holds %d records and ends at %d", tpName(pt.tp), pt.logged, end))
}

// unresolvedLosses looks at acknowledgements that told no offset.
func (j *judge) unresolvedLosses() {
	j.eachAttempt(func(v value, at *attempt) {
		if at.tp >= 0 && (j.unaudited(j.parts[at.tp]) || j.parts[at.tp].compacted) {
			return
		}
		if at.outcome != attemptAcked || j.valueFlags(v)&(vLogged|vAside) != 0 || !j.mustExist(at.txn) {
			return
		}
		a := *at
		j.finds.report(guarantee.LostWrite, func() draft {
			d := draft{client: j.procs[v.proc()].client, txn: a.txn}
			rec := record{val: v, from: a.from, inv: a.inv, invLine: a.invLine, txn: a.txn}
			d.events = j.sendEvents(0, &rec)
			where := "any partition"
			if a.tp >= 0 {
				pt := j.parts[a.tp]
				where = tpName(pt.tp)
				d.events = append(d.events, j.endEvent(pt))
			}
			d.text = fmt.Sprintf("%s was acknowledged at %s; the log of %s, read whole after the end, does not hold it.", j.valName(v), j.clock(a.end), where)
			d.legal = fmt.Sprintf("%s in the log", j.valName(v))
			return d
		})
	})
}

// account says what accounts for the inputs of a group: an output record where
// its members write outputs, else the processing itself.
type account struct {
	g        *group
	byOutput bool
	program  bool // programsDone judges it
	client   string
}

// accounts are those of all groups of which one is known.
func (j *judge) accounts() []account {
	all := make([]account, len(j.groups))
	for _, p := range j.procs {
		if p.group < 0 {
			continue
		}
		a := &all[p.group]
		a.client = p.client
		a.program = a.program || p.reads()
		a.byOutput = a.byOutput || p.info != nil && p.info.Output != ""
	}
	known := all[:0]
	for i, a := range all {
		a.g = j.groups[i]
		a.byOutput = a.byOutput || a.g.outputs
		if !a.program && (a.byOutput || a.g.processes) {
			known = append(known, a)
		}
	}
	return known
}

// inputsDone makes what looks at every input of a partition that a group committed
// past. Exactly-once is a tiling: each visible input below the committed offset is
// accounted for once.
func (j *judge) inputsDone() func(pt *part) {
	accounts := map[int32][]account{} // by partition
	for _, a := range j.accounts() {
		for tp, in := range a.g.inputs {
			if in.hasFinal || in.pending {
				accounts[tp] = append(accounts[tp], a)
			}
		}
	}
	return func(pt *part) {
		for _, a := range accounts[pt.id] {
			j.tile(a.g, a.g.inputs[pt.id], a.byOutput, a.client)
		}
	}
}

// pendingOffsets gives the groups whose committed offset the audit was refused, since
// an open transaction would move it on, the offset that is known to be committed.
func (j *judge) pendingOffsets() {
	pending := func(group, tp int32) *inputPart {
		if in := j.groups[group].inputs[tp]; in != nil && in.pending && !in.hasFinal {
			return in
		}
		return nil
	}
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		if in := pending(c.group, c.tp); in != nil && c.kind == opCommitted {
			in.final, in.finalLine = c.off, c.line
		}
		return true
	})
	j.staged.scan(func(_ int64, s *stagedOffset) bool {
		if in := pending(s.group, s.tp); in != nil {
			if x := j.txns.at(int64(s.txn)); !x.notApplied(s) && (x.outcome == txnCommitOK || x.committed > 0) {
				in.final, in.finalLine = max(in.final, s.off), s.line
			}
		}
		return true
	})
}

// finalEvent is the group's committed offset after the end, as far as it is known.
func (j *judge) finalEvent(g *group, in *inputPart) WitnessEvent {
	name := tpName(j.parts[in.tp].tp)
	text := fmt.Sprintf("the committed offset of group %s for %s is %d", g.name, name, in.final)
	switch {
	case in.pending:
		text = fmt.Sprintf("the offset of group %s for %s is not told: the transaction that would move it on from %d is still open", g.name, name, in.final)
	case !in.hasFinal:
		text = fmt.Sprintf("no offset of group %s for %s is committed", g.name, name)
	}
	return j.event(0, "audit", in.finalLine, makePlace(in.tp, in.final), history.OK, history.OpOffset, text)
}

func sortedKeys[V any](m map[int32]V) []int32 {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (j *judge) tile(g *group, in *inputPart, byOutput bool, client string) {
	pt := j.parts[in.tp]
	start := in.first
	if in.earliest {
		start = 0
		if pt.hasWM {
			start = pt.marks[0]
		}
	}
	if start < 0 {
		return
	}
	pt.rows.read(start, func(off int64, r *record) bool {
		if off >= in.final {
			return false
		}
		if r.flags&fLogged == 0 || r.flags&(fMarker|fAborted) != 0 || r.flags&(fInTxn|fCommitted) == fInTxn {
			return true
		}
		j.counts["inputs"]++
		g.tiled++
		row := in.rows.get(off)
		switch {
		case row == nil:
		case row.flags&inAside != 0:
			return true
		case byOutput && row.outs > 0:
			return true
		case !byOutput && (row.done > 0 || row.flags&inMaybe != 0):
			return true
		}
		j.lostInput(g, in, makePlace(pt.id, off), r, row, byOutput, client)
		return true
	})
}

func (j *judge) lostInput(g *group, in *inputPart, at place, r *record, row *input, byOutput bool, client string) {
	build := func(kind guarantee.Anomaly) func() draft {
		return func() draft {
			d := draft{focus: []place{at}, client: client}
			if row != nil {
				d.txn = row.txn
			}
			d.events = append(d.events, j.logEvent(at, r))
			if e, ok := j.reader(at, false); ok {
				d.events = append(d.events, e)
			}
			past := "the committed offset of group " + g.name
			if e, who, ok := j.passed(g, at); ok {
				d.events = append(d.events, e)
				past = who
			}
			d.events = append(d.events, j.finalEvent(g, in))
			missing := "no processing of it is known"
			if byOutput {
				missing = "no committed output was made from it"
			}
			d.text = fmt.Sprintf("%s (%s) was passed by %s; %s, and it was not set aside.", j.placeName(at), j.valName(r.val), past, missing)
			d.legal = fmt.Sprintf("a committed offset of at most %d, or an output made from %s", at.off(), j.placeName(at))
			if kind == guarantee.OffsetWithoutOutput {
				d.text = fmt.Sprintf("A transaction committed the offset past %s (%s), but not its output: %s, and it was not set aside.", j.placeName(at), j.valName(r.val), missing)
				d.legal = "the output and the offset committed together, or neither"
			}
			return d
		}
	}
	j.finds.report(guarantee.LostInput, build(guarantee.LostInput))
	if byOutput && g.inTxn {
		j.finds.report(guarantee.OffsetWithoutOutput, build(guarantee.OffsetWithoutOutput))
	}
}

// passed finds the first commit of a group past an input that took effect, or may
// have where none is known to.
func (j *judge) passed(g *group, at place) (WitnessEvent, string, bool) {
	var op offsetOp
	j.commits.scan(func(_ int64, c *offsetOp) bool {
		if c.tp == at.tp() && j.groups[c.group] == g && c.kind != opFetch && c.off > at.off() && (op.line == 0 || c.kind == opCommitted) {
			op = *c
		}
		return op.kind != opCommitted
	})
	var s stagedOffset
	sure := false
	j.staged.scan(func(_ int64, c *stagedOffset) bool {
		if c.tp != at.tp() || j.groups[c.group] != g || c.off <= at.off() {
			return true
		}
		x := j.txns.at(int64(c.txn))
		applied := x.outcome == txnCommitOK || x.committed > 0
		if x.notApplied(c) || s.line != 0 && !applied {
			return true
		}
		s, sure = *c, applied
		return !sure
	})
	if op.kind == opCommitted && (!sure || op.end < s.t) || op.line != 0 && s.line == 0 {
		told := "committed"
		if op.kind != opCommitted {
			told = "may have committed"
		}
		who := fmt.Sprintf("%s, which %s offset %d at %s", j.procName(op.proc), told, op.off, j.clock(op.end))
		return j.event(op.end, j.procName(op.proc), op.line, makePlace(op.tp, op.off), history.OK, history.OpCommitOffsets,
			fmt.Sprintf("%s %s offset %d of %s", j.procName(op.proc), told, op.off, tpName(j.parts[op.tp].tp))), who, true
	}
	if s.line == 0 {
		return WitnessEvent{}, "", false
	}
	x := j.txns.at(int64(s.txn))
	proc := j.procName(x.proc)
	who := fmt.Sprintf("transaction %d of %s with offset %d", x.num, proc, s.off)
	return j.event(s.t, proc, s.line, makePlace(s.tp, s.off), history.Info, history.OpSendOffsets,
		fmt.Sprintf("%s sent offset %d of %s into transaction %d (%s)", proc, s.off, tpName(j.parts[s.tp].tp), x.num, x.outcome)), who, true
}
