package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/history"
)

// pollLine remembers one line of a poll, to find the readers of a record again.
type pollLine struct {
	t      int64
	lo, hi int64
	proc   int32
	tp     int32
	line   uint32
	_      uint32
}

// pollGap is a jump of a reader over offsets lo..hi, to be compared with what
// the log turns out to hold there.
type pollGap struct {
	t      int64
	lo, hi int64
	proc   int32
	tp     int32
	line   uint32
	before uint32 // line of the poll before the gap
}

// earlyRead is a record returned under read_committed before its transaction's
// commit was seen to be invoked.
type earlyRead struct {
	t    int64
	off  int64
	val  value
	tp   int32
	proc int32
	line uint32
	_    uint32
}

// position is where one process stands in one partition.
type position struct {
	last  int64 // -1 after anything that may move it
	line  uint32
	owned bool
}

func (j *judge) observePoll(p *proc, e *history.Event, line uint32) error {
	if e.Type != history.OK || len(e.Off) == 0 {
		if e.Err != nil {
			p.moved() // data loss and offsets out of range move a consumer
		}
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	pt := j.parts[tp]
	pos := p.pos[tp]
	if pos == nil {
		pos = &position{last: -1}
		p.pos[tp] = pos
	}
	read := fReadRU
	if p.rc {
		read = fReadRC
	}
	in := j.pollsInput(p, tp)
	j.polls.add(pollLine{t: e.T, lo: e.Off[0], hi: e.Off[len(e.Off)-1], proc: p.id, tp: tp, line: line})
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
		switch {
		case row.val != 0 && row.val != v || row.flags&fMarker != 0:
			j.clash(pt, off, row, seenAs{val: v, how: "polled", t: e.T, line: line, proc: p.id})
		default:
			row.val = v
			row.flags |= read
			if p.rc {
				j.readEarly(p, pt, row, off, e.T, line)
			}
		}
		j.advance(p, pt, pos, off, e.T, line)
		if in != nil && (in.first < 0 || off < in.first) {
			in.first = off
		}
	}
	j.hot.polled += int64(len(e.Off))
	return nil
}

// readEarly keeps a record whose transaction was not seen to commit before this
// read. The lines of different processes may be a little out of order in a
// history, so the times decide at the end.
func (j *judge) readEarly(p *proc, pt *part, row *record, off, t int64, line uint32) {
	i := row.txn
	if i == 0 && row.flags&fAcked == 0 {
		if row.val == 0 || j.procs[row.val.proc()].txnIndex == nil {
			return
		}
		if owner := j.procs[row.val.proc()]; !owner.txnal && len(owner.txnIndex) == 0 {
			return
		}
		j.early.add(earlyRead{t: t, off: off, val: row.val, tp: pt.id, proc: p.id, line: line})
		return
	}
	if i == 0 {
		return
	}
	if x := j.txns.at(int64(i - 1)); x.commitInv == 0 || x.commitInv > t {
		j.early.add(earlyRead{t: t, off: off, val: row.val, tp: pt.id, proc: p.id, line: line})
	}
}

// advance moves a reader to off and keeps what looks wrong about the step.
func (j *judge) advance(p *proc, pt *part, pos *position, off, t int64, line uint32) {
	switch {
	case pos.last < 0:
	case off <= pos.last:
		j.wentBack(p, pt, pos, off, t, line)
	case off > pos.last+1:
		j.gaps.add(pollGap{t: t, lo: pos.last + 1, hi: off - 1, proc: p.id, tp: pt.id, line: line, before: pos.line})
	}
	pos.last, pos.line = off, line
}

// moved forgets where p stands: after a seek, a rebalance or an abort its next
// poll may start anywhere (an abort rewinds to the last committed offsets).
func (p *proc) moved() {
	for _, pos := range p.pos {
		pos.last = -1
	}
}

func (j *judge) observeAssignment(p *proc, e *history.Event, line uint32) error {
	switch e.Op {
	case history.OpSeek:
		j.counts["seeks"]++
	case history.OpAssigned:
		j.counts["assignments"]++
	default:
		j.counts["rebalances"]++
	}
	if e.TP.Topic == "" {
		p.moved()
		return nil
	}
	tp, err := j.tp(e.TP)
	if err != nil {
		return err
	}
	pos := p.pos[tp]
	if pos == nil {
		pos = &position{}
		p.pos[tp] = pos
	}
	pos.last, pos.line = -1, line
	pos.owned = e.Op == history.OpAssigned || e.Op == history.OpSeek && pos.owned
	return nil
}
