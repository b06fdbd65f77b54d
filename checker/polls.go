package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
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
	how    stepFlags
	_      [7]uint8
}

// stepFlags say how a reader came from one record to the next.
type stepFlags uint8

const (
	// stepAssigned: the reader was to start where it did not, at a committed offset.
	stepAssigned stepFlags = 1 << iota
	// stepWithin: both records belong to one operation of an imported history.
	stepWithin
	// stepUntold: a rebalance that nobody told may have moved the reader between.
	stepUntold
	// stepFirst: the reader had moved to the beginning, and read nothing there yet.
	stepFirst
)

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
	base  int64 // committed offset that the client was told since; -1 if none
	line  uint32
	baseL uint32
	// sought says that base is where the client moved to itself.
	sought bool
	untold bool  // a rebalance that nobody told may have moved it since last
	unit   int64 // the operation in which last was read, of an imported history
	moves  int64 // of its process, when this was true
}

// position is where p stands in a partition, nowhere after anything that moves it
// in all of them.
func (p *proc) position(tp int32) *position {
	pos := p.pos[tp]
	if pos == nil {
		pos = &position{last: -1, base: -1}
		p.pos[tp] = pos
	}
	if pos.moves != p.moves {
		*pos = position{last: -1, base: -1, moves: p.moves}
	}
	return pos
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
	pos := p.position(tp)
	read := fReadRU
	if p.rc {
		read = fReadRC
	}
	in := j.pollsInput(p, tp)
	reader := int32(-1) // the transaction that polls, of an imported history
	if j.reads != nil && e.Txn != 0 {
		reader = j.txnOf(p, e.Txn)
	}
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
		if j.reads != nil && v == 0 {
			pt.readEnd = max(pt.readEnd, off+1)
			continue // nothing is told of what stands there
		}
		row := pt.rows.at(off)
		if j.reads != nil {
			j.readByClient(pt, row, sighting{val: v, at: makePlace(tp, off), t: e.T, line: line, proc: p.id}, reader)
		}
		switch {
		case pt.mixed && row.flags&fMarker == 0:
			j.readForeign(p, pt, row, read, earlyRead{t: e.T, off: off, tp: pt.id, proc: p.id, line: line})
		case pt.differs(row, v) || row.flags&fMarker != 0 && v != 0:
			j.clash(pt, off, row, seenAs{val: v, how: "polled", t: e.T, line: line, proc: p.id})
		default:
			row.val = v
			row.flags |= read
			if v == 0 {
				row.flags |= fForeign // the audit tells whose it is
			}
			if p.rc && j.reads == nil {
				j.readEarly(p, pt, row, off, e.T, line)
			}
		}
		j.advance(p, pt, pos, given{off: off, t: e.T, line: line, unit: e.Unit})
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
		if row.val == 0 {
			return
		}
		if owner := j.procs[row.val.proc()]; !owner.txnal && owner.txnIndex == nil {
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

// given is a reader's next record.
type given struct {
	off, t, unit int64
	line         uint32
}

// advance moves a reader on and keeps what looks wrong about the step.
func (j *judge) advance(p *proc, pt *part, pos *position, s given) {
	var how stepFlags
	if s.unit != 0 && s.unit == pos.unit {
		how |= stepWithin
	}
	if pos.untold {
		how |= stepUntold
	}
	switch {
	case pos.last < 0 && pos.base >= 0:
		j.tookOver(p, pt, pos, s)
	case pos.last < 0:
	case s.off <= pos.last:
		j.wentBack(p, pt, pos, s, how)
	case s.off > pos.last+1:
		j.jumps(p, pt, pollGap{t: s.t, lo: pos.last + 1, hi: s.off - 1, proc: p.id, tp: pt.id, line: s.line, before: pos.line, how: how})
	}
	pos.last, pos.line, pos.unit, pos.base, pos.sought, pos.untold = s.off, s.line, s.unit, -1, false, false
}

// readByClient notes a sighting, where reads stand in for the log. reader is the
// transaction that polls, -1 for none.
func (j *judge) readByClient(pt *part, row *record, s sighting, reader int32) {
	pt.readEnd = max(pt.readEnd, s.at.off()+1)
	*j.procs[s.val.proc()].values.at(s.val.n()) |= vRead
	known := j.see(row, s)
	if known.txn == 0 {
		known.other = true
		j.early.add(earlyRead{t: s.t, off: s.at.off(), val: s.val, tp: pt.id, proc: s.proc, line: s.line})
		return
	}
	x := j.txns.at(int64(known.txn - 1))
	if x.commitInv == 0 || x.commitInv > s.t {
		j.early.add(earlyRead{t: s.t, off: s.at.off(), val: s.val, tp: pt.id, proc: s.proc, line: s.line})
	}
	if reader != known.txn-1 {
		known.other = true
		if x.outcome != txnCommitOK {
			j.shows(known.txn-1, s.t)
		}
	}
	if reader >= 0 {
		j.readFrom(readEdge{t: s.t, at: s.at, reader: reader, writer: known.txn - 1, line: s.line})
	}
}

// jumps keeps a jump to be compared with the log. Most are over control records, and
// many readers make the same one: it is kept once within an operation and once
// between two, and else counted.
func (j *judge) jumps(p *proc, pt *part, g pollGap) {
	n := g.hi - g.lo + 1
	if !p.rc || n > longestJump || g.how&^stepWithin != 0 {
		j.gaps.add(g)
		return
	}
	within := g.how & stepWithin / stepWithin
	row := pt.rows.at(g.hi + 1)
	switch kept := uint16(1) << (14 + within); {
	case row.jump&longestJump == 0:
		row.jump = uint16(n) | kept
	case row.jump&longestJump != uint16(n): // another one than was first
	case row.jump&kept == 0:
		row.jump |= kept
	default:
		if pt.again == nil {
			pt.again = newTable[[2]uint32](j.pool)
		}
		pt.again.at(g.hi + 1)[within]++
		return
	}
	j.gaps.add(g)
}

// longestJump is the longest one that a row can name.
const longestJump = 1<<14 - 1

// repeats is how often readers made the jump g besides those that are kept.
func (j *judge) repeats(g *pollGap) int64 {
	pt := j.parts[g.tp]
	if pt.again == nil || !j.procs[g.proc].rc || g.how&^stepWithin != 0 {
		return 0
	}
	if row := pt.rows.get(g.hi + 1); row == nil || int64(row.jump&longestJump) != g.hi-g.lo+1 {
		return 0
	}
	n := &pt.again.at(g.hi + 1)[g.how&stepWithin/stepWithin]
	k := int64(*n)
	*n = 0
	return k
}

// tookOver compares a reader's first poll with the committed offset that it was
// told: "the consumer will resume from the last committed offset" (Kafka
// documentation, Consumer Position).
func (j *judge) tookOver(p *proc, pt *part, pos *position, s given) {
	off, t, line := s.off, s.t, s.line
	switch {
	case off > pos.base:
		how := stepAssigned
		if pos.sought {
			how = 0
		}
		if pos.sought && pos.base == 0 {
			how = stepFirst
		}
		j.gaps.add(pollGap{t: t, lo: pos.base, hi: off - 1, proc: p.id, tp: pt.id, line: line, before: pos.baseL, how: how})
	case off < pos.base && pos.sought:
		pos.last, pos.line = pos.base-1, pos.baseL
		if pos.base > 0 {
			j.wentBack(p, pt, pos, s, 0)
		}
	case off < pos.base:
		base, before := pos.base, pos.baseL
		j.finds.report(guarantee.PositionMismatch, func() draft {
			at := makePlace(pt.id, off)
			d := draft{focus: []place{at}, client: p.client}
			d.events = append(d.events,
				j.event(0, p.name, before, makePlace(pt.id, base), history.OK, history.OpFetchOffsets, fmt.Sprintf("the committed offset that %s was told for %s was %d", p.name, tpName(pt.tp), base)),
				j.event(t, p.name, line, at, history.OK, history.OpPoll, fmt.Sprintf("its first poll returned %s", j.placeName(at))))
			d.text = fmt.Sprintf("%s took over %s at the committed offset %d, but its first poll began at %d: inputs that were done come again.", p.name, tpName(pt.tp), base, off)
			d.legal = "the first poll after an assignment begins at the committed offset"
			return d
		})
	}
}

// moved forgets where p stands: after a seek, a rebalance or an abort its next
// poll may start anywhere (an abort rewinds to the last committed offsets).
func (p *proc) moved() { p.moves++ }

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
	pos := p.position(tp)
	if j.reads != nil {
		switch {
		case e.Note == history.NoteUntold:
			pos.untold = true
			return nil
		case e.Note == history.NoteRebalanceLog:
			j.reads.rebalancesTold = true
		case e.Op == history.OpRevoked:
			k := procPart{p.id, tp}
			j.reads.breaks[k] = append(j.reads.breaks[k], e.T)
		}
	}
	pos.last, pos.line, pos.untold = -1, line, false
	if e.Op != history.OpAssigned || pos.sought {
		// Libraries ask for the committed offset before or after they tell of the
		// assignment; where a client had moved itself is nothing to a new one.
		pos.base, pos.sought = -1, false
	}
	if e.Op == history.OpSeek && len(e.Off) > 0 {
		pos.base, pos.baseL, pos.sought = e.Off[0], line, true
	}
	if p.group >= 0 {
		j.owns(p, tp, e)
	}
	return nil
}
