package checker

import (
	"github.com/onceproof/onceproof/history"
)

// mexact is a transactional processor.
//
//	idle ──> working (outputs) ──> staged (offsets) ──> asked ──> decided ──> idle
type mexact struct {
	mmember
	state  string
	txn    int64
	from   map[history.TopicPartition]int64 // position behind the transaction's inputs
	start  map[history.TopicPartition]int64
	parts  map[history.TopicPartition]bool
	todo   []mwork
	asked  int64
	inited bool
}

func (w *world) pidOf(id string) (int64, int16) {
	if _, ok := w.pids[id]; !ok {
		w.nextPID++
		w.pids[id] = w.nextPID
		w.epochs[w.nextPID] = 0
	}
	return w.pids[id], w.epochs[w.pids[id]]
}

func (x *mexact) idle() bool { return x.state == "" }

func (w *world) markAll(x *mexact, kind string) {
	pid, epoch := w.pidOf(x.instance)
	for _, tp := range sortedTPs(x.parts) {
		w.logs[tp].mark(pid, epoch, kind)
	}
	x.parts = nil
}

func sortedTPs[V any](m map[history.TopicPartition]V) []history.TopicPartition {
	mm := mmember{owned: map[history.TopicPartition]int64{}}
	for tp := range m {
		mm.owned[tp] = 0
	}
	return mm.tps()
}

func (w *world) exact(x *mexact) {
	pid, epoch := w.pidOf(x.instance)
	switch {
	case !x.inited:
		// A new incarnation fences the old one: the coordinator aborts what was open.
		if x.life > 0 {
			w.epochs[pid] = epoch + 1
			w.markAll(x, "abort")
		}
		x.state, x.inited = "", true
		id := w.tell(history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpInitProducer})
		w.tell(history.Event{Proc: x.proc(), ID: id, Type: history.OK, Op: history.OpInitProducer, PID: pid, Epoch: w.epochs[pid], HasPID: true})
	case x.state != "" && w.d.n(40) == 0:
		w.exactDies(x)
	case x.state == "":
		tps := x.tps()
		if len(tps) == 0 {
			return
		}
		tp := tps[w.d.n(len(tps))]
		got, pos := w.poll(x.proc(), tp, x.owned[tp], true, 1+w.d.n(4))
		x.start = map[history.TopicPartition]int64{tp: x.owned[tp]}
		x.owned[tp] = pos
		if len(got) == 0 {
			return
		}
		x.txn++
		x.from, x.parts = map[history.TopicPartition]int64{tp: pos}, map[history.TopicPartition]bool{}
		for _, e := range got {
			x.todo = append(x.todo, mwork{tp, e})
		}
		w.tell(history.Event{Proc: x.proc(), Type: history.OK, Op: history.OpBegin, Txn: x.txn})
		x.state = "working"
	case x.state == "working":
		if len(x.todo) == 0 {
			x.state = "done"
			return
		}
		in := x.todo[0]
		x.todo = x.todo[1:]
		w.exactSend(x, in, pid, epoch)
	case x.state == "done" && w.d.n(6) == 0:
		id := w.tell(history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpAbort, Txn: x.txn})
		w.markAll(x, "abort")
		w.tell(history.Event{Proc: x.proc(), ID: id, Type: history.OK, Op: history.OpAbort, Txn: x.txn})
		w.rewind(x)
	case x.state == "done":
		for _, tp := range sortedTPs(x.from) {
			e := history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpSendOffsets, Group: "exact", Txn: x.txn, TP: tp, Off: []int64{x.from[tp]}}
			e.ID = w.tell(e)
			e.Type = history.OK
			w.tell(e)
		}
		x.state = "staged"
	case x.state == "staged":
		x.asked = w.tell(history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpCommit, Txn: x.txn})
		x.state = "asked"
	case x.state == "asked":
		w.exactDecided(x)
	}
}

func (w *world) exactSend(x *mexact, in mwork, pid int64, epoch int16) {
	from := history.Input{TP: in.tp, Off: in.e.off}
	tp := tpOf("paid", int32(w.d.n(2)))
	val := w.next(x.proc())
	id := w.tell(history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpSend, TP: tpOf("paid", -1), Txn: x.txn, Val: []history.Value{val}, From: []history.Input{from}})
	off := w.logs[tp].append(mentry{val: val, from: from, pid: pid, epoch: epoch, inTxn: true})
	x.parts[tp] = true
	w.tell(history.Event{Proc: x.proc(), ID: id, Type: history.OK, Op: history.OpSend, TP: tp, Txn: x.txn, Val: []history.Value{val}, Off: []int64{off}})
}

// exactDecided lets the coordinator decide, and perhaps the answer be lost.
func (w *world) exactDecided(x *mexact) {
	for tp, off := range x.from {
		w.groups["exact"][tp] = off
	}
	w.markAll(x, "commit")
	e := history.Event{Proc: x.proc(), ID: x.asked, Type: history.OK, Op: history.OpCommit, Txn: x.txn}
	switch w.d.n(8) {
	case 0: // told nothing; an abort then succeeds, and says nothing either
		e.Type, e.Err = history.Info, &history.Error{Name: "REQUEST_TIMED_OUT", Code: 7}
		w.tell(e)
		id := w.tell(history.Event{Proc: x.proc(), Type: history.Invoke, Op: history.OpAbort, Txn: x.txn})
		w.tell(history.Event{Proc: x.proc(), ID: id, Type: history.OK, Op: history.OpAbort, Txn: x.txn})
		x.state = ""
		for _, tp := range x.tps() {
			x.owned[tp] = w.groups["exact"][tp]
		}
		return
	case 1: // fenced at commit is no proof that it did not commit
		e.Type, e.Err = history.Fail, &history.Error{Name: "PRODUCER_FENCED", Code: 90, Class: history.Fenced}
		w.tell(e)
		w.exactDies(x)
		return
	}
	w.tell(e)
	x.state = ""
}

func (w *world) rewind(x *mexact) {
	for _, tp := range sortedTPs(x.start) {
		if _, ok := x.owned[tp]; ok {
			x.owned[tp] = x.start[tp]
			w.tell(history.Event{Proc: x.proc(), Type: history.Info, Op: history.OpSeek, TP: tp, Off: []int64{x.start[tp]}})
		}
	}
	x.todo, x.state = nil, ""
}

func (w *world) exactDies(x *mexact) {
	asked := x.state == "asked" && len(x.parts) > 0
	w.die(x.proc())
	if asked && w.d.n(2) == 0 { // the coordinator had it: it commits
		for tp, off := range x.from {
			w.groups["exact"][tp] = off
		}
		w.markAll(x, "commit")
	}
	x.todo, x.owned, x.inited = nil, nil, false
	x.life++
	if x.state == "" {
		return
	}
	x.state = "dead"
}
