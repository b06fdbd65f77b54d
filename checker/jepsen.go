package checker

import (
	"cmp"
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
	sightings []sighting
	held      map[int32][]heldAck // by transaction
	breaks    map[procPart][]int64
	reads     []wrEdge

	// Whether the history tells of rebalances at all; where it does not, what they
	// would explain is not decided.
	rebalancesTold bool
	untold         *spool[pollGap] // steps back that an untold rebalance may explain
	jumps          int64           // jumps that one explains
}

// sighting is a value seen at an offset.
type sighting struct {
	val  value
	at   place
	t    int64
	line uint32
	proc int32
	how  string
}

type heldAck struct {
	tp  int32
	off int64
	rec record
}

type procPart struct{ proc, tp int32 }

// wrEdge says that a poll within one transaction returned a record of another.
type wrEdge struct {
	reader int32
	val    value
	at     place
	t      int64
	line   uint32
}

func newByReads(p *pool) *byReads {
	return &byReads{held: map[int32][]heldAck{}, breaks: map[procPart][]int64{}, untold: newSpool[pollGap](p)}
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

// excused says that a rebalance may explain a step, and that nobody would tell of it.
func (j *judge) excused(g *pollGap) bool {
	return g.how&stepUntold != 0 && !j.reads.rebalancesTold
}

// hold keeps an acknowledgement until its transaction is known to have
// committed; it says no to one outside transactions.
func (b *byReads) hold(tp int32, off int64, rec record) bool {
	if rec.txn == 0 {
		return false
	}
	b.held[rec.txn-1] = append(b.held[rec.txn-1], heldAck{tp, off, rec})
	return true
}

// release lets the acknowledgements of a transaction count.
func (j *judge) release(txn int32) {
	for _, h := range j.reads.held[txn] {
		j.ackedRow(h.tp, h.off, h.rec)
	}
	delete(j.reads.held, txn)
}

// life is how often a process had given a partition back by the time t: Jepsen
// makes nothing of the order of two sends with such a moment between them.
func (b *byReads) life(proc, tp int32, t int64) int {
	n, _ := slices.BinarySearch(b.breaks[procPart{proc, tp}], t)
	return n
}

func (b *byReads) see(v value, at place, t int64, line uint32, proc int32, how string) {
	b.sightings = append(b.sightings, sighting{v, at, t, line, proc, how})
}

// readsAsLog takes what was read or acknowledged for the log.
func (j *judge) readsAsLog() {
	txns := make([]int32, 0, len(j.reads.held))
	for t := range j.reads.held {
		txns = append(txns, t)
	}
	slices.Sort(txns)
	proven := j.provenByRead()
	for _, t := range txns {
		if j.txns.at(int64(t)).outcome == txnFailed {
			for _, h := range j.reads.held[t] { // told an offset, and then that it all never happened
				f := j.procs[h.rec.val.proc()].values.at(h.rec.val.n())
				*f = *f&^vAcked | vFailed
			}
			continue
		}
		if slices.ContainsFunc(j.reads.held[t], func(h heldAck) bool { return j.valueFlags(h.rec.val)&vRead != 0 }) || proven[t] {
			j.release(t)
		}
	}
	for _, pt := range j.parts {
		pt.rows.scan(func(off int64, r *record) bool {
			if r.val == 0 || r.flags&(fAcked|fReadRC|fReadRU) == 0 {
				return true
			}
			if r.flags&fAcked == 0 {
				if a, ok := j.attempt(r.val); ok {
					r.txn, r.inv, r.invLine = a.txn, a.inv, a.invLine
				}
			}
			r.flags |= fLogged
			pt.logged++
			j.hot.logged++
			pt.logEnd = max(pt.logEnd, off+1)
			return true
		})
	}
	j.sightingsDone()
	for _, pt := range j.parts {
		j.unread(pt)
	}
	j.readCycles()
}

// provenByRead are the transactions of which somebody read a value, one whose
// offset its client was never told.
func (j *judge) provenByRead() map[int32]bool {
	proven := map[int32]bool{}
	j.eachAttempt(func(v value, a *attempt) {
		if a.txn != 0 && j.valueFlags(v)&vRead != 0 {
			proven[a.txn-1] = true
		}
	})
	return proven
}

// sightingsDone reports values at two offsets, and offsets with two values.
func (j *judge) sightingsDone() {
	s := j.reads.sightings
	slices.SortStableFunc(s, func(a, b sighting) int { return cmp.Or(cmp.Compare(a.val, b.val), cmp.Compare(a.at, b.at)) })
	for i := 0; i < len(s); {
		k := i + 1
		second := -1
		for ; k < len(s) && s[k].val == s[i].val; k++ {
			if second < 0 && s[k].at.tp() == s[i].at.tp() && s[k].at != s[i].at {
				second = k
			}
		}
		if second >= 0 && s[i].val != 0 && j.valueFlags(s[i].val)&vFailed == 0 {
			j.pair(guarantee.DuplicateWrite, s[i], s[second], fmt.Sprintf("One send, two records: %s was seen at %s and at %s.", j.valName(s[i].val), j.placeName(s[i].at), j.placeName(s[second].at)),
				"one record, whatever the number of attempts")
		}
		i = k
	}
	slices.SortStableFunc(s, func(a, b sighting) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.val, b.val)) })
	for i := 0; i < len(s); {
		k := i + 1
		for ; k < len(s) && s[k].at == s[i].at; k++ {
		}
		if last := s[k-1]; last.val != s[i].val {
			j.pair(guarantee.InconsistentOffset, s[i], last, fmt.Sprintf("Two values at one offset: at %s, %s was %s and %s was %s.", j.placeName(s[i].at), j.valName(s[i].val), s[i].how, j.valName(last.val), last.how),
				"one record at an offset, the same for every acknowledgement and every read")
		}
		i = k
	}
}

