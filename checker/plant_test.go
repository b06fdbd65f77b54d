package checker

import (
	"fmt"
	"slices"

	"github.com/onceproof/onceproof/guarantee"
	"github.com/onceproof/onceproof/history"
)

// planted is one anomaly put into a legal run: what must be found, exactly, and
// what the witness of its kind must speak of.
type planted struct {
	want map[guarantee.Anomaly]int64
	says string
}

func one(a guarantee.Anomaly, says string) *planted {
	return &planted{map[guarantee.Anomaly]int64{a: 1}, says}
}

// plants puts one anomaly of each kind into a finished run. nil means that the
// run offers no place for it.
var plants = map[guarantee.Anomaly]func(w *world) *planted{
	guarantee.LostWrite: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "orders" && w.acked(e.val) != nil })
		if !ok {
			return nil
		}
		at := placeText(tp, x.off)
		x.off = -1
		return one(guarantee.LostWrite, fmt.Sprintf("%s#%d was acknowledged at %s", x.val.Proc, x.val.N, at))
	},
	guarantee.LostInput: func(w *world) *planted {
		_, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "receipts" })
		if !ok {
			return nil
		}
		w.forget(x)
		return one(guarantee.LostInput, placeText(x.from.TP, x.from.Off))
	},
	guarantee.TruncatedLog: func(w *world) *planted {
		tp, x, ok := w.pickAny(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "orders" && w.polled(tp, e.off) })
		if !ok {
			return nil
		}
		at := placeText(tp, x.off)
		w.forget(x)
		return one(guarantee.TruncatedLog, at)
	},
	guarantee.DuplicateWrite: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "orders" })
		if !ok {
			return nil
		}
		first := x.off
		again := w.logs[tp].append(mentry{val: x.val})
		return one(guarantee.DuplicateWrite, fmt.Sprintf("at %s and again at %s", placeText(tp, first), placeText(tp, again)))
	},
	guarantee.DuplicateOutput: func(w *world) *planted {
		_, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "receipts" })
		if !ok {
			return nil
		}
		t := w.tills[w.d.n(2)]
		if w.d.n(2) == 0 {
			w.tell(history.Event{Proc: t.proc(), Type: history.OK, Op: history.OpProcess, From: []history.Input{x.from}})
			return one(guarantee.DuplicateOutput, placeText(x.from.TP, x.from.Off)+" was processed by")
		}
		w.sendNow(t.proc(), receipts, 0, x.from, 0, 0)
		return one(guarantee.DuplicateOutput, "from "+placeText(x.from.TP, x.from.Off))
	},
	guarantee.OverlappingInput: func(w *world) *planted {
		x, tp := w.ownerExact()
		if x == nil || !w.workOff(x, tp) {
			return nil
		}
		off := w.sendNow(w.producers[0].proc(), tp, 0, history.Input{}, 0, 0)
		w.tell(history.Event{Proc: x.proc(), Type: history.OK, Op: history.OpPoll, TP: tp, Off: []int64{off}, Val: []history.Value{w.logs[tp].entries[off].val}})
		paid := tpOf("paid", int32(w.d.n(2)))
		from := history.Input{TP: tp, Off: off}
		for range 2 {
			w.transact(x.proc(), x.instance, &x.txn, map[history.TopicPartition]int{paid: 1 + w.d.n(3)}, from, tp, off+1)
			from = history.Input{} // the second one covers the input without an output
		}
		w.groups["exact"][tp] = off + 1
		// Inputs between the group's old position and this one were skipped.
		for o := range off {
			if !w.accounted("exact", tp, o) {
				return nil
			}
		}
		if n := w.outputsOf(from, tp, off); n != 1 {
			return nil
		}
		return one(guarantee.OverlappingInput, fmt.Sprintf("transaction %d of %s up to offset %d", x.txn, x.proc(), off+1))
	},
	guarantee.ReorderedWrite: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool {
			next := w.after(tp, e)
			return tp.Topic == "orders" && next != nil && next.val.Proc == e.val.Proc && w.acked(e.val) != nil && w.acked(next.val) != nil
		})
		if !ok {
			return nil
		}
		w.swap(tp, x, w.after(tp, x))
		return one(guarantee.ReorderedWrite, fmt.Sprintf("offset %d after %d", x.off+1, x.off))
	},
	guarantee.RealtimeReorder: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool {
			next := w.after(tp, e)
			if tp.Topic != "orders" || next == nil || next.val.Proc == e.val.Proc {
				return false
			}
			ack, inv := w.acked(e.val), w.invoked(next.val)
			return ack != nil && inv != nil && ack.T < inv.T
		})
		if !ok {
			return nil
		}
		w.swap(tp, x, w.after(tp, x))
		return one(guarantee.RealtimeReorder, fmt.Sprintf("offset %d after %d", x.off+1, x.off))
	},
	guarantee.NonmonotonicPoll: func(w *world) *planted {
		i, ok := w.pickEvent(func(e *history.Event) bool { return e.Op == history.OpPoll })
		if !ok {
			return nil
		}
		e := w.told[i]
		n := len(e.Off) - 1
		k := w.d.n(n + 1)
		e.Off, e.Val, e.T, e.ID = slices.Clone(e.Off[k:]), slices.Clone(e.Val[k:]), e.T+1, e.ID*1000
		w.told = slices.Insert(w.told, i+1, e)
		return one(guarantee.NonmonotonicPoll, "was given "+placeText(e.TP, e.Off[0])+" after")
	},
	guarantee.SkippedPoll: func(w *world) *planted {
		i, ok := w.pickEvent(func(e *history.Event) bool { return e.Op == history.OpPoll && e.TP.Topic == "orders" && len(e.Off) > 2 })
		if !ok {
			return nil
		}
		e := &w.told[i]
		k := 1 + w.d.n(len(e.Off)-2)
		off := e.Off[k]
		e.Off, e.Val = slices.Delete(slices.Clone(e.Off), k, k+1), slices.Delete(slices.Clone(e.Val), k, k+1)
		return one(guarantee.SkippedPoll, "not "+placeText(e.TP, off))
	},
	guarantee.NonmonotonicSend: func(w *world) *planted {
		proc, txn := "bank/0/1", int64(1)
		tp := tpOf("ledger", int32(w.d.n(2)))
		if w.d.n(2) == 0 { // of the later send alone the log knows; the other's offset was given away again
			pid, epoch := w.pidOf("bank")
			w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpBegin, Txn: txn})
			e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Txn: txn, Val: []history.Value{w.next(proc)}}
			e.ID = w.tell(e)
			e.Type, e.TP, e.Off = history.OK, tp, []int64{w.logs[tp].end() + 1}
			w.tell(e)
			low := w.sendNow(proc, tp, txn, history.Input{}, pid, epoch)
			off := w.sendNow(w.producers[0].proc(), tp, 0, history.Input{}, 0, 0)
			w.endTxn(proc, history.OpAbort, txn, history.OK)
			w.logs[tp].mark(pid, epoch, "abort")
			return &planted{map[guarantee.Anomaly]int64{guarantee.NonmonotonicSend: 1, guarantee.InconsistentOffset: 1}, fmt.Sprintf("was told offset %d for it, but offset %d", off, low)}
		}
		w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpBegin, Txn: txn})
		base := w.logs[tp].end() + int64(w.d.n(5))
		step := int64(1 + w.d.n(4))
		for i, off := range []int64{base + step, base} {
			e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf(tp.Topic, -1), Txn: txn, Val: []history.Value{v(proc, int64(i))}}
			e.ID = w.tell(e)
			e.Type, e.TP, e.Off = history.OK, tp, []int64{off}
			w.tell(e)
		}
		w.endTxn(proc, history.OpAbort, txn, history.OK)
		return one(guarantee.NonmonotonicSend, fmt.Sprintf("was told offset %d for it, but offset %d", base+step, base))
	},
	guarantee.AbortedRead: func(w *world) *planted {
		if w.d.n(3) == 0 { // a send that failed for certain
			proc := w.producers[0].proc()
			val := w.next(proc)
			e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf("orders", -1), Val: []history.Value{val}}
			e.ID = w.tell(e)
			e.Type, e.Err = history.Fail, &history.Error{Name: "MESSAGE_TOO_LARGE", Code: 10}
			w.tell(e)
			off := w.logs[orders].append(mentry{val: val})
			return one(guarantee.AbortedRead, placeText(orders, off))
		}
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return e.fate == "abort" })
		if !ok {
			return nil
		}
		w.readNow("audience/7/1", tp, x)
		return one(guarantee.AbortedRead, placeText(tp, x.off))
	},
	guarantee.DirtyRead: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool {
			t := w.commitAsked(e)
			if t == 0 || e.fate != "commit" {
				return false
			}
			for i := range e.off { // no other transaction open below it then
				if u := w.commitAsked(&w.logs[tp].entries[i]); u >= t {
					return false
				}
			}
			return true
		})
		if !ok {
			return nil
		}
		t := w.commitAsked(x)
		i := slices.IndexFunc(w.told, func(e history.Event) bool { return e.T == t })
		w.told = slices.Insert(w.told, i, history.Event{Src: history.SrcClient, T: t - 1, Proc: "audience/8/1", ID: 1, Type: history.OK, Op: history.OpPoll, TP: tp, Off: []int64{x.off}, Val: []history.Value{x.val}})
		return one(guarantee.DirtyRead, "audience/8/1 (read_committed) was given "+placeText(tp, x.off))
	},
	guarantee.IntermediateRead: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		n := 3 + w.d.n(4)
		var txn int64
		first := w.logs[tp].end()
		w.transact("bank/0/1", "bank", &txn, map[history.TopicPartition]int{tp: n}, history.Input{}, history.TopicPartition{}, 0)
		skip := first + 1 + int64(w.d.n(n-2))
		e := history.Event{Proc: "audience/9/1", Type: history.OK, Op: history.OpPoll, TP: tp}
		for o := first; o < first+int64(n); o++ {
			if o != skip {
				e.Off, e.Val = append(e.Off, o), append(e.Val, w.logs[tp].entries[o].val)
			}
		}
		w.tell(e)
		return one(guarantee.IntermediateRead, "but not "+placeText(tp, skip))
	},
	guarantee.ReadAboveLSO: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		pid, epoch := w.pidOf("bank")
		w.tell(history.Event{Proc: "bank/0/1", Type: history.OK, Op: history.OpBegin, Txn: 1})
		for range 1 + w.d.n(3) {
			w.sendNow("bank/0/1", tp, 1, history.Input{}, pid, epoch)
		}
		off := w.sendNow(w.producers[1].proc(), tp, 0, history.Input{}, 0, 0)
		w.readNow("audience/9/1", tp, &w.logs[tp].entries[off])
		if w.d.n(2) == 0 { // still open at the end
			return one(guarantee.ReadAboveLSO, placeText(tp, off))
		}
		w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		w.logs[tp].mark(pid, epoch, "commit")
		return one(guarantee.ReadAboveLSO, placeText(tp, off))
	},
	guarantee.PhantomRead: func(w *world) *planted {
		if w.d.n(2) == 0 { // a control record that an application is given
			tp, x, ok := w.pickAny(func(_ history.TopicPartition, e *mentry) bool { return e.marker != "" })
			if !ok {
				return nil
			}
			w.readNow("audience/7/1", tp, x)
			return one(guarantee.PhantomRead, fmt.Sprintf("returned %s as a record; the log holds %s %s marker", placeText(tp, x.off), map[string]string{"commit": "a", "abort": "an"}[x.marker], x.marker))
		}
		val := v(w.producers[w.d.n(2)].proc(), int64(1000+w.d.n(1000)))
		tp := tpOf("orders", int32(w.d.n(2)))
		off := w.logs[tp].append(mentry{val: val})
		return one(guarantee.PhantomRead, fmt.Sprintf("%s#%d stands at %s", val.Proc, val.N, placeText(tp, off)))
	},
	guarantee.TornTransaction: func(w *world) *planted {
		p := w.bank(map[history.TopicPartition]int{tpOf("ledger", 0): 1 + w.d.n(3), tpOf("ledger", 1): 1 + w.d.n(3)})
		if w.d.n(2) == 0 {
			w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		} else {
			w.endTxn("bank/0/1", history.OpCommit, 1, history.Info)
		}
		k := w.d.n(2)
		w.logs[tpOf("ledger", int32(k))].mark(p.pid, p.epoch, "commit")
		w.logs[tpOf("ledger", int32(1-k))].mark(p.pid, p.epoch, "abort")
		return one(guarantee.TornTransaction, "Transaction 1 of bank/0/1 is torn")
	},
	guarantee.OutputWithoutOffset: func(w *world) *planted {
		_, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "paid" && e.fate == "commit" })
		if !ok {
			return nil
		}
		txn := w.invoked(x.val).Txn
		proc := x.val.Proc
		for _, e := range w.told { // an offset that was fetched would be one that nobody committed
			if e.Proc == proc && e.Txn == txn && e.Op == history.OpSendOffsets && slices.ContainsFunc(w.told, func(f history.Event) bool {
				return f.Op == history.OpFetchOffsets && f.TP == e.TP && f.Group == e.Group && slices.Equal(f.Off, e.Off)
			}) {
				return nil
			}
		}
		w.told = slices.DeleteFunc(w.told, func(e history.Event) bool { return e.Proc == proc && e.Txn == txn && e.Op == history.OpSendOffsets })
		return one(guarantee.OutputWithoutOffset, fmt.Sprintf("Transaction %d of %s committed", txn, proc))
	},
	guarantee.OffsetWithoutOutput: func(w *world) *planted {
		tp, x, ok := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "paid" && e.fate == "commit" })
		if !ok {
			return nil
		}
		w.erase(tp, x.off)
		w.forget(x)
		return &planted{map[guarantee.Anomaly]int64{guarantee.OffsetWithoutOutput: 1, guarantee.LostInput: 1}, placeText(x.from.TP, x.from.Off)}
	},
	guarantee.StrayMarker: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		p := w.bank(map[history.TopicPartition]int{tp: 1 + w.d.n(3)})
		at := w.logs[tp].end()
		w.logs[tp].mark(p.pid, p.epoch, []string{"abort", "commit"}[w.d.n(2)])
		for range 1 + w.d.n(3) {
			w.sendNow("bank/0/1", tp, 1, history.Input{}, p.pid, p.epoch)
		}
		w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		w.logs[tp].mark(p.pid, p.epoch, "commit")
		return one(guarantee.StrayMarker, "between them stands "+placeText(tp, at))
	},
	guarantee.LostCommit: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		p := w.bank(map[history.TopicPartition]int{tp: 1 + w.d.n(3)})
		w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		w.logs[tp].mark(p.pid, p.epoch, "abort")
		return one(guarantee.LostCommit, "transaction 1 of bank/0/1")
	},
	guarantee.GhostCommit: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		p := w.bank(map[history.TopicPartition]int{tp: 1 + w.d.n(3)})
		if w.d.n(2) == 0 {
			w.endTxn("bank/0/1", history.OpAbort, 1, history.OK)
		} else {
			w.die("bank/0/1")
		}
		w.logs[tp].mark(p.pid, p.epoch, "commit")
		return one(guarantee.GhostCommit, "Transaction 1 of bank/0/1 is committed")
	},
	guarantee.InconsistentOffset: func(w *world) *planted {
		i, ok := w.pickEvent(func(e *history.Event) bool { return e.Op == history.OpPoll && e.TP.Topic == "orders" })
		other, x, found := w.pick(func(tp history.TopicPartition, e *mentry) bool { return tp.Topic == "orders" })
		if !ok || !found {
			return nil
		}
		e := &w.told[i]
		k := w.d.n(len(e.Off))
		if other == e.TP && x.off == e.Off[k] {
			return nil
		}
		e.Val = slices.Clone(e.Val)
		e.Val[k] = x.val
		return one(guarantee.InconsistentOffset, "at "+placeText(e.TP, e.Off[k]))
	},
	guarantee.OffsetRegression: func(w *world) *planted {
		t, tp := w.ownerTill()
		if t == nil {
			return nil
		}
		top := w.topCommit(tp)
		if top < 1 {
			return nil
		}
		low := int64(w.d.n(int(top)))
		w.commitNow(t.proc(), "till", tp, low)
		w.groups["till"][tp] = low
		return one(guarantee.OffsetRegression, fmt.Sprintf("%s committed %d", t.proc(), low))
	},
	guarantee.OffsetLost: func(w *world) *planted {
		tp := tpOf("orders", int32(w.d.n(2)))
		top := w.topCommit(tp)
		if top < 1 {
			return nil
		}
		if w.d.n(2) == 0 || top != w.groups["till"][tp] {
			delete(w.groups["till"], tp)
			return one(guarantee.OffsetLost, fmt.Sprintf("offset %d of %s", top, placeTP(tp)))
		}
		low, ok := w.sureBelow(tp, top)
		if !ok {
			return nil
		}
		w.groups["till"][tp] = low
		return one(guarantee.OffsetLost, fmt.Sprintf("offset %d of %s", top, placeTP(tp)))
	},
	guarantee.NonlinearizableOffset: func(w *world) *planted {
		tp := tpOf("orders", int32(w.d.n(2)))
		top := w.topCommit(tp)
		if top < 1 {
			return nil
		}
		off, ok := w.sureBelow(tp, top)
		if !ok {
			return nil
		}
		if w.d.n(2) == 0 {
			off = w.groups["till"][tp] + 1 + int64(w.d.n(9))
		}
		proc := w.tills[w.d.n(2)].proc()
		e := history.Event{Proc: proc, Type: history.Invoke, Op: history.OpFetchOffsets, Group: "till", TP: tp}
		e.ID = w.tell(e)
		e.Type, e.Off = history.OK, []int64{off}
		w.tell(e)
		return one(guarantee.NonlinearizableOffset, fmt.Sprintf("group till for %s is %d", placeTP(tp), off))
	},
	guarantee.PositionMismatch: func(w *world) *planted {
		t, tp := w.ownerTill()
		c := w.groups["till"][tp]
		if t == nil || c < 1 {
			return nil
		}
		for range 3 {
			w.sendNow(w.producers[0].proc(), tp, 0, history.Input{}, 0, 0)
		}
		to := w.tills[0]
		if to == t {
			to = w.tills[1]
		}
		w.revoke(&t.mmember, tp)
		w.assign(&to.mmember, tp)
		from := c - 1
		if w.d.n(2) == 0 {
			from = c + 1
		}
		w.poll(to.proc(), tp, from, false, 2)
		return one(guarantee.PositionMismatch, fmt.Sprintf("%s took over %s at the committed offset %d, but its first poll began at %d", to.proc(), placeTP(tp), c, from))
	},
	guarantee.ZombieWrite: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		pid, _ := w.pidOf("bank")
		w.logs[tp].append(mentry{pid: pid, epoch: 3, marker: "abort"})
		w.tell(history.Event{Proc: "bank/0/1", Type: history.OK, Op: history.OpBegin, Txn: 1})
		off := w.sendNow("bank/0/1", tp, 1, history.Input{}, pid, int16(w.d.n(3)))
		w.endTxn("bank/0/1", history.OpCommit, 1, history.Info)
		w.logs[tp].mark(pid, 3, "abort")
		return one(guarantee.ZombieWrite, placeText(tp, off)+" of producer")
	},
	guarantee.ZombieCommit: func(w *world) *planted {
		if w.d.n(2) == 0 {
			t, tp := w.ownerTill()
			if t == nil || w.groups["till"][tp] < 1 {
				return nil
			}
			to := w.tills[0]
			if to == t {
				to = w.tills[1]
			}
			w.assign(&to.mmember, tp)
			w.commitNow(t.proc(), "till", tp, w.groups["till"][tp])
			return one(guarantee.ZombieCommit, fmt.Sprintf("%s committed offset %d", t.proc(), w.groups["till"][tp]))
		}
		pid, epoch := w.pidOf("bank")
		initAs := func(proc string, epoch int16) {
			w.tell(history.Event{Proc: proc, Type: history.OK, Op: history.OpInitProducer, PID: pid, Epoch: epoch, HasPID: true})
		}
		initAs("bank/0/1", epoch)
		tp := tpOf("ledger", int32(w.d.n(2)))
		w.bank(map[history.TopicPartition]int{tp: 1 + w.d.n(3)})
		initAs("bank/1/1", epoch+1)
		w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		w.logs[tp].mark(pid, epoch, "commit")
		return one(guarantee.ZombieCommit, "though bank/1/1 had taken over")
	},
	guarantee.DoubleOwner: func(w *world) *planted {
		t, tp := w.ownerTill()
		if t == nil || len(t.queue) > 0 {
			return nil
		}
		to := w.tills[0]
		if to == t {
			to = w.tills[1]
		}
		for range 2 {
			w.sendNow(w.producers[0].proc(), tp, 0, history.Input{}, 0, 0)
		}
		w.assign(&to.mmember, tp)
		got, pos := w.poll(t.proc(), tp, t.owned[tp], false, 1)
		w.now += ownerGrace + int64(w.d.n(1000))*ms
		more, _ := w.poll(t.proc(), tp, pos, false, 1)
		if len(got)+len(more) != 2 {
			return nil
		}
		return one(guarantee.DoubleOwner, fmt.Sprintf("%s and %s both owned %s", t.proc(), to.proc(), placeTP(tp)))
	},
	guarantee.HangingTransaction: func(w *world) *planted {
		tp := tpOf("ledger", int32(w.d.n(2)))
		p := w.bank(map[history.TopicPartition]int{tp: 1 + w.d.n(3)})
		first := w.logs[tp].end() - 1
		for first > 0 && w.logs[tp].entries[first-1].pid == p.pid {
			first--
		}
		switch w.d.n(3) {
		case 0:
			w.now += defaultTimeout + 2*abortCheck
		case 1:
			w.endTxn("bank/0/1", history.OpAbort, 1, history.OK)
		default:
			w.endTxn("bank/0/1", history.OpCommit, 1, history.OK)
		}
		return one(guarantee.HangingTransaction, "open since "+placeText(tp, first))
	},
	guarantee.StuckConsumer: func(w *world) *planted {
		tp := tpOf("orders", int32(w.d.n(2)))
		w.sendNow(w.producers[0].proc(), tp, 0, history.Input{}, 0, 0)
		n := int64(0)
		for _, g := range []string{"till", "exact"} {
			for p := range int32(2) {
				at := tpOf("orders", p)
				if w.groups[g][at] < w.logs[at].end() {
					n++
				}
			}
		}
		if n == 0 {
			return nil
		}
		phase := func(note string) {
			w.tell(history.Event{Src: history.SrcHarness, Proc: "harness", Type: history.Info, Op: history.OpPhase, Note: note})
			w.now += int64(51+w.d.n(20)) * 1e9
		}
		phase("drain")
		if t, own := w.ownerTill(); t != nil && w.d.n(2) == 0 { // it reads on, and commits nothing
			w.poll(t.proc(), own, t.owned[own], false, 1+w.d.n(3))
		}
		phase("drain-timeout")
		return &planted{map[guarantee.Anomaly]int64{guarantee.StuckConsumer: n}, "stood still"}
	},
	guarantee.NoRecovery: func(w *world) *planted {
		for _, op := range []history.Op{history.OpInject, history.OpEffect, history.OpRecover, history.OpGone} {
			w.tell(history.Event{Src: history.SrcFault, Proc: "fault/9", Type: history.OK, Op: op, Data: map[string]any{"kind": "kill", "target": "all"}})
		}
		n := 2 + w.d.n(5)
		for range n {
			proc := w.producers[0].proc()
			w.tell(history.Event{Proc: proc, Type: history.Invoke, Op: history.OpSend, TP: tpOf("orders", -1), Val: []history.Value{w.next(proc)}})
			w.now += recoverWithin
		}
		return one(guarantee.NoRecovery, fmt.Sprintf("%d sends were made", n))
	},
}
