package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// livePart is the newest part of a partition.
type livePart struct {
	id   int32
	tp   history.TopicPartition
	name string
	acks ackLog
	open []*liveTxn // that have records here and are not over
	// The record of each producer with its largest send number that was read.
	lastOf map[string]lastSent
}

// liveRow is what is known of one offset of late.
type liveRow struct {
	val   uint64
	rcT   int64 // when it was first returned under read_committed
	txn   *liveTxn
	by    *liveProc // who read it first
	flags uint8
}

const (
	liveAcked uint8 = 1 << iota
	liveAgain       // its value was sent more than once
	liveReadRC
	liveReadRU
	liveClash
	liveForeign // of a transaction that is forgotten
	liveSure    // acknowledged, or read by two processes
)

func (o *Online) part(tp history.TopicPartition) *livePart {
	pt := o.parts[tp]
	if pt == nil && len(o.parts) < mostLive && tp.Topic != "" && tp.Part >= 0 {
		pt = &livePart{id: int32(len(o.parts)), tp: tp, name: tpName(tp), lastOf: map[string]lastSent{}}
		o.parts[tp] = pt
	}
	return pt
}

func (pt *livePart) at(off int64) string { return fmt.Sprintf("%s@%d", pt.name, off) }

// leave drops transactions that are over.
func (pt *livePart) leave(over func(*liveTxn) bool) { pt.open = slices.DeleteFunc(pt.open, over) }

func (o *Online) send(p *liveProc, e *history.Event) {
	if p.program() && e.TP.Topic != "" {
		o.foreign[e.TP.Topic] = true
	}
	if e.Type == history.Invoke {
		if len(p.flights) < mostLive {
			p.flights[e.ID] = o.sending(p, e)
		}
		return
	}
	f, ok := p.flights[e.ID]
	if !ok {
		if len(e.Val) == 0 {
			return
		}
		f = o.sending(p, e)
		f.t = 0
	}
	delete(p.flights, e.ID)
	pt := o.part(e.TP)
	if e.Type != history.OK || pt == nil {
		return
	}
	for i, off := range e.Off {
		b := batchedValue{f.val, f.from}
		if i > 0 && i <= len(f.more) {
			b = f.more[i-1]
		}
		if i <= len(f.more) && off >= 0 {
			o.acked(p, pt, off, b, &f, e.T)
		}
	}
}

func (o *Online) sending(p *liveProc, e *history.Event) flight {
	f := flight{t: e.T, txn: e.Txn}
	for i, v := range e.Val {
		b := batchedValue{val: v}
		if i < len(e.From) {
			b.from = e.From[i]
		}
		if v.Proc == p.name {
			f.again = f.again || v.N <= p.maxSent
			p.maxSent = max(p.maxSent, v.N)
		}
		if i == 0 {
			f.val, f.from = b.val, b.from
		} else {
			f.more = append(f.more, b)
		}
	}
	if x := o.txn(p, e.Txn); x != nil {
		x.sends += len(e.Val)
	}
	return f
}

// acked compares an acknowledgement with what was seen of its offset, and with
// the acknowledgements before it.
func (o *Online) acked(p *liveProc, pt *livePart, off int64, b batchedValue, f *flight, t int64) {
	r := o.rows.at(0, pt.id, off)
	if !o.agrees(pt, r, off, b.val, t, "acknowledged") {
		return
	}
	x := o.txn(p, f.txn)
	r.txn = x
	r.flags |= liveAcked | liveSure
	if f.again {
		r.flags |= liveAgain
	} else {
		o.realtime(p, pt, off, b.val, f.t, t)
	}
	if x != nil {
		x.record(pt, off)
		if r.rcT != 0 {
			x.readAt(r.rcT, pt, off)
		}
	}
	if x == nil && f.txn != 0 {
		r.flags |= liveForeign
		return
	}
	if b.from.TP.Topic == "" || o.asides[pt.tp.Topic] || f.again {
		return
	}
	if x == nil {
		o.output(p, b.from, pt, off, t)
	} else if len(x.outs) < mostLive {
		x.outs = append(x.outs, liveOut{from: b.from, pt: pt, off: off})
	}
}

// agrees takes a sighting of a value in: an offset names one record for good.
func (o *Online) agrees(pt *livePart, r *liveRow, off int64, v history.Value, t int64, how string) bool {
	h := hashed(v)
	if r.val == 0 || r.val == h {
		r.val = h
		return true
	}
	if r.flags&liveClash == 0 {
		r.flags |= liveClash
		name := fmt.Sprintf("%s#%d", v.Proc, v.N)
		if v.Proc == "" {
			name = "a record of unknown origin"
		}
		o.alarm(guarantee.InconsistentOffset, t, fmt.Sprintf("%s was %s at %s, where another record was before", name, how, pt.at(off)))
	}
	return false
}

// ackLog is the newest acknowledgements of one partition in the order of their
// times, each with the largest offset up to it.
type ackLog struct {
	at  []int64
	top []int64
	by  []string // the process of that largest offset
}

// ackWindow is how many acknowledgements an ackLog looks back. Sends are seldom
// in flight for longer; those that are, are judged at the end.
const ackWindow = 512

// realtime compares an acknowledgement with those before it: a record that was
// acknowledged before this send began stands before this one.
func (o *Online) realtime(p *liveProc, pt *livePart, off int64, v history.Value, inv, t int64) {
	l := &pt.acks
	if inv != 0 {
		i, _ := slices.BinarySearch(l.at, inv)
		if i > 0 && l.top[i-1] > off && l.by[i-1] != p.name {
			o.alarm(guarantee.RealtimeReorder, t, fmt.Sprintf("%s#%d got %s, though offset %d was acknowledged before its send began", v.Proc, v.N, pt.at(off), l.top[i-1]))
		}
	}
	n := len(l.at)
	at, top, by := t, off, p.name
	if n > 0 {
		at = max(at, l.at[n-1]) // a little later than it was, if lines came out of order: never too early
		if l.top[n-1] > top {
			top, by = l.top[n-1], l.by[n-1]
		}
	}
	if n == 2*ackWindow {
		l.at, l.top, l.by = slices.Delete(l.at, 0, ackWindow), slices.Delete(l.top, 0, ackWindow), slices.Delete(l.by, 0, ackWindow)
	}
	l.at, l.top, l.by = append(l.at, at), append(l.top, top), append(l.by, by)
}
