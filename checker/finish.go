package checker

// finish runs the passes that need the whole history. Each looks at every row
// a constant number of times, in the order in which the rows lie.
func (j *judge) finish() {
	for _, p := range j.procs {
		j.unfinished(p, j.lastT, 0)
	}
	for _, pt := range j.parts {
		j.decide(pt)
	}
	for _, pt := range j.parts {
		j.walk(pt)
	}
	if j.auditDone {
		for _, pt := range j.parts {
			j.losses(pt)
		}
		j.unresolvedLosses()
	}
	j.inputsDone()
	j.txnsDone()
	j.readsDone()
}

// decide gives every transactional record of a partition its fate: a record is
// committed or aborted by the first marker of its producer id and epoch behind
// it (KIP-98). A marker written for a later epoch decides the open transaction
// of an earlier one: the coordinator bumps the epoch to fence and then aborts.
func (j *judge) decide(pt *part) {
	open := map[int64][]int64{} // producer id -> offsets not decided
	pt.rows.scan(func(off int64, r *record) bool {
		if r.flags&fLogged == 0 {
			return true
		}
		if r.flags&fMarker != 0 {
			if r.pid == 0 {
				return true
			}
			pid := j.pidList[r.pid-1].pid
			for _, o := range open[pid] {
				row := pt.rows.at(o)
				x := j.txnRow(row)
				if r.flags&fMarkerCommit != 0 {
					row.flags |= fCommitted
					if x != nil {
						x.committed++
					}
				} else {
					row.flags |= fAborted
					if x != nil {
						x.aborted++
					}
				}
			}
			delete(open, pid)
			return true
		}
		if r.flags&fAcked == 0 && r.val != 0 {
			if a, ok := j.unresolved[r.val]; ok {
				r.txn, r.inv, r.invLine = a.txn, a.inv, a.invLine
				if r.from == 0 {
					r.from = a.from
				}
			}
		}
		if r.flags&fInTxn != 0 && r.pid != 0 {
			pid := j.pidList[r.pid-1].pid
			open[pid] = append(open[pid], off)
		}
		return true
	})
	for _, offs := range open {
		for _, o := range offs {
			if x := j.txnRow(pt.rows.at(o)); x != nil {
				x.open++
			}
		}
	}
}

func (j *judge) txnRow(r *record) *txn {
	if r.txn == 0 {
		return nil
	}
	return j.txns.at(int64(r.txn - 1))
}

// walk is the pass in offset order over the log of a partition.
func (j *judge) walk(pt *part) {
	w := walker{j: j, pt: pt, aside: j.asides[pt.tp.Topic], sent: map[int32]lastSent{}}
	pt.rows.scan(func(off int64, r *record) bool {
		if r.flags&fLogged != 0 && r.flags&fMarker == 0 {
			w.row(off, r)
		}
		return true
	})
}

// walker carries what the pass must remember of the offsets before.
type walker struct {
	j       *judge
	pt      *part
	aside   bool               // a retry or dead-letter topic: its copies are no duplicates
	sent    map[int32]lastSent // by process: its largest send number so far
	latest  int64              // largest invocation so far
	latestO int64
}

type lastSent struct {
	n, off int64
}

func (w *walker) row(off int64, r *record) {
	j := w.j
	at := makePlace(w.pt.id, off)
	aborted := r.flags&fAborted != 0
	open := r.flags&(fInTxn|fCommitted|fAborted) == fInTxn
	var f *uint16
	var owner *proc
	if r.val != 0 {
		owner = j.procs[r.val.proc()]
		f = owner.values.at(r.val.n())
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
		case *f&vLogged != 0:
			*f |= vTwice
			j.duplicateWrite(at, r)
		default:
			*f |= vLogged
			w.order(at, r, owner, *f)
		}
		j.failedYetThere(at, r, *f)
	}
	if !open && r.from != 0 && owner != nil {
		j.output(at, r, owner)
	}
}
