package checker

import (
	"slices"

	"github.com/onceproof/onceproof/history"
)

// history is what the run's clients told, and the audit behind it.
func (w *world) history() []history.Event {
	return append(slices.Clone(w.told), w.audit()...)
}

func (w *world) audit() []history.Event {
	n := len(w.told)
	audit := func(op history.Op, tp history.TopicPartition) history.Event {
		return history.Event{Src: history.SrcAudit, Proc: "audit", Type: history.OK, Op: op, TP: tp}
	}
	for _, tp := range sortedTPs(w.logs) {
		l := w.logs[tp]
		e := audit(history.OpWatermarks, tp)
		e.Off = []int64{0, l.lso(), l.end()}
		w.tell(e)
		for i := range l.entries {
			x := &l.entries[i]
			if x.off < 0 {
				continue // taken out by a planted anomaly
			}
			e := audit(history.OpLog, tp)
			e.Off = []int64{x.off}
			if x.pid != 0 {
				e.PID, e.Epoch, e.HasPID, e.InTxn = x.pid, x.epoch, true, x.inTxn
			}
			if x.marker != "" {
				e.Op, e.Marker = history.OpMarker, x.marker
			} else {
				e.Val = []history.Value{x.val}
				if x.from.TP.Topic != "" {
					e.From = []history.Input{x.from}
				}
			}
			w.tell(e)
		}
		for _, lib := range []string{"franz-go", "sarama"} {
			e := audit(history.OpVisible, tp)
			e.Note = lib
			for i := range l.entries {
				if x := &l.entries[i]; x.off >= 0 && x.off < l.lso() && x.visible(true) {
					e.Off, e.Val = append(e.Off, x.off), append(e.Val, x.val)
				}
			}
			if len(e.Off) > 0 {
				w.tell(e)
			}
		}
	}
	for _, g := range []string{"exact", "till"} {
		for _, tp := range sortedTPs(w.groups[g]) {
			e := audit(history.OpOffset, tp)
			e.Group, e.Off = g, []int64{w.groups[g][tp]}
			w.tell(e)
		}
	}
	w.tell(audit(history.OpAuditDone, history.TopicPartition{}))
	tail := slices.Clone(w.told[n:])
	w.told = w.told[:n]
	return tail
}

// jitter reorders lines of different processes a little, as pipes do.
func jitter(d dice, events []history.Event) []history.Event {
	out := slices.Clone(events)
	for i := 1; i < len(out); i++ {
		a, b := &out[i-1], &out[i]
		if a.Proc != b.Proc && a.Src == history.SrcClient && b.Src == history.SrcClient && d.n(8) == 0 {
			*a, *b = *b, *a
		}
	}
	return out
}
