package native

import (
	"maps"
	"slices"

	"github.com/onceproof/onceproof/history"
)

// deduced makes of the requests of a program the events that a worker would have
// printed, as docs/programs.md says.
type deduced struct {
	p     *process
	ids   int64
	count int64 // values given
	txns  int64
	open  bool // a transaction
	end   *history.Event
	ops   map[int64]*deducedOp
	owned []history.TopicPartition
	group string
	sends []*seen // of this incarnation, not acknowledged
	known map[*parcel]*seen
	all   *batches
}

// batches are the batches that one seat ever sent.
type batches struct{ flights map[int64]*seen } // by request

func newBatches() *batches { return &batches{flights: map[int64]*seen{}} }

// seen is a batch as it was first seen: one operation.
type seen struct {
	parcel *parcel
	by     *process
	id     int64
	txn    int64
	acked  bool
}

// deducedOp is an operation that is one request, with an event for each partition.
type deducedOp struct {
	op   history.Op
	id   int64
	txn  int64
	left []history.Event
}

func newDeduced(p *process, all *batches) *deduced {
	return &deduced{p: p, ops: map[int64]*deducedOp{}, all: all, known: map[*parcel]*seen{}}
}

func (d *deduced) nextID() int64 {
	d.ids++
	return d.ids
}

// emit puts an event beside the wire's that it was made of.
func (d *deduced) emit(e history.Event) {
	e.Src, e.Proc = history.SrcClient, d.p.name
	r := d.p.w.rec
	r.last["wire"]++
	d.p.arrived = max(d.p.arrived+1, r.last["wire"])
	r.add(&Line{Event: e, by: d.p.name, arrive: d.p.arrived})
}

// number gives the records of a batch their values when it is first seen.
func (d *deduced) number(b *parcel) {
	for _, s := range b.sends {
		d.count++
		s.val = history.Value{Proc: d.p.name, N: d.count}
		d.p.w.truth.sent(s)
	}
}

// see takes in one event of the proxy.
func (d *deduced) see(r *request, e history.Event) {
	if d.p.dead && e.Type == history.Invoke {
		return
	}
	api := e.Data["api"].(string)
	invoked := e.Type == history.Invoke
	switch api {
	case "Produce":
		if invoked {
			d.begins(e, r.txnID)
			d.produce(r, e)
			return
		}
		d.produced(e)
	case "EndTxn":
		d.endTxn(e)
	case "InitProducerID":
		if e.Type == history.OK && e.Err == nil && r.txnID != "" {
			d.ended(e.T, history.Info, nil)
			d.open = false
		}
		d.request(e, history.OpInitProducer, 0)
	case "AddPartitionsToTxn", "AddOffsetsToTxn":
		if invoked {
			d.begins(e, r.txnID)
		}
	case "TxnOffsetCommit":
		if invoked {
			d.begins(e, r.txnID)
		}
		d.request(e, history.OpSendOffsets, d.txns)
	case "OffsetCommit":
		d.request(e, history.OpCommitOffsets, 0)
	case "OffsetFetch":
		if e.Type == history.OK && e.Err == nil && len(e.Off) == 1 && e.Off[0] >= 0 && e.Data["told"] == "passed" && !d.p.dead {
			d.emit(history.Event{T: e.T, Type: history.OK, Op: history.OpFetchOffsets, ID: d.nextID(), Group: e.Group, TP: e.TP, Off: e.Off, Meta: e.Meta})
		}
	default:
		d.member(api, e)
	}
}

// begins begins a transaction with what first adds to it.
func (d *deduced) begins(e history.Event, txnID string) {
	if txnID == "" || d.open {
		return
	}
	d.open = true
	d.txns++
	d.emit(history.Event{T: e.T, Type: history.OK, Op: history.OpBegin, ID: d.nextID(), Txn: d.txns})
}

func (d *deduced) produce(r *request, e history.Event) {
	if s := d.known[r.parcel]; s != nil {
		d.all.flights[r.id] = s
		return // its repetition
	}
	s := &seen{parcel: r.parcel, by: d.p, id: d.nextID()}
	if r.txnID != "" {
		s.txn = d.txns
	}
	d.number(r.parcel)
	d.sends, d.known[r.parcel] = append(d.sends, s), s
	d.all.flights[r.id] = s
	d.emit(s.event(e.T, history.Invoke))
}

func (s *seen) event(t int64, typ history.Type) history.Event {
	e := history.Event{T: t, Type: typ, Op: history.OpSend, ID: s.id, Txn: s.txn, TP: s.parcel.tp}
	for _, x := range s.parcel.sends {
		e.Val = append(e.Val, x.val)
	}
	return e
}

