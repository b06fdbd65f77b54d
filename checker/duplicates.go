package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// duplicateWrite reports a send whose record stands at a second offset. The
// idempotent producer promises that "retries will no longer introduce
// duplicates" (KIP-98). The first place is looked up later.
func (j *judge) duplicateWrite(at place, r *record) {
	rec := *r
	j.finds.report(guarantee.DuplicateWrite, func() draft {
		owner := j.procs[rec.val.proc()]
		first, f := j.firstCopy(rec.val, at)
		d := draft{focus: []place{first, at}, client: owner.client, txn: rec.txn}
		src, where := &f, first
		if rec.flags&fAcked != 0 {
			src, where = &rec, at
		}
		d.events = append(d.events, j.sendEvents(where, src)...)
		if first != 0 {
			d.events = append(d.events, j.logEvent(first, &f))
		}
		d.events = append(d.events, j.logEvent(at, &rec))
		d.text = fmt.Sprintf("One send, two records: %s stands in the log at %s and again at %s.", j.valName(rec.val), j.placeName(first), j.placeName(at))
		if first == 0 {
			d.text = fmt.Sprintf("One send, two records: %s stands in the log a second time at %s.", j.valName(rec.val), j.placeName(at))
		}
		d.legal = "one record, whatever the number of attempts"
		return d
	})
}

// firstCopy finds the first non-aborted record of v before at, in the order of
// the walk: earlier partitions, then earlier offsets.
func (j *judge) firstCopy(v value, at place) (place, record) {
	for _, pt := range j.parts[:at.tp()+1] {
		var where int64 = -1
		var rec record
		pt.rows.read(0, func(off int64, r *record) bool {
			if pt.id == at.tp() && off >= at.off() {
				return false
			}
			if r.val == v && r.flags&fLogged != 0 && r.flags&fAborted == 0 {
				where, rec = off, *r
				return false
			}
			return true
		})
		if where >= 0 {
			return makePlace(pt.id, where), rec
		}
	}
	return 0, record{}
}

// processedTwice reports a second side effect on one input by one group that
// uses no transactions.
func (j *judge) processedTwice(p *proc, from place, in *input, e *history.Event, line uint32) {
	if in.flags&inSecond != 0 {
		return
	}
	in.flags |= inSecond
	first := *in
	j.finds.report(guarantee.DuplicateOutput, func() draft {
		g := j.groupOf(p)
		d := draft{focus: []place{from}, client: p.client}
		who := j.procName(first.procProc - 1)
		d.events = append(d.events,
			j.event(first.procT, who, first.procLine, from, history.OK, history.OpProcess, fmt.Sprintf("%s processed %s", who, j.placeName(from))),
			j.event(e.T, p.name, line, from, history.OK, history.OpProcess, fmt.Sprintf("%s processed %s again", p.name, j.placeName(from))))
		d.text = fmt.Sprintf("One input, two effects: %s was processed by %s at %s and by %s again at %s (group %s).",
			j.placeName(from), who, j.clock(first.procT), p.name, j.clock(e.T), g.name)
		d.legal = "one effect for each input"
		return d
	})
}

// output takes in one committed record that was made from an input.
func (j *judge) output(at place, r *record, owner *proc) {
	j.counts["outputs"]++
	g := j.groupOf(owner)
	in := g.input(j, r.from.tp()).rows.at(r.from.off())
	if j.asides[j.parts[at.tp()].tp.Topic] {
		in.flags |= inAside
		return
	}
	g.outputs = true
	if r.flags&fInTxn != 0 {
		g.outTxn = true
	}
	if *owner.values.at(r.val.n())&vTwice != 0 {
		return // the second copy of one send is a duplicate-write
	}
	if in.outs < 3 {
		in.outs++
	}
	if in.outs == 1 {
		in.out = at
	} else if in.flags&inSecond == 0 {
		in.flags |= inSecond
		j.duplicateOutput(at, r, in, owner, g)
	}
	j.outputOffset(at, r, owner, g)
}

// duplicateOutput reports two records that a group made from one input.
func (j *judge) duplicateOutput(at place, r *record, in *input, owner *proc, g *group) {
	first := in.out
	j.finds.report(guarantee.DuplicateOutput, func() draft {
		a := *j.parts[first.tp()].rows.at(first.off())
		d := draft{focus: []place{first, at}, client: owner.client, txn: r.txn}
		d.events = append(d.events, j.sendEvents(first, &a)...)
		d.events = append(d.events, j.sendEvents(at, r)...)
		if len(d.events) > 3 {
			d.events = []WitnessEvent{d.events[0], d.events[2]}
		}
		d.events = append(d.events, j.logEvent(first, &a), j.logEvent(at, r))
		d.text = fmt.Sprintf("One input, two outputs: from %s, group %s made %s (%s) and %s (%s).",
			j.placeName(r.from), g.name, j.placeName(first), j.valName(a.val), j.placeName(at), j.valName(r.val))
		d.legal = "one output for each input"
		return d
	})
}
