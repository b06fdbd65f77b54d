package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onceproof/onceproof/history"
)

// unstableOffset is UNSTABLE_OFFSET_COMMIT (KIP-447): the committed offset is not
// told while a transaction that may change it is open.
const unstableOffset = 88

// observeAudit takes in what the audit found after heal and drain: the whole
// log, what readers under read_committed get of it, and the committed offsets.
func (j *judge) observeAudit(e *history.Event, line uint32) error {
	if j.auditT == 0 {
		j.auditT = e.T
	}
	switch e.Op {
	case history.OpLog:
		return j.observeLog(e, line)
	case history.OpMarker:
		return j.observeMarker(e, line)
	case history.OpVisible:
		return j.observeVisible(e, line)
	case history.OpOffset:
		tp, err := j.tp(e.TP)
		if err != nil {
			return err
		}
		g := j.groups[j.group(e.Group)]
		in := g.input(j, tp)
		if len(e.Off) == 0 {
			in.pending = in.pending || e.Err != nil && e.Err.Code == unstableOffset
			return nil
		}
		in.final, in.hasFinal, in.finalLine = e.Off[0], true, line
	case history.OpWatermarks:
		tp, err := j.tp(e.TP)
		if err != nil {
			return err
		}
		if len(e.Off) != 3 {
			return fmt.Errorf("watermarks of %s: %d offsets instead of 3 (log start, last stable offset, high watermark)", tpName(e.TP), len(e.Off))
		}
		pt := j.parts[tp]
		copy(pt.marks[:], e.Off)
		pt.hasWM, pt.wmLine = true, line
		if policy, ok := e.Data["cleanup.policy"].(string); ok && strings.Contains(policy, "compact") {
			pt.compacted = true
		}
	case history.OpFold:
		return j.observeFold(e, line)
	case history.OpLineage:
		return j.observeLineage(e)
	case history.OpOpenTxn:
		tp, err := j.tp(e.TP)
		if err != nil {
			return err
		}
		o := openTxn{pid: e.PID, epoch: e.Epoch, first: -1, line: line}
		if len(e.Off) > 0 {
			o.first = e.Off[0]
		}
		j.parts[tp].open = append(j.parts[tp].open, o)
	case history.OpAuditDone:
		if e.Type == history.OK {
			j.auditDone = true
			return nil
		}
		j.auditErr = "the audit is incomplete"
		if e.Err != nil {
			j.auditErr += ": " + e.Err.Name
			if e.Err.Text != "" {
				j.auditErr += ": " + e.Err.Text
			}
		}
	}
	return nil
}

func (j *judge) pidOf(e *history.Event) int32 {
	if !e.HasPID {
		return -1
	}
	k := pidEpoch{e.PID, e.Epoch}
	id, ok := j.pids[k]
	if !ok {
		id = int32(len(j.pidList))
		j.pids[k] = id
		j.pidList = append(j.pidList, k)
	}
	return id
}

func (j *judge) observeLog(e *history.Event, line uint32) error {
	if e.Type != history.OK {
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	pt := j.parts[tp]
	pid := j.pidOf(e)
	for i, off := range e.Off {
		if off < 0 || off > maxOff {
			return fmt.Errorf("offset %d out of range", off)
		}
		var v value
		if i < len(e.Val) {
			if v, err = j.val(e.Val[i]); err != nil {
				return err
			}
		}
		var from place
		if i < len(e.From) {
			if from, err = j.placeOf(e.From[i]); err != nil {
				return err
			}
		}
		pt.end = max(pt.end, off+1)
		pt.logEnd = max(pt.logEnd, off+1)
		row := pt.rows.at(off)
		if row.flags&fLogged != 0 {
			continue // the log was read again
		}
		if pt.differs(row, v) {
			j.clash(pt, off, row, seenAs{val: v, how: "in the log", t: e.T, line: line, proc: -1})
			if row.flags&fAcked != 0 {
				j.displaced.add(displaced{off: off, rec: *row, tp: tp})
			}
			*row = record{flags: row.flags &^ fAcked}
		}
		row.val = v
		if from != 0 {
			row.from = from
		}
		row.logLine = line
		row.pid = pid + 1
		row.flags |= fLogged
		if e.InTxn {
			row.flags |= fInTxn
			pt.txnal = true
		}
		pt.logged++
		j.hot.logged++
	}
	return nil
}

func (j *judge) observeMarker(e *history.Event, line uint32) error {
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	pt := j.parts[tp]
	pid := j.pidOf(e)
	for _, off := range e.Off {
		if off < 0 || off > maxOff {
			return fmt.Errorf("offset %d out of range", off)
		}
		pt.end = max(pt.end, off+1)
		pt.logEnd = max(pt.logEnd, off+1)
		row := pt.rows.at(off)
		if row.val != 0 {
			j.clash(pt, off, row, seenAs{how: "a control record in the log", t: e.T, line: line, proc: -1})
			if row.flags&fAcked != 0 {
				j.displaced.add(displaced{off: off, rec: *row, tp: tp})
			}
			*row = record{flags: row.flags & (fReadRC | fReadRU | fClash)}
		}
		row.logLine = line
		row.pid = pid + 1
		row.flags |= fLogged | fMarker
		if e.Marker == "commit" {
			row.flags |= fMarkerCommit
		}
	}
	return nil
}

func (j *judge) observeVisible(e *history.Event, line uint32) error {
	if e.Type != history.OK {
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	lib := slices.Index(j.libs, e.Note)
	if lib < 0 {
		if len(j.libs) == maxLibs {
			return fmt.Errorf("more than %d audit readers", maxLibs)
		}
		lib = len(j.libs)
		j.libs = append(j.libs, e.Note)
	}
	pt := j.parts[tp]
	pt.vis |= fVis0 << lib
	for i, off := range e.Off {
		if off < 0 || off > maxOff {
			return fmt.Errorf("offset %d out of range", off)
		}
		var v value
		if i < len(e.Val) {
			if v, err = j.val(e.Val[i]); err != nil {
				return err
			}
		}
		pt.end = max(pt.end, off+1)
		row := pt.rows.at(off)
		if pt.differs(row, v) || row.flags&fMarker != 0 && v != 0 {
			j.clash(pt, off, row, seenAs{val: v, how: "returned to the audit's reader " + e.Note, t: e.T, line: line, proc: -1})
			continue
		}
		row.val = v
		row.flags |= fVis0 << lib
	}
	return nil
}
