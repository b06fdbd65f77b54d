package checker

import (
	"cmp"
	"slices"
)

// finish runs the passes that need the whole history. Each looks at every row
// a constant number of times, in the order in which the rows lie.
func (j *judge) finish() {
	for _, p := range j.procs {
		j.unfinished(p, j.lastT, 0)
	}
	for _, f := range j.faults {
		j.off(f) // it was on until the end
	}
	if j.reads != nil {
		j.readsAsLog()
	}
	j.restore()
	for _, pt := range j.parts {
		j.decide(pt)
	}
	for _, pt := range j.parts {
		j.walk(pt)
	}
	j.moreInputs()
	j.pendingOffsets()
	inputs, away := j.inputsDone(), j.awayFrom()
	for _, pt := range j.parts { // one after the other, while its rows are in memory
		displaced := away(pt)
		if j.auditDone {
			j.losses(pt, displaced)
			j.readersDone(pt)
			inputs(pt)
		}
		j.acksInOrder(pt, displaced)
	}
	if j.auditDone {
		j.unresolvedLosses()
		j.programsDone()
	}
	j.txnsDone()
	j.overlaps()
	j.readsDone()
	j.offsetsDone()
	j.ownersDone()
	j.progressDone()
	for _, pass := range passes {
		pass(j)
	}
	j.secondOpinion()
}

// restore gives acknowledgements that were displaced by a wrong sighting back to
// their rows, where the log bears them out.
func (j *judge) restore() {
	j.away = newSorter(j.pool, func(a, b displaced) int {
		return cmp.Or(cmp.Compare(a.tp, b.tp), cmp.Compare(a.off, b.off), cmp.Compare(a.rec.val, b.rec.val))
	})
	j.displaced.scan(func(_ int64, d *displaced) bool {
		row := j.parts[d.tp].rows.at(d.off)
		if row.val != d.rec.val || row.flags&fLogged == 0 {
			j.away.add(*d)
			return true
		}
		rec := d.rec
		rec.flags |= row.flags
		rec.logLine, rec.pid, rec.jump = row.logLine, row.pid, row.jump
		if rec.from == 0 {
			rec.from = row.from
		}
		*row = rec
		return true
	})
}

// awayFrom makes what gives the acknowledgements of a partition whose offsets the log
// gives to other records, in the order of offsets. Partitions are asked for in order.
func (j *judge) awayFrom() func(pt *part) []displaced {
	c := j.away.sorted()
	d, more := c.next()
	return func(pt *part) (away []displaced) {
		for ; more && d.tp <= pt.id; d, more = c.next() {
			if d.tp == pt.id {
				away = append(away, d)
			}
		}
		return away
	}
}

// decide gives every transactional record of a partition its fate: a record is
// committed or aborted by the first marker of its producer id behind it (KIP-98).
// The epoch does not matter for that: a coordinator that fences a producer
// aborts the transaction with a marker of the next epoch.
func (j *judge) decide(pt *part) {
	producers := map[int64]*producerLog{} // by producer id
	pt.rows.read(0, func(off int64, r *record) bool {
		if r.flags&fLogged == 0 {
			return true
		}
		var p *producerLog
		if r.pid != 0 {
			k := j.pidList[r.pid-1]
			if p = producers[k.pid]; p == nil {
				p = &producerLog{epoch: k.epoch}
				producers[k.pid] = p
			}
			j.epochOrder(pt, off, r, p, k)
		}
		if r.flags&fMarker != 0 {
			if p != nil {
				j.decided(pt, p, off, r.flags&fMarkerCommit != 0)
			}
			return true
		}
		if r.flags&fAcked == 0 && r.val != 0 {
			if a, ok := j.attempt(r.val); ok {
				r = pt.rows.at(off) // it changes
				r.txn, r.inv, r.invLine = a.txn, a.inv, a.invLine
				if r.from == 0 {
					r.from = a.from
				}
			}
		}
		if r.flags&fInTxn == 0 || p == nil {
			return true
		}
		if len(p.open) == 0 && r.txn != 0 {
			j.opens.add(firstOpen{off: off, txn: r.txn - 1, tp: pt.id})
		}
		if r.txn != 0 && p.lastTxn == r.txn && len(p.open) == 0 {
			j.strayMarker(pt, off, r, p)
		}
		p.open = append(p.open, off)
		return true
	})
	for pid, p := range producers {
		for _, o := range p.open {
			if x := j.txnRow(pt.rows.at(o)); x != nil {
				x.open++
			}
		}
		if len(p.open) > 0 {
			pt.undecided = append(pt.undecided, undecided{pid: pid, first: p.open[0], last: p.open[len(p.open)-1]})
		}
	}
	slices.SortFunc(pt.undecided, func(a, b undecided) int { return cmp.Compare(a.first, b.first) })
}

