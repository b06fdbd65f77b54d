package native

import (
	"maps"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// audit reads what the brokers hold at the end, as the harness does.
func (w *world) audit() {
	w.phase("audit")
	w.run(10 * millisecond)
	for _, tp := range w.tps {
		p := w.parts[tp]
		w.tellAudit(history.Event{Op: history.OpWatermarks, TP: tp, Off: []int64{p.base, p.stable(), p.high}})
	}
	for _, tp := range w.tps {
		w.auditLog(w.parts[tp])
		w.auditVisible(w.parts[tp], "franz-go")
		if w.cfg.SecondReader {
			w.auditVisible(w.parts[tp], "sarama")
		}
	}
	for _, tp := range w.tps {
		p := w.parts[tp]
		for _, pid := range slices.Sorted(maps.Keys(p.producers)) {
			if t := p.producers[pid]; t.open >= 0 {
				w.tellAudit(history.Event{Op: history.OpOpenTxn, TP: tp, PID: pid, Epoch: t.epoch, HasPID: true, Off: []int64{t.open}})
			}
		}
	}
	for _, s := range w.slots {
		for _, g := range s.sortedGroups() {
			w.auditOffsets(g)
		}
	}
	w.tellAudit(history.Event{Op: history.OpAuditDone})
}

func (w *world) tellAudit(e history.Event) {
	e.Src, e.Proc = history.SrcAudit, "audit"
	if e.Type == "" {
		e.Type = history.OK
	}
	w.rec.tell("audit", e)
	w.run(w.between(microsecond, millisecond))
}

func (w *world) auditOffsets(g *groupState) {
	pending := map[history.TopicPartition]bool{}
	for _, p := range g.pending {
		for tp := range p {
			pending[tp] = true
		}
	}
	for _, tp := range w.tps {
		g.look(tp)
		o, known := g.offsets[tp]
		switch {
		case pending[tp]:
			w.tellAudit(history.Event{Op: history.OpOffset, Type: history.Info, Group: g.id, TP: tp, Err: unstableOffset.asError()})
		case known:
			w.tellAudit(history.Event{Op: history.OpOffset, Group: g.id, TP: tp, Off: []int64{o.off}, Meta: o.meta})
		}
	}
}

// auditLog tells of consecutive records of one producer in one event.
func (w *world) auditLog(p *partition) {
	var e history.Event
	flush := func() {
		if len(e.Off) > 0 {
			w.tellAudit(unlined(e))
		}
		e = history.Event{}
	}
	for off := p.base; off < p.high; off++ {
		x := p.at(off)
		switch {
		case x.note != "":
			flush()
			continue
		case x.marker != "":
			flush()
			w.tellAudit(history.Event{Op: history.OpMarker, TP: p.tp, Off: []int64{off}, PID: x.pid, Epoch: x.epoch, HasPID: true, Marker: x.marker})
			continue
		}
		if e.PID != x.pid || e.Epoch != x.epoch || e.InTxn != x.inTxn || len(e.Off) == 500 {
			flush()
		}
		e.Op, e.TP, e.PID, e.Epoch, e.HasPID, e.InTxn = history.OpLog, p.tp, x.pid, x.epoch, true, x.inTxn
		e.Off, e.Val, e.From = append(e.Off, off), append(e.Val, x.val), append(e.From, x.from)
	}
	flush()
}

// auditVisible is what a read_committed consumer is given.
func (w *world) auditVisible(p *partition, library string) {
	var e history.Event
	f := p.read(p.base, true, len(p.log))
	for i, x := range f.entries {
		if x.marker != "" || x.note != "" || x.fate == "abort" && !w.defect(IgnoresAborts) {
			continue
		}
		e.Op, e.TP, e.Note = history.OpVisible, p.tp, library
		e.Off, e.Val, e.From = append(e.Off, f.first+int64(i)), append(e.Val, x.val), append(e.From, x.from)
		if len(e.Off) == 500 {
			w.tellAudit(unlined(e))
			e = history.Event{}
		}
	}
	if len(e.Off) > 0 {
		w.tellAudit(unlined(e))
	}
}

// unlined leaves lineage out where no record has one.
func unlined(e history.Event) history.Event {
	for _, f := range e.From {
		if f != (history.Input{}) {
			return e
		}
	}
	e.From = nil
	return e
}
