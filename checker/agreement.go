package checker

import (
	"fmt"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// seenAs is one sighting of a value at an offset.
type seenAs struct {
	val  value
	how  string
	t    int64
	line uint32
	proc int32
}

// clash reports two values at one offset. An offset names one record for good:
// "messages … are assigned a sequential id number called the offset that
// uniquely identifies each record within the partition" (Kafka documentation).
func (j *judge) clash(pt *part, off int64, row *record, s seenAs) {
	if row.flags&fClash != 0 || j.reads != nil {
		return // one finding an offset; without an audit, sightings are compared at the end
	}
	old := *row
	row.flags |= fClash
	at := makePlace(pt.id, off)
	j.finds.report(guarantee.InconsistentOffset, func() draft {
		d := draft{focus: []place{at}, legal: fmt.Sprintf("one record at %s, the same for every acknowledgement and every read", j.placeName(at))}
		before := "read earlier"
		switch {
		case old.flags&fMarker != 0:
			before = "found in the log as a control record"
			d.events = append(d.events, j.logEvent(at, &old))
		case old.flags&fLogged != 0:
			before = "found in the log"
			d.events = append(d.events, j.logEvent(at, &old))
		case old.flags&fAcked != 0:
			before = "acknowledged"
			d.events = append(d.events, j.sendEvents(at, &old)...)
		default:
			if e, ok := j.reader(at, false); ok {
				d.events = append(d.events, e)
			}
		}
		if old.val != 0 {
			d.client = j.procs[old.val.proc()].client
		}
		typ, op := history.OK, history.OpPoll
		if s.proc < 0 {
			op = history.OpLog
		} else if s.how == "acknowledged" {
			op = history.OpSend
		}
		text := fmt.Sprintf("%s was %s at %s", j.valName(s.val), s.how, j.placeName(at))
		d.events = append(d.events, j.event(s.t, j.procName(s.proc), s.line, at, typ, op, text))
		d.text = fmt.Sprintf("Two values at one offset: at %s, %s was %s and %s was %s.", j.placeName(at), j.valName(old.val), before, j.valName(s.val), s.how)
		return d
	})
}