// producerLog is what the pass remembers of one producer id in one partition.
type producerLog struct {
	open    []int64 // records not decided yet
	lastTxn int32   // the transaction that the last marker decided, index + 1
	// Of that marker and of the last record that it decided.
	markerAt, lastOff int64
	epoch             int16 // largest so far
	epochAt           int64
}

// undecided is a transaction that no marker ends.
type undecided struct {
	pid         int64
	first, last int64
}

// firstOpen is the first record of a transaction in a partition.
type firstOpen struct {
	off int64
	txn int32
	tp  int32
}

func (j *judge) decided(pt *part, p *producerLog, at int64, commit bool) {
	if n := len(p.open); n > 0 {
		p.lastOff, p.lastTxn, p.markerAt = p.open[n-1], 0, at
	}
	for _, o := range p.open {
		row := pt.rows.at(o)
		x := j.txnRow(row)
		p.lastTxn = row.txn
		switch {
		case commit:
			row.flags |= fCommitted
			if x != nil {
				x.committed++
			}
		default:
			row.flags |= fAborted
			if x != nil {
				x.aborted++
			}
		}
	}
	p.open = p.open[:0]
}

func (j *judge) txnRow(r *record) *txn {
	if r.txn == 0 {
		return nil
	}
	return j.txns.at(int64(r.txn - 1))
}

// walk is the pass in offset order over the log of a partition.
func (j *judge) walk(pt *part) {
	w := walker{j: j, pt: pt, aside: j.asides[pt.tp.Topic], sent: map[sender]lastSent{}, began: map[int32]latest{}}
	pt.rows.read(0, func(off int64, r *record) bool {
		switch {
		case r.flags&fMarker != 0:
			j.controlRead(makePlace(pt.id, off), r)
		case r.flags&fLogged != 0:
			w.row(off, r)
		}
		return true
	})
}

// walker carries what the pass must remember of the offsets before.
type walker struct {
	j      *judge
	pt     *part
	aside  bool                // a retry or dead-letter topic: its copies are no duplicates
	sent   map[sender]lastSent // its largest send number so far
	latest [2]latest           // largest invocations so far, of two processes
	began  map[int32]latest    // by process: its largest invocation so far
}

// latest is the record of one process that was invoked last.
type latest struct {
	inv, off int64
	proc     int32
}

// sender is a process between two moments at which it gave the partition back.
type sender struct {
	proc int32
	life int
}

type lastSent struct {
	n, off int64
}

func (w *walker) row(off int64, r *record) {
	j := w.j
	if w.pt.hasWM && off >= w.pt.marks[1] && r.flags&fReadRC != 0 {
		j.aboveLSO(makePlace(w.pt.id, off), r)
	}
	at := makePlace(w.pt.id, off)
	aborted := r.flags&fAborted != 0
	open := r.flags&(fInTxn|fCommitted|fAborted) == fInTxn
	var f *uint16
	var owner *proc
	if r.val != 0 {
		owner = j.procs[r.val.proc()]
		f = owner.values.at(r.val.n())
		w.realtime(at, r, owner)
		j.phantom(at, r, owner, *f)
	}
	if aborted {
		j.counts["aborted-records"]++
		j.abortedRead(at, r)
		if f != nil {
			*f |= vAborted
		}
		return
	}
	if r.flags&fInTxn != 0 {
		j.counts["transactional-records"]++
	}
	if f != nil {
		switch {
		case w.aside:
			*f |= vAside
		case *f&vLogged != 0 && j.reads != nil: // told from the sightings
		case *f&vLogged != 0:
			*f |= vTwice
			j.duplicateWrite(at, r)
		default:
			*f |= vLogged
			w.order(at, r, owner, *f)
		}
		j.failedYetThere(at, r, *f)
	}
	switch {
	case open || owner == nil:
	case owner.reads():
		j.made(at, r, owner)
	case r.from != 0:
		j.output(at, r, owner)
	}
}
