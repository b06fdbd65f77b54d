package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// jepsenNames are the names that jepsen.tests.kafka gives to the same anomaly.
// Within one operation Jepsen puts int- before them.
var jepsenNames = map[guarantee.Anomaly]string{
	guarantee.LostWrite:          "lost-write",
	guarantee.DuplicateWrite:     "duplicate",
	guarantee.InconsistentOffset: "inconsistent-offsets",
	guarantee.AbortedRead:        "G1a",
	guarantee.NonmonotonicPoll:   "nonmonotonic-poll",
	guarantee.SkippedPoll:        "poll-skip",
	guarantee.NonmonotonicSend:   "nonmonotonic-send",
	guarantee.ReorderedWrite:     "nonmonotonic-send",
	guarantee.DirtyRead:          "precommitted-read",
}

// JepsenName is Jepsen's name for an anomaly, "" where it has none.
func JepsenName(a guarantee.Anomaly) string { return jepsenNames[a] }

// jepsenName is JepsenName as a list.
func jepsenName(a guarantee.Anomaly) []string {
	if n := jepsenNames[a]; n != "" {
		return []string{n}
	}
	return nil
}

// byReads holds what is needed to judge a history without an audit: one of
// jepsen.tests.kafka, where the log is what acknowledgements and polls show of it.
//
// As there, an acknowledgement counts only once its operation is known to have
// committed: it ended ok, or somebody read one of its values.
type byReads struct {
	held     map[int32][]heldAck // of transactions that have not ended
	left     *spool[heldAck]     // of transactions of unknown outcome
	shown    *table[int64]       // by transaction: when one of its values was first read; 0 = never
	twins    *spool[twin]        // values that were seen at two offsets
	breaks   map[procPart][]int64
	furthest map[int32]lateRead // by partition: the read record whose send was invoked last
	cycles   readGraph

	// Whether the history tells of rebalances at all; where it does not, what they
	// would explain is not decided.
	rebalancesTold bool
	untold         *spool[pollGap] // steps back that an untold rebalance may explain
	jumps          int64           // jumps that one explains

	unseen int64 // acknowledged values that may be lost
	parts  int64 // values of transactions that are shown to have committed, and may be lost
}

// sentValue is what is known of one value, beside its flags.
type sentValue struct {
	at    place // where it was seen first; 0 = nowhere
	t     int64
	line  uint32
	proc  int32 // that saw it
	txn   int32 // index of the transaction that sent it + 1
	acked bool  // it was seen in an acknowledgement
	twin  bool  // it was seen at a second offset
	lost  bool  // reported
	other bool  // another transaction than its own was given it
}

// sighting is a value seen at an offset.
type sighting struct {
	val   value
	at    place
	t     int64
	line  uint32
	proc  int32
	acked bool
	_     [7]uint8
}

func (s *sentValue) sighting(v value) sighting {
	return sighting{val: v, at: s.at, t: s.t, line: s.line, proc: s.proc, acked: s.acked}
}

func (s sighting) how() string {
	if s.acked {
		return "acknowledged"
	}
	return "polled"
}

// twin is one value at two offsets.
type twin struct{ first, second sighting }

type heldAck struct {
	off int64
	rec record
	tp  int32
	_   int32
}

type procPart struct{ proc, tp int32 }

// lateRead is a record that was read, and when its send was invoked.
type lateRead struct{ off, inv int64 }

func newByReads(p *pool) *byReads {
	return &byReads{
		held: map[int32][]heldAck{}, left: newSpool[heldAck](p), shown: newTable[int64](p), twins: newSpool[twin](p),
		breaks: map[procPart][]int64{}, furthest: map[int32]lateRead{}, untold: newSpool[pollGap](p), cycles: newReadGraph(p),
	}
}

// within is Jepsen's name for an anomaly whose parts belong to one operation.
func within(name string) string { return "int-" + name }

// sendNames are Jepsen's names for two sends out of order.
func (j *judge) sendNames(a, b *record) []string {
	name := jepsenNames[guarantee.NonmonotonicSend]
	if j.reads != nil && a.txn != 0 && a.txn == b.txn { // an operation that sends is a transaction
		name = within(name)
	}
	return []string{name}
}

// life is how often a process had given a partition back by the time t: Jepsen
// makes nothing of the order of two sends with such a moment between them.
func (b *byReads) life(proc, tp int32, t int64) int {
	n, _ := slices.BinarySearch(b.breaks[procPart{proc, tp}], t)
	return n
}

// sent is what is known of a value, to be changed.
func (j *judge) sent(v value) *sentValue {
	p := j.procs[v.proc()]
	if p.sent == nil {
		p.sent = newTable[sentValue](j.pool)
	}
	return p.sent.at(v.n())
}

// sentIn notes which transaction a value was sent in. It may have been read before
// its invocation was told.
func (j *judge) sentIn(v value, txn int32) {
	s := j.sent(v)
	s.txn = txn
	if txn != 0 && s.at != 0 && j.valueFlags(v)&vRead != 0 {
		j.shows(txn-1, s.t)
	}
}

// shows notes that a value of a transaction was read at t.
func (j *judge) shows(txn int32, t int64) {
	if first := j.reads.shown.at(int64(txn)); *first == 0 || t < *first {
		*first = t
	}
}

// shownAt is when a value of a transaction was first read, 0 if nobody read one.
func (b *byReads) shownAt(txn int32) int64 {
	if t := b.shown.get(int64(txn)); t != nil {
		return *t
	}
	return 0
}