func (d *deduced) produced(e history.Event) {
	s := d.all.flights[e.ID]
	delete(d.all.flights, e.ID)
	if s == nil || s.by != d.p || d.p.dead || s.acked || e.Type != history.OK || e.Err != nil || len(e.Off) == 0 || e.Data["told"] != "passed" {
		return
	}
	s.acked = true
	d.sends = slices.DeleteFunc(d.sends, func(o *seen) bool { return o == s })
	out := s.event(e.T, history.OK)
	for i := range s.parcel.sends {
		out.Off = append(out.Off, e.Off[0]+int64(i))
		d.p.w.truth.acked(s.parcel.sends[i], s.parcel.tp)
	}
	d.emit(out)
}

func (d *deduced) endTxn(e history.Event) {
	if !d.open {
		return
	}
	if e.Type == history.Invoke {
		if d.end != nil {
			return
		}
		d.end = &history.Event{Type: history.Invoke, Op: history.OpCommit, ID: d.nextID(), Txn: d.txns}
		if e.Marker == "abort" {
			d.end.Op = history.OpAbort
		}
		begun := *d.end
		begun.T = e.T
		d.emit(begun)
		return
	}
	if d.end == nil || d.p.dead || e.Type != history.OK || e.Data["told"] != "passed" || e.Err != nil && e.Err.Class == history.Retriable {
		return
	}
	typ := history.OK
	if e.Err != nil {
		typ = history.Fail
	}
	d.ended(e.T, typ, e.Err)
}

// ended ends the transaction as the client was told.
func (d *deduced) ended(t int64, typ history.Type, err *history.Error) {
	if d.end == nil {
		return
	}
	e := *d.end
	d.end, d.open = nil, false
	e.T, e.Type, e.Err = t, typ, err
	d.emit(e)
}

func (d *deduced) request(e history.Event, op history.Op, txn int64) {
	part := history.Event{Op: op, Txn: txn, Group: e.Group, TP: e.TP, Off: e.Off, Meta: e.Meta}
	if e.Type == history.Invoke {
		o := d.ops[e.ID]
		if o == nil {
			o = &deducedOp{op: op, id: d.nextID(), txn: txn}
			d.ops[e.ID] = o
		}
		part.T, part.Type, part.ID = e.T, history.Invoke, o.id
		o.left = append(o.left, part)
		d.emit(part)
		return
	}
	o := d.ops[e.ID]
	if o == nil || d.p.dead {
		return
	}
	o.left = slices.DeleteFunc(o.left, func(l history.Event) bool { return l.TP == e.TP })
	if len(o.left) == 0 {
		delete(d.ops, e.ID)
	}
	part.T, part.Type, part.ID, part.Txn, part.Err = e.T, e.Type, o.id, o.txn, e.Err
	switch {
	case e.Type == history.OK && e.Data["told"] != "passed":
		part.Type, part.Err = history.Info, nil
	case e.Type == history.OK && e.Err != nil:
		part.Type = history.Fail
	}
	if op == history.OpInitProducer {
		part.PID, part.Epoch, part.HasPID = e.PID, e.Epoch, e.HasPID
	}
	d.emit(part)
}

// member follows what the group gives and takes: to join again gives all back.
func (d *deduced) member(api string, e history.Event) {
	if d.p.dead {
		return
	}
	given, news := e.Data["assigned"].([]string)
	switch {
	case (api == "JoinGroup" || api == "LeaveGroup") && e.Type == history.Invoke:
		d.group = e.Group
		d.revoke(e.T)
	case e.Type == history.OK && e.Err == nil && news && e.Data["told"] == "passed":
		d.group = e.Group
		d.revoke(e.T)
		for _, name := range given {
			tp, err := history.ParseTopicPartition(name)
			if err != nil {
				continue
			}
			d.owned = append(d.owned, tp)
			d.emit(history.Event{T: e.T, Type: history.Info, Op: history.OpAssigned, ID: d.nextID(), Group: d.group, TP: tp})
		}
	}
}

func (d *deduced) revoke(t int64) {
	for _, tp := range d.owned {
		d.emit(history.Event{T: t, Type: history.Info, Op: history.OpRevoked, ID: d.nextID(), Group: d.group, TP: tp})
	}
	d.owned = nil
}

// exit ends what is open.
func (d *deduced) exit(how string, t int64) {
	for _, s := range d.sends {
		d.emit(s.event(t, history.Info))
	}
	for _, id := range slices.Sorted(maps.Keys(d.ops)) {
		for _, l := range d.ops[id].left {
			l.T, l.Type = t, history.Info
			d.emit(l)
		}
	}
	d.ended(t, history.Info, nil)
	d.revoke(t)
	if how == exitOK {
		d.emit(history.Event{T: t, Type: history.OK, Op: history.OpClose, ID: d.nextID()})
	}
}
