package history

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
)

// ExportEDN writes the events of r as a history of jepsen.tests.kafka, one
// operation a line, so that Jepsen's checker can judge them. docs/history.md
// describes the mapping and what it leaves out. It reads r to its end, and holds
// in memory only what is under way.
func ExportEDN(w io.Writer, r *Reader) error {
	x := &ednExport{
		w: bufio.NewWriterSize(w, 64<<10), start: r.Header().StartT, final: finalRead(r.Header()),
		keys: map[TopicPartition]int{}, values: map[string]int64{}, procs: map[string]*ednProc{}, lost: map[Value][]*ednMop{},
	}
	var e Event
	for {
		err := r.Next(&e)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if err := x.event(&e); err != nil {
			return fmt.Errorf("%s:%d: %w", r.name, r.Line(), err)
		}
	}
	x.end()
	if err := x.w.Flush(); err != nil {
		return fmt.Errorf("history: export: %w", err)
	}
	return nil
}

// finalRead is what of the audit stands for Jepsen's final polls. Jepsen takes
// all polls of a history for equal: a client that reads uncommitted records has
// seen what read_committed would then seem to skip.
func finalRead(h Header) Op {
	for _, c := range h.Clients {
		if c.Input != "" && c.Config["isolation.level"] == "read_uncommitted" {
			return OpLog
		}
	}
	return OpVisible
}

type ednExport struct {
	w       *bufio.Writer // keeps its first error
	final   Op
	line    []byte
	start   int64
	t       int64
	index   int64
	process int // next Jepsen process
	keys    map[TopicPartition]int
	values  map[string]int64
	procs   map[string]*ednProc
	lost    map[Value][]*ednMop // sends whose partition nobody has told yet
	late    []*ednOp            // operations that end with the history, for want of it
}

// ednProc is one of our processes. Jepsen's do one thing at a time, so it is
// several there: one that polls, and one for each send or transaction in flight.
type ednProc struct {
	sends    map[int64]*ednOp // by operation
	txns     map[int64]*ednOp // by transaction
	idle     []int            // Jepsen processes that may send again
	consumer int              // the one that polls, -1 before it did
	polling  bool
	poll     *ednPoll // what the current poll returned
	assigned map[TopicPartition]bool
}

type ednOp struct {
	process int
	f       string
	typ     Type
	mops    []*ednMop
	missing int  // sends without a partition
	ended   bool // as typ says
	asked   bool // a commit was asked
}

type ednMop struct {
	op   *ednOp // of a send without a partition
	id   int64
	tp   TopicPartition
	off  int64 // -1: not known
	val  int64
	poll *ednPoll
}

type ednPoll struct {
	id, txn int64
	keys    []int
	pairs   map[int][][2]int64
	n       int
}

func (x *ednExport) event(e *Event) error {
	x.t = max(0, e.T-x.start)
	x.seen(e)
	switch e.Src {
	case SrcFault:
		x.fault(e)
		return nil
	case SrcAudit:
		if e.Op == x.final && e.Type == OK {
			return x.last(e)
		}
		return nil
	case SrcHarness:
		if p := x.procs[e.Proc]; p != nil && e.Op == OpExit {
			x.exit(p)
			delete(x.procs, e.Proc)
		}
		return nil
	case SrcClient:
		return x.client(e)
	}
	return nil
}

func (x *ednExport) client(e *Event) error {
	p := x.proc(e.Proc)
	if p.poll != nil && (e.Op != OpPoll || e.ID != p.poll.id || p.poll.n > 100_000) {
		x.polled(p)
	}
	switch e.Op {
	case OpSend, OpSetAside:
		return x.send(p, e)
	case OpPoll:
		if e.Type == OK {
			return x.take(p, e)
		}
	case OpBegin:
		if e.Type != Fail {
			x.txn(p, e.Txn)
		}
	case OpCommit, OpAbort:
		x.decide(p, e)
	case OpAssigned:
		p.assigned[e.TP] = true
		x.assign(p)
	case OpRevoked, OpLost:
		delete(p.assigned, e.TP)
		x.assign(p)
	case OpSeek:
		if p.assigned[e.TP] { // taken away and given again: it may go on anywhere
			delete(p.assigned, e.TP)
			x.assign(p)
			p.assigned[e.TP] = true
			x.assign(p)
		}
	}
	return nil
}

func (x *ednExport) proc(name string) *ednProc {
	p := x.procs[name]
	if p == nil {
		p = &ednProc{sends: map[int64]*ednOp{}, txns: map[int64]*ednOp{}, consumer: -1, assigned: map[TopicPartition]bool{}}
		x.procs[name] = p
	}
	return p
}

// op invokes an operation on an idle process of p.
func (x *ednExport) op(p *ednProc, f string) *ednOp {
	o := &ednOp{f: f, typ: Info}
	if n := len(p.idle); n > 0 {
		o.process, p.idle = p.idle[n-1], p.idle[:n-1]
	} else {
		o.process = x.process
		x.process++
	}
	x.write(o.process, Invoke, f, "[]")
	return o
}