func (j *judge) pair(kind guarantee.Anomaly, a, b sighting, text, legal string) {
	j.finds.report(kind, func() draft {
		d := draft{focus: []place{a.at, b.at}, text: text, legal: legal}
		for _, s := range []sighting{a, b} {
			op := history.OpPoll
			if s.how == "acknowledged" {
				op = history.OpSend
			}
			d.events = append(d.events, j.event(s.t, j.procName(s.proc), s.line, s.at, history.OK, op, fmt.Sprintf("%s was %s at %s", j.valName(s.val), s.how, j.placeName(s.at))))
			d.client = j.procs[s.proc].client
		}
		return d
	})
}

// unread reports acknowledged values that nobody read, though somebody read
// further in the same partition (Jepsen's lost-write).
func (j *judge) unread(pt *part) {
	if j.cutOff {
		return // it may have been read then
	}
	seen := map[value]bool{}
	for _, s := range j.reads.sightings {
		if s.at.tp() != pt.id || s.how != "acknowledged" || s.at.off() >= pt.readEnd || seen[s.val] || j.valueFlags(s.val)&vRead != 0 {
			continue
		}
		seen[s.val] = true
		j.finds.report(guarantee.LostWrite, func() draft {
			furthest := makePlace(pt.id, pt.readEnd-1)
			d := draft{focus: []place{s.at}, client: j.procs[s.proc].client}
			d.events = append(d.events, j.event(s.t, j.procName(s.proc), s.line, s.at, history.OK, history.OpSend, fmt.Sprintf("send of %s acknowledged at %s", j.valName(s.val), j.placeName(s.at))))
			if e, ok := j.reader(furthest, false); ok {
				d.events = append(d.events, e)
			}
			d.text = fmt.Sprintf("%s was acknowledged at %s; nobody ever read it, though %s was read.", j.valName(s.val), j.placeName(s.at), j.placeName(furthest))
			d.legal = fmt.Sprintf("a read of %s", j.valName(s.val))
			return d
		})
	}
}

// readCycles reports transactions that read each other's records (wr-only G1c),
// or their own. Each read is before its own transaction's commit, so going round
// such a cycle one read was before the commit of what it returned.
func (j *judge) readCycles() {
	next := map[int32][]wrEdge{} // reader -> what it read from
	for _, e := range j.reads.reads {
		if r := j.parts[e.at.tp()].rows.get(e.at.off()); r != nil && r.val == e.val && r.txn != 0 {
			next[e.reader] = append(next[e.reader], e)
		}
	}
	from := func(e wrEdge) int32 { return j.parts[e.at.tp()].rows.get(e.at.off()).txn - 1 }
	readers := sortedKeys(next)
	done := map[int32]bool{}
	for _, t := range readers {
		if done[t] {
			continue
		}
		// A breadth-first walk from t back to t.
		via := map[int32]wrEdge{}
		queue := []int32{t}
		for len(queue) > 0 && via[t].line == 0 {
			u := queue[0]
			queue = queue[1:]
			for _, e := range next[u] {
				w := from(e)
				if _, seen := via[w]; !seen {
					via[w] = e
					queue = append(queue, w)
				}
			}
		}
		if via[t].line == 0 {
			continue
		}
		var cycle []wrEdge
		for w := t; ; {
			e := via[w]
			cycle = append(cycle, e)
			done[w] = true
			if w = e.reader; w == t {
				break
			}
		}
		j.finds.report(guarantee.DirtyRead, func() draft {
			var d draft
			for _, e := range cycle[:min(5, len(cycle))] {
				proc := j.txns.at(int64(e.reader)).proc
				d.client = j.procs[proc].client
				d.focus = append(d.focus, e.at)
				d.events = append(d.events, j.event(e.t, j.procName(proc), e.line, e.at, history.OK, history.OpPoll,
					fmt.Sprintf("a poll within transaction %d of %s returned %s", j.txns.at(int64(e.reader)).num, j.procName(proc), j.valName(e.val))))
			}
			d.text = fmt.Sprintf("%d transactions read each other's records before they had committed: one of these reads came before the commit of what it returned.", len(cycle))
			if len(cycle) == 1 {
				d.text = fmt.Sprintf("A transaction was given its own record %s before it had committed.", j.placeName(cycle[0].at))
			}
			d.legal = "records of transactions that have committed"
			return d
		})
	}
}
