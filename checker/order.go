package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
)

// order compares a record's first appearance in the log with the sends before it.
//
// reordered-write: "Messages sent by a producer to a particular topic partition
// will be appended in the order they are sent" (Kafka documentation,
// Guarantees). A value that was sent more than once by the application, or
// whose send was never acknowledged, promises nothing.
func (w *walker) order(at place, r *record, owner *proc, f uint16) {
	j := w.j
	if f&vAcked == 0 || f&vResent != 0 {
		return
	}
	last, ok := w.sent[owner.id]
	if ok && r.val.n() < last.n {
		j.finds.report(ReorderedWrite, func() draft {
			before := makePlace(w.pt.id, last.off)
			b := *w.pt.rows.at(last.off)
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
	w.sent[owner.id] = lastSent{r.val.n(), at.off()}
}

// wentBack reports a reader that was given an offset again, or an earlier one,
// though nothing moved it.
func (j *judge) wentBack(p *proc, pt *part, pos *position, off, t int64, line uint32) {
	last, before := pos.last, pos.line
	j.finds.report(NonmonotonicPoll, func() draft {
		at := makePlace(pt.id, off)
		d := draft{focus: []place{at}, client: p.client}
		d.events = append(d.events,
			j.event(0, p.name, before, makePlace(pt.id, last), history.OK, history.OpPoll, fmt.Sprintf("poll by %s reached %s", p.name, j.placeName(makePlace(pt.id, last)))),
			j.event(t, p.name, line, at, history.OK, history.OpPoll, fmt.Sprintf("poll by %s returned %s", p.name, j.placeName(at))))
		d.text = fmt.Sprintf("%s was given %s after %d had been given to it, with no seek, rebalance or abort between.", p.name, j.placeName(at), last)
		d.legal = fmt.Sprintf("offset %d or later", last+1)
		return d
	})
}
