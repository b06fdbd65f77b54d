package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/history"
)

func placeTP(tp history.TopicPartition) string { return fmt.Sprintf("%s/%d", tp.Topic, tp.Part) }
func placeText(tp history.TopicPartition, off int64) string {
	return fmt.Sprintf("%s@%d", placeTP(tp), off)
}

// pick draws one worker's record of the logs.
func (w *world) pick(ok func(history.TopicPartition, *mentry) bool) (history.TopicPartition, *mentry, bool) {
	return w.pickAny(func(tp history.TopicPartition, e *mentry) bool { return e.val.Proc != "" && ok(tp, e) })
}

// pickAny draws one offset of the logs: a record of whomever, or a marker.
func (w *world) pickAny(ok func(history.TopicPartition, *mentry) bool) (history.TopicPartition, *mentry, bool) {
	type found struct {
		tp history.TopicPartition
		i  int
	}
	var all []found
	for _, tp := range sortedTPs(w.logs) {
		for i := range w.logs[tp].entries {
			if e := &w.logs[tp].entries[i]; ok(tp, e) {
				all = append(all, found{tp, i})
			}
		}
	}
	if len(all) == 0 {
		return history.TopicPartition{}, nil, false
	}
	f := all[w.d.n(len(all))]
	return f.tp, &w.logs[f.tp].entries[f.i], true
}

func (w *world) pickEvent(ok func(*history.Event) bool) (int, bool) {
	var all []int
	for i := range w.told {
		if ok(&w.told[i]) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	return all[w.d.n(len(all))], true
}

func (w *world) after(tp history.TopicPartition, e *mentry) *mentry {
	if l := w.logs[tp]; e.off+1 < l.end() && l.entries[e.off+1].marker == "" {
		return &l.entries[e.off+1]
	}
	return nil
}

func (w *world) find(val history.Value, typ history.Type) *history.Event {
	for i := range w.told {
		if e := &w.told[i]; e.Op == history.OpSend && e.Type == typ && e.Val[0] == val {
			return e
		}
	}
	return nil
}

func (w *world) acked(val history.Value) *history.Event   { return w.find(val, history.OK) }
func (w *world) invoked(val history.Value) *history.Event { return w.find(val, history.Invoke) }

func (w *world) polled(tp history.TopicPartition, off int64) bool {
	return slices.ContainsFunc(w.told, func(e history.Event) bool {
		return e.Op == history.OpPoll && e.TP == tp && slices.Contains(e.Off, off)
	})
}

// forget takes a record out of the log and makes its send's outcome unknown.
func (w *world) forget(x *mentry) {
	if e := w.acked(x.val); e != nil {
		e.Type, e.Off, e.TP = history.Info, nil, tpOf(e.TP.Topic, -1)
	}
	for i := range w.told { // nor may another attempt at it count as failed for certain
		if e := &w.told[i]; e.Op == history.OpSend && e.Type == history.Fail && e.Val[0] == x.val {
			e.Type, e.Err = history.Info, nil
		}
	}
	x.off = -1
}

// erase takes an offset out of every poll.
func (w *world) erase(tp history.TopicPartition, off int64) {
	for i := range w.told {
		e := &w.told[i]
		if k := slices.Index(e.Off, off); e.Op == history.OpPoll && e.TP == tp && k >= 0 {
			e.Off, e.Val = slices.Delete(slices.Clone(e.Off), k, k+1), slices.Delete(slices.Clone(e.Val), k, k+1)
		}
	}
}

// swap exchanges two records everywhere: in the log, in acknowledgements, in polls.
func (w *world) swap(tp history.TopicPartition, a, b *mentry) {
	a.val, b.val = b.val, a.val
	for i := range w.told {
		e := &w.told[i]
		if e.TP != tp || len(e.Off) == 0 || e.Op != history.OpSend && e.Op != history.OpPoll {
			continue
		}
		e.Off, e.Val = slices.Clone(e.Off), slices.Clone(e.Val)
		for k := range e.Off {
			switch {
			case e.Op == history.OpSend && e.Off[k] == a.off:
				e.Off[k] = b.off
			case e.Op == history.OpSend && e.Off[k] == b.off:
				e.Off[k] = a.off
			case e.Off[k] == a.off:
				e.Val[k] = a.val
			case e.Off[k] == b.off:
				e.Val[k] = b.val
			}
		}
	}
}

// sendNow sends one record and has it acknowledged.
func (w *world) sendNow(proc string, tp history.TopicPartition, txn int64, from history.Input, pid int64, epoch int16) int64 {
	val := w.next(proc)
	e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Txn: txn, Val: []history.Value{val}}
	if from.TP.Topic != "" {
		e.From = []history.Input{from}
	}
	e.ID = w.tell(e)
	off := w.logs[tp].append(mentry{val: val, from: from, pid: pid, epoch: epoch, inTxn: txn != 0})
	e.Type, e.TP, e.Off = history.OK, tp, []int64{off}
	w.tell(e)
	return off
}

