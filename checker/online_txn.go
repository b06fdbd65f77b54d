package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// liveTxn is a transaction that is under way, or that rows in memory belong to.
type liveTxn struct {
	p          *liveProc
	num        int64
	begin      int64
	commitInv  int64
	abortInv   int64
	end        int64
	committed  bool // its client was told so
	aborted    bool // its client was told so, and never asked for a commit
	sends      int
	first      []firstIn // its first acknowledged record in each partition
	dirty      readEarly // under read_committed, of its records
	over       readEarly // under read_committed, of records behind its first
	staged     []liveStaged
	outs       []liveOut
	stageWrite []*liveWrite
}

type firstIn struct {
	pt  *livePart
	off int64
}

// readEarly is the earliest read of some kind; t is 0 if there was none.
type readEarly struct {
	t  int64
	at string
}

func (r *readEarly) note(t int64, at string) {
	if r.t == 0 || t < r.t {
		*r = readEarly{t, at}
	}
}

type liveStaged struct {
	reg    *liveRegister
	off, t int64
	failed bool
}

type liveOut struct {
	from history.Input
	pt   *livePart
	off  int64
}

// txn is p's transaction num, nil for none.
func (o *Online) txn(p *liveProc, num int64) *liveTxn {
	if num == 0 {
		return nil
	}
	x := p.txns[num]
	if x == nil {
		if p.before != nil && num <= p.before.num || len(p.txns) >= mostWaiting {
			return nil // forgotten
		}
		p.txnal = true
		for n, old := range p.txns { // their ends were never told for certain
			if n < num-1 {
				old.leave()
			}
		}
		x = &liveTxn{p: p, num: num}
		p.txns[num] = x
	}
	return x
}

// record takes in an acknowledged record of x.
func (x *liveTxn) record(pt *livePart, off int64) {
	for i := range x.first {
		if x.first[i].pt == pt {
			x.first[i].off = min(x.first[i].off, off)
			return
		}
	}
	x.first = append(x.first, firstIn{pt, off})
	if len(pt.open) < mostWaiting {
		pt.open = append(pt.open, x)
	}
}

// readAt keeps the earliest read of one of x's records.
func (x *liveTxn) readAt(t int64, pt *livePart, off int64) {
	if x.dirty.t == 0 || t < x.dirty.t {
		x.dirty.note(t, pt.at(off))
	}
}

// overtakes keeps that a record behind the first one of an open transaction was
// returned under read_committed; whether it was open then its end will tell. Only
// what certainly is not of that transaction counts.
func (o *Online) overtakes(pt *livePart, r *liveRow, off, t int64) {
	if len(pt.open) == 0 || r.flags&(liveAcked|liveForeign) != liveAcked || r.txn != nil && !r.txn.committed {
		return
	}
	for _, x := range pt.open {
		if x == r.txn || x.over.t != 0 && x.over.t <= t {
			continue
		}
		for _, f := range x.first {
			if f.pt == pt && off > f.off {
				x.over.note(t, pt.at(off))
			}
		}
	}
}

func (o *Online) transaction(p *liveProc, e *history.Event) {
	x := o.txn(p, e.Txn)
	if x == nil {
		return
	}
	switch {
	case e.Op == history.OpBegin:
		if x.begin == 0 {
			x.begin = e.T
		}
		return
	case e.Type == history.Invoke && e.Op == history.OpCommit:
		if x.commitInv == 0 {
			x.commitInv = e.T
		}
		return
	case e.Type == history.Invoke:
		x.abortInv = e.T
		return
	case e.Type == history.OK && e.Op == history.OpCommit && x.commitInv != 0 && x.abortInv == 0:
		x.committed, x.end = true, e.T
		o.committed(p, x)
	case e.Type == history.OK && x.commitInv == 0:
		x.aborted, x.end = true, e.T
		p.markersDone(e.T)
		if x.dirty.t != 0 {
			o.abortedRead(x, x.dirty.t, x.dirty.at)
		}
		p.moved()
	default:
		p.moved()
		if e.Type != history.OK {
			return // an abort may follow
		}
		p.markersDone(e.T)
	}
	x.leave()
	p.before = x
}

// leave lets go of all that only an open transaction needs.
func (x *liveTxn) leave() {
	delete(x.p.txns, x.num)
	for _, f := range x.first {
		f.pt.leave(func(y *liveTxn) bool { return y == x })
	}
	x.first, x.outs, x.staged = nil, nil, nil
}

// markersDone settles the offsets of the transaction before: its markers were
// written before this end was answered.
func (p *liveProc) markersDone(t int64) {
	if p.before == nil {
		return
	}
	for _, w := range p.before.stageWrite {
		w.end = t
	}
	p.before.stageWrite = nil
}

