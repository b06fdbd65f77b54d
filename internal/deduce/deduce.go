// Package deduce tells what programs did that tell nothing themselves: from what the
// proxy saw of them it makes the events that a worker would have printed.
//
//	wire event ──> Deducer ──> client event, beside it in the history
//	final log  ──> Deducer ──> which send each record comes from
//
// A send is a batch as it was first seen, however often its client repeated it;
// a transaction begins with the first request that adds to it. What an application
// read, and what it made of it, is not on the wire: docs/programs.md.
package deduce

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/onceproof/onceproof/history"
	"github.com/onceproof/onceproof/internal/facts"
)

// Deducer makes the events of programs from those of the wire. Safe for concurrent use.
type Deducer struct {
	record func(client string, e history.Event)

	mu       sync.Mutex
	programs map[string]*program // by client instance; never changes
	seen     traffic
	index    *index // of all sends, once the log is read
}

// program is one instance of a program.
type program struct {
	d      *Deducer
	client string // instance

	// Of the current incarnation:
	proc   string
	lastID int64
	values int64 // given to records
	nTxns  int64
	txns   map[string]*txn      // by transactional id
	ops    map[int64]*operation // that have not ended, by the wire's request id
	owned  map[history.TopicPartition]bool
	group  string
	sends  []*send // not acknowledged yet

	batches map[Key][]*send // of all incarnations
	flights map[flight]*send
}

// txn is the current transaction of one transactional id.
type txn struct {
	n    int64
	open bool
	end  *operation // EndTxn, asked for and not answered
}

// operation is an operation that has not ended.
type operation struct {
	op   history.Op
	id   int64
	txn  int64
	left int // partitions without an answer
}

// New returns the Deducer of these client instances. record takes the events that it makes.
func New(record func(client string, e history.Event), clients []string) *Deducer {
	d := &Deducer{record: record, programs: map[string]*program{}, seen: newTraffic()}
	for _, c := range clients {
		d.programs[c] = &program{d: d, client: c, batches: map[Key][]*send{}, flights: map[flight]*send{}}
	}
	return d
}

// Process follows a program's starts and ends. It is told of an end before the
// history is.
func (d *Deducer) Process(client string, e history.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.programs[client]
	switch e.Op {
	case history.OpSpawn:
		p.proc, p.lastID, p.values, p.nTxns = e.Proc, 0, 0, 0
		p.txns, p.ops, p.owned = map[string]*txn{}, map[int64]*operation{}, map[history.TopicPartition]bool{}
		p.sends = nil
	case history.OpExit:
		p.exit(e)
	}
}

// exit ends what is open; nobody knows how that ended.
func (p *program) exit(e history.Event) {
	for _, s := range p.sends {
		if s.proc == p.proc && !s.acked {
			p.send(s, history.Info, history.Event{T: e.T})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.ops)) {
		p.end(id, history.Event{T: e.T, Type: history.Info})
	}
	for _, id := range slices.Sorted(maps.Keys(p.txns)) {
		if t := p.txns[id]; t.end != nil {
			p.finish(t, history.Event{T: e.T, Type: history.Info})
		}
	}
	p.revoke(e.T)
	if e.Note == "exit code 0" || e.Note == "SIGTERM" || strings.HasPrefix(e.Note, "stopped") {
		p.emit(history.Event{T: e.T, Type: history.OK, Op: history.OpClose, ID: p.nextID()})
	}
}

// Wire takes in one of the proxy's events.
func (d *Deducer) Wire(e history.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, struck := facts.Struck.Of(&e); struck {
		return
	}
	api := facts.API.Get(&e)
	d.seen.wire(e, api)
	p := d.programs[e.Proc]
	if p == nil || p.proc == "" {
		return
	}
	txnID := facts.TxnID.Get(&e)
	switch {
	case api == "Produce" && e.Type == history.Invoke:
		p.produce(e, p.inTxn(e, txnID))
	case api == "Produce":
		p.produced(e)
	case api == "EndTxn":
		p.endTxn(e, txnID)
	case api == "InitProducerID":
		p.initProducer(e, txnID)
	case api == "AddPartitionsToTxn", api == "AddOffsetsToTxn":
		if e.Type == history.Invoke {
			p.inTxn(e, txnID)
		}
	case api == "TxnOffsetCommit":
		p.request(e, history.OpSendOffsets, p.inTxn(e, txnID))
	case api == "OffsetCommit":
		p.request(e, history.OpCommitOffsets, 0)
	case api == "OffsetFetch" && e.Type == history.OK && len(e.Off) == 1 && e.Off[0] >= 0 && told(e):
		p.emit(
			history.Event{
				T:     e.T,
				Type:  history.OK,
				Op:    history.OpFetchOffsets,
				ID:    p.nextID(),
				Group: e.Group,
				TP:    e.TP,
				Off:   e.Off,
				Meta:  e.Meta,
			},
		)
	default:
		p.member(e, api)
	}
}

// told says whether the client heard the broker's own answer.
func told(e history.Event) bool { return facts.ToldClient.Get(&e) == facts.Passed }

func (p *program) nextID() int64 {
	p.lastID++
	return p.lastID
}

