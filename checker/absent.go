package checker

import (
	"fmt"
	"strings"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// absence is a value that certainly stands in the log, and that nobody read.
type absence struct {
	val   value
	at    place // 0 if its offset was not told
	tp    int32
	txn   int32 // index + 1
	inv   int64
	line  uint32
	acked bool  // its operation ended ok; else a read shows that it committed
	by    int64 // when it was certainly in the log
	ended uint32
}

// absent looks at every value that was acknowledged, or is part of a transaction of
// which somebody read another value, and that nobody read.
//
// It is lost if somebody read further in its partition (Jepsen's lost-write): at a
// larger offset, or, where its offset was not told, a record whose send was invoked
// when this one was already in the log. Else nobody came so far as to read it, and
// the history does not tell whether it is there: Jepsen calls it unseen.
func (j *judge) absent() {
	for _, pt := range j.parts {
		pt.rows.read(0, func(off int64, r *record) bool {
			if r.flags&fAcked != 0 && r.val != 0 {
				j.absentAt(pt.id, off, r)
			}
			return true
		})
	}
	j.displaced.scan(func(_ int64, d *displaced) bool {
		j.absentAt(d.tp, d.off, &d.rec)
		return true
	})
	j.eachAttempt(func(v value, a *attempt) {
		if a.outcome == attemptFailed || a.txn == 0 || a.tp < 0 || j.valueFlags(v)&vRead != 0 {
			return
		}
		x := j.txns.at(int64(a.txn - 1))
		n := absence{val: v, tp: a.tp, txn: a.txn, inv: a.inv, line: a.invLine, ended: a.endLine}
		switch shown := j.reads.shownAt(a.txn - 1); {
		case x.outcome == txnCommitOK:
			n.acked, n.by = true, x.end
		case x.outcome == txnFailed || shown == 0:
			return
		default:
			n.by = shown
		}
		j.missed(n)
	})
}

func (j *judge) absentAt(tp int32, off int64, r *record) {
	if j.valueFlags(r.val)&vRead != 0 {
		return
	}
	acked := r.txn == 0 || j.txns.at(int64(r.txn-1)).outcome == txnCommitOK
	j.missed(absence{val: r.val, at: makePlace(tp, off), tp: tp, txn: r.txn, inv: r.inv, line: r.invLine, acked: acked, by: r.ack, ended: r.ackLine})
}

func (j *judge) missed(n absence) {
	s := j.sent(n.val)
	if s.lost {
		return
	}
	s.lost = true
	pt := j.parts[n.tp]
	beyond := int64(-1) // what shows that somebody read further
	switch late := j.reads.furthest[n.tp]; {
	case n.at != 0 && n.at.off() < pt.readEnd:
		beyond = pt.readEnd - 1
	case n.at == 0 && late.inv > n.by:
		beyond = late.off
	}
	var names []string
	if beyond >= 0 && n.at != 0 {
		names = append(names, jepsenNames[guarantee.LostWrite])
	}
	if n.acked {
		names = append(names, unseenName)
	}
	switch {
	case beyond >= 0:
		j.finds.named(guarantee.LostWrite, names, func() draft { return j.missing(n, beyond) })
		return
	case n.acked:
		j.reads.unseen++
	default:
		j.reads.parts++
	}
	j.finds.undecided(guarantee.LostWrite, names, func() draft { return j.missing(n, beyond) })
}

// unseenName is Jepsen's name for an acknowledged value that no poll returned.
const unseenName = "unseen"

// missing is the witness of a value that nobody read, though beyond was read.
func (j *judge) missing(n absence, beyond int64) draft {
	pt := j.parts[n.tp]
	proc := j.procs[n.val.proc()]
	d := draft{client: proc.client, txn: n.txn}
	name, where := j.valName(n.val), tpName(pt.tp)
	if n.at != 0 {
		where = j.placeName(n.at)
		d.focus = append(d.focus, n.at)
		d.events = append(d.events, j.event(n.by, proc.name, n.ended, n.at, history.OK, history.OpSend, fmt.Sprintf("send of %s acknowledged at %s", name, where)))
	} else {
		d.events = append(d.events, j.event(n.inv, proc.name, n.line, 0, history.Invoke, history.OpSend, fmt.Sprintf("send of %s to %s; at which offset it stands was not told", name, where)))
	}
	how := "was acknowledged"
	if !n.acked {
		how = "is part of a transaction that committed, as another value of it was read,"
		if e, ok := j.sibling(n); ok {
			d.events = append(d.events, e)
		}
	}
	d.text = fmt.Sprintf("%s %s at %s; nobody ever read it", name, how, where)
	if n.at == 0 {
		d.text = fmt.Sprintf("%s %s in %s; nobody ever read it", name, how, where)
	}
	switch {
	case beyond < 0:
		d.text += ", nor anything that certainly stands behind it: whether it is there is not told."
	default:
		further := makePlace(n.tp, beyond)
		d.focus = append(d.focus, further)
		if e, ok := j.reader(further, false); ok {
			d.events = append(d.events, e)
		}
		d.text += fmt.Sprintf(", though %s was read.", j.placeName(further))
		if n.at == 0 {
			d.text += " The send of that began when this was in the log already, so it stands behind it."
		}
	}
	d.legal = fmt.Sprintf("a read of %s", name)
	return d
}

// sibling is a read of another value of the same transaction.
func (j *judge) sibling(n absence) (WitnessEvent, bool) {
	var e WitnessEvent
	found := false
	j.eachAttempt(func(v value, a *attempt) {
		if !found && a.txn == n.txn && j.valueFlags(v)&vRead != 0 {
			if s := j.sent(v); s.at != 0 {
				e, found = j.reader(s.at, false)
			}
		}
	})
	if found {
		return e, true
	}
	for _, pt := range j.parts {
		pt.rows.read(0, func(off int64, r *record) bool {
			if r.txn == n.txn && r.flags&(fReadRC|fReadRU) != 0 {
				e, found = j.reader(makePlace(pt.id, off), false)
			}
			return !found
		})
		if found {
			break
		}
	}
	return e, found
}

// undecidedLoss says why it is not known whether something was lost.
func (j *judge) undecidedLoss() string {
	var why []string
	if n := j.reads.unseen; n > 0 {
		why = append(why, fmt.Sprintf("nobody read %d of the acknowledged values, nor anything that certainly stands behind them (Jepsen: unseen)", n))
	}
	if n := j.reads.parts; n > 0 {
		why = append(why, fmt.Sprintf("nobody read %d of the values of transactions that did commit, since other values of them were read, nor anything that certainly stands behind these", n))
	}
	return strings.Join(why, "; ")
}
