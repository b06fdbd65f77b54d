package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
)

// abortedRead reports a record of an aborted transaction that a consumer was
// given (Adya's G1a). Under read_committed "the consumer will return only
// committed transactional messages" (KIP-98). A consumer under
// read_uncommitted was promised nothing; the verdict says so.
func (j *judge) abortedRead(at place, r *record) {
	readers := r.flags & (fReadRC | fReadRU | (1<<maxLibs-1)*fVis0)
	if readers == 0 {
		return
	}
	rec := *r
	j.finds.report(AbortedRead, func() draft {
		d := draft{focus: []place{at}, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		who := j.readWords(at, readers, &d)
		d.events = append(d.events, j.logEvent(at, &rec))
		if e, ok := j.markerBehind(at, rec.pid); ok {
			d.events = append(d.events, e)
		}
		d.text = fmt.Sprintf("%s returned %s at %s, a record of a transaction that was aborted.", who, j.valName(rec.val), j.placeName(at))
		d.legal = "no record of an aborted transaction"
		return d
	})
}

// readWords adds the event of one reader and names it; a client that reads
// committed comes before the audit, and that before one that reads all.
func (j *judge) readWords(at place, readers uint16, d *draft) string {
	if readers&fReadRC != 0 {
		if e, ok := j.reader(at, true); ok {
			d.events = append(d.events, e)
			d.client, _ = splitProc(e.Proc)
			return e.Proc + " (read_committed)"
		}
	}
	for i, lib := range j.libs {
		if readers&(fVis0<<i) != 0 {
			d.events = append(d.events, j.event(0, "audit", 0, at, history.OK, history.OpVisible, fmt.Sprintf("the audit's reader %s (read_committed) returned %s", lib, j.placeName(at))))
			return "The audit's reader " + lib + " (read_committed)"
		}
	}
	if e, ok := j.reader(at, false); ok {
		d.events = append(d.events, e)
		d.client, _ = splitProc(e.Proc)
		return e.Proc + " (read_uncommitted)"
	}
	return "A consumer"
}

// markerBehind finds the marker that decided a record.
func (j *judge) markerBehind(at place, pid int32) (WitnessEvent, bool) {
	var e WitnessEvent
	found := false
	if pid == 0 {
		return e, false
	}
	j.parts[at.tp()].rows.scanFrom(at.off()+1, func(off int64, r *record) bool {
		if r.flags&fMarker != 0 && r.pid != 0 && j.pidList[r.pid-1].pid == j.pidList[pid-1].pid {
			e, found = j.logEvent(makePlace(at.tp(), off), r), true
			e.Op = string(history.OpMarker)
			return false
		}
		return true
	})
	return e, found
}

// failedYetThere reports a send that its library called failed, with an error
// that leaves no doubt, and whose record was read all the same: Jepsen's
// aborted read.
func (j *judge) failedYetThere(at place, r *record, f uint16) {
	if f&vFailed == 0 || f&(vAcked|vUnknown|vResent) != 0 {
		return
	}
	readers := r.flags & (fReadRC | fReadRU | (1<<maxLibs-1)*fVis0)
	if readers == 0 {
		return
	}
	rec := *r
	j.finds.report(AbortedRead, func() draft {
		d := draft{focus: []place{at}, txn: rec.txn}
		d.events = append(d.events, j.sendEvents(at, &rec)...)
		who := j.readWords(at, readers, &d)
		d.client = j.procs[rec.val.proc()].client
		d.events = append(d.events, j.logEvent(at, &rec))
		d.text = fmt.Sprintf("%s returned %s at %s, whose send had failed with an error that says it never happened.", who, j.valName(rec.val), j.placeName(at))
		d.legal = "no record of a send that failed for certain"
		return d
	})
}

// readsDone judges reads against what the history said later.
func (j *judge) readsDone() {}