func (p *program) emit(e history.Event) {
	e.Src = history.SrcClient
	if e.Proc == "" {
		e.Proc = p.proc
	}
	p.d.record(p.client, e)
}

// inTxn is the number of the transaction that a request adds to, which begins with
// it if need be; 0 outside transactions.
func (p *program) inTxn(e history.Event, id string) int64 {
	if id == "" {
		return 0
	}
	t := p.txns[id]
	if t == nil {
		t = &txn{}
		p.txns[id] = t
	}
	if !t.open && e.Type == history.Invoke {
		p.nTxns++
		t.n, t.open = p.nTxns, true
		p.emit(history.Event{T: e.T, Type: history.OK, Op: history.OpBegin, ID: p.nextID(), Txn: t.n})
	}
	return t.n
}

func (p *program) endTxn(e history.Event, id string) {
	t := p.txns[id]
	if t == nil || !t.open {
		return // nothing was in it: Kafka allows to end that
	}
	if e.Type == history.Invoke {
		if t.end != nil {
			return // its own repetition
		}
		t.end = &operation{op: history.OpCommit, id: p.nextID(), txn: t.n}
		if e.Marker == "abort" {
			t.end.op = history.OpAbort
		}
		p.emit(history.Event{T: e.T, Type: history.Invoke, Op: t.end.op, ID: t.end.id, Txn: t.n})
		return
	}
	if t.end == nil || e.Type != history.OK || !told(e) || e.Err != nil && e.Err.Class == history.Retriable {
		return // the client does not know, and asks again
	}
	if e.Err != nil {
		e.Type = history.Fail
	}
	p.finish(t, e)
}

// finish ends a transaction as the client was told.
func (p *program) finish(t *txn, e history.Event) {
	p.emit(history.Event{T: e.T, Type: e.Type, Op: t.end.op, ID: t.end.id, Txn: t.n, Err: e.Err})
	t.open, t.end = false, nil
}

// initProducer also ends, at the broker, what the transactional id had open.
func (p *program) initProducer(e history.Event, id string) {
	if e.Type == history.OK && e.Err == nil && id != "" {
		if t := p.txns[id]; t != nil {
			if t.end != nil {
				p.finish(t, history.Event{T: e.T, Type: history.Info})
			}
			t.open = false
		}
	}
	p.request(e, history.OpInitProducer, 0)
}

// request is an operation that is one request and its answer.
func (p *program) request(e history.Event, op history.Op, txn int64) {
	if e.Type == history.Invoke {
		o := p.ops[e.ID]
		if o == nil {
			o = &operation{op: op, id: p.nextID(), txn: txn}
			p.ops[e.ID] = o
		}
		o.left++
		p.emit(
			history.Event{
				T:     e.T,
				Type:  history.Invoke,
				Op:    op,
				ID:    o.id,
				Txn:   txn,
				Group: e.Group,
				TP:    e.TP,
				Off:   e.Off,
				Meta:  e.Meta,
			},
		)
		return
	}
	switch {
	case e.Type == history.OK && !told(e):
		e.Type, e.Err = history.Info, nil
	case e.Type == history.OK && e.Err != nil:
		e.Type = history.Fail
	}
	p.end(e.ID, e)
}

// end ends an operation; the answer's partitions each have an event.
func (p *program) end(id int64, e history.Event) {
	o := p.ops[id]
	if o == nil {
		return // of an earlier incarnation
	}
	if o.left--; o.left == 0 {
		delete(p.ops, id)
	}
	out := history.Event{
		T:     e.T,
		Type:  e.Type,
		Op:    o.op,
		ID:    o.id,
		Txn:   o.txn,
		Group: e.Group,
		TP:    e.TP,
		Off:   e.Off,
		Meta:  e.Meta,
		Err:   e.Err,
	}
	if o.op == history.OpInitProducer {
		out.PID, out.Epoch, out.HasPID = e.PID, e.Epoch, e.HasPID
	}
	p.emit(out)
}

// member follows what the group gives and takes. What a member owned counts as
// given back when it joins again, though a cooperative one keeps some of it.
func (p *program) member(e history.Event, api string) {
	assigned, given := facts.Assigned.Of(&e)
	switch {
	case api == "JoinGroup" && e.Type == history.Invoke, api == "LeaveGroup" && e.Type == history.Invoke:
		p.group = e.Group
		p.revoke(e.T)
	case e.Type == history.OK && e.Err == nil && given && told(e):
		p.group = e.Group
		p.revoke(e.T)
		for _, text := range assigned {
			tp, ok := parseTopicPartition(text)
			if !ok {
				continue
			}
			p.owned[tp] = true
			p.emit(history.Event{T: e.T, Type: history.Info, Op: history.OpAssigned, ID: p.nextID(), Group: p.group, TP: tp})
		}
	}
}

func (p *program) revoke(t int64) {
	owned := slices.SortedFunc(
		maps.Keys(p.owned),
		func(a, b history.TopicPartition) int { return strings.Compare(a.String(), b.String()) },
	)
	for _, tp := range owned {
		p.emit(history.Event{T: t, Type: history.Info, Op: history.OpRevoked, ID: p.nextID(), Group: p.group, TP: tp})
	}
	clear(p.owned)
}