func (w *world) readNow(proc string, tp history.TopicPartition, x *mentry) {
	w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpPoll, TP: tp, Off: []int64{x.off}, Val: []history.Value{x.val}})
}

func (w *world) endTxn(proc string, op history.Op, txn int64, typ history.Type) {
	id := w.tell(history.Event{Proc: proc, Type: history.Invoke, Op: op, Txn: txn})
	w.tell(history.Event{Proc: proc, ID: id, Type: typ, Op: op, Txn: txn})
}

func (w *world) commitNow(proc, group string, tp history.TopicPartition, off int64) {
	e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpCommitOffsets, Group: group, TP: tp, Off: []int64{off}}
	e.ID = w.tell(e)
	e.Type = history.OK
	w.tell(e)
}

// bank begins transaction 1 of a transactional producer, with so many records.
func (w *world) bank(sends map[history.TopicPartition]int) pidEpoch {
	pid, epoch := w.pidOf("bank")
	w.tell(history.Event{Proc: "bank/0/1", Type: history.OK, Op: history.OpBegin, Txn: 1})
	for _, tp := range sortedTPs(sends) {
		for range sends[tp] {
			w.sendNow("bank/0/1", tp, 1, history.Input{}, pid, epoch)
		}
	}
	return pidEpoch{pid, epoch}
}

// transact runs one whole committed transaction.
func (w *world) transact(proc, id string, txn *int64, sends map[history.TopicPartition]int, from history.Input, in history.TopicPartition, off int64) {
	pid, epoch := w.pidOf(id)
	*txn++
	w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpBegin, Txn: *txn})
	for _, tp := range sortedTPs(sends) {
		for range sends[tp] {
			w.sendNow(proc, tp, *txn, from, pid, epoch)
			from = history.Input{}
		}
	}
	if in.Topic != "" {
		e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSendOffsets, Group: "exact", Txn: *txn, TP: in, Off: []int64{off}}
		e.ID = w.tell(e)
		e.Type = history.OK
		w.tell(e)
	}
	w.endTxn(proc, history.OpCommit, *txn, history.OK)
	for _, tp := range sortedTPs(sends) {
		w.logs[tp].mark(pid, epoch, "commit")
	}
}

func (w *world) ownerTill() (*mtill, history.TopicPartition) {
	tp := tpOf("orders", int32(w.d.n(2)))
	for _, t := range w.tills {
		if _, ok := t.owned[tp]; ok {
			return t, tp
		}
	}
	return nil, tp
}

func (w *world) ownerExact() (*mexact, history.TopicPartition) {
	tp := tpOf("orders", int32(w.d.n(2)))
	for _, x := range w.exacts {
		if _, ok := x.owned[tp]; ok && x.inited && x.idle() {
			return x, tp
		}
	}
	return nil, tp
}

// workOff lets x go on until its group has committed all of tp; false if x died
// or takes too long.
func (w *world) workOff(x *mexact, tp history.TopicPartition) bool {
	for life, guard := x.life, 0; guard < 1000 && x.life == life; guard++ {
		if x.idle() && w.groups["exact"][tp] == w.logs[tp].end() {
			return true
		}
		w.exact(x)
	}
	return false
}

// topCommit is the largest offset whose commit by the plain group was acknowledged.
func (w *world) topCommit(tp history.TopicPartition) int64 {
	top := int64(-1)
	for _, e := range w.told {
		if e.Op == history.OpCommitOffsets && e.Type == history.OK && e.TP == tp {
			top = max(top, e.Off[0])
		}
	}
	return top
}

// sureBelow draws an offset below top whose commit was acknowledged: one of
// unknown outcome might take effect late.
func (w *world) sureBelow(tp history.TopicPartition, top int64) (int64, bool) {
	i, ok := w.pickEvent(func(e *history.Event) bool {
		return e.Op == history.OpCommitOffsets && e.Type == history.OK && e.TP == tp && e.Off[0] < top
	})
	if !ok {
		return 0, false
	}
	return w.told[i].Off[0], true
}

func (w *world) accounted(group string, tp history.TopicPartition, off int64) bool {
	for _, l := range w.logs {
		for _, e := range l.entries {
			if c, _ := splitProc(e.val.Proc); c == group && e.from == (history.Input{TP: tp, Off: off}) && e.fate == "commit" {
				return true
			}
		}
	}
	return false
}

func (w *world) outputsOf(_ history.Input, tp history.TopicPartition, off int64) int {
	n := 0
	for _, l := range w.logs {
		for _, e := range l.entries {
			if e.from == (history.Input{TP: tp, Off: off}) && e.fate == "commit" {
				n++
			}
		}
	}
	return n
}

// commitAsked is when the commit of a record's transaction was asked, 0 if never.
func (w *world) commitAsked(x *mentry) int64 {
	if !x.inTxn {
		return 0
	}
	inv := w.invoked(x.val)
	for i := range w.told {
		if e := &w.told[i]; e.Proc == x.val.Proc && e.Op == history.OpCommit && e.Type == history.Invoke && e.Txn == inv.Txn {
			return e.T
		}
	}
	return 0
}