// hold keeps an acknowledgement until its transaction is known to have
// committed; it says no to one outside transactions.
func (b *byReads) hold(tp int32, off int64, rec record) bool {
	if rec.txn == 0 {
		return false
	}
	b.held[rec.txn-1] = append(b.held[rec.txn-1], heldAck{off: off, rec: rec, tp: tp})
	return true
}

// settle decides about the acknowledgements of a transaction that has ended: they
// count if it committed, never if it failed; else what is read decides.
func (j *judge) settle(txn int32, outcome txnOutcome) {
	for _, h := range j.reads.held[txn] {
		switch outcome {
		case txnCommitOK:
			j.ackedRow(h.tp, h.off, h.rec)
		case txnFailed: // told an offset, and then that it all never happened
			f := j.procs[h.rec.val.proc()].values.at(h.rec.val.n())
			*f = *f&^vAcked | vFailed
		default:
			j.reads.left.add(h)
		}
	}
	delete(j.reads.held, txn)
	j.cycleEnds(txn)
}

// see takes in that a value was seen at an offset: by the first two offsets a value
// is known to be a duplicate, by the first two values an offset to be inconsistent.
func (j *judge) see(row *record, s sighting) *sentValue {
	known := j.sent(s.val)
	switch {
	case known.at == 0:
		known.at, known.t, known.line, known.proc, known.acked = s.at, s.t, s.line, s.proc, s.acked
	case known.at != s.at && !known.twin:
		known.twin = true
		j.reads.twins.add(twin{known.sighting(s.val), s})
	}
	if row.val != 0 && row.val != s.val && row.flags&fClash == 0 {
		row.flags |= fClash
		j.inconsistent(row, s)
	}
	return known
}

func (j *judge) inconsistent(row *record, s sighting) {
	before := sighting{val: row.val, at: s.at, proc: row.val.proc(), acked: row.flags&fAcked != 0, t: row.ack, line: row.ackLine}
	if k := j.sent(row.val); k.at == s.at {
		before = k.sighting(row.val)
	}
	j.pair(guarantee.InconsistentOffset, before, s, fmt.Sprintf("Two values at one offset: at %s, %s was %s and %s was %s.",
		j.placeName(s.at), j.valName(before.val), before.how(), j.valName(s.val), s.how()),
		"one record at an offset, the same for every acknowledgement and every read")
}

// readsAsLog takes what was read or acknowledged for the log.
func (j *judge) readsAsLog() {
	for _, t := range sortedKeys(j.reads.held) {
		j.settle(t, j.txns.at(int64(t)).outcome)
	}
	j.reads.left.scan(func(_ int64, h *heldAck) bool {
		if j.reads.shownAt(h.rec.txn-1) != 0 {
			j.ackedRow(h.tp, h.off, h.rec)
		}
		return true
	})
	for _, b := range j.reads.breaks {
		slices.Sort(b)
	}
	for _, pt := range j.parts {
		late := lateRead{off: -1}
		pt.rows.scan(func(off int64, r *record) bool {
			if r.val == 0 || r.flags&(fAcked|fReadRC|fReadRU) == 0 {
				return true
			}
			if r.flags&fAcked == 0 {
				if a, ok := j.attempt(r.val); ok {
					r.txn, r.inv, r.invLine = a.txn, a.inv, a.invLine
				}
				if !j.sent(r.val).other && r.txn != 0 && j.txns.at(int64(r.txn-1)).outcome != txnFailed && j.reads.shownAt(r.txn-1) == 0 {
					return true // a transaction that saw its own record may have been aborted since
				}
			}
			if r.flags&(fReadRC|fReadRU) != 0 && r.inv > late.inv {
				late = lateRead{off, r.inv}
			}
			r.flags |= fLogged
			pt.logged++
			j.hot.logged++
			pt.logEnd = max(pt.logEnd, off+1)
			return true
		})
		j.reads.furthest[pt.id] = late
	}
	j.twinsDone()
	if !j.cutOff { // else it may have been read then
		j.absent()
		j.counts["unread"] = j.reads.unseen + j.reads.parts
	}
	j.cyclesDone()
}

// twinsDone reports values at two offsets. Of a send that failed Jepsen reports
// that it was read at all.
func (j *judge) twinsDone() {
	j.reads.twins.scan(func(_ int64, t *twin) bool {
		if j.valueFlags(t.first.val)&vFailed == 0 {
			j.pair(guarantee.DuplicateWrite, t.first, t.second, fmt.Sprintf("One send, two records: %s was seen at %s and at %s.",
				j.valName(t.first.val), j.placeName(t.first.at), j.placeName(t.second.at)), "one record, whatever the number of attempts")
		}
		return true
	})
}

func (j *judge) pair(kind guarantee.Anomaly, a, b sighting, text, legal string) {
	j.finds.report(kind, func() draft {
		d := draft{focus: []place{a.at, b.at}, text: text, legal: legal}
		for _, s := range []sighting{a, b} {
			op := history.OpPoll
			if s.acked {
				op = history.OpSend
			}
			d.events = append(d.events, j.event(s.t, j.procName(s.proc), s.line, s.at, history.OK, op, fmt.Sprintf("%s was %s at %s", j.valName(s.val), s.how(), j.placeName(s.at))))
			d.client = j.procs[s.proc].client
		}
		return d
	})
}