// committed looks at a transaction whose commit was acknowledged.
func (o *Online) committed(p *liveProc, x *liveTxn) {
	p.markersDone(x.end)
	if x.dirty.t != 0 && x.dirty.t < x.commitInv {
		o.dirtyRead(x, x.dirty.t, x.dirty.at)
	}
	if x.over.t != 0 && x.over.t < x.commitInv {
		o.alarm(guarantee.ReadAboveLSO, x.over.t, fmt.Sprintf("%s was given to a reader under read_committed while transaction %d of %s, which has records before it, was open", x.over.at, x.num, p.name))
	}
	if p.fencedT != 0 && x.commitInv > p.fencedT {
		o.alarm(guarantee.ZombieCommit, x.end, fmt.Sprintf("%s committed transaction %d, though %s had taken over its transactional.id", p.name, x.num, p.fencedBy))
	}
	without := false
	for _, out := range x.outs {
		if !without && !x.covers(out.from) {
			without = true
			o.alarm(guarantee.OutputWithoutOffset, x.end, fmt.Sprintf("transaction %d of %s committed %s, made from %s@%d, without the offset past that input",
				x.num, p.name, out.pt.at(out.off), tpName(out.from.TP), out.from.Off))
		}
		o.output(p, out.from, out.pt, out.off, x.end)
	}
	for _, s := range x.staged {
		if s.failed {
			continue
		}
		o.tiled(p, x, s)
		if who, ok := s.reg.replaced(p.name, s.t); ok {
			o.alarm(guarantee.ZombieCommit, s.t, fmt.Sprintf("transaction %d of %s committed an offset of %s after that had been given to %s", x.num, p.name, s.reg.pt.name, who))
		}
		w := s.reg.write(liveWrite{off: s.off, inv: x.commitInv, end: forever, inTxn: true})
		x.stageWrite = append(x.stageWrite, w)
	}
}

// covers says that x holds an offset past an input: the newest one for its partition.
func (x *liveTxn) covers(from history.Input) bool {
	for i := len(x.staged) - 1; i >= 0; i-- {
		if s := x.staged[i]; s.reg.pt.tp == from.TP && s.reg.g == x.p.group {
			return s.off > from.Off && !s.failed
		}
	}
	return false
}

// tiled looks for a committed transaction that was over before x began and
// covers the same input. A program may send an offset that it was given nothing up to;
// the check at the end tells.
func (o *Online) tiled(p *liveProc, x *liveTxn, s liveStaged) {
	if x.sends == 0 || x.begin == 0 {
		return
	}
	r := s.reg
	for _, t := range r.tiles {
		if t.end < x.begin && (s.off < t.off || s.off == t.off && !p.program()) {
			o.alarm(guarantee.OverlappingInput, x.end, fmt.Sprintf("transaction %d of %s covers %s up to %d; another one, over before it began, did up to %d", x.num, p.name, r.pt.name, s.off, t.off))
			break
		}
	}
	if len(r.tiles) == mostNewest {
		r.tiles = slices.Delete(r.tiles, 0, 1)
	}
	r.tiles = append(r.tiles, tile{off: s.off, end: x.end})
}

func (o *Online) dirtyRead(x *liveTxn, t int64, at string) {
	o.alarm(guarantee.DirtyRead, t, fmt.Sprintf("%s was given to a reader under read_committed before the commit of transaction %d of %s was asked", at, x.num, x.p.name))
}

func (o *Online) abortedRead(x *liveTxn, t int64, at string) {
	o.alarm(guarantee.AbortedRead, t, fmt.Sprintf("%s was given to a reader under read_committed, and transaction %d of %s was aborted", at, x.num, x.p.name))
}

func (o *Online) stage(p *liveProc, e *history.Event) {
	x := o.txn(p, e.Txn)
	pt := o.part(e.TP)
	if x == nil || pt == nil || len(e.Off) == 0 {
		return
	}
	reg := o.register(o.groupOf(p), pt)
	if reg == nil {
		return
	}
	for i := len(x.staged) - 1; i >= 0 && e.Type != history.Invoke; i-- {
		if s := &x.staged[i]; s.reg == reg && s.off == e.Off[0] {
			s.failed = e.Type == history.Fail && certain(e)
			return
		}
	}
	if len(x.staged) < mostLive {
		x.staged = append(x.staged, liveStaged{reg: reg, off: e.Off[0], t: e.T, failed: e.Type == history.Fail && certain(e)})
	}
}

// initialised looks for a producer id that passes to another process.
func (o *Online) initialised(p *liveProc, e *history.Event) {
	if e.Type != history.OK || !e.HasPID {
		return
	}
	if h := o.holders[e.PID]; h != nil && h != p && h.epoch < e.Epoch && o.procs[h.name] == h {
		h.fencedT, h.fencedBy = e.T, p.name
	}
	if o.holders[p.pid] == p {
		delete(o.holders, p.pid)
	}
	if len(o.holders) < mostLive {
		o.holders[e.PID] = p
	}
	p.pid, p.epoch, p.fencedT = e.PID, e.Epoch, 0
}