func (x *ednExport) txn(p *ednProc, n int64) *ednOp {
	o := p.txns[n]
	if o == nil {
		o = x.op(p, "txn")
		p.txns[n] = o
	}
	return o
}

func (x *ednExport) send(p *ednProc, e *Event) error {
	var o *ednOp
	switch {
	case e.Txn != 0:
		o = x.txn(p, e.Txn)
	case p.sends[e.ID] != nil:
		o = p.sends[e.ID]
	default:
		o = x.op(p, "send")
		p.sends[e.ID] = o
	}
	for i, v := range e.Val {
		if v == (Value{}) {
			continue
		}
		n, err := x.value(v)
		if err != nil {
			return err
		}
		m := o.sent(e.ID, n)
		if m == nil {
			m = &ednMop{op: o, id: e.ID, tp: TopicPartition{Part: -1}, off: -1, val: n}
			o.mops = append(o.mops, m)
			o.missing++
			x.lost[v] = append(x.lost[v], m)
		}
		if e.TP.Topic != "" && e.TP.Part >= 0 {
			x.found(v, e.TP)
		}
		if e.Type == OK && i < len(e.Off) {
			m.off = e.Off[i]
		}
	}
	if e.Txn == 0 && e.Type != Invoke {
		delete(p.sends, e.ID)
		x.ends(p, o, certainty(e))
	}
	return nil
}

// sent finds the send of a value in o.
func (o *ednOp) sent(id, val int64) *ednMop {
	for _, m := range slices.Backward(o.mops) {
		if m.poll == nil && m.id == id && m.val == val {
			return m
		}
	}
	return nil
}

// seen learns the partition of sends that were not told it.
func (x *ednExport) seen(e *Event) {
	if len(x.lost) == 0 || e.TP.Topic == "" || e.TP.Part < 0 || e.Op == OpSend || e.Op == OpSetAside {
		return
	}
	for _, v := range e.Val {
		x.found(v, e.TP)
	}
}

func (x *ednExport) found(v Value, tp TopicPartition) {
	for _, m := range x.lost[v] {
		m.tp = tp
		m.op.missing--
	}
	delete(x.lost, v)
}

// decide ends a transaction as its client was told.
func (x *ednExport) decide(p *ednProc, e *Event) {
	o := p.txns[e.Txn]
	if o == nil {
		return
	}
	typ := certainty(e)
	switch {
	case typ == Invoke:
		o.asked = o.asked || e.Op == OpCommit
		return
	case e.Op == OpAbort && typ == OK && !o.asked:
		typ = Fail
	case e.Op == OpAbort:
		typ = Info
	}
	delete(p.txns, e.Txn)
	x.ends(p, o, typ)
}

// certainty is how sure the end of an operation is. Many an error that a client
// calls a failure is no proof that nothing happened.
func certainty(e *Event) Type {
	if e.Type == Fail && e.Err != nil {
		return Info
	}
	return e.Type
}

// ends completes o, or leaves it open until the end of the history when the
// partition of a send is not known: it may still show in a poll.
func (x *ednExport) ends(p *ednProc, o *ednOp, typ Type) {
	o.typ, o.ended = typ, true
	if o.missing > 0 {
		x.late = append(x.late, o)
		return
	}
	x.complete(o)
	if typ != Info {
		p.idle = append(p.idle, o.process)
	}
}

func (x *ednExport) complete(o *ednOp) {
	b := []byte{'['}
	for _, m := range o.mops {
		if len(b) > 1 {
			b = append(b, ' ')
		}
		switch {
		case m.poll != nil:
			b = m.poll.append(b)
		case m.tp.Part >= 0:
			b = fmt.Appendf(b, "[:send %d ", x.key(m.tp))
			if m.off >= 0 {
				b = fmt.Appendf(b, "[%d %d]]", m.off, m.val)
			} else {
				b = fmt.Appendf(b, "[nil %d]]", m.val)
			}
		}
	}
	x.write(o.process, o.typ, o.f, string(append(b, ']')))
}

// exit leaves open what the process had under way: nobody knows.
func (x *ednExport) exit(p *ednProc) {
	if p.poll != nil {
		x.polled(p)
	}
	for _, ops := range []map[int64]*ednOp{p.sends, p.txns} {
		for _, id := range slices.Sorted(maps.Keys(ops)) {
			x.ends(p, ops[id], Info)
		}
	}
	if p.polling {
		x.write(p.consumer, Info, "poll", "[[:poll]]")
	}
}

func (x *ednExport) end() {
	for _, name := range slices.Sorted(maps.Keys(x.procs)) {
		x.exit(x.procs[name])
	}
	for _, o := range x.late {
		x.complete(o)
	}
}
